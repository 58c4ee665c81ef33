/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include <criterion/criterion.h>

#include "io/pool.h"

TestSuite(pool);

Test(pool, lends_up_to_its_limit_and_again_what_came_back)
{
	struct pool pool;
	void *object[3];
	cr_assert_eq(pool_init(&pool, 100, 3), 0);
	for (int i = 0; i < 3; i++) {
		object[i] = pool_take(&pool);
		cr_assert_not_null(object[i]);
		cr_expect_eq((uintptr_t)object[i] % 64, 0);
		memset(object[i], i, 100); /* ASan: the bytes are ours */
	}
	cr_expect_null(pool_take(&pool));
	pool_give(&pool, object[1]);
	pool_give(&pool, object[0]);
	cr_expect_eq(pool_take(&pool), object[0], "the warmest first");
	cr_expect_eq(pool_take(&pool), object[1]);
	for (int i = 0; i < 3; i++)
		pool_give(&pool, object[i]);
	pool_fini(&pool);
}
