/* SPDX-License-Identifier: Apache-2.0 */
#include "io/loop_ring.h"

#include <errno.h>
#include <stdlib.h>

#include "base/must.h"
#include "io/ring.h"

#define EVENTS_PER_WAIT 256

static struct ring *ring_of(const struct loop *loop)
{
	return loop->state;
}

static uint64_t token_of(const struct op *op)
{
	return (uintptr_t)op;
}

int loop_ring_new(void **state, unsigned entries)
{
	struct ring *ring = malloc(sizeof(*ring));

	if (ring == NULL)
		return -ENOMEM;
	int r = ring_init(ring, entries);
	if (r < 0) {
		free(ring);
		return r;
	}
	*state = ring;
	return 0;
}

static int on_ring_begin(struct loop *loop)
{
	loop_read_clock(loop);
	return ring_begin(ring_of(loop));
}

static void on_ring_fini(struct loop *loop)
{
	ring_fini(ring_of(loop));
	free(loop->state);
	loop->state = NULL;
}

static void on_ring_yield(struct loop *loop, struct op *op)
{
	ring_yield(ring_of(loop), token_of(op));
}

static void on_ring_poll(struct loop *loop, struct op *op, int fd, unsigned poll_events)
{
	ring_poll(ring_of(loop), fd, poll_events, token_of(op));
}

static void on_ring_readv(struct loop *loop, struct op *op, int fd, const struct iovec *iov,
			  unsigned iov_count, uint64_t offset)
{
	ring_readv(ring_of(loop), fd, iov, iov_count, offset, token_of(op));
}

static void on_ring_write(struct loop *loop, struct op *op, int fd, const struct iovec *data,
			  uint64_t offset)
{
	ring_write(ring_of(loop), fd, data->iov_base, (unsigned)data->iov_len, offset,
		   token_of(op));
}

static void on_ring_splice_to_pipe(struct loop *loop, struct op *op, int file_fd, uint64_t offset,
				   int pipe_fd, unsigned bytes)
{
	ring_splice_to_pipe(ring_of(loop), file_fd, offset, pipe_fd, bytes, token_of(op));
}

static void on_ring_openat2(struct loop *loop, struct op *op, int dir_fd, const char *path,
			    struct open_how *how)
{
	ring_openat2(ring_of(loop), dir_fd, path, how, token_of(op));
}

static void on_ring_cancel(struct loop *loop, struct op *op)
{
	ring_cancel(ring_of(loop), token_of(op));
}

static int on_ring_wait(struct loop *loop, int timeout_ms)
{
	struct ring_event event[EVENTS_PER_WAIT];
	int count = ring_wait(ring_of(loop), loop->now_ms, timeout_ms, event, EVENTS_PER_WAIT);

	loop_read_clock(loop);
	for (int i = 0; i < count; i++) {
		/* One event for each operation, and no op goes before it: never a stranger's. */
		loop_complete(loop, (struct op *)(uintptr_t)event[i].token, event[i].result);
	}
	return count < 0 ? count : 0;
}

static void on_ring_wake(struct loop *loop)
{
	ring_wake(ring_of(loop));
}

const struct loop_kind loop_kind_ring = {.name = "io_uring",
					 .begin = on_ring_begin,
					 .fini = on_ring_fini,
					 .yield = on_ring_yield,
					 .poll = on_ring_poll,
					 .readv = on_ring_readv,
					 .write = on_ring_write,
					 .splice_to_pipe = on_ring_splice_to_pipe,
					 .openat2 = on_ring_openat2,
					 .cancel = on_ring_cancel,
					 .wait = on_ring_wait,
					 .wake = on_ring_wake};
