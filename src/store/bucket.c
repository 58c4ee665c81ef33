/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bucket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "store/folder.h"
#include "store/names.h"
#include "store/put.h"

#define FOLDER_MODE 0777 /* and the umask */

int bucket_make(const struct store_sys *sys, int root_fd, const char *bucket, bool is_durable)
{
	if (sys->mkdirat(root_fd, bucket, FOLDER_MODE) < 0)
		return -errno;
	return is_durable && sys->fsync(root_fd) < 0 ? -errno : 0;
}

int bucket_remove(const struct store_sys *sys, int root_fd, const char *bucket, bool is_durable)
{
	int bucket_fd = folder_open(sys, root_fd, bucket);
	if (bucket_fd < 0)
		return bucket_fd == -ENOTDIR ? -ENOENT : bucket_fd;
	/* The private folder goes first: what is in it may be a writer's, and then all stays. A
	 * writer that comes between makes it anew, or finds no bucket. */
	int r = store_sweep(sys, root_fd, bucket);
	if (r >= 0)
		r = sys->unlinkat(bucket_fd, STORE_PRIVATE, AT_REMOVEDIR) < 0 ? -errno : 0;
	close(bucket_fd);
	if (r < 0 && r != -ENOENT)
		return r;
	if (sys->unlinkat(root_fd, bucket, AT_REMOVEDIR) < 0)
		return errno == EEXIST ? -ENOTEMPTY : -errno;
	return is_durable && sys->fsync(root_fd) < 0 ? -errno : 0;
}

/* True: *bucket is one. */
static bool look_at(int dir_fd, const char *name, struct bucket *bucket)
{
	struct statx st;
	size_t len = strlen(name);

	if (!store_bucket_name_is_valid(name, len) ||
	    statx(dir_fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &st) < 0 ||
	    !S_ISDIR(st.stx_mode))
		return false;
	memcpy(bucket->name, name, len + 1);
	bucket->made = (st.stx_mask & STATX_BTIME) != 0 ? st.stx_btime.tv_sec : st.stx_mtime.tv_sec;
	return true;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct bucket *)a)->name, ((const struct bucket *)b)->name);
}

int bucket_list(const struct store_sys *sys, int root_fd, struct bucket **buckets)
{
	int count = 0, size = 0;
	*buckets = NULL;
	int fd = folder_open(sys, root_fd, ".");
	if (fd < 0)
		return fd;
	DIR *dir = fdopendir(fd);
	if (dir == NULL) {
		int r = -errno;
		close(fd);
		return r;
	}
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (count == size) {
			size = size > 0 ? 2 * size : 16;
			struct bucket *more = reallocarray(*buckets, (size_t)size, sizeof(*more));
			if (more == NULL) {
				free(*buckets);
				*buckets = NULL;
				closedir(dir);
				return -ENOMEM;
			}
			*buckets = more;
		}
		count += look_at(dirfd(dir), entry->d_name, &(*buckets)[count]);
	}
	closedir(dir);
	if (count > 0)
		qsort(*buckets, (size_t)count, sizeof(**buckets), compare_names);
	return count;
}
