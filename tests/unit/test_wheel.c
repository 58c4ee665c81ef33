/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "io/wheel.h"

TestSuite(wheel);

Test(wheel, fires_not_early_and_at_most_a_tick_late)
{
	static struct wheel wheel;
	for (uint64_t due = 1000; due < 1000 + 3 * TICK_MS; due += 7) {
		struct wheel_entry entry = {0};
		wheel_init(&wheel, 1000);
		wheel_arm(&wheel, &entry, due);
		uint64_t now = 1000;
		while (wheel_expire(&wheel, now) == NULL)
			now++;
		cr_expect(now >= due, "due %lu fired at %lu", due, now);
		cr_expect(now < due + TICK_MS, "due %lu fired at %lu", due, now);
	}
}

Test(wheel, the_timeout_leads_to_the_deadline)
{
	static struct wheel wheel;
	struct wheel_entry entry = {0};
	wheel_init(&wheel, 12345);
	cr_expect_eq(wheel_timeout_ms(&wheel, 12345), -1);
	wheel_arm(&wheel, &entry, 12345 + 5000);
	int timeout = wheel_timeout_ms(&wheel, 12345);
	cr_expect(timeout >= 5000 && timeout < 5000 + TICK_MS, "%d", timeout);
	cr_expect_eq(wheel_expire(&wheel, 12345 + (uint64_t)timeout), &entry);
	cr_expect_eq(wheel_timeout_ms(&wheel, 12345 + (uint64_t)timeout), -1);
}

Test(wheel, a_deadline_further_than_the_wheel_is_kept)
{
	static struct wheel wheel;
	struct wheel_entry entry = {0};
	uint64_t due = 3ull * TICK_SLOTS * TICK_MS + 12345, now = 0;
	wheel_init(&wheel, 0);
	wheel_arm(&wheel, &entry, due);
	int wakes = 0;
	while (wheel_expire(&wheel, now) == NULL) {
		int timeout = wheel_timeout_ms(&wheel, now);
		cr_assert(timeout >= 0);
		now += timeout > 0 ? (uint64_t)timeout : 1;
		cr_assert(++wakes < 10, "woken for nothing");
	}
	cr_expect(now >= due && now < due + TICK_MS);
}

Test(wheel, later_is_free_sooner_moves_and_disarmed_is_gone)
{
	static struct wheel wheel;
	struct wheel_entry entry = {0};
	wheel_init(&wheel, 0);
	wheel_arm(&wheel, &entry, 1000);
	wheel_arm(&wheel, &entry, 9000); /* later */
	cr_expect_null(wheel_expire(&wheel, 1500));
	cr_expect_null(wheel_expire(&wheel, 8900));
	wheel_arm(&wheel, &entry, 8950); /* sooner */
	cr_expect_eq(wheel_expire(&wheel, 9000), &entry);
	wheel_arm(&wheel, &entry, 9500);
	wheel_disarm(&wheel, &entry);
	wheel_disarm(&wheel, &entry); /* twice is fine */
	cr_expect_null(wheel_expire(&wheel, 20000));
	cr_expect_eq(wheel_timeout_ms(&wheel, 20000), -1);
}

Test(wheel, a_thousand_entries_at_random_fire_once_each_in_time)
{
	enum { COUNT = 1000 };
	static struct wheel wheel;
	static struct wheel_entry entry[COUNT];
	unsigned fired = 0;
	srand(1);
	wheel_init(&wheel, 0);
	for (int i = 0; i < COUNT; i++)
		wheel_arm(&wheel, &entry[i], (uint64_t)(rand() % 400000));
	for (uint64_t now = 0; now < 400000 + TICK_MS; now += 37) {
		struct wheel_entry *e;
		while ((e = wheel_expire(&wheel, now)) != NULL) {
			cr_assert(e->due_ms <= now && now < e->due_ms + TICK_MS + 37);
			fired++;
		}
	}
	cr_expect_eq(fired, COUNT);
}
