/* SPDX-License-Identifier: Apache-2.0 */
#include "store/put.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/must.h"
#include "store/folder.h"
#include "store/private.h"
#include "store/version.h"

/* A folder that a delete removes (it was empty) between our making it and our using it is made
 * again, at most so often. */
#define TRIES_MAX        1000
#define COARSE_EARLIER_S 2
/* A folder that is older than this has its name on the disk, or whoever made it has failed. */
#define FOLDER_YOUNG_S   120

/* ---- Folders --------------------------------------------------------------------------------- */

static int fsync_of(const struct put *put, int fd, enum fsync_target target)
{
	return put->is_durable ? store_fsync(put->sys, fd, target) : 0;
}

/* Could this folder's own name be lost with the power? It is on the disk when whoever made it has
 * answered; that may be another server, which has not yet. */
static bool is_young(int dir_fd)
{
	struct statx st;
	struct timespec now;
	if (statx(dir_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BTIME, &st) < 0 ||
	    (st.stx_mask & STATX_BTIME) == 0)
		return true;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	int64_t age_s = (int64_t)now.tv_sec - st.stx_btime.tv_sec;
	return age_s < FOLDER_YOUNG_S;
}

/* The way to an object, in folders down from the bucket: 1 is the first component of its key. */
struct way {
	const char *leaf; /* the name in the last folder */
	unsigned young;   /* the first whose name may not be on the disk; one too many: none */
	unsigned made;    /* the first that was made for this object; 0: none */
};

/* The folder that key is in, all of the way made. way->made: also where it fails, and never more
 * than it was. */
static int open_parent(const struct put *put, const char *key, struct way *way)
{
	char name[KEY_COMPONENT_BYTES_MAX + 1];
	int dir_fd = fcntl(put->bucket_fd, F_DUPFD_CLOEXEC, 0);
	unsigned depth = 1;
	bool is_any_young = false, is_made;

	way->young = 0;
	if (dir_fd < 0)
		return -errno;
	for (way->leaf = key; folder_next(&way->leaf, name); depth++) {
		int next_fd = folder_open_or_make(put->sys, dir_fd, name, &is_made);
		close(dir_fd);
		if (is_made && (way->made == 0 || depth < way->made))
			way->made = depth;
		if (next_fd < 0)
			return next_fd;
		dir_fd = next_fd;
		if (!is_any_young && is_young(dir_fd)) {
			is_any_young = true;
			way->young = depth;
		}
	}
	way->leaf = store_leaf(way->leaf);
	if (!is_any_young)
		way->young = depth;
	return dir_fd;
}

/* Nothing came into the folders that were made for it: S3 has no empty folders, and a bucket with
 * one would not be empty. */
static void unmake_way(const struct put *put, const char *key, const struct way *way)
{
	int left_fd = way->made > 0 ? folder_prune(put->sys, put->bucket_fd, key, way->made) : -1;
	if (left_fd >= 0)
		close(left_fd);
}

/* Every name on the way to key on the disk, from the one of folder number young on; dir_fd is the
 * folder that it is in. A folder on the way can go only when another removes the object again. */
static int sync_way(const struct put *put, const char *key, unsigned young, int dir_fd)
{
	char name[KEY_COMPONENT_BYTES_MAX + 1];
	int way_fd = fcntl(put->bucket_fd, F_DUPFD_CLOEXEC, 0);
	int r = way_fd < 0 ? -errno : fsync_of(put, dir_fd, FSYNC_FOLDER);

	for (unsigned depth = 1; r == 0 && folder_next(&key, name); depth++) {
		if (depth >= young)
			r = fsync_of(put, way_fd, FSYNC_FOLDER);
		int next_fd = r == 0 ? folder_open(put->sys, way_fd, name) : -1;
		if (r == 0 && next_fd < 0)
			r = next_fd == -ENOENT ? 0 : next_fd; /* deleted again, by another */
		close(way_fd);
		way_fd = next_fd;
		if (next_fd < 0)
			break;
	}
	if (way_fd >= 0)
		close(way_fd);
	return r;
}

