/* SPDX-License-Identifier: Apache-2.0 */
#include "store/put.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/must.h"
#include "store/folder.h"
#include "store/version.h"

/* A folder that a delete removes (it was empty) between our making it and our using it is made
 * again, at most so often. */
#define TRIES_MAX      1000
/* A folder that is older than this has its name on the disk, or whoever made it has failed. */
#define FOLDER_YOUNG_S 120

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

/* The folder that key is in, all of the way made. *leaf: the last component, in key. *young: how
 * many folders down the first is whose name may not be on the disk; none: one more than there are.
 */
static int open_parent(const struct put *put, const char *key, const char **leaf, unsigned *young)
{
	char name[KEY_COMPONENT_BYTES_MAX + 1];
	int dir_fd = fcntl(put->bucket_fd, F_DUPFD_CLOEXEC, 0);
	unsigned depth = 1;
	bool is_any_young = false;

	*young = 0;
	if (dir_fd < 0)
		return -errno;
	for (*leaf = key; folder_next(leaf, name); depth++) {
		int next_fd = folder_open_or_make(put->sys, dir_fd, name);
		close(dir_fd);
		if (next_fd < 0)
			return next_fd;
		dir_fd = next_fd;
		if (!is_any_young && is_young(dir_fd)) {
			is_any_young = true;
			*young = depth;
		}
	}
	if (!is_any_young)
		*young = depth;
	return dir_fd;
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
	uint64_t random[2];
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -errno;
	snprintf(name, STORE_TEMP_BYTES, STORE_TEMP_PREFIX "%016llx%016llx",
		 (unsigned long long)random[0], (unsigned long long)random[1]);
	return 0;
}

/* Held until the file has the name that it is for, or until put_end: what is locked is not swept.
 */
static int lock(const struct put *put)
{
	return put->sys->flock(put->file_fd, LOCK_SH | LOCK_NB) < 0 ? -errno : 0;
}

/* A file with a name, for file systems without O_TMPFILE. */
static int named_file_make(struct put *put)
{
	struct stat st;

	for (int i = 0; i < TRIES_MAX; i++) {
		int r = temp_name_make(put->temp_name);
		if (r < 0)
			return r;
		put->file_fd = folder_open_file(put->sys, put->private_fd, put->temp_name,
						O_RDWR | O_CREAT | O_EXCL, STORE_FILE_MODE);
		if (put->file_fd < 0) {
			put->temp_name[0] = '\0';
			return put->file_fd;
		}
		r = lock(put);
		if (r < 0 && r != -EWOULDBLOCK)
			return r;
		if (r == 0 && fstat(put->file_fd, &st) == 0 && st.st_nlink > 0)
			return 0;
		close(put->file_fd); /* a sweep came between the two */
	}
	put->file_fd = -1;
	return -EAGAIN;
}

static bool is_removed(int dir_fd)
{
	struct stat st;
	return fstat(dir_fd, &st) == 0 && st.st_nlink == 0;
}

