/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker has lately seen, or sent, of which files from the page cache, so
 * that what is asked for again and again is not looked at again and again: a look
 * at every page is 0.8 % of what sealing it costs (bench/cost, Linux 6.12).
 *
 * An entry is a guess by its nature: pages can be evicted at any time, the more so
 * the longer ago they were used. It is never older than WARM_MS.
 */
#ifndef SLUICE_XFER_WARM_H
#define SLUICE_XFER_WARM_H

#include <stdint.h>
#include <sys/types.h>

#include "base/limits.h"

#define WARM_ENTRIES 256
#define WARM_MS      1000

struct warm_entry {
	dev_t device;
	ino_t inode;
	uint64_t from; /* [from, until) was in the page cache */
	uint64_t until;
	uint64_t at_ms;
};

/* All zero: nothing is known. One thread. */
struct warm {
	struct warm_entry entry[WARM_ENTRIES];
};

/* How far from offset the page cache held lately; at most to the end of the stretch of
 * TURN_BYTES_MAX that offset is in. Not after offset: not known. */
uint64_t warm_until(const struct warm *warm, dev_t device, ino_t inode, uint64_t offset,
		    uint64_t now_ms);
/* [from, until) is in the page cache now: it was looked at, or sent without waiting. The two are in
 * one stretch (until may be its end). */
void warm_note(struct warm *warm, dev_t device, ino_t inode, uint64_t from, uint64_t until,
	       uint64_t now_ms);

#endif
