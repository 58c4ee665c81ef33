/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of the page cache: exactly what was noted, of that file, for a while. */
#include <criterion/criterion.h>

#include "xfer/warm.h"

#define DEVICE  8
#define INODE   4711
#define STRETCH TURN_BYTES_MAX

static struct warm warm; /* of the test's own process */

static uint64_t until(uint64_t offset, uint64_t now_ms)
{
	return warm_until(&warm, DEVICE, INODE, offset, now_ms);
}

Test(warm, nothing_is_known_at_first)
{
	cr_expect_eq(until(0, 0), 0);
	cr_expect_eq(until(STRETCH, 5000), 0);
	cr_expect_eq(warm_until(&warm, 0, 0, 0, WARM_MS), 0, "not even of file 0");
}

Test(warm, what_was_noted_is_known_for_a_while)
{
	warm_note(&warm, DEVICE, INODE, 4096, 65536, 10000);
	cr_expect_eq(until(4096, 10000), 65536);
	cr_expect_eq(until(65535, 10000 + WARM_MS - 1), 65536);
	cr_expect_eq(until(4096, 10000 + WARM_MS), 0, "too old");
	cr_expect_eq(until(4095, 10000), 0, "before it");
	cr_expect_leq(until(65536, 10000), 65536, "behind it");
}

Test(warm, of_that_file_alone)
{
	warm_note(&warm, DEVICE, INODE, 0, STRETCH, 10000);
	cr_expect_eq(warm_until(&warm, DEVICE, INODE + 1, 0, 10000), 0);
	cr_expect_eq(warm_until(&warm, DEVICE + 1, INODE, 0, 10000), 0);
	cr_expect_eq(warm_until(&warm, DEVICE, INODE + WARM_ENTRIES, 0, 10000), 0, "same entry");
	cr_expect_eq(until(STRETCH, 10000), 0, "the next stretch");
	cr_expect_eq(until((uint64_t)WARM_ENTRIES * STRETCH, 10000), 0, "same entry again");
}

Test(warm, the_stretches_of_a_file_live_beside_each_other)
{
	for (uint64_t i = 0; i < WARM_ENTRIES; i++)
		warm_note(&warm, DEVICE, INODE, i * STRETCH, (i + 1) * STRETCH, 10000);
	for (uint64_t i = 0; i < WARM_ENTRIES; i++)
		cr_assert_eq(until(i * STRETCH, 10000), (i + 1) * STRETCH);
}

Test(warm, a_part_takes_nothing_away_and_refreshes_nothing)
{
	warm_note(&warm, DEVICE, INODE, 0, STRETCH, 10000);
	warm_note(&warm, DEVICE, INODE, 4096, 8192, 10900);
	cr_expect_eq(until(0, 10900), STRETCH);
	cr_expect_eq(until(4096, 10000 + WARM_MS), 0);
	warm_note(&warm, DEVICE, INODE, 4096, 8192, 10000 + WARM_MS);
	cr_expect_eq(until(4096, 10000 + WARM_MS), 8192, "the whole is too old: the part counts");
	cr_expect_eq(until(0, 10000 + WARM_MS), 0);
}

Test(warm, use_refreshes)
{
	for (uint64_t now = 10000; now < 20000; now += WARM_MS - 1) {
		warm_note(&warm, DEVICE, INODE, 0, STRETCH, now);
		cr_expect_eq(until(0, now + WARM_MS - 1), STRETCH);
	}
}
