/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as pages of a listing that a server answers with: two pages, cut where the first NUL
 * stands. Keys are decoded and whole, pages add up, nothing leaks whatever the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "s3/xml_list_in.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* True: the page was one. */
static bool take_page(struct xml_list *list, const uint8_t *data, size_t len)
{
	unsigned before = list->count;
	char *copy = malloc(len > 0 ? len : 1);
	must(copy != NULL);
	memcpy(copy, data, len);
	int r = xml_list_parse(list, copy, len);
	free(copy);

	must(r == 0 || r == -EBADMSG);
	must(list->count >= before);
	must(memchr(list->token, '\0', sizeof(list->token)) != NULL);
	return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xml_list list = {0};
	const uint8_t *cut = size > 0 ? memchr(data, '\0', size) : NULL;
	size_t first = cut != NULL ? (size_t)(cut - data) : size;

	bool is_page = take_page(&list, data, first);
	if (is_page && cut != NULL)
		is_page = take_page(&list, cut + 1, size - first - 1);
	for (unsigned i = 0; is_page && i < list.count; i++) {
		must(list.object[i].key != NULL && list.object[i].key[0] != '\0');
		must(list.object[i].has_size || list.object[i].bytes == 0);
	}
	xml_list_fini(&list);
	return 0;
}
