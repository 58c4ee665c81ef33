/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of one size, reused last-in first-out (the warmest first), with a hard
 * limit. Memory is taken from the heap when the pool grows and given back in
 * pool_fini only. One thread.
 */
#ifndef SLUICE_IO_POOL_H
#define SLUICE_IO_POOL_H

#include <stddef.h>

struct pool {
	size_t object_bytes;
	unsigned lent;
	unsigned made;
	unsigned made_max;
	void **spare; /* made - lent objects */
};

/* 0 or -ENOMEM. */
int pool_init(struct pool *pool, size_t object_bytes, unsigned objects_max);
/* Every object must have come back. */
void pool_fini(struct pool *pool);
/* NULL: the limit is reached or there is no memory. Contents are undefined; aligned to 64. */
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *object);
/* How many are lent, for another thread to look at. */
unsigned pool_lent(const struct pool *pool);

#endif
