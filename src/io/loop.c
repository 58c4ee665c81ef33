/* SPDX-License-Identifier: Apache-2.0 */
#include "io/loop.h"

#include "base/clock.h"
#include "base/must.h"

#define NS_PER_MS 1000000

void loop_read_clock(struct loop *loop)
{
	loop->now_ns = clock_now_ns();
	loop->now_ms = loop->now_ns / NS_PER_MS;
}

/* ---- Birth and death ------------------------------------------------------------------------ */

int loop_init(struct loop *loop, const struct loop_kind *kind, void *state)
{
	*loop = (struct loop){.kind = kind, .state = state};
	return offload_home_init(&loop->jobs, loop);
}

int loop_begin(struct loop *loop)
{
	int r = loop->kind->begin(loop);

	wheel_init(&loop->wheel, loop->now_ms);
	return r;
}

void loop_fini(struct loop *loop)
{
	must(loop->in_flight == 0);
	offload_home_fini(&loop->jobs);
	loop->kind->fini(loop);
}

/* ---- Operations ----------------------------------------------------------------------------- */

static void start(struct loop *loop, struct op *op, void (*done)(struct op *op, int32_t result))
{
	must(!op_is_in_flight(op) && done != NULL);
	op->done = done;
	loop->in_flight++;
}

void loop_complete(struct loop *loop, struct op *op, int32_t result)
{
	void (*done)(struct op * op, int32_t result) = op->done;

	must(done != NULL && loop->in_flight > 0);
	loop->in_flight--;
	op->done = NULL;
	done(op, result);
}

void loop_yield(struct loop *loop, struct op *op, void (*done)(struct op *op, int32_t result))
{
	start(loop, op, done);
	loop->kind->yield(loop, op);
}

void loop_poll(struct loop *loop, struct op *op, int fd, unsigned poll_events,
	       void (*done)(struct op *op, int32_t result))
{
	start(loop, op, done);
	loop->kind->poll(loop, op, fd, poll_events);
}

void loop_readv(struct loop *loop, struct op *op, int fd, const struct iovec *iov,
		unsigned iov_count, uint64_t offset, void (*done)(struct op *op, int32_t result))
{
	start(loop, op, done);
	loop->kind->readv(loop, op, fd, iov, iov_count, offset);
}

void loop_write(struct loop *loop, struct op *op, int fd, struct iovec data, uint64_t offset,
		void (*done)(struct op *op, int32_t result))
{
	start(loop, op, done);
	loop->kind->write(loop, op, fd, &data, offset);
}

void loop_splice_to_pipe(struct loop *loop, struct op *op, int file_fd, uint64_t offset,
			 int pipe_fd, unsigned bytes, void (*done)(struct op *op, int32_t result))
{
	start(loop, op, done);
	loop->kind->splice_to_pipe(loop, op, file_fd, offset, pipe_fd, bytes);
}

void loop_openat2(struct loop *loop, struct op *op, int dir_fd, const char *path,
		  struct open_how *how, void (*done)(struct op *op, int32_t result))
{
	start(loop, op, done);
	loop->kind->openat2(loop, op, dir_fd, path, how);
}

void loop_cancel(struct loop *loop, struct op *op)
{
	must(op_is_in_flight(op));
	loop->kind->cancel(loop, op);
}

/* ---- Jobs and deadlines --------------------------------------------------------------------- */

void loop_submit(struct loop *loop, struct offload *threads, struct offload_job *job)
{
	offload_submit(threads, &loop->jobs, job);
}

void loop_arm(struct loop *loop, struct timer *timer, uint64_t in_ms,
	      void (*expired)(struct timer *timer))
{
	timer->expired = expired;
	wheel_arm(&loop->wheel, &timer->entry, loop->now_ms + in_ms);
}

void loop_disarm(struct loop *loop, struct timer *timer)
{
	wheel_disarm(&loop->wheel, &timer->entry);
}

/* ---- Turns ---------------------------------------------------------------------------------- */

int loop_wait(struct loop *loop, int timeout_ms)
{
	struct offload_job *job;
	int due_ms = wheel_timeout_ms(&loop->wheel, loop->now_ms);

	if (timeout_ms < 0 || (due_ms >= 0 && due_ms < timeout_ms))
		timeout_ms = due_ms;
	int r = loop->kind->wait(loop, timeout_ms);
	while ((job = offload_done(&loop->jobs)) != NULL)
		job->done(job);
	return r;
}

void loop_expire(struct loop *loop)
{
	struct wheel_entry *entry;

	while ((entry = wheel_expire(&loop->wheel, loop->now_ms)) != NULL) {
		struct timer *timer = CONTAINER_OF(entry, struct timer, entry);
		timer->expired(timer);
	}
}

void loop_wake(struct loop *loop)
{
	loop->kind->wake(loop);
}
