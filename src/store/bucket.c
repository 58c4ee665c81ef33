/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bucket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "store/folder.h"
#include "store/multipart.h"
#include "store/private.h"

int bucket_make(const struct store_sys *sys, int root_fd, const char *bucket, bool is_durable)
{
	int r = sys->mkdirat(root_fd, bucket, STORE_FOLDER_MODE) < 0 ? -errno : 0;

	/* One that is there may be another server's of this moment, whose fsync is to come: but who
	 * hears from us that it is there goes on and fills it. */
	if ((r < 0 && r != -EEXIST) || !is_durable)
		return r;
	int synced = store_fsync(sys, root_fd, FSYNC_FOLDER);
	if (synced < 0 && r == 0)
		sys->unlinkat(root_fd, bucket, AT_REMOVEDIR);
	return synced < 0 ? synced : r;
}

/* What a folder holds first, but for the private folder of the bucket: DT_DIR and its name, another
 * DT_..., or -ENOENT: nothing. */
static int first_entry(const struct store_sys *sys, int dir_fd, bool is_top,
		       char out[KEY_COMPONENT_BYTES_MAX + 1])
{
	struct folder_reader reader;
	const char *name;
	int r, type = DT_UNKNOWN;

	folder_reader_init(&reader, sys, dir_fd);
	while ((r = folder_read(&reader, &name)) == 1) {
		if (is_top && strcmp(name, STORE_PRIVATE) == 0)
			continue;
		type = folder_read_type(&reader, name);
		if (type != DT_UNKNOWN)
			break;
	}
	if (r <= 0 || type < 0)
		return r < 0 ? r : type < 0 ? type : -ENOENT;
	memcpy(out, name, strlen(name) + 1); /* NAME_MAX */
	return type;
}

