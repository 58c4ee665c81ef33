/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes with a page that cannot be touched right before or right behind them: a read of one byte
 * outside is a SIGSEGV, with or without a sanitizer.
 */
#ifndef SLUICE_TESTS_GUARD_H
#define SLUICE_TESTS_GUARD_H

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/must.h"

struct guard {
	char *map;
	size_t map_bytes;
	size_t page;
};

/* Room for bytes_max bytes. */
static inline void guard_init(struct guard *guard, size_t bytes_max)
{
	guard->page = (size_t)sysconf(_SC_PAGESIZE);
	guard->map_bytes = (bytes_max + guard->page - 1) / guard->page * guard->page;
	guard->map_bytes += 2 * guard->page;
	guard->map = mmap(NULL, guard->map_bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(guard->map != MAP_FAILED);
	must(mprotect(guard->map, guard->page, PROT_NONE) == 0);
	must(mprotect(guard->map + guard->map_bytes - guard->page, guard->page, PROT_NONE) == 0);
}

static inline void guard_fini(struct guard *guard)
{
	must(munmap(guard->map, guard->map_bytes) == 0);
	guard->map = NULL;
}

/* A copy of text that the untouchable page follows; valid until the next copy. */
static inline char *guard_before(struct guard *guard, const char *text, size_t len)
{
	char *at = guard->map + guard->map_bytes - guard->page - len;

	must(len <= guard->map_bytes - 2 * guard->page);
	return memcpy(at, text, len);
}

/* The same, right behind the untouchable page. */
static inline char *guard_behind(struct guard *guard, const char *text, size_t len)
{
	must(len <= guard->map_bytes - 2 * guard->page);
	return memcpy(guard->map + guard->page, text, len);
}

#endif
