/* SPDX-License-Identifier: Apache-2.0 */
#include "io/loop_epoll.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/must.h"

#define EVENTS_PER_WAIT  256
#define WATCHED_MIN      256
/* What epoll calls the descriptor that loop_wake writes; no other is that large. */
#define WAKE_DATA        UINT64_MAX
/* What a poll may ask for; the names of poll(2) and of epoll(7) have the same bits. */
#define POLL_EVENTS      (POLLIN | POLLPRI | POLLOUT | POLLRDHUP)
#define POLL_ALWAYS_TOLD (POLLERR | POLLHUP)

static_assert(POLLIN == EPOLLIN && POLLPRI == EPOLLPRI && POLLOUT == EPOLLOUT, "the same bits");
static_assert(POLLRDHUP == EPOLLRDHUP && POLLERR == EPOLLERR && POLLHUP == EPOLLHUP, "as well");

/* op->result while it is in flight. */
enum {
	ON_THREAD = -2,
	IS_READY = -1 /* its completion is certain; 0 and more: polls this descriptor */
};

/* A descriptor's polls, linked by op->next. */
struct watched {
	struct op *first;
	bool is_known; /* epoll has had it; closed meanwhile, it may not any more */
};

struct epoll {
	int epoll_fd;
	int wake_fd;
	struct offload *files;
	struct watched *watched; /* by descriptor */
	unsigned watched_count;
	struct op *ready_first; /* their completion is events */
	struct op *ready_last;
};

static struct epoll *epoll_of(const struct loop *loop)
{
	return loop->state;
}

/* ---- Birth and death ------------------------------------------------------------------------ */

int loop_epoll_new(void **state, struct offload *files)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = WAKE_DATA};
	struct epoll *epoll = calloc(1, sizeof(*epoll));

	if (epoll == NULL)
		return -ENOMEM;
	epoll->files = files;
	epoll->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	epoll->wake_fd = epoll->epoll_fd >= 0 ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
	if (epoll->wake_fd >= 0 &&
	    epoll_ctl(epoll->epoll_fd, EPOLL_CTL_ADD, epoll->wake_fd, &event) == 0) {
		*state = epoll;
		return 0;
	}
	int r = -errno;
	if (epoll->wake_fd >= 0)
		close(epoll->wake_fd);
	if (epoll->epoll_fd >= 0)
		close(epoll->epoll_fd);
	free(epoll);
	return r;
}

static int on_epoll_begin(struct loop *loop)
{
	loop_read_clock(loop);
	return 0;
}

static void on_epoll_fini(struct loop *loop)
{
	struct epoll *epoll = epoll_of(loop);

	close(epoll->wake_fd);
	close(epoll->epoll_fd);
	free(epoll->watched);
	free(epoll);
	loop->state = NULL;
}

/* ---- What has completed, and is told in the next turn --------------------------------------- */

static void put_ready(struct epoll *epoll, struct op *op, int32_t result)
{
	op->next = NULL;
	op->result = IS_READY;
	op->events = (uint32_t)result;
	if (epoll->ready_first == NULL)
		epoll->ready_first = op;
	else
		epoll->ready_last->next = op;
	epoll->ready_last = op;
}

static void complete_ready(struct loop *loop)
{
	struct epoll *epoll = epoll_of(loop);
	struct op *op = epoll->ready_first;

	epoll->ready_first = NULL; /* what becomes ready meanwhile is told in the next turn */
	while (op != NULL) {
		struct op *next = op->next;
		loop_complete(loop, op, (int32_t)op->events);
		op = next;
	}
}

static void on_epoll_yield(struct loop *loop, struct op *op)
{
	put_ready(epoll_of(loop), op, 0);
}

/* ---- Polls ---------------------------------------------------------------------------------- */

/* 0 or -ENOMEM. */
static int make_room(struct epoll *epoll, int fd)
{
	unsigned count = epoll->watched_count > 0 ? epoll->watched_count : WATCHED_MIN;

	if ((unsigned)fd < epoll->watched_count)
		return 0;
	while (count <= (unsigned)fd)
		count *= 2;
	struct watched *watched = reallocarray(epoll->watched, count, sizeof(*watched));
	if (watched == NULL)
		return -ENOMEM;
	memset(watched + epoll->watched_count, 0,
	       (count - epoll->watched_count) * sizeof(*watched));
	epoll->watched = watched;
	epoll->watched_count = count;
	return 0;
}

