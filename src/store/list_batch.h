/* SPDX-License-Identifier: Apache-2.0 */
/* Between list.c and list_batch.c: the smallest of many names, in order. */
#ifndef SLUICE_STORE_LIST_BATCH_H
#define SLUICE_STORE_LIST_BATCH_H

#include "base/limits.h"

#define LIST_NAME_BYTES (KEY_COMPONENT_BYTES_MAX + 2) /* with '/' and NUL */

struct list_batch {
	char (*slot)[LIST_NAME_BYTES];
	char **heap; /* of slots; greatest first while it is filled, then sorted */
	unsigned count;
	unsigned max; /* may be lowered while count is 0 */
};

/* Room for max names. 0 or -ENOMEM; list_batch_fini in any case. */
int list_batch_init(struct list_batch *batch, unsigned max);
void list_batch_fini(struct list_batch *batch);
/* Keeps name if it is among the max smallest so far. */
void list_batch_offer(struct list_batch *batch, const char *name);
/* Then batch->heap has the names in order, and nothing more is offered. */
void list_batch_sort(struct list_batch *batch);

#endif
