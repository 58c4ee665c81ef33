/* SPDX-License-Identifier: Apache-2.0 */
#include "store/multipart.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/must.h"
#include "store/copy.h"
#include "store/folder.h"
#include "store/md5.h"
#include "store/meta.h"
#include "store/multipart_private.h"
#include "store/names.h"
#include "store/private.h"
#include "store/version.h"

/* A sweep may take a folder in the moment before it is locked. */
#define CREATE_TRIES_MAX 10
#define PART_BYTES       sizeof("part-00000")

bool upload_is_id(const char *text)
{
	return strlen(text) == UPLOAD_ID_BYTES - 1 &&
	       strspn(text, "0123456789abcdef") == UPLOAD_ID_BYTES - 1;
}

static void part_name(char name[PART_BYTES], unsigned number)
{
	must(number >= 1 && number <= UPLOAD_PARTS_MAX);
	snprintf(name, PART_BYTES, "part-%05u", number);
}

/* ---- Opening --------------------------------------------------------------------------------- */

int upload_open_private(const struct store_sys *sys, int root_fd, const char *bucket)
{
	int bucket_fd = folder_open(sys, root_fd, bucket);
	if (bucket_fd < 0)
		return bucket_fd == -ENOTDIR ? -ENOENT : bucket_fd;
	int private_fd = folder_open(sys, bucket_fd, STORE_PRIVATE);
	close(bucket_fd);
	return private_fd;
}

ssize_t upload_read_info(const struct store_sys *sys, int upload_fd, char info[UPLOAD_INFO_BYTES])
{
	int fd = folder_open_file(sys, upload_fd, "info", O_RDONLY, 0);
	if (fd < 0)
		return fd;
	ssize_t n = sys->pread(fd, info, UPLOAD_INFO_BYTES - 1, 0);
	int error = errno;
	close(fd);
	if (n < 0)
		return -error;
	info[n] = '\0';
	return memchr(info, '\0', (size_t)n) != NULL ? n : -EIO;
}

struct open_upload {
	int private_fd;
	int upload_fd;
	char info[UPLOAD_INFO_BYTES];
	const char *fields; /* in info */
	size_t fields_len;
};

static void upload_close(struct open_upload *upload)
{
	if (upload->upload_fd >= 0)
		close(upload->upload_fd);
	if (upload->private_fd >= 0)
		close(upload->private_fd);
	upload->upload_fd = upload->private_fd = -1;
}

/* upload_close in any case. */
static int upload_open(const struct upload_place *place, struct open_upload *upload)
{
	char name[UPLOAD_NAME_BYTES];

	upload->private_fd = upload->upload_fd = -1;
	if (!upload_is_id(place->id))
		return -ENOENT;
	upload->private_fd = upload_open_private(place->sys, place->root_fd, place->bucket);
	if (upload->private_fd < 0)
		return upload->private_fd;
	snprintf(name, sizeof(name), UPLOAD_PREFIX "%s", place->id);
	upload->upload_fd = folder_open(place->sys, upload->private_fd, name);
	if (upload->upload_fd < 0)
		return upload->upload_fd;
	ssize_t n = upload_read_info(place->sys, upload->upload_fd, upload->info);
	if (n < 0)
		return (int)n;
	if (strcmp(upload->info, place->key) != 0)
		return -ENOENT; /* the upload of another key */
	size_t key_bytes = strlen(upload->info) + 1;
	upload->fields = upload->info + key_bytes;
	upload->fields_len = (size_t)n - key_bytes;
	return 0;
}

int upload_check(const struct upload_place *place, struct checksum_plan *plan)
{
	struct open_upload upload;
	int r = upload_open(place, &upload);
	if (r == 0 && place->sys->futimens(upload.upload_fd, NULL) < 0)
		r = -errno;
	if (r == 0 && plan != NULL)
		r = upload_read_plan(place->sys, upload.upload_fd, plan);
	upload_close(&upload);
	return r;
}