static bool is_mounted(int dir_fd)
{
	struct statx st;
	return statx(dir_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static int remove_folder(const struct store_sys *sys, int bucket_fd, const char *path)
{
	const char *name;
	int dir_fd = folder_open_parent(sys, bucket_fd, path, &name);

	if (dir_fd < 0)
		return dir_fd;
	int r = sys->unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
	close(dir_fd);
	return r == -EEXIST || r == -ENOTDIR ? -ENOTEMPTY : r;
}

/* Removes all below a bucket that is not in a listing of it: folders, as deep as a key can be.
 * Whatever else is there, an object or not, ends it: -ENOTEMPTY. */
static int remove_folders(const struct store_sys *sys, int bucket_fd)
{
	char path[OBJECT_KEY_BYTES_MAX + 1] = "", name[KEY_COMPONENT_BYTES_MAX + 1];

	for (;;) {
		size_t len = strlen(path);
		int dir_fd = folder_open(sys, bucket_fd, len > 0 ? path : ".");
		int type = dir_fd < 0           ? dir_fd
			   : is_mounted(dir_fd) ? -EBUSY
						: first_entry(sys, dir_fd, len == 0, name);
		if (dir_fd >= 0)
			close(dir_fd);
		if (type == DT_DIR && len + 1 + strlen(name) < sizeof(path)) {
			snprintf(path + len, sizeof(path) - len, "%s%s", len > 0 ? "/" : "", name);
			continue;
		}
		if (type != -ENOENT)
			return type < 0 && type != -ENOTDIR ? type : -ENOTEMPTY;
		if (len == 0)
			return 0;
		int r = remove_folder(sys, bucket_fd, path);
		if (r < 0 && r != -ENOENT)
			return r;
		char *slash = strrchr(path, '/');
		*(slash != NULL ? slash : path) = '\0';
	}
}

/* -ENOTEMPTY: a writer's file is there, or an upload that is just being completed. */
static int check_is_idle(const struct store_sys *sys, int private_fd)
{
	struct folder_reader reader;
	const char *name;
	int r;

	folder_reader_init(&reader, sys, private_fd);
	while ((r = folder_read(&reader, &name)) == 1) {
		if (strncmp(name, STORE_TEMP_PREFIX, sizeof(STORE_TEMP_PREFIX) - 1) == 0)
			return -ENOTEMPTY;
		r = upload_is_in_use(sys, private_fd, name);
		if (r != 0)
			return r < 0 ? r : -ENOTEMPTY;
	}
	return r;
}

/* With the uploads: nobody is just completing one. */
static int remove_private(const struct store_sys *sys, int root_fd, const char *bucket,
			  int bucket_fd)
{
	struct upload_swept swept = {0};

	int private_fd = folder_open(sys, bucket_fd, STORE_PRIVATE);
	if (private_fd < 0)
		return private_fd == -ENOENT ? 0 : private_fd;
	/* Before anything is taken from a bucket that would have to stay. */
	int r = check_is_idle(sys, private_fd);
	if (r == 0)
		r = upload_sweep(sys, root_fd, bucket, UPLOAD_SWEEP_ALL, &swept);
	if (r == 0 && sys->unlinkat(private_fd, STORE_PLACES, 0) < 0 && errno != ENOENT)
		r = -errno;
	close(private_fd);
	if (r < 0)
		return r;
	if (sys->unlinkat(bucket_fd, STORE_PRIVATE, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return errno == EEXIST ? -ENOTEMPTY : -errno;
}

int bucket_remove(const struct store_sys *sys, int root_fd, const char *bucket, bool is_durable)
{
	int bucket_fd = folder_open(sys, root_fd, bucket);
	if (bucket_fd < 0)
		return bucket_fd == -ENOTDIR ? -ENOENT : bucket_fd;
	/* First what crashes have left, which is no one's. Then: a bucket that stays keeps its
	 * private folder, too, and the uploads in it: an object is found before they are touched.
	 */
	unsigned swept = 0;
	int r = is_mounted(bucket_fd) ? -EBUSY : store_sweep(sys, root_fd, bucket, &swept);
	if (r == 0)
		r = remove_folders(sys, bucket_fd);
	/* What is in the private folder may be a writer's, and then all stays. A writer that comes
	 * between makes it anew, or finds no bucket. */
	if (r == 0)
		r = remove_private(sys, root_fd, bucket, bucket_fd);
	close(bucket_fd);
	if (r < 0)
		return r;
	if (sys->unlinkat(root_fd, bucket, AT_REMOVEDIR) < 0)
		return errno == EEXIST ? -ENOTEMPTY : -errno;
	return is_durable ? store_fsync(sys, root_fd, FSYNC_FOLDER) : 0;
}

/* 1: *bucket is one; 0: it is none (any more); or a negative errno. */
static int look_at(const struct store_sys *sys, int root_fd, const char *name,
		   struct bucket *bucket)
{
	struct stat st;
	struct statx birth;
	size_t len = strlen(name);

	if (!store_bucket_name_is_valid(name, len))
		return 0;
	if (sys->fstatat(root_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(st.st_mode))
		return 0;
	memcpy(bucket->name, name, len + 1);
	bucket->made = st.st_mtim.tv_sec;
	if (statx(root_fd, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &birth) == 0 &&
	    (birth.stx_mask & STATX_BTIME) != 0)
		bucket->made = birth.stx_btime.tv_sec;
	return 1;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct bucket *)a)->name, ((const struct bucket *)b)->name);
}

int bucket_list(const struct store_sys *sys, int root_fd, struct bucket **buckets)
{
	struct folder_reader reader;
	const char *name;
	int r, count = 0, size = 0;

	*buckets = NULL;
	int dir_fd = folder_open(sys, root_fd, ".");
	if (dir_fd < 0)
		return dir_fd;
	folder_reader_init(&reader, sys, dir_fd);
	while ((r = folder_read(&reader, &name)) == 1) {
		if (count == size) {
			size = size > 0 ? 2 * size : 16;
			struct bucket *more = reallocarray(*buckets, (size_t)size, sizeof(*more));
			if (more == NULL) {
				r = -ENOMEM;
				break;
			}
			*buckets = more;
		}
		int n = look_at(sys, dir_fd, name, &(*buckets)[count]);
		if (n < 0) {
			r = n;
			break;
		}
		count += n;
	}
	close(dir_fd);
	if (r < 0 || count == 0) {
		free(*buckets);
		*buckets = NULL;
		return r;
	}
	qsort(*buckets, (size_t)count, sizeof(**buckets), compare_names);
	return count;
}
