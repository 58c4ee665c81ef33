/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/must.h"

/* So much can wait for a reader that gets no processor: on a busy machine no line is lost. */
#define PIPE_BYTES_WANTED (1024 * 1024)

struct wire_log {
	int read_fd; /* non-blocking */
	int file_fd;
	int end_fd; /* eventfd: the thread is to end */
	pthread_t thread;
	pthread_mutex_t lock; /* who copies */
	bool is_stopped;
};

/* All that is there now. False: the other end is closed. */
static bool copy(struct wire_log *log)
{
	static _Thread_local char text[64 * 1024];
	ssize_t n;

	while ((n = read(log->read_fd, text, sizeof(text))) > 0)
		must(write(log->file_fd, text, (size_t)n) == n);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void *copier(void *arg)
{
	struct wire_log *log = arg;
	bool is_open = true;

	while (is_open) {
		struct pollfd pollfds[2] = {{.fd = log->end_fd, .events = POLLIN},
					    {.fd = log->read_fd, .events = POLLIN}};
		poll(pollfds, 2, -1);
		if (pollfds[0].revents != 0)
			break;
		pthread_mutex_lock(&log->lock);
		is_open = copy(log);
		pthread_mutex_unlock(&log->lock);
	}
	return NULL;
}

/* A terminal that changes nothing of what is written to it. */
static void open_terminal(int fds[2])
{
	struct termios raw;

	fds[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	must(fds[0] >= 0 && grantpt(fds[0]) == 0 && unlockpt(fds[0]) == 0);
	char *name = ptsname(fds[0]);
	must(name != NULL);
	fds[1] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	must(fds[1] >= 0 && tcgetattr(fds[1], &raw) == 0);
	cfmakeraw(&raw);
	must(tcsetattr(fds[1], TCSANOW, &raw) == 0);
}

static void open_ends(enum wire_log_kind kind, int fds[2])
{
	int type = kind == WIRE_LOG_DATAGRAM ? SOCK_DGRAM : SOCK_STREAM;

	switch (kind) {
	case WIRE_LOG_STREAM:
	case WIRE_LOG_DATAGRAM:
		must(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) == 0);
		break;
	case WIRE_LOG_TERMINAL:
		open_terminal(fds);
		break;
	case WIRE_LOG_PIPE:
	case WIRE_LOG_FOREIGN_PIPE:
		must(pipe2(fds, O_CLOEXEC) == 0);
		fcntl(fds[0], F_SETPIPE_SZ, PIPE_BYTES_WANTED); /* may be refused */
		if (kind == WIRE_LOG_FOREIGN_PIPE)
			must(fchmod(fds[1], 0) == 0);
		break;
	case WIRE_LOG_FILE:
	case WIRE_LOG_KIND_COUNT:
		must(!"a log with a reader");
	}
}

struct wire_log *wire_log_new(enum wire_log_kind kind, int file_fd, int *server_fd)
{
	int fds[2];

	if (kind == WIRE_LOG_FILE) {
		*server_fd = file_fd;
		return NULL;
	}
	struct wire_log *log = calloc(1, sizeof(*log));
	must(log != NULL);
	open_ends(kind, fds);
	must(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
	*log = (struct wire_log){
		.read_fd = fds[0], .file_fd = file_fd, .end_fd = eventfd(0, EFD_CLOEXEC)};
	must(log->end_fd >= 0 && pthread_mutex_init(&log->lock, NULL) == 0);
	must(pthread_create(&log->thread, NULL, copier, log) == 0);
	*server_fd = fds[1];
	return log;
}

void wire_log_sync(struct wire_log *log)
{
	if (log == NULL || log->read_fd < 0)
		return;
	pthread_mutex_lock(&log->lock);
	copy(log);
	pthread_mutex_unlock(&log->lock);
}

static void end_thread(struct wire_log *log)
{
	uint64_t one = 1;

	must(write(log->end_fd, &one, sizeof(one)) == sizeof(one));
	must(pthread_join(log->thread, NULL) == 0);
	must(read(log->end_fd, &one, sizeof(one)) == sizeof(one));
}

void wire_log_stop(struct wire_log *log)
{
	end_thread(log);
	log->is_stopped = true;
}

void wire_log_resume(struct wire_log *log)
{
	log->is_stopped = false;
	must(pthread_create(&log->thread, NULL, copier, log) == 0);
}

void wire_log_leave(struct wire_log *log)
{
	close(log->read_fd);
	log->read_fd = -1;
}

void wire_log_free(struct wire_log *log)
{
	if (log == NULL)
		return;
	if (!log->is_stopped)
		end_thread(log);
	if (log->read_fd >= 0) {
		copy(log);
		close(log->read_fd);
	}
	close(log->file_fd);
	close(log->end_fd);
	pthread_mutex_destroy(&log->lock);
	free(log);
}
