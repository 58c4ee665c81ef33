/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bucket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "store/folder.h"
#include "store/multipart.h"
#include "store/names.h"
#include "store/put.h"

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

/* 0: nothing but the private folder is in it; -ENOTEMPTY; or another negative errno. */
static int check_is_empty(const struct store_sys *sys, int bucket_fd)
{
	struct folder_reader reader;
	const char *name;
	int r;

	folder_reader_init(&reader, sys, bucket_fd);
	while ((r = folder_read(&reader, &name)) == 1)
		if (strcmp(name, STORE_PRIVATE) != 0)
			return -ENOTEMPTY;
	return r;
}

static int remove_private(const struct store_sys *sys, int root_fd, const char *bucket,
			  int bucket_fd)
{
	struct upload_swept swept = {0};
	unsigned count = 0;
	int r = store_sweep(sys, root_fd, bucket, &count);

	if (r == 0)
		/* No upload is older than 1970: only what was ended, or never begun. */
		r = upload_sweep(sys, root_fd, bucket, 0, &swept);
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
	/* A bucket that stays keeps its private folder, too: a writer that is to replace an object
	 * holds on to it. */
	int r = check_is_empty(sys, bucket_fd);
	/* The private folder goes first: what is in it may be a writer's, and then all stays. A
	 * writer that comes between makes it anew, or finds no bucket. */
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
