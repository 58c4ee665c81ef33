/* SPDX-License-Identifier: Apache-2.0 */
#include "xfer/pipe_pool.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/must.h"

static void pipe_close(struct pipe *pipe)
{
	if (pipe->read_fd >= 0) {
		close(pipe->read_fd);
		close(pipe->write_fd);
	}
	pipe->read_fd = pipe->write_fd = -1;
}

static int pipe_open(struct pipe *pipe)
{
	int fd[2];
	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	pipe->read_fd = fd[0];
	pipe->write_fd = fd[1];
	fcntl(fd[1], F_SETPIPE_SZ, PIPE_BYTES); /* best effort: EPERM past the user's limit */
	int bytes = fcntl(fd[1], F_GETPIPE_SZ);
	pipe->bytes_max = bytes > 0 ? (unsigned)bytes : 4096;
	return 0;
}

void pipe_pool_init(struct pipe_pool *pool)
{
	pool->lent = 0;
	for (unsigned i = 0; i < PIPES_MAX; i++)
		pool->pipe[i] = (struct pipe){.read_fd = -1, .write_fd = -1};
}

void pipe_pool_fini(struct pipe_pool *pool)
{
	for (unsigned i = 0; i < PIPES_MAX; i++) {
		must(!pool->pipe[i].is_lent);
		pipe_close(&pool->pipe[i]);
	}
}

/* One thread writes it; pipe_pool_lent reads it from another. */
static void lent_set(struct pipe_pool *pool, unsigned lent)
{
	__atomic_store_n(&pool->lent, lent, __ATOMIC_RELAXED);
}

unsigned pipe_pool_lent(const struct pipe_pool *pool)
{
	return __atomic_load_n(&pool->lent, __ATOMIC_RELAXED);
}

struct pipe *pipe_pool_take(struct pipe_pool *pool)
{
	for (unsigned i = 0; i < PIPES_MAX; i++) {
		struct pipe *pipe = &pool->pipe[i];
		if (pipe->is_lent)
			continue;
		if (pipe->read_fd < 0 && pipe_open(pipe) < 0)
			continue; /* another one may be open already */
		pipe->is_lent = true;
		lent_set(pool, pool->lent + 1);
		return pipe;
	}
	return NULL;
}

void pipe_pool_give(struct pipe_pool *pool, struct pipe *pipe, bool holds_bytes)
{
	must(pipe->is_lent);
	pipe->is_lent = false;
	lent_set(pool, pool->lent - 1);
	if (holds_bytes)
		pipe_close(pipe);
}
