/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of the store, replaceable so that tests can make any of them
 * fail with any errno. As the calls of the same names: -1 and errno.
 */
#ifndef SLUICE_STORE_SYS_H
#define SLUICE_STORE_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include <linux/openat2.h>

#include "base/limits.h"
#include "base/metrics.h"

/* File systems, by their numbers. */
struct store_devices {
	unsigned count;
	dev_t device[ROOT_MOUNTS_MAX + 1]; /* the root and the mounts in it */
};
bool store_devices_have(const struct store_devices *devices, dev_t device);
/* Past the room for them: does nothing. */
void store_devices_add(struct store_devices *devices, dev_t device);

struct store_sys {
	int (*openat2)(int dir_fd, const char *path, const struct open_how *how);
	int (*mkdirat)(int dir_fd, const char *path, mode_t mode);
	int (*linkat)(int old_fd, const char *old_path, int new_fd, const char *new_path,
		      int flags);
	int (*renameat)(int old_fd, const char *old_path, int new_fd, const char *new_path);
	int (*unlinkat)(int dir_fd, const char *path, int flags);
	int (*flock)(int fd, int operation);
	int (*fsync)(int fd);
	int (*fstatat)(int dir_fd, const char *path, struct stat *st, int flags);
	int (*statx)(int dir_fd, const char *path, int flags, unsigned mask, struct statx *stx);
	int (*fchmod)(int fd, mode_t mode);
	int (*futimens)(int fd, const struct timespec times[2]);
	int (*fsetxattr)(int fd, const char *name, const void *value, size_t size, int flags);
	ssize_t (*fgetxattr)(int fd, const char *name, void *value, size_t size);
	ssize_t (*getdents64)(int fd, void *entries, size_t size);
	/* FICLONERANGE (ioctl_ficlonerange(2)): bytes 0: to the end of the source. */
	int (*clone_range)(int source_fd, off_t source_at, off_t bytes, int target_fd,
			   off_t target_at);
	ssize_t (*copy_file_range)(int source_fd, off_t *source_at, int target_fd, off_t *target_at,
				   size_t bytes, unsigned flags);
	ssize_t (*pread)(int fd, void *data, size_t bytes, off_t at);
	ssize_t (*pwrite)(int fd, const void *data, size_t bytes, off_t at);
	/* How long fsync took: FSYNC_TARGET_COUNT of them, of no thread's own. NULL: not counted.
	 */
	struct histogram *fsync_durations;
	/* Where a file that was made without a name (O_TMPFILE) is known to stay under the one that
	 * it is linked to (store/trial.h). Elsewhere files are made with a name. NULL: everywhere.
	 */
	const struct store_devices *unnamed;
};
extern const struct store_sys store_sys_kernel;

/* The only way to sys->fsync. 0 or a negative errno. */
int store_fsync(const struct store_sys *sys, int fd, enum fsync_target target);

#endif