/* By its name, still? What is open may have been ended, or swept, by another. */
static int check_again(const struct upload_place *place)
{
	struct open_upload again;
	int r = upload_open(place, &again);
	upload_close(&again);
	return r;
}

/* ---- Beginning ------------------------------------------------------------------------------- */

static int sync_fd(const struct upload_place *place, int fd, enum fsync_target target)
{
	return place->is_durable ? store_fsync(place->sys, fd, target) : 0;
}

int upload_write_file(const struct upload_place *place, int upload_fd, const char *name,
		      const char *text, size_t len)
{
	int fd = folder_open_file(place->sys, upload_fd, name, O_WRONLY | O_CREAT | O_EXCL,
				  STORE_FILE_MODE);
	if (fd < 0)
		return fd;
	int r = 0;
	for (size_t at = 0; r == 0 && at < len;) {
		ssize_t n = place->sys->pwrite(fd, text + at, len - at, (off_t)at);
		if (n <= 0)
			r = n < 0 ? -errno : -EIO;
		else
			at += (size_t)n;
	}
	if (r == 0)
		r = sync_fd(place, fd, FSYNC_FILE);
	close(fd);
	return r;
}

static int write_info(const struct upload_place *place, int upload_fd,
		      const struct put_text *fields, const struct checksum_plan *plan)
{
	size_t key_bytes = strlen(place->key) + 1;
	char info[UPLOAD_INFO_BYTES];

	must(key_bytes + fields->len < sizeof(info));
	memcpy(info, place->key, key_bytes);
	if (fields->len > 0)
		memcpy(info + key_bytes, fields->at, fields->len);
	int r = upload_write_file(place, upload_fd, "info", info, key_bytes + fields->len);
	if (r == 0)
		r = upload_write_plan(place, upload_fd, plan);
	return r == 0 ? sync_fd(place, upload_fd, FSYNC_FOLDER) : r;
}

static int create_in(const struct upload_place *place, int private_fd,
		     const struct put_text *fields, const struct checksum_plan *plan,
		     const char *id)
{
	char young[UPLOAD_NAME_BYTES], name[UPLOAD_NAME_BYTES];

	snprintf(young, sizeof(young), UPLOAD_YOUNG_PREFIX "%s", id);
	snprintf(name, sizeof(name), UPLOAD_PREFIX "%s", id);
	if (place->sys->mkdirat(private_fd, young, STORE_FOLDER_MODE) < 0)
		return -errno;
	int upload_fd = folder_open(place->sys, private_fd, young);
	if (upload_fd < 0) {
		place->sys->unlinkat(private_fd, young, AT_REMOVEDIR); /* else: upload_sweep */
		return upload_fd;
	}
	int r = 0;
	/* As long as it is held, no sweep takes it for what a crash has left. */
	if (place->sys->flock(upload_fd, LOCK_SH | LOCK_NB) < 0)
		r = errno == EWOULDBLOCK ? -ENOENT : -errno; /* one came first */
	if (r == 0)
		r = write_info(place, upload_fd, fields, plan);
	if (r == 0 && place->sys->renameat(private_fd, young, private_fd, name) < 0)
		r = -errno;
	if (r < 0)
		upload_remove_folder(place->sys, private_fd, young, upload_fd);
	close(upload_fd);
	return r < 0 ? r : sync_fd(place, private_fd, FSYNC_FOLDER);
}

/* One try. -ENOENT: its folder, or the private one, was removed before anything was in it. */
static int create_below(const struct upload_place *place, int bucket_fd,
			const struct put_text *fields, const struct checksum_plan *plan,
			char id[UPLOAD_ID_BYTES])
{
	int private_fd =
		private_open(place->sys, bucket_fd, NULL, PRIVATE_OF_BUCKET, place->is_durable);
	if (private_fd < 0)
		return private_fd;
	int r = store_random(id);
	if (r == 0)
		r = create_in(place, private_fd, fields, plan, id);
	close(private_fd);
	return r;
}

