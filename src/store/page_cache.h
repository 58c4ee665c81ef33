/* SPDX-License-Identifier: Apache-2.0 */
/* Leaving the page cache as it was: what of a file is in it before some of it is read, and dropping
 * afterwards what was not. */
#ifndef SLUICE_STORE_PAGE_CACHE_H
#define SLUICE_STORE_PAGE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The longest that can be looked at. */
#define PAGE_CACHE_BYTES_MAX (2u << 20)

struct page_cache_look {
	off_t from; /* of a page */
	size_t pages;
	size_t page_bytes;
	/* Of each: bit 0: it is there (mincore(2)). */
	unsigned char page[PAGE_CACHE_BYTES_MAX / 4096 + 1];
};

/* At most PAGE_CACHE_BYTES_MAX from at on. Where the kernel does not tell (another user's file),
 * all count as there. */
void page_cache_look(struct page_cache_look *look, int fd, off_t at, size_t bytes);
/* Drops those that were not there. What another has read meanwhile goes with them. */
void page_cache_restore(const struct page_cache_look *look, int fd);

#endif
