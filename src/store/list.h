/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listing a bucket: its objects in byte order of the whole key, page by page.
 *
 * A folder "foo" stands where "foo/" does: "foo+1/" before it, "foo0" behind it. A
 * page begins behind a key (or common prefix), never at an offset, so that what is
 * written or removed between two pages moves nothing else. Each folder on the way
 * is read once a page, and only the smallest names behind the position are kept:
 * time by the size of the folders, memory by the page.
 *
 * For threads that may block. Never follows a symbolic link; what is no regular
 * file, or has a name that no key can have, is not there.
 */
#ifndef SLUICE_STORE_LIST_H
#define SLUICE_STORE_LIST_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/limits.h"
#include "store/sys.h"
#include "store/version.h"

struct list_query {
	const char *prefix; /* "": all keys */
	const char *
		delimiter; /* keys that have it behind the prefix are one common prefix; "": none */
	const char *after; /* only keys greater than this, and their common prefixes; "": all */
	/* after is where a page has ended: if it is a common prefix, that one was told, whatever
	 * else is in it. False: it comes if a key in it is greater than after. */
	bool is_after_told;
	unsigned max; /* of both together, at most LIST_PAGE_MAX */
};

struct list_entry {
	char *text; /* a key, or a common prefix */
	bool is_prefix;
	uint64_t size;
	time_t modified; /* seconds */
	char etag[ETAG_BYTES];
};

struct list_page {
	struct list_entry *entry; /* in order; the last one's text is where the next page begins */
	unsigned count;
	bool is_truncated; /* there is more */
};

/* 0; -ENOENT: no such bucket; or another negative errno, and then *page is empty. list_fini in any
 * case. */
int list_run(const struct store_sys *sys, int root_fd, const char *bucket,
	     const struct list_query *query, struct list_page *page);
void list_fini(struct list_page *page);

#endif