int upload_create(const struct upload_place *place, const struct put_text *fields,
		  const struct checksum_plan *plan, char id[UPLOAD_ID_BYTES])
{
	int bucket_fd = folder_open(place->sys, place->root_fd, place->bucket);
	if (bucket_fd < 0)
		return bucket_fd == -ENOTDIR ? -ENOENT : bucket_fd;
	int r = -ENOENT;
	for (int i = 0; r == -ENOENT && i < CREATE_TRIES_MAX; i++)
		r = create_below(place, bucket_fd, fields, plan, id);
	if (r == 0)
		r = sync_fd(place, bucket_fd, FSYNC_FOLDER); /* the private folder may be young */
	close(bucket_fd);
	return r;
}

int upload_part_commit(const struct upload_place *place, struct put *put, unsigned number,
		       const struct put_meta *meta)
{
	struct open_upload upload;
	char name[PART_BYTES];

	part_name(name, number);
	int r = upload_open(place, &upload);
	if (r == 0)
		r = put_commit_in(put, upload.upload_fd, name, meta);
	/* A sweep hides an upload and then looks whether a part has come, a part comes and then
	 * looks whether the upload is hidden: one of them sees the other. */
	if (r == 0)
		r = check_again(place);
	upload_close(&upload);
	return r;
}

/* ---- Completing ------------------------------------------------------------------------------ */

/* Out of sight at once; then taken apart. */
static int retire(const struct upload_place *place, const struct open_upload *upload)
{
	char name[UPLOAD_NAME_BYTES], gone[UPLOAD_NAME_BYTES];

	snprintf(name, sizeof(name), UPLOAD_PREFIX "%s", place->id);
	snprintf(gone, sizeof(gone), UPLOAD_GONE_PREFIX "%s", place->id);
	if (place->sys->renameat(upload->private_fd, name, upload->private_fd, gone) < 0)
		return -errno;
	/* What cannot be removed: upload_sweep. */
	upload_remove_folder(place->sys, upload->private_fd, gone, upload->upload_fd);
	return 0;
}

/* Is the object of this key the one that this upload has made? 1: and *made is of it; 0; or a
 * negative errno. */
static int is_made_already(const struct upload_place *place, struct upload_made *made)
{
	char path[OBJECT_PATH_BYTES], made_by[META_BYTES_MAX];
	struct facts facts;

	if (!upload_is_id(place->id))
		return 0;
	object_path(path, place->bucket, place->key);
	int fd = folder_open_file(place->sys, place->root_fd, path, O_RDONLY | O_NONBLOCK, 0);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP || fd == -ENXIO || fd == -EACCES)
		return 0; /* no object, or nothing that we have made */
	if (fd < 0)
		return fd;
	int n = meta_get(place->sys, fd, META_UPLOAD, made_by);
	int r = n < 0 && n != -ERANGE ? n : 0;
	bool is_made = n == UPLOAD_ID_BYTES - 1 && memcmp(made_by, place->id, (size_t)n) == 0;
	if (is_made)
		r = facts_of_fd(place->sys, fd, &facts);
	if (is_made && r == 0)
		r = version_read(place->sys, fd, &facts, made->stamp.etag);
	if (is_made && r == 0)
		r = checksum_kept(place->sys, fd, &facts, &made->checksum);
	close(fd);
	if (r < 0 || !is_made)
		return r;
	made->stamp.modified = facts.modified.tv_sec;
	return 1;
}

/* The object is there, and so is the upload still: whoever made it has died, or its last fsync has
 * failed. */
static int finish(const struct upload_place *place, const struct open_upload *upload)
{
	int r = place->is_durable
			? put_sync_way(place->sys, place->root_fd, place->bucket, place->key)
			: 0;
	if (r == 0)
		retire(place, upload);
	return r;
}