/* ---- The file -------------------------------------------------------------------------------- */

static int temp_name_make(char name[STORE_TEMP_BYTES])
{
	memcpy(name, STORE_TEMP_PREFIX, sizeof(STORE_TEMP_PREFIX) - 1);
	return store_random(name + sizeof(STORE_TEMP_PREFIX) - 1);
}

/* Held until the file has the name that it is for, or until put_end: what is locked is not swept.
 */
static int lock(const struct put *put)
{
	return put->sys->flock(put->file_fd, LOCK_SH | LOCK_NB) < 0 ? -errno : 0;
}

static bool is_removed(int dir_fd)
{
	struct stat st;
	return fstat(dir_fd, &st) == 0 && st.st_nlink == 0;
}

/* With its name in a private folder; what cannot be removed: store_sweep. */
static void drop_name(struct put *put)
{
	if (put->temp_name[0] != '\0')
		put->sys->unlinkat(put->private_fd, put->temp_name, 0);
	put->temp_name[0] = '\0';
	if (put->private_fd >= 0)
		close(put->private_fd);
	put->private_fd = -1;
}

static void drop_file(struct put *put)
{
	drop_name(put);
	if (put->file_fd >= 0)
		close(put->file_fd);
	put->file_fd = -1;
}

/* One try. -ENOENT: the private folder was removed (or the bucket was, or a sweep took the file
 * before it was locked). */
static int named_file_try(struct put *put, const char *key)
{
	struct stat st;

	int r = temp_name_make(put->temp_name);
	if (r == 0)
		r = put->private_fd = private_open(put->sys, put->bucket_fd, key, PRIVATE_OF_MOUNT,
						   put->is_durable);
	if (r >= 0)
		r = put->file_fd = folder_open_file(put->sys, put->private_fd, put->temp_name,
						    O_RDWR | O_CREAT | O_EXCL, STORE_FILE_MODE);
	if (r < 0) {
		put->temp_name[0] = '\0'; /* there is no such file */
		return r;
	}
	r = lock(put);
	if (r == 0 && fstat(put->file_fd, &st) == 0 && st.st_nlink > 0)
		return 0;
	return r == 0 || r == -EWOULDBLOCK ? -ENOENT : r;
}

/* A file with a name, for file systems without O_TMPFILE. */
static int named_file_make(struct put *put, const char *key)
{
	int r = -ENOENT;

	for (int i = 0; r == -ENOENT && i < TRIES_MAX && !is_removed(put->bucket_fd); i++) {
		drop_file(put);
		r = named_file_try(put, key);
	}
	return r;
}

/* Whether a folder cannot be entered is the commit's to tell. -EPERM: it was just removed, as some
 * file systems say it. */
static bool is_no_folder(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ELOOP || error == -ENAMETOOLONG ||
	       error == -EPERM;
}

/* In the deepest folder that is there on the way to key, and so in the file system where the object
 * will be, under the quota and with the group of its place. */
static int unnamed_file_make(struct put *put, const char *key)
{
	char path[OBJECT_KEY_BYTES_MAX + 1];

	snprintf(path, sizeof(path), "%s", key != NULL ? key : STORE_PRIVATE "/");
	do {
		char *slash = strrchr(path, '/');
		*(slash != NULL ? slash : path) = '\0';
		put->file_fd =
			folder_open_file(put->sys, put->bucket_fd, *path != '\0' ? path : ".",
					 O_RDWR | O_TMPFILE, STORE_FILE_MODE);
	} while (*path != '\0' && is_no_folder(put->file_fd));
	if (put->file_fd == -EPERM && is_removed(put->bucket_fd))
		return -ENOENT;
	return put->file_fd < 0 ? put->file_fd : 0;
}

