/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines: a timing wheel of TICK_SLOTS slots of TICK_MS.
 *
 * Moving a deadline later costs nothing (the entry is looked at again when its
 * old slot comes round), which is what connections do all the time. One thread.
 * Entries are embedded in their owner, who disarms them before it goes away.
 */
#ifndef SLUICE_IO_WHEEL_H
#define SLUICE_IO_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct wheel_entry {
	struct wheel_entry *next; /* NULL: not armed */
	struct wheel_entry *prev;
	uint64_t due_ms;
	uint64_t slot_tick; /* the tick whose slot it hangs in */
};

struct wheel {
	struct wheel_entry slot[TICK_SLOTS]; /* heads of rings */
	uint64_t occupied[TICK_SLOTS / 64];  /* bit: the slot has an entry */
	uint64_t tick;                       /* slots before this one have been looked at */
};

/* now_ms: any monotonic clock; the same for every call. */
void wheel_init(struct wheel *wheel, uint64_t now_ms);
void wheel_arm(struct wheel *wheel, struct wheel_entry *entry, uint64_t due_ms);
void wheel_disarm(struct wheel *wheel, struct wheel_entry *entry);
/* An entry whose deadline has passed, disarmed; NULL when there is none left. */
struct wheel_entry *wheel_expire(struct wheel *wheel, uint64_t now_ms);
/* Milliseconds until wheel_expire has to be called; -1: nothing is armed. */
int wheel_timeout_ms(const struct wheel *wheel, uint64_t now_ms);

#endif
