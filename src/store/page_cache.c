/* SPDX-License-Identifier: Apache-2.0 */
#include "store/page_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/must.h"

void page_cache_look(struct page_cache_look *look, int fd, off_t at, size_t bytes)
{
	must(bytes <= PAGE_CACHE_BYTES_MAX);
	look->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	look->from = at - at % (off_t)look->page_bytes;
	size_t len = bytes + (size_t)(at - look->from);
	look->pages = (len + look->page_bytes - 1) / look->page_bytes;
	must(look->pages <= sizeof(look->page));
	void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, look->from);
	if (map == MAP_FAILED || mincore(map, len, look->page) < 0)
		look->pages = 0; /* nothing is known: nothing is dropped */
	if (map != MAP_FAILED)
		munmap(map, len);
}

void page_cache_restore(const struct page_cache_look *look, int fd)
{
	for (size_t i = 0; i < look->pages;) {
		size_t begin = i;
		while (i < look->pages && (look->page[i] & 1) == 0)
			i++;
		if (i > begin)
			posix_fadvise(fd, look->from + (off_t)(begin * look->page_bytes),
				      (off_t)((i - begin) * look->page_bytes), POSIX_FADV_DONTNEED);
		while (i < look->pages && (look->page[i] & 1) != 0)
			i++;
	}
}
