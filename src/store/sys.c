/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sys.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"

static int sys_openat2(int dir_fd, const char *path, const struct open_how *how)
{
	return (int)syscall(SYS_openat2, dir_fd, path, how, sizeof(*how));
}

static ssize_t sys_getdents64(int fd, void *entries, size_t size)
{
	return syscall(SYS_getdents64, fd, entries, size);
}

static int sys_clone_range(int source_fd, off_t source_at, off_t bytes, int target_fd,
			   off_t target_at)
{
	const struct file_clone_range range = {
		.src_fd = source_fd,
		.src_offset = (uint64_t)source_at,
		.src_length = (uint64_t)bytes,
		.dest_offset = (uint64_t)target_at,
	};
	return ioctl(target_fd, FICLONERANGE, &range);
}

const struct store_sys store_sys_kernel = {
	.openat2 = sys_openat2,
	.mkdirat = mkdirat,
	.linkat = linkat,
	.renameat = renameat,
	.unlinkat = unlinkat,
	.flock = flock,
	.fsync = fsync,
	.fstatat = fstatat,
	.statx = statx,
	.fchmod = fchmod,
	.futimens = futimens,
	.fsetxattr = fsetxattr,
	.fgetxattr = fgetxattr,
	.getdents64 = sys_getdents64,
	.clone_range = sys_clone_range,
	.copy_file_range = copy_file_range,
	.pread = pread,
	.pwrite = pwrite,
};

int store_fsync(const struct store_sys *sys, int fd, enum fsync_target target)
{
	uint64_t began_ns = clock_now_ns();
	int r = sys->fsync(fd) < 0 ? -errno : 0;

	if (sys->fsync_durations != NULL)
		histogram_observe_shared(&sys->fsync_durations[target], clock_now_ns() - began_ns);
	return r;
}

bool store_devices_have(const struct store_devices *devices, dev_t device)
{
	for (unsigned i = 0; i < devices->count; i++)
		if (devices->device[i] == device)
			return true;
	return false;
}

void store_devices_add(struct store_devices *devices, dev_t device)
{
	if (!store_devices_have(devices, device) && devices->count < ARRAY_LEN(devices->device))
		devices->device[devices->count++] = device;
}
