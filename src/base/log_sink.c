/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/must.h"

/* A pipe takes so many bytes whole or not at all (PIPE_BUF, pipe(7)). */
#define PIECE_BYTES_MAX 4096

/* ---- What it is ----------------------------------------------------------------------------- */

/* The same pipe or terminal by a description of our own, so that it can be non-blocking. Not to be
 * had without /proc, or when it is another user's. */
static int open_own(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Does this kernel write to pipes without waiting? Tried with one of our own. */
static bool has_pipe_nowait(void)
{
	const struct iovec byte = {.iov_base = (void *)(uintptr_t) "", .iov_len = 1};
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	bool has_it = pwritev2(fds[1], &byte, 1, -1, RWF_NOWAIT) == 1;
	close(fds[0]);
	close(fds[1]);
	return has_it;
}

void log_sink_init(struct log_sink *sink, int fd)
{
	struct stat st;

	*sink = (struct log_sink){.fd = fd, .kind = LOG_SINK_FILE};
	if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode))
		return;
	if (S_ISSOCK(st.st_mode)) {
		sink->kind = LOG_SINK_SOCKET;
		return;
	}
	if (S_ISFIFO(st.st_mode) && has_pipe_nowait()) {
		sink->kind = LOG_SINK_PIPE;
		return;
	}
	int own_fd = S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode) ? open_own(fd) : -1;
	sink->kind = own_fd >= 0 ? LOG_SINK_OWN : LOG_SINK_POLLED;
	if (own_fd >= 0)
		sink->fd = own_fd;
}

void log_sink_fini(struct log_sink *sink)
{
	if (sink->kind == LOG_SINK_OWN)
		close(sink->fd);
	sink->fd = -1;
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* To the end of a line: as much as a pipe takes whole, or one line if that is longer. */
static size_t piece_len(const char *text, size_t len)
{
	if (len <= PIECE_BYTES_MAX)
		return len;
	const char *end = memrchr(text, '\n', PIECE_BYTES_MAX);
	if (end == NULL)
		end = memchr(text, '\n', len);
	return end != NULL ? (size_t)(end - text) + 1 : len;
}

/* Bytes written, or negative errno; -EAGAIN: it would block. */
static ssize_t write_now(const struct log_sink *sink, const char *text, size_t len)
{
	const struct iovec piece = {.iov_base = (void *)(uintptr_t)text, .iov_len = len};
	struct pollfd room = {.fd = sink->fd, .events = POLLOUT};
	ssize_t n = -1;

	switch (sink->kind) {
	case LOG_SINK_SOCKET:
		n = send(sink->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case LOG_SINK_PIPE:
		n = pwritev2(sink->fd, &piece, 1, -1, RWF_NOWAIT);
		break;
	case LOG_SINK_POLLED:
		if (poll(&room, 1, 0) == 0)
			return -EAGAIN;
		n = write(sink->fd, text, len);
		break;
	case LOG_SINK_FILE:
	case LOG_SINK_OWN:
		n = write(sink->fd, text, len);
		break;
	}
	return n < 0 ? -errno : n;
}

/* Waits until the reader has made room, at most *budget_ms, of which it takes what passed. */
static bool wait_for_room(int fd, int *budget_ms)
{
	struct pollfd room = {.fd = fd, .events = POLLOUT};
	struct timespec before, after;

	if (*budget_ms <= 0)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &before);
	int r = poll(&room, 1, *budget_ms);
	clock_gettime(CLOCK_MONOTONIC, &after);
	/* At least one: a wait that is over at once is not free, or there could be endless many. */
	*budget_ms -= 1 + (int)((after.tv_sec - before.tv_sec) * 1000 +
				(after.tv_nsec - before.tv_nsec) / 1000000);
	return r > 0;
}

/* As much as goes out within the budget. */
static size_t write_some(struct log *log, const char *text, size_t len, int *budget_ms)
{
	size_t written = 0;

	while (written < len) {
		size_t piece = piece_len(text + written, len - written);
		ssize_t n = write_now(log->sink, text + written, piece);
		if (n == -EINTR || (n == -EAGAIN && wait_for_room(log->sink->fd, budget_ms)))
			continue;
		log->is_stalled = n == -EAGAIN;
		if (n <= 0)
			break;
		written += (size_t)n;
	}
	if (written > 0)
		log->is_torn = text[written - 1] != '\n';
	return written;
}

size_t log_sink_write(struct log *log, const char *text, size_t len)
{
	int budget_ms = log->is_stalled ? 0 : LOG_STALL_MS;

	/* What comes after half a line must not look like its other half. */
	if (log->is_torn && write_some(log, "\n", 1, &budget_ms) == 0)
		return 0;
	return write_some(log, text, len, &budget_ms);
}
