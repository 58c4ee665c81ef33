/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/wait.h"

#define READ_BYTES 16384

int file_bytes_copy(struct file_bytes *bytes, const char *text)
{
	size_t len = strlen(text);

	*bytes = (struct file_bytes){.at = malloc(len + 1), .len = len, .size = len + 1};
	if (bytes->at == NULL) {
		*bytes = (struct file_bytes){0};
		return -ENOMEM;
	}
	memcpy(bytes->at, text, len);
	return 0;
}

void file_bytes_fini(struct file_bytes *bytes)
{
	if (bytes->at != NULL)
		explicit_bzero(bytes->at, bytes->size); /* it may have been a key */
	free(bytes->at);
	*bytes = (struct file_bytes){0};
}

/* No realloc: it would leave a copy behind. */
static int grow(struct file_bytes *bytes)
{
	size_t size = 2 * bytes->size + READ_BYTES;
	char *at = malloc(size);

	if (at == NULL)
		return -ENOMEM;
	if (bytes->len > 0)
		memcpy(at, bytes->at, bytes->len);
	struct file_bytes grown = {at, bytes->len, size};
	file_bytes_fini(bytes);
	*bytes = grown;
	return 0;
}

static int read_all(struct file_bytes *bytes, int fd, size_t bytes_max)
{
	uint64_t until_ms = clock_now_ms() + FILE_PIPE_WAIT_MS;
	int r = 0;

	while (r == 0 && bytes->len < bytes_max) {
		if (bytes->len == bytes->size && (r = grow(bytes)) < 0)
			break;
		size_t room = bytes->size - bytes->len, left = bytes_max - bytes->len;
		ssize_t n = read(fd, bytes->at + bytes->len, room < left ? room : left);
		if (n == 0)
			break;
		if (n > 0)
			bytes->len += (size_t)n;
		else if (errno == EAGAIN)
			r = wait_for_fd(fd, POLLIN, until_ms); /* the pipe's other end */
		else if (errno != EINTR)
			r = -errno;
	}
	return r;
}

int file_bytes_read(struct file_bytes *bytes, const char *path, size_t bytes_max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	*bytes = (struct file_bytes){0};
	if (fd < 0)
		return -errno;
	int r = read_all(bytes, fd, bytes_max);
	close(fd);
	if (r < 0)
		file_bytes_fini(bytes);
	return r;
}
