/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quantiles.h"

#include "base/must.h"

#define LINEAR (1u << QUANTILES_LINEAR_BITS)

/* Values below LINEAR have a bucket each. A larger one keeps its first LINEAR_BITS + 1 bits, of
 * which the first is always set: the power of two picks the row, the others the place in it. */
static unsigned bucket_of(uint64_t value)
{
	if (value < LINEAR)
		return (unsigned)value;
	unsigned shift = 63 - (unsigned)__builtin_clzll(value) - QUANTILES_LINEAR_BITS;
	return (shift << QUANTILES_LINEAR_BITS) + (unsigned)(value >> shift);
}

static uint64_t bucket_last(unsigned bucket)
{
	if (bucket < 2 * LINEAR)
		return bucket;
	unsigned shift = (bucket >> QUANTILES_LINEAR_BITS) - 1;
	uint64_t first = (uint64_t)(bucket % LINEAR + LINEAR) << shift;
	return first + ((1ull << shift) - 1);
}

void quantiles_observe(struct quantiles *quantiles, uint64_t value)
{
	quantiles->bucket[bucket_of(value)]++;
	quantiles->count++;
	if (value > quantiles->max)
		quantiles->max = value;
}

uint64_t quantiles_at(const struct quantiles *quantiles, unsigned per_million)
{
	must(per_million <= 1000000);
	/* Rounded up: of ten values, p99 is the tenth. */
	uint64_t wanted =
		(uint64_t)(((unsigned __int128)quantiles->count * per_million + 999999) / 1000000);
	uint64_t seen = 0;

	for (unsigned i = 0; i < QUANTILES_BUCKETS; i++) {
		seen += quantiles->bucket[i];
		if (seen >= wanted && quantiles->bucket[i] > 0) {
			uint64_t last = bucket_last(i);
			return last < quantiles->max ? last : quantiles->max;
		}
	}
	return 0;
}