/* May its file system lose what is linked from no name? One that came after the trial, too. */
static bool must_have_name(const struct put *put)
{
	struct stat st;
	return put->sys->unnamed != NULL &&
	       (fstat(put->file_fd, &st) < 0 || !store_devices_have(put->sys->unnamed, st.st_dev));
}

int put_begin(struct put *put, const struct store_sys *sys, int root_fd, const char *bucket,
	      const char *key, bool is_durable)
{
	*put = (struct put){.sys = sys,
			    .is_durable = is_durable,
			    .bucket_fd = -1,
			    .private_fd = -1,
			    .file_fd = -1};
	put->bucket_fd = folder_open(sys, root_fd, bucket);
	if (put->bucket_fd < 0)
		return put->bucket_fd == -ENOTDIR ? -ENOENT : put->bucket_fd;
	int r = unnamed_file_make(put, key);
	if (r == 0 && must_have_name(put)) {
		close(put->file_fd);
		put->file_fd = -1;
		r = -EOPNOTSUPP;
	}
	if (r == -EOPNOTSUPP || r == -EISDIR)
		return named_file_make(put, key);
	return r == 0 ? lock(put) : r;
}

/* Another name for the file. */
static int link_as(const struct put *put, int dir_fd, const char *name)
{
	char path[32];
	int r;

	if (put->temp_name[0] != '\0') {
		r = put->sys->linkat(put->private_fd, put->temp_name, dir_fd, name, 0);
	} else {
		/* AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH (open(2), O_TMPFILE). */
		snprintf(path, sizeof(path), "/proc/self/fd/%d", put->file_fd);
		r = put->sys->linkat(AT_FDCWD, path, dir_fd, name, AT_SYMLINK_FOLLOW);
	}
	return r < 0 ? -errno : 0;
}

/* The file gets a name in this private folder, in the place of the one it may have had. */
static int name_file(struct put *put, const char *key, enum private_place place)
{
	char name[STORE_TEMP_BYTES];
	int fd = -1, r = temp_name_make(name);

	if (r < 0)
		return r;
	r = -ENOENT; /* the folder was removed before anything was in it: again */
	for (int i = 0; r == -ENOENT && i < TRIES_MAX && !is_removed(put->bucket_fd); i++) {
		fd = private_open(put->sys, put->bucket_fd, key, place, put->is_durable);
		r = fd < 0 ? fd : link_as(put, fd, name);
		if (r < 0 && fd >= 0)
			close(fd);
	}
	if (r < 0)
		return r;
	drop_name(put);
	put->private_fd = fd;
	memcpy(put->temp_name, name, sizeof(name));
	return 0;
}

static int rename_file(struct put *put, int dir_fd, const char *leaf)
{
	if (put->sys->renameat(put->private_fd, put->temp_name, dir_fd, leaf) < 0)
		return errno == ENOTEMPTY ? -EISDIR : -errno;
	put->temp_name[0] = '\0'; /* it is the object's now */
	return 0;
}

/* From the bucket's private folder, if rename leads from there to the object; else from nearer. */
static int replace(struct put *put, int dir_fd, const char *leaf, const char *key)
{
	bool has_name = put->temp_name[0] != '\0';
	unsigned place = has_name ? PRIVATE_OF_FOLDER : PRIVATE_OF_BUCKET;
	int r = has_name ? rename_file(put, dir_fd, leaf) : -EXDEV;

	for (; r == -EXDEV && place < PRIVATE_PLACES; place++) {
		r = name_file(put, key, place);
		if (r == 0)
			r = rename_file(put, dir_fd, leaf);
	}
	return r;
}

