/* SPDX-License-Identifier: Apache-2.0 */
#include "io/wheel.h"

#include <stddef.h>

#include "base/must.h"

void wheel_init(struct wheel *wheel, uint64_t now_ms)
{
	for (unsigned i = 0; i < TICK_SLOTS; i++)
		wheel->slot[i].next = wheel->slot[i].prev = &wheel->slot[i];
	for (unsigned i = 0; i < ARRAY_LEN(wheel->occupied); i++)
		wheel->occupied[i] = 0;
	wheel->tick = now_ms / TICK_MS;
}

static void entry_link(struct wheel *wheel, struct wheel_entry *entry)
{
	/* Rounded up, so that a deadline never fires early. */
	uint64_t tick = (entry->due_ms + TICK_MS - 1) / TICK_MS;
	if (tick < wheel->tick)
		tick = wheel->tick;
	if (tick >= wheel->tick + TICK_SLOTS) /* further than the wheel: looked at on its way */
		tick = wheel->tick + TICK_SLOTS - 1;

	unsigned at = tick % TICK_SLOTS;
	struct wheel_entry *head = &wheel->slot[at];
	entry->slot_tick = tick;
	entry->prev = head->prev;
	entry->next = head;
	head->prev->next = entry;
	head->prev = entry;
	wheel->occupied[at / 64] |= 1ull << (at % 64);
}

static void entry_unlink(struct wheel *wheel, struct wheel_entry *entry)
{
	unsigned at = entry->slot_tick % TICK_SLOTS;
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	entry->next = entry->prev = NULL;
	if (wheel->slot[at].next == &wheel->slot[at])
		wheel->occupied[at / 64] &= ~(1ull << (at % 64));
}

void wheel_arm(struct wheel *wheel, struct wheel_entry *entry, uint64_t due_ms)
{
	entry->due_ms = due_ms;
	if (entry->next != NULL) {
		if (due_ms >= entry->slot_tick * TICK_MS)
			return; /* later: its slot comes first and moves it on */
		entry_unlink(wheel, entry);
	}
	entry_link(wheel, entry);
}

void wheel_disarm(struct wheel *wheel, struct wheel_entry *entry)
{
	if (entry->next != NULL)
		entry_unlink(wheel, entry);
}

struct wheel_entry *wheel_expire(struct wheel *wheel, uint64_t now_ms)
{
	uint64_t now_tick = now_ms / TICK_MS;

	for (; wheel->tick <= now_tick; wheel->tick++) {
		struct wheel_entry *head = &wheel->slot[wheel->tick % TICK_SLOTS];
		while (head->next != head) {
			struct wheel_entry *entry = head->next;
			entry_unlink(wheel, entry);
			if (entry->due_ms <= now_ms)
				return entry;
			/* Moved on, or further away than the wheel is long. Never linked here
			 * again: its tick rounds up past now_ms, and the furthest slot is the
			 * one before this. */
			entry_link(wheel, entry);
		}
	}
	return NULL;
}

int wheel_timeout_ms(const struct wheel *wheel, uint64_t now_ms)
{
	for (unsigned i = 0; i < TICK_SLOTS;) {
		uint64_t tick = wheel->tick + i;
		unsigned at = tick % TICK_SLOTS;
		uint64_t bits = wheel->occupied[at / 64] >> (at % 64);
		if (bits == 0) {
			i += 64 - at % 64;
			continue;
		}
		uint64_t due_ms = (tick + (unsigned)__builtin_ctzll(bits)) * TICK_MS;
		return due_ms <= now_ms ? 0 : (int)(due_ms - now_ms);
	}
	return -1;
}
