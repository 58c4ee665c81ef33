/* SPDX-License-Identifier: Apache-2.0 */
/* Which bucket a duration falls into, and what a scrape makes of it. */
#include "base/metrics.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

TestSuite(histogram, .timeout = 60);

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

Test(histogram, bounds_are_included)
{
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t bound = (16ull << i) * US;
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

	histogram_observe(&first.request_duration, 16 * US);
	histogram_observe(&first.request_duration, 17 * US);
	histogram_observe(&second.request_duration, 1000000 * US); /* 1 s: le 1.048576 */
	histogram_observe(&second.request_duration, 100000000 * US);
	int n = metrics_print(sets, ARRAY_LEN(sets), text, sizeof(text));
	cr_assert_gt(n, 0);
	text[n] = '\0';

	cr_assert_eq(value_of(text, NAME "_bucket{le=\"0.000016\"} "), 1);
	cr_assert_eq(value_of(text, NAME "_bucket{le=\"0.000032\"} "), 2);
	cr_assert_eq(value_of(text, NAME "_bucket{le=\"0.524288\"} "), 2);
	cr_assert_eq(value_of(text, NAME "_bucket{le=\"1.048576\"} "), 3);
	cr_assert_eq(value_of(text, NAME "_bucket{le=\"67.108864\"} "), 3);
	cr_assert_eq(value_of(text, NAME "_bucket{le=\"+Inf\"} "), 4);
	cr_assert_eq(value_of(text, NAME "_count "), 4);
	cr_assert_not_null(strstr(text, NAME "_sum 101.000033000\n"));
}
