/* SPDX-License-Identifier: Apache-2.0 */
/* Every quantile within 1/128 of the value that a sorted list has, and never below it. */
#include "base/quantiles.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

TestSuite(quantiles, .timeout = 600);

static struct quantiles quantiles;

static void check(uint64_t found, uint64_t exact)
{
	cr_assert_geq(found, exact);
	cr_assert_leq(found - exact, exact / 128, "%llu for %llu", (unsigned long long)found,
		      (unsigned long long)exact);
}

Test(quantiles, nothing_and_one)
{
	cr_assert_eq(quantiles_at(&quantiles, 500000), 0);
	quantiles_observe(&quantiles, 123456789);
	for (unsigned at = 0; at <= 1000000; at += 250000)
		cr_assert_eq(quantiles_at(&quantiles, at), 123456789, "the largest is exact");
}

Test(quantiles, zero_is_a_value)
{
	quantiles_observe(&quantiles, 0);
	quantiles_observe(&quantiles, 7);
	cr_assert_eq(quantiles_at(&quantiles, 500000), 0);
	cr_assert_eq(quantiles_at(&quantiles, 500001), 7);
}

Test(quantiles, around_every_power_of_two)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int around = -2; around <= 2; around++) {
			uint64_t value = (1ull << bit) + (uint64_t)around;
			memset(&quantiles, 0, sizeof(quantiles));
			quantiles_observe(&quantiles, value);
			quantiles_observe(&quantiles, UINT64_MAX);
			check(quantiles_at(&quantiles, 500000), value);
			cr_assert_eq(quantiles_at(&quantiles, 1000000), UINT64_MAX);
		}
	}
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

Test(quantiles, as_a_sorted_list)
{
	enum { COUNT = 20000 };
	static const unsigned ats[] = {1, 1000, 500000, 900000, 990000, 999000, 999999, 1000000};
	uint64_t *values = calloc(COUNT, sizeof(*values)), x = 88172645463325252ull;

	for (unsigned i = 0; i < COUNT; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		values[i] = x >> (x % 50); /* of every size */
		quantiles_observe(&quantiles, values[i]);
	}
	qsort(values, COUNT, sizeof(*values), compare);
	for (size_t i = 0; i < ARRAY_LEN(ats); i++) {
		uint64_t rank = ((uint64_t)COUNT * ats[i] + 999999) / 1000000;
		check(quantiles_at(&quantiles, ats[i]), values[rank - 1]);
	}
	free(values);
}
