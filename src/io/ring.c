/* SPDX-License-Identifier: Apache-2.0 */
#include "io/ring.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/must.h"

/* io_uring_submit may find no memory for requests (-EAGAIN); completions free some. */
#define SUBMIT_TRIES 1000

/* Tokens of our own, above every caller's. */
#define TOKEN_WAKE   RING_TOKEN_LIMIT
#define TOKEN_CANCEL (RING_TOKEN_LIMIT + 1)
#define TOKEN_TIMER  (RING_TOKEN_LIMIT + 2) /* and above: each timer's due time is added */

static struct io_uring_sqe *sqe_get(struct ring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
	for (int i = 0; sqe == NULL && i < SUBMIT_TRIES; i++) {
		/* Full: hand over what is there. With IORING_FEAT_NODROP (5.5) completions are
		 * kept by the kernel however many there are. */
		if (io_uring_submit(&ring->uring) < 0)
			io_uring_get_events(&ring->uring);
		sqe = io_uring_get_sqe(&ring->uring);
	}
	must(sqe != NULL);
	return sqe;
}

static void wake_arm(struct ring *ring)
{
	struct io_uring_sqe *sqe = sqe_get(ring);
	io_uring_prep_read(sqe, ring->wake_fd, &ring->wake_sink, sizeof(ring->wake_sink), 0);
	io_uring_sqe_set_data64(sqe, TOKEN_WAKE);
}

/* All that is started below. What this does not name is answered with EACCES, even to the thread
 * that owns the ring, and for good: io_uring/register.c, io_register_restrictions. Sockets, names
 * and the rest of the system calls cannot be reached this way. */
static int restrict_operations(struct ring *ring)
{
	static const uint8_t operations[] = {
		IORING_OP_NOP,     IORING_OP_POLL_ADD, IORING_OP_READ,
		IORING_OP_READV,   IORING_OP_WRITE,    IORING_OP_SPLICE,
		IORING_OP_OPENAT2, IORING_OP_TIMEOUT,  IORING_OP_ASYNC_CANCEL};
	struct io_uring_restriction restrictions[ARRAY_LEN(operations) + 1];

	memset(restrictions, 0, sizeof(restrictions));
	for (unsigned i = 0; i < ARRAY_LEN(operations); i++) {
		restrictions[i].opcode = IORING_RESTRICTION_SQE_OP;
		restrictions[i].sqe_op = operations[i];
	}
	/* Named, so that the others are refused; ring_begin's. */
	restrictions[ARRAY_LEN(operations)].opcode = IORING_RESTRICTION_REGISTER_OP;
	restrictions[ARRAY_LEN(operations)].register_op = IORING_REGISTER_IOWQ_MAX_WORKERS;
	/* Not by io_uring_register_restrictions and io_uring_enable_rings: the shared library of
	 * liburing 2.3 does not export them. */
	return io_uring_register((unsigned)ring->uring.ring_fd, IORING_REGISTER_RESTRICTIONS,
				 restrictions, ARRAY_LEN(restrictions));
}

int ring_init(struct ring *ring, unsigned entries)
{
	/* Best first: completions are run when the owner asks for them, not by interrupting it
	 * (Linux 6.1); then what every kernel has. Disabled: until ring_begin, whose thread is then
	 * the owner. */
	static const unsigned flags_wanted[] = {
		IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			IORING_SETUP_CQSIZE,
		IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE,
	};
	int r = -EINVAL;

	memset(ring, 0, sizeof(*ring));
	ring->wake_fd = -1;
	for (unsigned i = 0; i < ARRAY_LEN(flags_wanted) && r == -EINVAL; i++) {
		struct io_uring_params params = {.flags = flags_wanted[i],
						 .cq_entries = entries * 4};
		r = io_uring_queue_init_params(entries, &ring->uring, &params);
	}
	if (r < 0)
		return r;
	r = restrict_operations(ring);
	if (r < 0)
		goto fail;
	ring->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (ring->wake_fd < 0) {
		r = -errno;
		goto fail;
	}
	return 0;
fail:
	io_uring_queue_exit(&ring->uring);
	return r;
}

int ring_begin(struct ring *ring)
{
	unsigned workers[2] = {RING_IOWQ_WORKERS_MAX, RING_IOWQ_WORKERS_MAX};

	int r = io_uring_register((unsigned)ring->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL,
				  0);
	if (r < 0)
		return r;
	io_uring_register_iowq_max_workers(&ring->uring, workers); /* best effort, 5.15 */
	wake_arm(ring);
	return 0;
}

void ring_fini(struct ring *ring)
{
	io_uring_queue_exit(&ring->uring);
	close(ring->wake_fd);
	ring->wake_fd = -1;
}

void ring_yield(struct ring *ring, uint64_t token)
{
	must(token < RING_TOKEN_LIMIT);
	struct io_uring_sqe *sqe = sqe_get(ring);
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, token);
}

