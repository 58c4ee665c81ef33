/* SPDX-License-Identifier: Apache-2.0 */
#include "io/engine.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "io/caps.h"
#include "io/loop_epoll.h"
#include "io/loop_ring.h"

#define RELEASE_STEP_MS 10

/* ---- What is made, unmade ------------------------------------------------------------------- */

static void release(const struct loop_kind *kind, void *state)
{
	struct loop loop = {.kind = kind, .state = state};
	kind->fini(&loop);
}

void engine_fini(struct engine *engine)
{
	while (engine->loops > engine->taken)
		release(engine->kind, engine->state[--engine->loops]);
}

int engine_take(struct engine *engine, struct loop *loop)
{
	must(engine->taken < engine->loops);
	int r = loop_init(loop, engine->kind, engine->state[engine->taken]);
	if (r == 0)
		engine->taken++;
	return r;
}

bool engine_is_epoll(const struct engine *engine)
{
	return engine->kind == &loop_kind_epoll;
}

/* ---- io_uring ------------------------------------------------------------------------------- */

static void is_back(struct op *op, int32_t result)
{
	(void)op, (void)result;
}

/* As loop_ring_new, after a wait for memory that was just given back. */
static int make_ring(void **state, unsigned entries, uint64_t until_ms)
{
	int r = loop_ring_new(state, entries);

	while (r == -ENOMEM && clock_now_ms() < until_ms) {
		poll(NULL, 0, RELEASE_STEP_MS);
		r = loop_ring_new(state, entries);
	}
	return r;
}

/* A ring can be set up: can it also be begun and entered? A filter may allow the one and refuse the
 * other. */
static int try_ring(void)
{
	struct loop loop;
	struct op op = {0};
	void *state;

	int r = make_ring(&state, RING_ENTRIES_MIN, clock_now_ms() + RING_RELEASE_MS);
	if (r < 0)
		return r;
	r = loop_init(&loop, &loop_kind_ring, state);
	if (r < 0) {
		release(&loop_kind_ring, state);
		return r;
	}
	r = loop_begin(&loop);
	if (r == 0) {
		loop_yield(&loop, &op, is_back);
		while (r == 0 && op_is_in_flight(&op))
			r = loop_wait(&loop, -1);
	}
	loop.in_flight = 0;
	loop_fini(&loop);
	return r;
}

/* As many rings of this size as can be had, at most loops. The errno of the one that could not, 0:
 * all. */
static int make_rings(struct engine *engine, unsigned loops, unsigned entries)
{
	uint64_t until_ms = clock_now_ms() + RING_RELEASE_MS;
	int r = 0;

	engine->kind = &loop_kind_ring;
	engine->loops = engine->taken = 0;
	while (r == 0 && engine->loops < loops) {
		r = make_ring(&engine->state[engine->loops], entries, until_ms);
		engine->loops += r == 0;
	}
	return r;
}

/* 0: at least one. */
static int rings_of_any_size(struct engine *engine, const struct engine_plan *plan)
{
	unsigned entries = RING_ENTRIES;
	char text[ERROR_TEXT_MAX];

	int r = make_rings(engine, plan->loops, entries);
	while (r == -ENOMEM && entries / 2 >= RING_ENTRIES_MIN) {
		engine_fini(engine);
		entries /= 2;
		r = make_rings(engine, plan->loops, entries);
	}
	if (r == -ENOMEM && engine->loops > 0) {
		snprintf(
			text, sizeof(text),
			"io_uring has memory for %u of %u workers, so there are no more: raise the "
			"limit (LimitMEMLOCK=, memory.max), or use --io-engine=epoll",
			engine->loops, plan->loops);
		plan->warn(plan->arg, text);
		return 0;
	}
	if (r < 0) {
		engine_fini(engine);
		return r;
	}
	if (entries < RING_ENTRIES) {
		snprintf(text, sizeof(text),
			 "io_uring has memory for queues of %u entries only, not %u: raise the "
			 "limit (LimitMEMLOCK=, memory.max)",
			 entries, RING_ENTRIES);
		plan->warn(plan->arg, text);
	}
	return 0;
}

/* ---- The choice ----------------------------------------------------------------------------- */

static int make_epolls(struct engine *engine, const struct engine_plan *plan, char *error)
{
	int r = 0;

	engine->kind = &loop_kind_epoll;
	engine->loops = engine->taken = 0;
	while (r == 0 && engine->loops < plan->loops) {
		r = loop_epoll_new(&engine->state[engine->loops], plan->files);
		engine->loops += r == 0;
	}
	if (r < 0)
		snprintf(error, ERROR_TEXT_MAX, "epoll cannot be set up: %s%s", strerrordesc_np(-r),
			 r == -EMFILE ? "; raise the limit (ulimit -n, LimitNOFILE=)" : "");
	return r;
}

int engine_init(struct engine *engine, const struct engine_plan *plan, char *error)
{
	char why[ERROR_TEXT_MAX / 2], text[ERROR_TEXT_MAX];

	must(plan->loops > 0 && plan->loops <= WORKERS_MAX);
	*engine = (struct engine){0};
	if (plan->wanted == IO_ENGINE_EPOLL)
		return make_epolls(engine, plan, error);
	int r = try_ring();
	if (r == 0)
		r = rings_of_any_size(engine, plan);
	if (r == 0)
		return 0;
	if (plan->wanted == IO_ENGINE_URING || r == -EMFILE || r == -ENFILE) {
		io_caps_explain_ring_error(r, error, ERROR_TEXT_MAX);
		return r;
	}
	io_caps_explain_ring_error(r, why, sizeof(why));
	snprintf(text, sizeof(text), "serving with epoll, which costs more: %s", why);
	plan->warn(plan->arg, text);
	return make_epolls(engine, plan, error);
}
