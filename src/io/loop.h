/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of one thread: operations, deadlines, jobs for other threads, a clock.
 *
 * Whoever starts an operation embeds a struct op in what it belongs to. Each has
 * exactly one completion, cancelled or not: op->done(op, result), called from
 * loop_wait, never from the function that started it. Until then op, and what the
 * operation points at, stay where they are. Starting never fails: what cannot be
 * done completes with an error.
 *
 *   owner: loop_poll(loop, &op, ...)          loop_wait: op.done(&op, POLLIN)
 *          loop_cancel(loop, &op)             loop_wait: op.done(&op, -ECANCELED), or what it came
 * to
 *
 * Sockets are waited for by one-shot polls, and read and written by their owner
 * with calls that do not block, so no buffer of a connection is in the kernel's
 * hands while it waits for a peer. Files, whose reads may block, go through the
 * loop. One thread, but for loop_wake; the kind (struct loop_kind) is what carries
 * operations out: io_uring, or a simulation.
 */
#ifndef SLUICE_IO_LOOP_H
#define SLUICE_IO_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <linux/openat2.h>

#include "io/offload.h"
#include "io/wheel.h"

struct op {
	void (*done)(struct op *op, int32_t result); /* NULL: not in flight */
	struct op *next;                             /* this and what follows: the kind's */
	int32_t result;
	uint32_t events;
};

struct timer {
	struct wheel_entry entry;
	void (*expired)(struct timer *timer); /* disarmed by then */
};

struct loop;

/* What carries operations out: as the loop_... functions of the same names. begin sets the clock;
 * wait does before it completes anything, and waits until timeout_ms has passed (-1: for ever). */
struct loop_kind {
	const char *name;
	int (*begin)(struct loop *loop);
	void (*fini)(struct loop *loop);
	void (*yield)(struct loop *loop, struct op *op);
	void (*poll)(struct loop *loop, struct op *op, int fd, unsigned poll_events);
	void (*readv)(struct loop *loop, struct op *op, int fd, const struct iovec *iov,
		      unsigned iov_count, uint64_t offset);
	void (*write)(struct loop *loop, struct op *op, int fd, const struct iovec *data,
		      uint64_t offset);
	void (*splice_to_pipe)(struct loop *loop, struct op *op, int file_fd, uint64_t offset,
			       int pipe_fd, unsigned bytes);
	void (*openat2)(struct loop *loop, struct op *op, int dir_fd, const char *path,
			struct open_how *how);
	void (*cancel)(struct loop *loop, struct op *op);
	int (*wait)(struct loop *loop, int timeout_ms);
	void (*wake)(struct loop *loop);
};

struct loop {
	const struct loop_kind *kind;
	void *state;     /* the kind's */
	uint64_t now_ns; /* CLOCK_MONOTONIC, read once a turn */
	uint64_t now_ms;
	struct wheel wheel;
	struct offload_home jobs;
	unsigned in_flight; /* operations, without jobs */
};

/* By any thread; loop_wake may be called from now on. state: the kind's, taken over where it
 * succeeds (io/engine.h chooses). 0 or a negative errno. */
int loop_init(struct loop *loop, const struct loop_kind *kind, void *state);
/* Once, by the thread that will use it, before anything else. 0 or a negative errno. */
int loop_begin(struct loop *loop);
/* By any thread, whether it has begun or not. Nothing may be in flight. */
void loop_fini(struct loop *loop);

/* done is called from the next loop_wait, after what is ready: result 0. */
void loop_yield(struct loop *loop, struct op *op, void (*done)(struct op *op, int32_t result));
/* result: the events that are ready (POLLIN, POLLHUP ...), or a negative errno. */
void loop_poll(struct loop *loop, struct op *op, int fd, unsigned poll_events,
	       void (*done)(struct op *op, int32_t result));
/* iov and what it points to stay until done; result: as preadv(2)'s, negative errno on failure. */
void loop_readv(struct loop *loop, struct op *op, int fd, const struct iovec *iov,
		unsigned iov_count, uint64_t offset, void (*done)(struct op *op, int32_t result));
/* What data points to stays until done; result: as pwrite(2)'s. */
void loop_write(struct loop *loop, struct op *op, int fd, struct iovec data, uint64_t offset,
		void (*done)(struct op *op, int32_t result));
/* From a file at offset into a pipe, without waiting for room in it; never on this thread. */
void loop_splice_to_pipe(struct loop *loop, struct op *op, int file_fd, uint64_t offset,
			 int pipe_fd, unsigned bytes, void (*done)(struct op *op, int32_t result));
/* path and how stay until done; result: a descriptor that the caller then owns. */
void loop_openat2(struct loop *loop, struct op *op, int dir_fd, const char *path,
		  struct open_how *how, void (*done)(struct op *op, int32_t result));
/* Asks that the operation end soon; its completion comes as always. Not of a job. */
void loop_cancel(struct loop *loop, struct op *op);

static inline bool op_is_in_flight(const struct op *op)
{
	return op->done != NULL;
}

/* Hands a job to these threads; job->done is called from loop_wait when it has run. */
void loop_submit(struct loop *loop, struct offload *threads, struct offload_job *job);

/* In so many ms of the loop's clock; again for one that is armed. */
void loop_arm(struct loop *loop, struct timer *timer, uint64_t in_ms,
	      void (*expired)(struct timer *timer));
void loop_disarm(struct loop *loop, struct timer *timer);
static inline bool timer_is_armed(const struct timer *timer)
{
	return timer->entry.next != NULL;
}

/*
 * Starts what was asked for and waits for completions, at most until the next deadline or for
 * timeout_ms (-1: no other bound); reads the clock and calls done of each that has completed, and
 * of jobs. It may return early. 0, or a negative errno when the loop itself fails (a bug or no
 * memory).
 */
int loop_wait(struct loop *loop, int timeout_ms);
/* Calls expired of the timers whose time has come. */
void loop_expire(struct loop *loop);
/* From any thread: makes loop_wait return. Safe in a signal handler. */
void loop_wake(struct loop *loop);

/* ---- For kinds ---- */

/* The operation has completed: done is called. */
void loop_complete(struct loop *loop, struct op *op, int32_t result);
/* Sets now_ns and now_ms. */
void loop_read_clock(struct loop *loop);

#endif
