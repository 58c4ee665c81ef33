/* SPDX-License-Identifier: Apache-2.0 */
#include "xfer/warm.h"

#include <stdbool.h>

#include "base/must.h"

/* Neighbouring stretches of one file never share an entry. */
static unsigned index_of(ino_t inode, uint64_t offset)
{
	return (unsigned)((inode + offset / TURN_BYTES_MAX) % WARM_ENTRIES);
}

static bool is_of(const struct warm_entry *entry, dev_t device, ino_t inode, uint64_t offset)
{
	return entry->device == device && entry->inode == inode &&
	       entry->from / TURN_BYTES_MAX == offset / TURN_BYTES_MAX;
}

uint64_t warm_until(const struct warm *warm, dev_t device, ino_t inode, uint64_t offset,
		    uint64_t now_ms)
{
	const struct warm_entry *entry = &warm->entry[index_of(inode, offset)];

	if (!is_of(entry, device, inode, offset) || now_ms - entry->at_ms >= WARM_MS)
		return 0;
	return offset >= entry->from ? entry->until : 0;
}

void warm_note(struct warm *warm, dev_t device, ino_t inode, uint64_t from, uint64_t until,
	       uint64_t now_ms)
{
	struct warm_entry *entry = &warm->entry[index_of(inode, from)];

	must(from < until && (until - 1) / TURN_BYTES_MAX == from / TURN_BYTES_MAX);
	/* A part of what is known makes none of the rest fresher, and takes nothing away. */
	bool is_known = is_of(entry, device, inode, from) && now_ms - entry->at_ms < WARM_MS &&
			from >= entry->from && until <= entry->until;
	if (is_known && (from > entry->from || until < entry->until))
		return;
	*entry = (struct warm_entry){
		.device = device, .inode = inode, .from = from, .until = until, .at_ms = now_ms};
}