/* In the place of what is there, if that meets the terms. */
static int replace_locked(struct put *put, int dir_fd, const char *leaf, const char *key,
			  const struct put_terms *terms)
{
	struct facts facts;
	int lock_fd = folder_lock_file(put->sys, dir_fd, leaf, &facts);

	/* What is no file of ours to read (a symbolic link, another user's) is nobody's object:
	 * there is no ETag of it that anyone could rely on. */
	bool is_object = lock_fd != -ELOOP && lock_fd != -EACCES && lock_fd != -ENXIO;
	if (lock_fd < 0 && is_object)
		return lock_fd;
	int r = is_object                       ? terms_check(put->sys, terms, lock_fd, &facts)
		: terms->mode == PUT_IF_PRESENT ? -ENOKEY
						: 0;
	if (r == 0)
		r = replace(put, dir_fd, leaf, key);
	if (lock_fd >= 0)
		close(lock_fd);
	return r;
}

/* The file under its name in dir_fd. key: of the object; NULL: it is in the bucket's private
 * folder. Most objects are new: then this is one call. */
static int place(struct put *put, int dir_fd, const char *leaf, const char *key,
		 const struct put_terms *terms)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		int r = terms->mode == PUT_IF_PRESENT ? -EEXIST : link_as(put, dir_fd, leaf);
		if (r != -EEXIST || terms->mode == PUT_IF_ABSENT)
			return r;
		r = replace_locked(put, dir_fd, leaf, key, terms);
		if (r != -ENOENT)
			return r;
		if (terms->mode == PUT_IF_PRESENT)
			return -ENOKEY;
		/* It was removed meanwhile: new again. Or the folder was, and link says so. */
	}
	return -EAGAIN;
}

/* It has the name that it is for: whoever replaces or removes it next need not wait for us. */
static void unlock(struct put *put)
{
	drop_name(put);
	put->sys->flock(put->file_fd, LOCK_UN);
}

/* ---- What is told of the file ---------------------------------------------------------------- */

/* What an object can be without: not where there is no room for it beside the others. */
static int set_if_fits(const struct put *put, const struct facts *facts, const char *name,
		       const struct put_text *text)
{
	int r = meta_set_bound(put->sys, put->file_fd, name, facts, text->at, text->len);
	return r == -ENOSPC || r == -E2BIG || r == -ERANGE ? 0 : r;
}

/* Sets its attributes, and the mark that says that it has some. */
static int set_meta(struct put *put, const struct facts *facts, const struct put_meta *meta,
		    const char *etag)
{
	const struct store_sys *sys = put->sys;
	const int fd = put->file_fd;

	if (meta->fields.len + meta->checksums.len + meta->upload.len + meta->parts.len == 0 &&
	    etag == NULL)
		return 0;
	int r = meta_set(sys, fd, META_FIELDS, meta->fields.at, meta->fields.len);
	if (r == 0)
		r = meta_set_bound(sys, fd, META_CHECKSUMS, facts, meta->checksums.at,
				   meta->checksums.len);
	if (r == 0)
		r = meta_set(sys, fd, META_UPLOAD, meta->upload.at, meta->upload.len);
	if (r == 0 && etag != NULL)
		r = version_keep(sys, fd, facts, etag);
	if (r == 0)
		r = set_if_fits(put, facts, META_PARTS, &meta->parts);
	if (r == 0)
		r = set_if_fits(put, facts, META_PART_SUMS, &meta->part_sums);
	return r == 0 ? meta_mark(sys, fd, facts->mode) : r;
}

/* Its own time, and so its version; where the file system is too coarse for that, a version that is
 * kept with it. meta NULL: nothing else is. */