/* Tells the kernel what the descriptor's polls wait for, once. 0 or a negative errno. */
static int watch(struct epoll *epoll, int fd)
{
	struct watched *watched = &epoll->watched[fd];
	struct epoll_event event = {.events = EPOLLONESHOT, .data.u64 = (uint64_t)fd};

	for (const struct op *op = watched->first; op != NULL; op = op->next)
		event.events |= op->events;
	if (watched->is_known && epoll_ctl(epoll->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	if (watched->is_known && errno != ENOENT)
		return -errno;
	watched->is_known = epoll_ctl(epoll->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
	return watched->is_known ? 0 : -errno;
}

static void on_epoll_poll(struct loop *loop, struct op *op, int fd, unsigned poll_events)
{
	struct epoll *epoll = epoll_of(loop);
	int r = fd < 0 ? -EBADF : make_room(epoll, fd);

	if (r == 0) {
		op->result = fd;
		op->events = poll_events & POLL_EVENTS;
		op->next = epoll->watched[fd].first;
		epoll->watched[fd].first = op;
		r = watch(epoll, fd);
		if (r < 0)
			epoll->watched[fd].first = op->next;
	}
	if (r < 0)
		put_ready(epoll, op, r);
}

static void on_epoll_cancel(struct loop *loop, struct op *op)
{
	struct epoll *epoll = epoll_of(loop);
	int fd = op->result;

	if (fd < 0) /* it is ready, or cannot be stopped */
		return;
	struct op **link = &epoll->watched[fd].first;
	while (*link != op)
		link = &(*link)->next;
	*link = op->next;
	watch(epoll, fd); /* an error: the descriptor is closed, and so out of epoll */
	put_ready(epoll, op, -ECANCELED);
}

static void polled(struct loop *loop, int fd, uint32_t events)
{
	struct epoll *epoll = epoll_of(loop);
	struct op *op = epoll->watched[fd].first, *done = NULL, *kept = NULL;

	for (struct op *next; op != NULL; op = next) {
		bool is_done = (events & (op->events | POLL_ALWAYS_TOLD)) != 0;
		struct op **list = is_done ? &done : &kept;
		next = op->next;
		op->next = *list;
		*list = op;
		if (is_done)
			op->result = IS_READY;
	}
	epoll->watched[fd].first = kept;
	if (kept != NULL && watch(epoll, fd) < 0) {
		/* The descriptor is gone: no event would come. */
		epoll->watched[fd].first = NULL;
		for (struct op *next; kept != NULL; kept = next) {
			next = kept->next;
			put_ready(epoll, kept, -EBADF);
		}
	}
	for (struct op *next; done != NULL; done = next) {
		next = done->next;
		loop_complete(loop, done, (int32_t)(events & (done->events | POLL_ALWAYS_TOLD)));
	}
}

/* ---- Files ---------------------------------------------------------------------------------- */

enum file_call { FILE_READV, FILE_WRITE, FILE_SPLICE, FILE_OPEN };

/* What a thread is to do for an operation, and what it came to. */
struct file_job {
	struct offload_job job;
	struct loop *loop;
	struct op *op;
	enum file_call call;
	int fd; /* FILE_OPEN: of the folder */
	uint64_t offset;
	const struct iovec *iov;
	unsigned iov_count;
	struct iovec data; /* FILE_WRITE */
	int pipe_fd;
	unsigned bytes; /* FILE_SPLICE */
	const char *path;
	struct open_how *how;
	int32_t result;
};

static int32_t result_of(ssize_t n)
{
	return n < 0 ? -errno : (int32_t)n;
}

static void file_run(struct offload_job *job)
{
	struct file_job *file = CONTAINER_OF(job, struct file_job, job);
	loff_t offset = (loff_t)file->offset;

	switch (file->call) {
	case FILE_READV:
		file->result = result_of(preadv(file->fd, file->iov, (int)file->iov_count, offset));
		break;
	case FILE_WRITE:
		file->result = result_of(
			pwrite(file->fd, file->data.iov_base, file->data.iov_len, offset));
		break;
	case FILE_SPLICE:
		file->result = result_of(splice(file->fd, &offset, file->pipe_fd, NULL, file->bytes,
						SPLICE_F_NONBLOCK));
		break;
	case FILE_OPEN:
		file->result = result_of(
			syscall(SYS_openat2, file->fd, file->path, file->how, sizeof(*file->how)));
		break;
	}
}

static void file_done(struct offload_job *job)
{
	struct file_job *file = CONTAINER_OF(job, struct file_job, job);
	struct loop *loop = file->loop;
	struct op *op = file->op;
	int32_t result = file->result;

	free(file);
	loop_complete(loop, op, result);
}

static void submit(struct loop *loop, struct op *op, const struct file_job *wanted)
{
	struct epoll *epoll = epoll_of(loop);
	struct file_job *file = malloc(sizeof(*file));

	must(epoll->files != NULL);
	if (file == NULL) {
		put_ready(epoll, op, -ENOMEM);
		return;
	}
	op->result = ON_THREAD;
	*file = *wanted;
	file->job = (struct offload_job){.run = file_run, .done = file_done};
	file->loop = loop;
	file->op = op;
	loop_submit(loop, epoll->files, &file->job);
}

static void on_epoll_readv(struct loop *loop, struct op *op, int fd, const struct iovec *iov,
			   unsigned iov_count, uint64_t offset)
{
	submit(loop, op,
	       &(struct file_job){.call = FILE_READV,
				  .fd = fd,
				  .iov = iov,
				  .iov_count = iov_count,
				  .offset = offset});
}

static void on_epoll_write(struct loop *loop, struct op *op, int fd, const struct iovec *data,
			   uint64_t offset)
{
	ssize_t n = pwritev2(fd, data, 1, (off_t)offset, RWF_NOWAIT);

	if (n > 0)
		put_ready(epoll_of(loop), op, (int32_t)n);
	else /* it would wait, or this file system cannot say */
		submit(loop, op,
		       &(struct file_job){
			       .call = FILE_WRITE, .fd = fd, .data = *data, .offset = offset});
}

static void on_epoll_splice_to_pipe(struct loop *loop, struct op *op, int file_fd, uint64_t offset,
				    int pipe_fd, unsigned bytes)
{
	submit(loop, op,
	       &(struct file_job){.call = FILE_SPLICE,
				  .fd = file_fd,
				  .offset = offset,
				  .pipe_fd = pipe_fd,
				  .bytes = bytes});
}

static void on_epoll_openat2(struct loop *loop, struct op *op, int dir_fd, const char *path,
			     struct open_how *how)
{
	submit(loop, op,
	       &(struct file_job){.call = FILE_OPEN, .fd = dir_fd, .path = path, .how = how});
}

/* ---- Turns ---------------------------------------------------------------------------------- */

static void drain_wake(const struct epoll *epoll)
{
	uint64_t sink;
	ssize_t n = read(epoll->wake_fd, &sink, sizeof(sink));
	(void)n; /* nothing: it was drained already */
}

static int on_epoll_wait(struct loop *loop, int timeout_ms)
{
	struct epoll *epoll = epoll_of(loop);
	struct epoll_event event[EVENTS_PER_WAIT];
	int count = epoll_wait(epoll->epoll_fd, event, EVENTS_PER_WAIT,
			       epoll->ready_first != NULL ? 0 : timeout_ms);
	int r = count < 0 && errno != EINTR ? -errno : 0;

	loop_read_clock(loop);
	for (int i = 0; i < count; i++) {
		if (event[i].data.u64 == WAKE_DATA)
			drain_wake(epoll);
		else
			polled(loop, (int)event[i].data.u64, event[i].events);
	}
	complete_ready(loop);
	return r;
}

static void on_epoll_wake(struct loop *loop)
{
	uint64_t one = 1;
	ssize_t n = write(epoll_of(loop)->wake_fd, &one, sizeof(one));
	(void)n; /* full: it is awake already */
}

const struct loop_kind loop_kind_epoll = {.name = "epoll",
					  .begin = on_epoll_begin,
					  .fini = on_epoll_fini,
					  .yield = on_epoll_yield,
					  .poll = on_epoll_poll,
					  .readv = on_epoll_readv,
					  .write = on_epoll_write,
					  .splice_to_pipe = on_epoll_splice_to_pipe,
					  .openat2 = on_epoll_openat2,
					  .cancel = on_epoll_cancel,
					  .wait = on_epoll_wait,
					  .wake = on_epoll_wake};
