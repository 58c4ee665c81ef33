/* SPDX-License-Identifier: Apache-2.0 */
#include "store/list_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int list_batch_init(struct list_batch *batch, unsigned max)
{
	*batch = (struct list_batch){.max = max};
	batch->slot = calloc(max, sizeof(*batch->slot));
	batch->heap = (char **)calloc(max, sizeof(*batch->heap));
	return batch->slot != NULL && batch->heap != NULL ? 0 : -ENOMEM;
}

void list_batch_fini(struct list_batch *batch)
{
	free(batch->slot);
	free((void *)batch->heap);
}

static void sift_down(struct list_batch *batch)
{
	for (unsigned at = 0, child; (child = 2 * at + 1) < batch->count; at = child) {
		char **heap = batch->heap, *swap = heap[at];
		if (child + 1 < batch->count && strcmp(heap[child + 1], heap[child]) > 0)
			child++;
		if (strcmp(swap, heap[child]) >= 0)
			return;
		heap[at] = heap[child];
		heap[child] = swap;
	}
}

static void sift_up(struct list_batch *batch)
{
	for (unsigned at = batch->count - 1; at > 0;) {
		unsigned parent = (at - 1) / 2;
		char **heap = batch->heap, *swap = heap[at];
		if (strcmp(swap, heap[parent]) <= 0)
			return;
		heap[at] = heap[parent];
		heap[parent] = swap;
		at = parent;
	}
}

static void copy_text(char *out, const char *text)
{
	memcpy(out, text, strlen(text) + 1);
}

void list_batch_offer(struct list_batch *batch, const char *name)
{
	if (batch->count < batch->max) {
		char *slot = batch->slot[batch->count];
		copy_text(slot, name);
		batch->heap[batch->count++] = slot;
		sift_up(batch);
	} else if (strcmp(name, batch->heap[0]) < 0) {
		copy_text(batch->heap[0], name);
		sift_down(batch);
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void list_batch_sort(struct list_batch *batch)
{
	if (batch->count > 0)
		qsort((void *)batch->heap, batch->count, sizeof(*batch->heap), compare_names);
}
