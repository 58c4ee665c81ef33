/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies compared piece by piece. */
#include "client/bench_verify.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

TestSuite(bench_verify, .timeout = 600);

static struct bench_verify *verify;
static uint8_t object[1000];

/* Bytes first to first + len of the object, in steps. */
static int look(unsigned place, uint64_t first, size_t len, size_t step, const char *checksum)
{
	struct bench_check check;

	bench_check_begin(&check, verify, place, first);
	for (size_t at = 0; at < len; at += step)
		bench_check_data(&check, object + first + at, step < len - at ? step : len - at);
	return bench_check_end(&check, true, checksum);
}

static void expect(uint64_t verified, uint64_t first_seen)
{
	uint64_t counts[3];

	bench_verify_counts(verify, &counts[0], &counts[1], &counts[2]);
	cr_assert_eq(counts[0], verified, "%d", (int)counts[0]);
	cr_assert_eq(counts[1], first_seen, "%d", (int)counts[1]);
	cr_assert_eq(counts[2], 0);
}

Test(bench_verify, pieces_of_a_grid_are_shared_by_ranges)
{
	verify = bench_verify_new(100);
	cr_assert_eq(look(1, 0, 300, 300, ""), 0);
	expect(0, 3);
	cr_assert_eq(look(1, 100, 150, 7, ""), 0); /* one whole, and half a one, which is another */
	expect(1, 4);
	cr_assert_eq(look(2, 0, 300, 1, ""), 0);
	expect(1, 7);
	object[150] ^= 1;
	cr_assert_eq(look(1, 0, 100, 50, ""), 0);
	cr_assert_eq(look(1, 0, 300, 50, ""), -EBADMSG);
	cr_assert_eq(look(1, 100, 150, 150, ""), -EBADMSG);
	bench_verify_free(verify);
}

Test(bench_verify, a_whole_object_against_its_checksum)
{
	/* Of no byte and of "abc": FIPS 180-2, appendix B.1 */
	static const char abc[] = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

	verify = bench_verify_new(0);
	memcpy(object, "abc", 3);
	cr_assert_eq(look(1, 0, 3, 1, abc), 0);
	expect(1, 1);
	cr_assert_eq(look(1, 0, 3, 3, "of-parts-3"), 0);
	object[0] = 'A';
	cr_assert_eq(look(2, 0, 3, 3, abc), -EBADMSG, "seen for the first time, and wrong");
	bench_verify_free(verify);
}

Test(bench_verify, a_body_that_was_cut_says_nothing)
{
	struct bench_check check;

	verify = bench_verify_new(100);
	bench_check_begin(&check, verify, 1, 0);
	bench_check_data(&check, object, 50);
	cr_assert_eq(bench_check_end(&check, false, ""), 0);
	expect(0, 0);
	bench_check_begin(&check, NULL, 1, 0);
	bench_check_data(&check, object, 50);
	cr_assert_eq(bench_check_end(&check, true, ""), 0);
	bench_verify_free(verify);
}
