/* SPDX-License-Identifier: Apache-2.0 */
#include "store/copy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* Of one call, so that a signal or an error is not far. */
#define PIECE_BYTES  (64ull << 20)
#define BUFFER_BYTES (1u << 20)

/* Another way may do what this one cannot. */
static bool is_unsupported(int error)
{
	return error == EOPNOTSUPP || error == EXDEV || error == EINVAL || error == ENOTTY ||
	       error == ENOSYS || error == ETXTBSY;
}

static int write_all(const struct store_sys *sys, int fd, const char *data, size_t bytes, off_t at)
{
	while (bytes > 0) {
		ssize_t n = sys->pwrite(fd, data, bytes, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		bytes -= (size_t)n;
		at += n;
	}
	return 0;
}

static int copy_through_buffer(const struct store_sys *sys, int source_fd, off_t source_at,
			       uint64_t bytes, int target_fd, off_t target_at)
{
	char *buffer = malloc(BUFFER_BYTES);
	int r = buffer != NULL ? 0 : -ENOMEM;

	while (r == 0 && bytes > 0) {
		size_t some = bytes < BUFFER_BYTES ? (size_t)bytes : BUFFER_BYTES;
		ssize_t n = sys->pread(source_fd, buffer, some, source_at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			r = n < 0 ? -errno : -ENODATA;
			break;
		}
		r = write_all(sys, target_fd, buffer, (size_t)n, target_at);
		source_at += n;
		target_at += n;
		bytes -= (uint64_t)n;
	}
	free(buffer);
	return r;
}

int copy_range(const struct store_sys *sys, int source_fd, uint64_t source_at, uint64_t bytes,
	       int target_fd, uint64_t target_at)
{
	off_t from = (off_t)source_at, to = (off_t)target_at;

	if (bytes == 0)
		return 0;
	if (sys->clone_range(source_fd, from, (off_t)bytes, target_fd, to) == 0)
		return 0;
	if (!is_unsupported(errno))
		return -errno;
	while (bytes > 0) {
		size_t some = bytes < PIECE_BYTES ? (size_t)bytes : (size_t)PIECE_BYTES;
		ssize_t n = sys->copy_file_range(source_fd, &from, target_fd, &to, some, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && is_unsupported(errno))
			return copy_through_buffer(sys, source_fd, from, bytes, target_fd, to);
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		bytes -= (uint64_t)n;
	}
	return 0;
}
