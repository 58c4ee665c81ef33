/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kind of loop this process gets, and what its loops stand on: made before the
 * sandbox, in which no ring can be set up.
 *
 *   auto   io_uring; with less memory than it wants smaller rings, then fewer loops;
 *          epoll where io_uring is refused, missing, or has no memory at all
 *   uring  the same, but refuses to start instead
 *   epoll  epoll
 */
#ifndef SLUICE_IO_ENGINE_H
#define SLUICE_IO_ENGINE_H

#include "base/engines.h"
#include "base/limits.h"
#include "io/loop.h"

struct engine_plan {
	enum io_engine wanted;
	unsigned loops;        /* at most WORKERS_MAX */
	struct offload *files; /* for files, with epoll; its threads may be started later */
	/* A sentence about what is other than was wanted, and what to do. */
	void (*warn)(void *arg, const char *text);
	void *arg;
};

struct engine {
	const struct loop_kind *kind;
	unsigned loops; /* so many can be had */
	unsigned taken;
	void *state[WORKERS_MAX];
};

/* 0, or a negative errno with why and what to do in error (ERROR_TEXT_MAX bytes). engine_fini in
 * any case. */
int engine_init(struct engine *engine, const struct engine_plan *plan, char *error);
/* The next of the loops. 0 or a negative errno. */
int engine_take(struct engine *engine, struct loop *loop);
/* What was not taken. */
void engine_fini(struct engine *engine);

bool engine_is_epoll(const struct engine *engine);

#endif
