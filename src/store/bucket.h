/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets: the folders in the root. For threads that may block. */
#ifndef SLUICE_STORE_BUCKET_H
#define SLUICE_STORE_BUCKET_H

#include <stdbool.h>
#include <time.h>

#include "base/limits.h"
#include "store/sys.h"

/* 0; -EEXIST; or another negative errno: what it has made is gone again. */
int bucket_make(const struct store_sys *sys, int root_fd, const char *bucket, bool is_durable);
/* With its unfinished uploads, and the empty folders in it. 0; -ENOENT; -ENOTEMPTY: an object is in
 * it, or anything else that is no folder (a symbolic link, a file whose name no key can be), which
 * is not ours to remove; or a writer is about to give an object its name; -EBUSY: it is a mount
 * point, or there is one in it; or another negative errno. */
int bucket_remove(const struct store_sys *sys, int root_fd, const char *bucket, bool is_durable);

struct bucket {
	char name[BUCKET_BYTES_MAX + 1];
	time_t made; /* seconds; where the file system does not know, when it was last changed */
};

/* All that are there, sorted; *buckets is malloced, NULL if there is none. Returns how many, or a
 * negative errno. */
int bucket_list(const struct store_sys *sys, int root_fd, struct bucket **buckets);

#endif
