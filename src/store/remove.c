/* SPDX-License-Identifier: Apache-2.0 */
#include "store/remove.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "store/folder.h"
#include "store/names.h"
#include "store/version.h"

/* Under the lock of what is replaced or removed, so that a conditional write cannot come between
 * its look and its rename. */
static int unlink_locked(const struct store_sys *sys, int dir_fd, const char *leaf,
			 const struct put_terms *terms)
{
	struct facts facts;
	bool is_conditional = terms->mode == PUT_IF_PRESENT;
	int lock_fd = folder_lock_file(sys, dir_fd, leaf, &facts);

	if (lock_fd == -ENOENT || lock_fd == -EISDIR) /* a folder is no object */
		return is_conditional ? -ENOKEY : -ENOENT;
	bool is_object = lock_fd >= 0 && S_ISREG(facts.mode);
	int r = 0;
	if (lock_fd < 0 && lock_fd != -ELOOP && lock_fd != -EACCES && lock_fd != -ENXIO)
		return lock_fd;
	if (is_conditional)
		r = is_object ? terms_check(sys, terms, lock_fd, &facts) : -ENOKEY;
	/* What a GET would not serve (a link, a device) is not ours to remove. */
	if (r == 0 && !is_object && lock_fd != -EACCES)
		r = -ENOENT;
	if (r == 0 && sys->unlinkat(dir_fd, leaf, 0) < 0)
		r = -errno;
	if (lock_fd >= 0)
		close(lock_fd);
	return r;
}

/* There is no such object: another may have removed it just now, and not have come to its sync. */
static int sync_absence(const struct store_sys *sys, int bucket_fd, const char *key)
{
	char path[OBJECT_KEY_BYTES_MAX + 1];

	snprintf(path, sizeof(path), "%s", key);
	for (;;) {
		char *slash = strrchr(path, '/');
		*(slash != NULL ? slash : path) = '\0';
		int fd = folder_open(sys, bucket_fd, *path != '\0' ? path : ".");
		if (fd >= 0) {
			int r = store_fsync(sys, fd, FSYNC_FOLDER);
			close(fd);
			return r;
		}
		bool is_absent = fd == -ENOENT || fd == -ENOTDIR || fd == -ENAMETOOLONG;
		if (!is_absent || *path == '\0')
			return is_absent ? 0 : fd;
	}
}

static int remove_in(const struct store_sys *sys, int bucket_fd, const char *key,
		     const struct put_terms *terms, bool is_durable)
{
	const char *leaf;
	int dir_fd = folder_open_parent(sys, bucket_fd, key, &leaf);
	bool is_there = dir_fd != -ENOENT && dir_fd != -ENOTDIR && dir_fd != -ENAMETOOLONG;

	if (dir_fd < 0 && is_there)
		return dir_fd;
	int r = -ENOENT;
	if (dir_fd >= 0) {
		r = unlink_locked(sys, dir_fd, leaf, terms);
		close(dir_fd);
	}
	if (r == -ENOENT && terms->mode == PUT_IF_PRESENT)
		return -ENOKEY;
	if (r == -ENOENT)
		return is_durable ? sync_absence(sys, bucket_fd, key) : 0;
	if (r < 0)
		return r;
	int left_fd = folder_prune(sys, bucket_fd, key, 1);
	if (left_fd < 0)
		return left_fd;
	if (is_durable)
		r = store_fsync(sys, left_fd, FSYNC_FOLDER);
	close(left_fd);
	return r;
}

int object_remove(const struct store_sys *sys, int root_fd, const char *bucket, const char *key,
		  const struct put_terms *terms, bool is_durable)
{
	must(!store_key_is_private(key) && terms->mode != PUT_IF_ABSENT);
	int bucket_fd = folder_open(sys, root_fd, bucket);
	if (bucket_fd < 0)
		return bucket_fd == -ENOTDIR ? -ENOENT : bucket_fd;
	int r = remove_in(sys, bucket_fd, key, terms, is_durable);
	close(bucket_fd);
	return r;
}