void ring_poll(struct ring *ring, int fd, unsigned poll_events, uint64_t token)
{
	must(token < RING_TOKEN_LIMIT);
	struct io_uring_sqe *sqe = sqe_get(ring);
	io_uring_prep_poll_add(sqe, fd, poll_events);
	io_uring_sqe_set_data64(sqe, token);
}

void ring_readv(struct ring *ring, int fd, const struct iovec *iov, unsigned iov_count,
		uint64_t offset, uint64_t token)
{
	must(token < RING_TOKEN_LIMIT);
	struct io_uring_sqe *sqe = sqe_get(ring);
	io_uring_prep_readv(sqe, fd, iov, iov_count, offset);
	io_uring_sqe_set_data64(sqe, token);
}

void ring_write(struct ring *ring, int fd, const void *data, unsigned bytes, uint64_t offset,
		uint64_t token)
{
	must(token < RING_TOKEN_LIMIT);
	struct io_uring_sqe *sqe = sqe_get(ring);
	io_uring_prep_write(sqe, fd, data, bytes, offset);
	io_uring_sqe_set_data64(sqe, token);
}

void ring_splice_to_pipe(struct ring *ring, int file_fd, uint64_t offset, int pipe_fd,
			 unsigned bytes, uint64_t token)
{
	must(token < RING_TOKEN_LIMIT);
	struct io_uring_sqe *sqe = sqe_get(ring);
	io_uring_prep_splice(sqe, file_fd, (int64_t)offset, pipe_fd, -1, bytes, SPLICE_F_NONBLOCK);
	io_uring_sqe_set_data64(sqe, token);
}

void ring_openat2(struct ring *ring, int dir_fd, const char *path, struct open_how *how,
		  uint64_t token)
{
	must(token < RING_TOKEN_LIMIT);
	struct io_uring_sqe *sqe = sqe_get(ring);
	io_uring_prep_openat2(sqe, dir_fd, path, how);
	io_uring_sqe_set_data64(sqe, token);
}

void ring_cancel(struct ring *ring, uint64_t token)
{
	struct io_uring_sqe *sqe = sqe_get(ring);
	io_uring_prep_cancel64(sqe, token, 0);
	io_uring_sqe_set_data64(sqe, TOKEN_CANCEL);
}

/* Moves completions out of the queue. Returns how many are the caller's. */
static unsigned events_take(struct ring *ring, struct ring_event *events, unsigned events_max)
{
	unsigned seen = 0, count = 0, head;
	struct io_uring_cqe *cqe;

	io_uring_for_each_cqe(&ring->uring, head, cqe)
	{
		if (count == events_max)
			break;
		seen++;
		if (cqe->user_data == TOKEN_WAKE) {
			wake_arm(ring);
			continue;
		}
		if (cqe->user_data == TOKEN_CANCEL)
			continue;
		if (cqe->user_data >= TOKEN_TIMER) {
			/* Not the armed one: a later timer, which an earlier had made idle. */
			if (cqe->user_data - TOKEN_TIMER == ring->timer_due_ms)
				ring->timer_due_ms = 0;
			continue;
		}
		events[count].token = cqe->user_data;
		events[count].result = cqe->res;
		count++;
	}
	io_uring_cq_advance(&ring->uring, seen);
	return count;
}

static void timer_arm(struct ring *ring, uint64_t due_ms, int timeout_ms)
{
	struct io_uring_sqe *sqe = sqe_get(ring);
	ring->timer = (struct __kernel_timespec){
		.tv_sec = timeout_ms / 1000, .tv_nsec = (long long)(timeout_ms % 1000) * 1000000};
	io_uring_prep_timeout(sqe, &ring->timer, 0, 0);
	io_uring_sqe_set_data64(sqe, TOKEN_TIMER + due_ms);
	ring->timer_due_ms = due_ms;
}

int ring_wait(struct ring *ring, uint64_t now_ms, int timeout_ms, struct ring_event *events,
	      unsigned events_max)
{
	uint64_t due_ms = now_ms + (uint64_t)timeout_ms;

	if (timeout_ms > 0 && (ring->timer_due_ms == 0 || due_ms < ring->timer_due_ms))
		timer_arm(ring, due_ms, timeout_ms);
	int r = io_uring_submit_and_wait(&ring->uring, timeout_ms == 0 ? 0 : 1);
	if (timeout_ms == 0)
		io_uring_get_events(
			&ring->uring); /* DEFER_TASKRUN runs completions only when asked */
	if (r < 0 && r != -EINTR && r != -EAGAIN && r != -EBUSY)
		return r;
	return (int)events_take(ring, events, events_max);
}

void ring_wake(struct ring *ring)
{
	uint64_t one = 1;
	ssize_t n = write(ring->wake_fd, &one, sizeof(one));
	(void)n; /* full: it is awake already */
}