static int seal(struct put *put, const struct put_meta *meta)
{
	static const struct put_meta none = {0};
	struct timespec times[2];
	struct facts facts;
	char made[ETAG_BYTES];

	meta = meta != NULL ? meta : &none;
	const char *etag = meta->etag;
	int r = facts_of_fd(put->sys, put->file_fd, &facts);
	if (r < 0)
		return r;
	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[1] = version_mark(&facts, &times[0], etag != NULL);
	if (put->sys->futimens(put->file_fd, times) < 0)
		return -errno;
	r = facts_of_fd(put->sys, put->file_fd, &facts);
	bool is_coarse = r == 0 && facts.modified.tv_nsec != times[1].tv_nsec;
	if (is_coarse && etag == NULL) {
		r = version_make(made);
		etag = made;
	}
	if (r == 0 && is_coarse) {
		/* A time that no write can have again: an edit within this second must not be taken
		 * for this one. */
		times[1] = (struct timespec){.tv_sec = times[1].tv_sec - COARSE_EARLIER_S};
		r = put->sys->futimens(put->file_fd, times) < 0
			    ? -errno
			    : facts_of_fd(put->sys, put->file_fd, &facts);
	}
	if (r == 0)
		r = set_meta(put, &facts, meta, etag);
	if (r < 0)
		return r;
	put->stamp.modified = facts.modified.tv_sec;
	if (etag != NULL)
		memcpy(put->stamp.etag, etag, strlen(etag) + 1);
	else
		version_tell(&facts, put->stamp.etag);
	return 0;
}

/* The folder for the key's last component; made, unless the object must be there already. */
static int open_place(const struct put *put, const char *key, const struct put_terms *terms,
		      struct way *way)
{
	if (terms->mode != PUT_IF_PRESENT)
		return open_parent(put, key, way);
	way->young = 0;
	int fd = folder_open_parent(put->sys, put->bucket_fd, key, &way->leaf);
	return fd == -ENOENT || fd == -ENOTDIR ? -ENOKEY : fd;
}

/* -ENOENT: a folder on the way was removed: again from the bucket. *is_placed: it is there. */
static int place_on_way(struct put *put, const char *key, const struct put_terms *terms,
			struct way *way, bool *is_placed)
{
	*is_placed = false;
	int dir_fd = open_place(put, key, terms, way);
	if (dir_fd < 0)
		return dir_fd;
	int r = place(put, dir_fd, way->leaf, key, terms);
	*is_placed = r == 0;
	if (r == 0)
		unlock(put);
	if (r == 0 && put->is_durable)
		r = sync_way(put, key, way->young, dir_fd);
	close(dir_fd);
	return r;
}

int put_commit(struct put *put, const char *key, const struct put_terms *terms,
	       const struct put_meta *meta)
{
	must(!store_key_is_private(key));
	int r = seal(put, meta);
	if (r == 0)
		r = fsync_of(put, put->file_fd, FSYNC_FILE);

	struct way way = {.leaf = key};
	bool is_placed = false;
	if (r < 0)
		return r;
	r = -ENOENT; /* for ever: the bucket itself was removed */
	for (int i = 0; !is_placed && r == -ENOENT && i < TRIES_MAX; i++)
		r = place_on_way(put, key, terms, &way, &is_placed);
	if (!is_placed)
		unmake_way(put, key, &way);
	return r;
}

int put_commit_in(struct put *put, int dir_fd, const char *name, const struct put_meta *meta)
{
	static const struct put_terms terms = {.mode = PUT_REPLACES};
	int r = seal(put, meta);
	if (r == 0)
		r = fsync_of(put, put->file_fd, FSYNC_FILE);
	if (r == 0)
		r = place(put, dir_fd, name, NULL, &terms);
	if (r == 0)
		unlock(put);
	return r == 0 ? fsync_of(put, dir_fd, FSYNC_FOLDER) : r;
}

int put_sync_way(const struct store_sys *sys, int root_fd, const char *bucket, const char *key)
{
	const char *leaf;
	struct put way = {.sys = sys, .is_durable = true};

	way.bucket_fd = folder_open(sys, root_fd, bucket);
	int r = way.bucket_fd;
	if (r >= 0) {
		int dir_fd = folder_open_parent(sys, way.bucket_fd, key, &leaf);
		r = dir_fd < 0 ? dir_fd : sync_way(&way, key, 0, dir_fd);
		if (dir_fd >= 0)
			close(dir_fd);
		close(way.bucket_fd);
	}
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

void put_end(struct put *put)
{
	drop_file(put);
	if (put->bucket_fd >= 0)
		close(put->bucket_fd);
	put->bucket_fd = -1;
}
