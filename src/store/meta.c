/* SPDX-License-Identifier: Apache-2.0 */
#include "store/meta.h"

#include <errno.h>
#include <fcntl.h>

#include "base/must.h"

int meta_set(const struct store_sys *sys, int file_fd, const char *name, const char *text,
	     size_t len)
{
	struct stat st;

	must(len <= META_BYTES_MAX);
	if (len == 0)
		return 0;
	if (sys->fsetxattr(file_fd, name, text, len, 0) < 0 ||
	    sys->fstatat(file_fd, "", &st, AT_EMPTY_PATH) < 0)
		return -errno;
	if (meta_is_marked(st.st_mode))
		return 0;
	if (sys->fchmod(file_fd, (st.st_mode & 07777) | S_ISVTX) < 0 ||
	    sys->fstatat(file_fd, "", &st, AT_EMPTY_PATH) < 0)
		return -errno;
	return meta_is_marked(st.st_mode) ? 0 : -EOPNOTSUPP;
}

int meta_get(const struct store_sys *sys, int file_fd, const char *name, char out[META_BYTES_MAX])
{
	ssize_t n = sys->fgetxattr(file_fd, name, out, META_BYTES_MAX);
	if (n >= 0)
		return (int)n;
	return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
}
