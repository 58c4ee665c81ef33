/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of one thread over io_uring. The only user of liburing besides
 * io/caps.
 *
 * Every started operation has exactly one event, cancelled or not. Sockets are
 * waited for by one-shot polls, and read and written by their owner with
 * ordinary calls that do not block: so no buffer of a connection is ever in the
 * kernel's hands while it waits for a peer. Files, whose reads may block, go
 * through the ring; a buffer given to ring_readv belongs to the kernel until its
 * event.
 *
 * What a ring can be made to do is fixed when it begins: the operations that are
 * below and no others, whoever writes into its queue (seccomp filters do not see
 * them). Nothing can be registered with it either.
 *
 * token: the caller's, any value below RING_TOKEN_LIMIT. Starting never fails: a
 * full submission queue is submitted.
 */
#ifndef SLUICE_IO_RING_H
#define SLUICE_IO_RING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <linux/openat2.h>

#include <liburing.h>

#define RING_TOKEN_LIMIT (1ull << 63)

struct ring {
	struct io_uring uring;
	int wake_fd; /* eventfd; ring_wake writes it from other threads */
	uint64_t wake_sink;
	struct __kernel_timespec timer; /* until it is submitted */
	uint64_t timer_due_ms;          /* of the timer that is armed; 0: none */
};

struct ring_event {
	uint64_t token;
	int32_t result; /* as the system call's, negative errno on failure */
};

/* By any thread; the ring is not yet to be used, but ring_wake may be called. 0 or a negative
 * errno; -EPERM and -ENOSYS: io_uring is blocked or missing (io_caps_explain_ring_error tells the
 * cure). */
int ring_init(struct ring *ring, unsigned entries);
/* Once, by the thread that will use it, before anything else. 0 or a negative errno. */
int ring_begin(struct ring *ring);
/* By any thread, whether it has begun or not. Nothing may be in flight. */
void ring_fini(struct ring *ring);

/* An event of its own, at once, behind those that are ready: result 0. */
void ring_yield(struct ring *ring, uint64_t token);
/* result: the events that are ready (POLLIN, POLLHUP ...), or an error. */
void ring_poll(struct ring *ring, int fd, unsigned poll_events, uint64_t token);
/* iov and what it points to stay until the event. */
void ring_readv(struct ring *ring, int fd, const struct iovec *iov, unsigned iov_count,
		uint64_t offset, uint64_t token);
/* data stays until the event. */
void ring_write(struct ring *ring, int fd, const void *data, unsigned bytes, uint64_t offset,
		uint64_t token);
/* From a file at offset into a pipe; runs on a thread of the kernel, never on this one. */
void ring_splice_to_pipe(struct ring *ring, int file_fd, uint64_t offset, int pipe_fd,
			 unsigned bytes, uint64_t token);
/* path and how stay until the event; result: a descriptor that the caller then owns. */
void ring_openat2(struct ring *ring, int dir_fd, const char *path, struct open_how *how,
		  uint64_t token);
/* Asks that the operation of this token end soon; its event comes as always. */
void ring_cancel(struct ring *ring, uint64_t token);

/*
 * Submits what was started and waits for events until timeout_ms after now_ms (-1: for ever, 0:
 * does not wait); fills at most events_max. Returns their number, 0 on timeout, signal or wake-up;
 * it may return early with 0. Negative errno when the ring itself fails (a bug or no memory).
 *
 * now_ms: the caller's monotonic clock. Deadlines mostly move later, so one timer stays armed in
 * the ring for the earliest, and a wait that it covers needs none of its own.
 */
int ring_wait(struct ring *ring, uint64_t now_ms, int timeout_ms, struct ring_event *events,
	      unsigned events_max);
/* From any thread: makes ring_wait return. Safe in a signal handler. */
void ring_wake(struct ring *ring);

#endif
