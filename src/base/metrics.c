/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include "base/must.h"

static const uint64_t bounds_ns[HISTOGRAM_BUCKETS] = {
#define BOUND(nanoseconds, seconds) nanoseconds,
	HISTOGRAM_BOUNDS(BOUND)
#undef BOUND
};

/* The first whose bound is not below it. */
static unsigned bucket_of(uint64_t nanoseconds)
{
	unsigned bucket = 0;
	while (bucket < HISTOGRAM_BUCKETS && nanoseconds > bounds_ns[bucket])
		bucket++;
	return bucket;
}

void histogram_observe(struct histogram *histogram, uint64_t nanoseconds)
{
	metric_add(&histogram->bucket[bucket_of(nanoseconds)], 1);
	metric_add(&histogram->sum_ns, nanoseconds);
}

void histogram_observe_shared(struct histogram *histogram, uint64_t nanoseconds)
{
	__atomic_fetch_add(&histogram->bucket[bucket_of(nanoseconds)], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&histogram->sum_ns, nanoseconds, __ATOMIC_RELAXED);
}

void metrics_denied(struct metrics *metrics, int rule, uint64_t n)
{
	must(rule >= -1 && rule < ACCESS_RULES_MAX);
	metric_add(&metrics->denied[rule + 1], n);
}

enum request_code request_code_of(int status)
{
	switch (status) {
#define CASE(code)                                                                                 \
	case code:                                                                                 \
		return REQUEST_CODE_##code;
		REQUEST_CODES(CASE)
#undef CASE
	default:
		return REQUEST_CODE_OTHER;
	}
}
