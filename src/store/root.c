/* SPDX-License-Identifier: Apache-2.0 */
#include "store/root.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/folder.h"
#include "store/names.h"

static bool has_no_link(int root_fd)
{
	struct statx st;
	return statx(root_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK, &st) == 0 &&
	       (st.stx_mask & STATX_NLINK) != 0 && st.stx_nlink == 0;
}

bool root_counts_links(int root_fd)
{
	return !has_no_link(root_fd);
}

bool root_is_removed(int root_fd, bool counts_links)
{
	return counts_links && has_no_link(root_fd);
}

int root_mounts_read(struct root_mounts *mounts, const struct store_sys *sys, int root_fd)
{
	struct folder_reader reader;
	const char *name;
	struct stat st;
	int r;

	memset(mounts, 0, sizeof(*mounts));
	if (sys->fstatat(root_fd, "", &st, AT_EMPTY_PATH) < 0)
		return -errno;
	mounts->root_device = st.st_dev;
	int dir_fd = folder_open(sys, root_fd, ".");
	if (dir_fd < 0)
		return dir_fd;
	folder_reader_init(&reader, sys, dir_fd);
	while ((r = folder_read(&reader, &name)) == 1) {
		size_t len = strlen(name);
		if (!store_bucket_name_is_valid(name, len) ||
		    sys->fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISDIR(st.st_mode) || st.st_dev == mounts->root_device)
			continue;
		mounts->is_cut = mounts->count == ROOT_MOUNTS_MAX;
		if (mounts->is_cut)
			break;
		struct root_mount *mount = &mounts->mount[mounts->count++];
		memcpy(mount->bucket, name, len + 1);
		mount->device = st.st_dev;
	}
	close(dir_fd);
	return r < 0 ? r : 0;
}

bool root_mount_is_gone(const struct root_mounts *mounts, unsigned at, const struct store_sys *sys,
			int root_fd)
{
	struct stat st;
	return sys->fstatat(root_fd, mounts->mount[at].bucket, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_dev == mounts->root_device;
}

int root_check_name(const struct store_sys *sys, int root_fd, const char *name)
{
	struct stat opened, named;

	if (sys->fstatat(AT_FDCWD, name, &named, 0) < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ENOENT : 0;
	if (sys->fstatat(root_fd, "", &opened, AT_EMPTY_PATH) < 0)
		return 0;
	return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino ? 0 : -ESTALE;
}
