/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes for the splice engine, few and reused: an unprivileged user gets 64 of
 * 1 MiB in all, and later ones are tiny (fs.pipe-user-pages-soft). One thread.
 */
#ifndef SLUICE_XFER_PIPE_POOL_H
#define SLUICE_XFER_PIPE_POOL_H

#include <stdbool.h>

#include "base/limits.h"

struct pipe {
	int read_fd;
	int write_fd;
	unsigned bytes_max; /* what the kernel gave, at most PIPE_BYTES */
	bool is_lent;
};

struct pipe_pool {
	struct pipe pipe[PIPES_MAX];
	unsigned lent;
};

void pipe_pool_init(struct pipe_pool *pool);
void pipe_pool_fini(struct pipe_pool *pool);
/* An empty pipe; NULL: all are in use, or none can be made (descriptors, the user's limit). */
struct pipe *pipe_pool_take(struct pipe_pool *pool);
/* holds_bytes: it was not emptied; it is closed and made anew when next needed. */
void pipe_pool_give(struct pipe_pool *pool, struct pipe *pipe, bool holds_bytes);
/* How many are lent, for another thread to look at. */
unsigned pipe_pool_lent(const struct pipe_pool *pool);

#endif
