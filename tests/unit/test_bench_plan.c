/* SPDX-License-Identifier: Apache-2.0 */
/* What a load consists of: mixes, the thanos mix' distribution, the schedule of a rate. */
#include "client/bench_plan.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

TestSuite(bench_plan, .timeout = 600);

#define KEY(text) ((char *)(uintptr_t)(text))

static const struct bench_object block[] = {
	{KEY("01A/chunks/000001"), 50000000},
	{KEY("01A/chunks/000002"), 777},
	{KEY("01A/index"), 3000000},
	{KEY("01A/meta.json"), 900},
	{KEY("empty"), 0},
	{KEY("notchunks/index.html"), 100},
};

static struct bench_plan plan;

static void begin(const char *text, const struct bench_object *objects, unsigned count)
{
	char error[ERROR_TEXT_MAX];
	struct bench_mix mix;

	cr_assert_eq(bench_mix_parse(&mix, text, error), 0, "%s", error);
	cr_assert_eq(bench_plan_init(&plan, &mix, objects, count), 0);
}

Test(bench_plan, mixes)
{
	static const char *const wrong[] = {
		"",      "wholes",   "range",    "range:", "range:0",
		"put:x", "thanos:1", "put:2TiB", "Whole",  "put:99999GiB"};
	char error[ERROR_TEXT_MAX];
	struct bench_mix mix;

	cr_assert_eq(bench_mix_parse(&mix, "range:16KiB", error), 0);
	cr_assert(mix.kind == BENCH_RANGE && mix.bytes == 16384);
	cr_assert_eq(bench_mix_parse(&mix, "put:64MiB", error), 0);
	cr_assert(mix.kind == BENCH_PUT && mix.bytes == 64 * 1024 * 1024);
	cr_assert_eq(bench_mix_parse(&mix, "handshake", error), 0);
	cr_assert_eq(mix.kind, BENCH_HANDSHAKE);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		cr_assert_eq(bench_mix_parse(&mix, wrong[i], error), -EINVAL, "%s", wrong[i]);
		cr_assert_not_null(strstr(error, "use "), "%s", error);
	}
}

Test(bench_plan, whole_takes_turns)
{
	struct bench_request request;

	begin("whole", block, ARRAY_LEN(block));
	for (unsigned i = 0; i < 3 * ARRAY_LEN(block); i++) {
		bench_plan_next(&plan, &request);
		cr_assert_eq(request.verb, BENCH_GET);
		cr_assert_eq(request.object, i % ARRAY_LEN(block));
		cr_assert_eq(bench_request_bytes(&plan, &request), block[request.object].bytes);
	}
	bench_plan_fini(&plan);
}

/* Every range begins inside its object, and what a right answer has is what is there. */
static void check_range(const struct bench_request *request)
{
	uint64_t bytes = plan.object[request->object].bytes;

	cr_assert_lt(request->first, bytes);
	cr_assert_leq(request->first, request->last);
	uint64_t right = bench_request_bytes(&plan, request);
	cr_assert_gt(right, 0);
	cr_assert_leq(request->first + right, bytes);
	cr_assert_leq(right, request->last - request->first + 1);
}

Test(bench_plan, ranges_lie_on_a_grid_and_reach_everywhere)
{
	bool seen[8] = {false};
	struct bench_request request;
	const struct bench_object object = {KEY("x"), 8 * 16384 - 5};

	begin("range:16KiB", &object, 1);
	for (unsigned i = 0; i < 1000; i++) {
		bench_plan_next(&plan, &request);
		cr_assert_eq(request.verb, BENCH_GET_RANGE);
		check_range(&request);
		cr_assert_eq(request.first % 16384, 0);
		cr_assert_eq(request.last, request.first + 16383);
		seen[request.first / 16384] = true;
	}
	for (unsigned i = 0; i < ARRAY_LEN(seen); i++)
		cr_assert(seen[i], "%u", i);
	bench_plan_fini(&plan);
}