int put_begin(struct put *put, const struct store_sys *sys, int root_fd, const char *bucket,
	      bool is_durable)
{
	*put = (struct put){.sys = sys,
			    .is_durable = is_durable,
			    .bucket_fd = -1,
			    .private_fd = -1,
			    .file_fd = -1};
	put->bucket_fd = folder_open(sys, root_fd, bucket);
	if (put->bucket_fd < 0)
		return put->bucket_fd == -ENOTDIR ? -ENOENT : put->bucket_fd;
	put->private_fd = folder_open_or_make(sys, put->bucket_fd, STORE_PRIVATE);
	if (put->private_fd < 0)
		return put->private_fd;
	put->file_fd =
		folder_open_file(sys, put->private_fd, ".", O_RDWR | O_TMPFILE, STORE_FILE_MODE);
	if (put->file_fd == -EPERM && is_removed(put->private_fd))
		return -ENOENT; /* as some file systems say it */
	if (put->file_fd < 0 && put->file_fd != -EOPNOTSUPP && put->file_fd != -EISDIR)
		return put->file_fd;
	return put->file_fd < 0 ? named_file_make(put) : lock(put);
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

static int replace(struct put *put, int dir_fd, const char *leaf)
{
	if (put->temp_name[0] == '\0') {
		char name[STORE_TEMP_BYTES];
		int r = temp_name_make(name);
		if (r == 0)
			r = link_as(put, put->private_fd, name);
		if (r < 0)
			return r;
		memcpy(put->temp_name, name, sizeof(name));
	}
	if (put->sys->renameat(put->private_fd, put->temp_name, dir_fd, leaf) < 0)
		return errno == ENOTEMPTY ? -EISDIR : -errno;
	put->temp_name[0] = '\0'; /* it is the object's now */
	return 0;
}

/* Does the object that is there, open, meet the terms? */
static int meets(const struct put *put, const struct put_terms *terms, int fd,
		 const struct facts *facts)
{
	char etag[ETAG_BYTES];

	if (terms->mode != PUT_IF_PRESENT)
		return 0;
	if (!S_ISREG(facts->mode))
		return -ENOKEY;
	if (terms->etag == NULL)
		return 0;
	int r = version_read(put->sys, fd, facts, etag);
	return r < 0 ? r : strcmp(etag, terms->etag) == 0 ? 0 : -EKEYREJECTED;
}

/* In the place of what is there, if that meets the terms. */
static int replace_locked(struct put *put, int dir_fd, const char *leaf,
			  const struct put_terms *terms)
{
	struct facts facts;
	int lock_fd = folder_lock_file(put->sys, dir_fd, leaf, &facts);

	/* What is no file of ours to read (a symbolic link, another user's) is nobody's object:
	 * there is no ETag of it that anyone could rely on. */
	bool is_object = lock_fd != -ELOOP && lock_fd != -EACCES && lock_fd != -ENXIO;
	if (lock_fd < 0 && is_object)
		return lock_fd;
	int r = is_object                       ? meets(put, terms, lock_fd, &facts)
		: terms->mode == PUT_IF_PRESENT ? -ENOKEY
						: 0;
	if (r == 0)
		r = replace(put, dir_fd, leaf);
	if (lock_fd >= 0)
		close(lock_fd);
	return r;
}

/* The file under its name in dir_fd. Most objects are new: then this is one call. */
static int place(struct put *put, int dir_fd, const char *leaf, const struct put_terms *terms)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		int r = terms->mode == PUT_IF_PRESENT ? -EEXIST : link_as(put, dir_fd, leaf);
		if (r != -EEXIST || terms->mode == PUT_IF_ABSENT)
			return r;
		r = replace_locked(put, dir_fd, leaf, terms);
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
	if (put->temp_name[0] != '\0')
		put->sys->unlinkat(put->private_fd, put->temp_name, 0); /* else: store_sweep */
	put->temp_name[0] = '\0';
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
	if (r == 0 && etag == NULL && facts.modified.tv_nsec != times[1].tv_nsec) {
		r = version_make(made);
		etag = made;
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
		      const char **leaf, unsigned *young)
{
	if (terms->mode != PUT_IF_PRESENT)
		return open_parent(put, key, leaf, young);
	*young = 0;
	int fd = folder_open_parent(put->sys, put->bucket_fd, key, leaf);
	return fd == -ENOENT || fd == -ENOTDIR ? -ENOKEY : fd;
}

int put_commit(struct put *put, const char *key, const struct put_terms *terms,
	       const struct put_meta *meta)
{
	must(!store_key_is_private(key));
	int r = seal(put, meta);
	if (r == 0)
		r = fsync_of(put, put->file_fd, FSYNC_FILE);

	for (int i = 0; r == 0 && i < TRIES_MAX; i++) {
		const char *leaf = key;
		unsigned young = 0;
		int dir_fd = open_place(put, key, terms, &leaf, &young);
		if (dir_fd == -ENOENT)
			continue; /* a folder on the way was removed: again from the bucket */
		if (dir_fd < 0)
			return dir_fd;
		r = place(put, dir_fd, leaf, terms);
		bool is_placed = r == 0;
		if (is_placed)
			unlock(put);
		if (is_placed && put->is_durable)
			r = sync_way(put, key, young, dir_fd);
		close(dir_fd);
		if (is_placed || r != -ENOENT)
			return r;
		r = 0;
	}
	return r < 0 ? r : -ENOENT; /* the bucket itself was removed */
}

int put_commit_in(struct put *put, int dir_fd, const char *name, const struct put_meta *meta)
{
	static const struct put_terms terms = {.mode = PUT_REPLACES};
	int r = seal(put, meta);
	if (r == 0)
		r = fsync_of(put, put->file_fd, FSYNC_FILE);
	if (r == 0)
		r = place(put, dir_fd, name, &terms);
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
	if (put->temp_name[0] != '\0')
		put->sys->unlinkat(put->private_fd, put->temp_name, 0); /* else: store_sweep */
	const int fds[] = {put->file_fd, put->private_fd, put->bucket_fd};
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	put->file_fd = put->private_fd = put->bucket_fd = -1;
}

/* ---- After a crash --------------------------------------------------------------------------- */

/* 1: removed; 0: its writer lives, or it is gone; or a negative errno. */
static int sweep_one(const struct store_sys *sys, int private_fd, const char *name)
{
	int fd = folder_try_lock(sys, private_fd, name);
	if (fd < 0) /* EXDEV: renamed while it was opened; it is an object now */
		return fd == -ENOENT || fd == -EXDEV || fd == -EWOULDBLOCK ? 0 : fd;
	int r = sys->unlinkat(private_fd, name, 0) == 0 ? 1 : -errno;
	close(fd);
	return r == -ENOENT ? 0 : r;
}

int store_sweep(const struct store_sys *sys, int root_fd, const char *bucket, unsigned *count)
{
	struct folder_reader reader;
	const char *name;
	int r, error = 0;
	int bucket_fd = folder_open(sys, root_fd, bucket);

	if (bucket_fd < 0)
		return bucket_fd == -ENOTDIR ? -ENOENT : bucket_fd;
	int private_fd = folder_open(sys, bucket_fd, STORE_PRIVATE);
	close(bucket_fd);
	if (private_fd < 0)
		return private_fd == -ENOENT ? 0 : private_fd;
	folder_reader_init(&reader, sys, private_fd);
	while ((r = folder_read(&reader, &name)) == 1) {
		if (strncmp(name, STORE_TEMP_PREFIX, sizeof(STORE_TEMP_PREFIX) - 1) != 0)
			continue;
		int n = sweep_one(sys, private_fd, name);
		if (n < 0)
			error = n;
		*count += n > 0;
	}
	close(private_fd);
	return r < 0 ? r : error;
}
