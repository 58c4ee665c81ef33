/* SPDX-License-Identifier: Apache-2.0 */
/* Which bucket a duration falls into, and what a scrape makes of it. */
#include "base/metrics.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

TestSuite(histogram, .timeout = 600);

#define US 1000ull

/* The one bucket that counts, of a histogram that saw one duration. */
static int bucket_of(uint64_t nanoseconds)
{
	struct histogram histogram = {0};
	int found = -1;

	histogram_observe(&histogram, nanoseconds);
	cr_assert_eq(histogram.sum_ns, nanoseconds);
	for (int i = 0; i <= HISTOGRAM_BUCKETS; i++) {
		if (histogram.bucket[i] == 0)
			continue;
		cr_assert_eq(histogram.bucket[i], 1);
		cr_assert_eq(found, -1, "counted twice");
		found = i;
	}
	return found;
}

static const struct {
	uint64_t nanoseconds;
	const char *seconds;
} bounds[] = {
#define ROW(nanoseconds, seconds) {nanoseconds, seconds},
	HISTOGRAM_BOUNDS(ROW)
#undef ROW
};

/* The number that is counted by is the number that is printed. */
Test(histogram, bounds_are_what_they_say)
{
	cr_assert_eq(ARRAY_LEN(bounds), HISTOGRAM_BUCKETS);
	for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
		double seconds = strtod(bounds[i].seconds, NULL);
		cr_assert_eq((uint64_t)(seconds * 1e9 + 0.5), bounds[i].nanoseconds, "%s",
			     bounds[i].seconds);
		cr_assert(i == 0 || bounds[i - 1].nanoseconds < bounds[i].nanoseconds);
	}
}

Test(histogram, bounds_are_included)
{
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t bound = bounds[i].nanoseconds;
		cr_assert_eq(bucket_of(bound), i, "%d", i);
		cr_assert_eq(bucket_of(bound - 1), i, "%d", i);
		cr_assert_eq(bucket_of(bound + 1), i + 1, "%d", i);
	}
}

Test(histogram, ends)
{
	cr_assert_eq(bucket_of(0), 0);
	cr_assert_eq(bucket_of(1), 0);
	cr_assert_eq(bucket_of(3600ull * 1000000 * US), HISTOGRAM_BUCKETS);
	cr_assert_eq(bucket_of(UINT64_MAX), HISTOGRAM_BUCKETS);
	cr_assert_eq(bucket_of(UINT64_MAX - 999), HISTOGRAM_BUCKETS);
}

/* A row's value in the printed text; the row must be there. */
static double value_of(const char *text, const char *row)
{
	const char *at = strstr(text, row);

	cr_assert_not_null(at, "no %s", row);
	return strtod(at + strlen(row), NULL);
}

#define NAME "\nsluice_http_request_duration_seconds"

/* Buckets are printed cumulative, with bounds in seconds; sum and count agree with them. */
Test(histogram, printed)
{
	static char text[METRICS_TEXT_BYTES_MAX];
	static struct metrics first, second;
	const struct metrics *sets[] = {&first, &second};

	histogram_observe(&first.request_duration[S3_GET_OBJECT], 100 * US);
	histogram_observe(&first.request_duration[S3_GET_OBJECT], 101 * US);
	histogram_observe(&second.request_duration[S3_GET_OBJECT], 1000000 * US);
	histogram_observe(&second.request_duration[S3_GET_OBJECT], 101000000 * US);
	histogram_observe(&second.request_duration[S3_OPERATION_NONE], US);
	histogram_observe(&second.handshake_duration, 2 * US);
	int n = metrics_print(sets, ARRAY_LEN(sets), text, sizeof(text));
	cr_assert_gt(n, 0);
	text[n] = '\0';

#define GET "operation=\"GetObject\""
	cr_assert_eq(value_of(text, NAME "_bucket{" GET ",le=\"0.0001\"} "), 1);
	cr_assert_eq(value_of(text, NAME "_bucket{" GET ",le=\"0.0003\"} "), 2);
	cr_assert_eq(value_of(text, NAME "_bucket{" GET ",le=\"0.3\"} "), 2);
	cr_assert_eq(value_of(text, NAME "_bucket{" GET ",le=\"1\"} "), 3);
	cr_assert_eq(value_of(text, NAME "_bucket{" GET ",le=\"100\"} "), 3);
	cr_assert_eq(value_of(text, NAME "_bucket{" GET ",le=\"+Inf\"} "), 4);
	cr_assert_eq(value_of(text, NAME "_count{" GET "} "), 4);
	cr_assert_not_null(strstr(text, NAME "_sum{" GET "} 102.000201000\n"));
#undef GET
	cr_assert_eq(value_of(text, NAME "_count{operation=\"other\"} "), 1);
	cr_assert_eq(value_of(text, NAME "_count{operation=\"PutObject\"} "), 0);
	cr_assert_eq(value_of(text, "\nsluice_tls_handshake_duration_seconds_count "), 1);
}

/* Many threads, one histogram: none of their counts is lost. */
static void *observe_many(void *arg)
{
	for (int i = 0; i < 10000; i++)
		histogram_observe_shared(arg, 200 * US);
	return NULL;
}

Test(histogram, shared)
{
	static struct histogram histogram;
	pthread_t thread[4];

	for (size_t i = 0; i < ARRAY_LEN(thread); i++)
		must(pthread_create(&thread[i], NULL, observe_many, &histogram) == 0);
	for (size_t i = 0; i < ARRAY_LEN(thread); i++)
		pthread_join(thread[i], NULL);
	cr_assert_eq(histogram.bucket[1], 40000);
	cr_assert_eq(histogram.sum_ns, 40000 * 200 * US);
}