Test(bench_plan, the_same_again)
{
	struct bench_request first[100], again;

	for (unsigned run = 0; run < 2; run++) {
		begin("thanos", block, ARRAY_LEN(block));
		for (unsigned i = 0; i < ARRAY_LEN(first); i++) {
			bench_plan_next(&plan, run == 0 ? &first[i] : &again);
			if (run == 1)
				cr_assert(again.verb == first[i].verb &&
					  again.first == first[i].first &&
					  again.last == first[i].last);
		}
		bench_plan_fini(&plan);
	}
}

#define WEIGHT(id, label, weight) weight,
static const unsigned weights[] = {BENCH_THANOS(WEIGHT)};
#define LABEL(id, label, weight) label,
static const char *const labels[] = {BENCH_THANOS(LABEL)};

Test(bench_plan, the_thanos_mix_is_distributed_as_its_table)
{
	enum { COUNT = 200000 };
	struct bench_request request;
	unsigned heads = 0, marks = 0, versions = 0, tails = 0, merged = 0;

	begin("thanos", block, ARRAY_LEN(block));
	for (unsigned i = 0; i < COUNT; i++) {
		bench_plan_next(&plan, &request);
		uint64_t bytes = request.last - request.first + 1;
		heads += request.verb == BENCH_HEAD;
		marks += request.verb == BENCH_GET_MARK;
		if (request.verb != BENCH_GET_RANGE)
			continue;
		check_range(&request);
		cr_assert_leq(bytes, 1024 * 1024);
		versions += request.first == 0 && bytes == 5;
		tails += bytes == 56 && request.first == block[request.object].bytes - 56;
		merged += bytes >= 256 * 1024;
		const char *key = block[request.object].key;
		cr_assert(strcmp(key, "01A/index") == 0 || strncmp(key, "01A/chunks/", 11) == 0,
			  "%s", key);
	}
	unsigned sum = 0;
	for (unsigned i = 0; i < BENCH_THANOS_COUNT; i++) {
		double share = (double)plan.thanos[i] / COUNT * 1000;
		cr_assert_float_eq(share, weights[i], 5, "%s: %f", labels[i], share);
		sum += weights[i];
	}
	cr_assert_eq(sum, 1000);
	cr_assert_eq(heads, plan.thanos[BENCH_THANOS_HEAD]);
	cr_assert_eq(marks, plan.thanos[BENCH_THANOS_MARK]);
	cr_assert_eq(versions, plan.thanos[BENCH_THANOS_VERSION]);
	cr_assert_geq(tails, plan.thanos[BENCH_THANOS_TOC]);
	cr_assert_gt(merged, COUNT / 10, "ranges with gaps become large ones");
	bench_plan_fini(&plan);
}

Test(bench_plan, objects_that_are_no_block_stand_in)
{
	static const struct bench_object plain[] = {{KEY("a"), 0}, {KEY("b"), 3}};
	struct bench_request request;

	begin("thanos", plain, ARRAY_LEN(plain));
	for (unsigned i = 0; i < 10000; i++) {
		bench_plan_next(&plan, &request);
		if (request.verb == BENCH_GET_RANGE)
			check_range(&request);
	}
	bench_plan_fini(&plan);

	begin("handshake", plain, 1); /* nothing but an empty object: without a range */
	bench_plan_next(&plan, &request);
	cr_assert_eq(request.verb, BENCH_GET);
	bench_plan_fini(&plan);
}

Test(bench_plan, a_rate_is_kept_for_ever)
{
	cr_assert_eq(bench_due_ns(0, 7), 0);
	cr_assert_eq(bench_due_ns(1, 1000), 1000000);
	cr_assert_eq(bench_due_ns(3, 3), 1000000000);
	for (unsigned rate = 1; rate <= 10000000; rate = rate * 3 + 1) {
		uint64_t hours = 24 * 3600ull * rate; /* requests of a day */
		cr_assert_eq(bench_due_ns(hours, rate), 24 * 3600ull * 1000000000);
		for (uint64_t n = hours; n < hours + 100; n++) {
			uint64_t step = bench_due_ns(n + 1, rate) - bench_due_ns(n, rate);
			cr_assert(step == 1000000000ull / rate || step == 1000000000ull / rate + 1);
		}
	}
}
