/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quantiles of what was measured, each good to one part in 128, whatever the values: buckets that
 * are linear inside a power of two, and as many in every one. Fixed memory (58 KiB), no allocation,
 * constant time.
 */
#ifndef SLUICE_BASE_QUANTILES_H
#define SLUICE_BASE_QUANTILES_H

#include <stdint.h>

#define QUANTILES_LINEAR_BITS 7 /* 128 buckets a power of two: an error of less than 1 % */
#define QUANTILES_BUCKETS     ((64 - QUANTILES_LINEAR_BITS + 1) << QUANTILES_LINEAR_BITS)

/* All zero: nothing was observed. */
struct quantiles {
	uint64_t count;
	uint64_t max; /* exact */
	uint64_t bucket[QUANTILES_BUCKETS];
};

void quantiles_observe(struct quantiles *quantiles, uint64_t value);
/*
 * The least value v such that so many of a million values are v or less, never too small by
 * rounding, too large by 1/128 at most; 0: there are none. per_million: 500000 is the median.
 */
uint64_t quantiles_at(const struct quantiles *quantiles, unsigned per_million);

#endif
