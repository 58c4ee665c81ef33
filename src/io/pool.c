/* SPDX-License-Identifier: Apache-2.0 */
#include "io/pool.h"

#include <errno.h>
#include <stdlib.h>

#include "base/must.h"

#define ALIGNMENT 64

int pool_init(struct pool *pool, size_t object_bytes, unsigned objects_max)
{
	*pool = (struct pool){
		.object_bytes = (object_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT,
		.made_max = objects_max,
		.spare = (void **)calloc(objects_max, sizeof(void *)),
	};
	return pool->spare == NULL ? -ENOMEM : 0;
}

void pool_fini(struct pool *pool)
{
	must(pool->lent == 0);
	for (unsigned i = 0; i < pool->made; i++)
		free(pool->spare[i]);
	free((void *)pool->spare);
	*pool = (struct pool){0};
}

/* One thread writes it; pool_lent reads it from another. */
static void lent_set(struct pool *pool, unsigned lent)
{
	__atomic_store_n(&pool->lent, lent, __ATOMIC_RELAXED);
}

unsigned pool_lent(const struct pool *pool)
{
	return __atomic_load_n(&pool->lent, __ATOMIC_RELAXED);
}

void *pool_take(struct pool *pool)
{
	void *object;
	if (pool->lent < pool->made) {
		object = pool->spare[pool->made - pool->lent - 1];
	} else {
		if (pool->made == pool->made_max)
			return NULL;
		object = aligned_alloc(ALIGNMENT, pool->object_bytes);
		if (object == NULL)
			return NULL;
		pool->made++;
	}
	lent_set(pool, pool->lent + 1);
	return object;
}

void pool_give(struct pool *pool, void *object)
{
	must(pool->lent > 0);
	lent_set(pool, pool->lent - 1);
	pool->spare[pool->made - pool->lent - 1] = object;
}