int upload_open_part(const struct upload_place *place, int upload_fd,
		     const struct upload_part *part, struct facts *facts)
{
	char name[PART_BYTES], etag[ETAG_BYTES];

	part_name(name, part->number);
	int fd = folder_open_file(place->sys, upload_fd, name, O_RDONLY, 0);
	if (fd < 0)
		return fd == -ENOENT ? -EBADE : fd;
	int r = facts_of_fd(place->sys, fd, facts);
	if (r == 0)
		r = version_read(place->sys, fd, facts, etag);
	if (r == 0 && strcmp(etag, part->etag) != 0) {
		version_of_0_1(facts, etag); /* begun before an upgrade */
		r = strcmp(etag, part->etag) == 0 ? 0 : -EBADE;
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* The MD5 of a part that is open; kept with it, or computed. */
static int md5_of_part(const struct upload_place *place, int fd, uint8_t md5[MD5_BYTES])
{
	char etag[ETAG_BYTES];
	struct facts facts;

	int r = facts_of_fd(place->sys, fd, &facts);
	if (r == 0)
		r = version_read(place->sys, fd, &facts, etag);
	if (r < 0)
		return r;
	return md5_of_etag(etag, md5) ? 0 : md5_of_file(place->sys, fd, md5);
}

/* md5s: room for one of each part; NULL: not wanted. */
static int assemble(const struct upload_place *place, const struct open_upload *upload,
		    const struct upload_whole *whole, int file_fd, uint8_t (*md5s)[MD5_BYTES])
{
	struct facts facts;
	uint64_t at = 0;

	for (unsigned i = 0; i < whole->part_count; i++) {
		int fd = upload_open_part(place, upload->upload_fd, &whole->part[i], &facts);
		if (fd < 0)
			return fd;
		int r = copy_range(place->sys, fd, 0, facts.size, file_fd, at);
		if (r == 0 && md5s != NULL)
			r = md5_of_part(place, fd, md5s[i]);
		close(fd);
		if (r < 0)
			return r;
		at += facts.size;
	}
	return 0;
}

static int etag_of_parts(uint8_t (*md5s)[MD5_BYTES], unsigned count, char etag[ETAG_BYTES])
{
	uint8_t md5[MD5_BYTES];
	int r = md5_of_bytes(md5s, count * sizeof(*md5s), md5);

	if (r == 0)
		md5_etag(md5, count, etag);
	return r;
}

static int make_object(const struct upload_place *place, const struct open_upload *upload,
		       const struct upload_whole *whole, struct upload_found *found,
		       struct object_stamp *stamp)
{
	char checksum[CHECKSUM_FIELD_BYTES];
	checksum_field(&found->checksum, checksum);
	struct put_meta meta = {
		.fields = {upload->fields, upload->fields_len},
		.checksums = {checksum, strlen(checksum)},
		.upload = {place->id, strlen(place->id)},
		.parts = {found->sizes.at, parts_end(&found->sizes)},
		.part_sums = {found->sums, strlen(found->sums)},
	};
	uint8_t(*md5s)[MD5_BYTES] = NULL;
	char etag[ETAG_BYTES];
	struct put put;

	int r = put_begin(&put, place->sys, place->root_fd, place->bucket, place->key,
			  place->is_durable);
	if (r == 0 && place->has_md5_etags) {
		md5s = calloc(whole->part_count + 1, sizeof(*md5s));
		meta.etag = etag;
		r = md5s != NULL ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = assemble(place, upload, whole, put.file_fd, md5s);
	if (r == 0 && md5s != NULL)
		r = etag_of_parts(md5s, whole->part_count, etag);
	if (r == 0)
		r = put_commit(&put, place->key, whole->terms, &meta);
	*stamp = put.stamp;
	put_end(&put);
	free(md5s);
	return r;
}

/* Among those who would complete or abort it, one at a time. A descriptor to be closed; -ENOENT:
 * another has, meanwhile. */
static int lock_upload(const struct upload_place *place, const struct open_upload *upload)
{
	struct facts facts;
	int lock_fd = folder_lock_file(place->sys, upload->upload_fd, "info", &facts);
	if (lock_fd < 0)
		return lock_fd;
	int r = check_again(place);
	if (r < 0) {
		close(lock_fd);
		return r;
	}
	return lock_fd;
}

int upload_complete(const struct upload_place *place, const struct upload_whole *whole,
		    struct upload_made *made)
{
	struct open_upload upload;
	struct upload_found found;

	*made = (struct upload_made){0};
	int r = upload_open(place, &upload);
	int lock_fd = r == 0 ? lock_upload(place, &upload) : -1;
	if (r == 0 && lock_fd < 0)
		r = lock_fd;
	int is_made = r == 0 || r == -ENOENT ? is_made_already(place, made) : 0;
	if (is_made < 0) {
		r = is_made;
	} else if (is_made == 1) {
		r = r == 0 ? finish(place, &upload) : 0;
	} else if (r == 0) {
		r = upload_check_parts(place, upload.upload_fd, whole, &found);
		if (r == 0)
			r = make_object(place, &upload, whole, &found, &made->stamp);
		if (r == 0) {
			made->checksum = found.checksum;
			retire(place, &upload);
		}
	}
	if (lock_fd >= 0)
		close(lock_fd);
	upload_close(&upload);
	return r;
}

int upload_abort(const struct upload_place *place)
{
	struct open_upload upload;
	int r = upload_open(place, &upload);
	int lock_fd = r == 0 ? lock_upload(place, &upload) : -1;

	if (r == 0)
		r = lock_fd < 0 ? lock_fd : retire(place, &upload);
	if (r == 0)
		r = sync_fd(place, upload.private_fd, FSYNC_FOLDER);
	if (lock_fd >= 0)
		close(lock_fd);
	upload_close(&upload);
	return r;
}

/* ---- Listing parts --------------------------------------------------------------------------- */

/* What is told of a part that is open. */
static int look_at_part(const struct upload_place *place, int fd, const struct facts *facts,
			struct upload_part *part)
{
	int r = version_read(place->sys, fd, facts, part->etag);
	if (r == 0)
		r = checksum_kept(place->sys, fd, facts, &part->checksum);
	return r == -EBADMSG ? 0 : r;
}

/* 1: *part is it; 0: there is none of this number; or a negative errno. */
static int find_part(const struct upload_place *place, int upload_fd, unsigned number,
		     struct upload_part *part)
{
	char name[PART_BYTES];
	struct facts facts;

	part_name(name, number);
	*part = (struct upload_part){.number = number};
	int r = facts_of_name(place->sys, upload_fd, name, &facts);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (meta_is_marked(facts.mode)) {
		int fd = folder_open_file(place->sys, upload_fd, name, O_RDONLY, 0);
		r = fd < 0 ? fd : facts_of_fd(place->sys, fd, &facts);
		if (r == 0)
			r = look_at_part(place, fd, &facts, part);
		if (fd >= 0)
			close(fd);
	} else {
		version_tell(&facts, part->etag);
	}
	part->size = facts.size;
	part->modified = facts.modified.tv_sec;
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

int upload_parts(const struct upload_place *place, unsigned after, struct upload_parts_page *page)
{
	struct open_upload upload;
	struct upload_part part;
	unsigned count = 0;
	int r = upload_open(place, &upload);

	page->is_truncated = false;
	if (r == 0)
		r = upload_read_plan(place->sys, upload.upload_fd, &page->plan);
	/* Ten thousand numbers at most: asking for each is simpler than reading and sorting. */
	for (unsigned number = after + 1; r >= 0 && number <= UPLOAD_PARTS_MAX; number++) {
		r = find_part(place, upload.upload_fd, number, &part);
		page->is_truncated = r == 1 && count == page->max;
		if (page->is_truncated)
			break;
		if (r == 1)
			page->part[count++] = part;
	}
	upload_close(&upload);
	return r < 0 ? r : (int)count;
}
