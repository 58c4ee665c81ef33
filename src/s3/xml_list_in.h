/* SPDX-License-Identifier: Apache-2.0 */
/* A page of ListObjectsV2, as a client reads it. */
#ifndef SLUICE_S3_XML_LIST_IN_H
#define SLUICE_S3_XML_LIST_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct xml_list_object {
	char *key; /* malloced, decoded */
	uint64_t bytes;
	bool has_size;
};

/* All zero before the first page; each page adds its objects and says whether there is another. */
struct xml_list {
	struct xml_list_object *object;
	unsigned count;
	bool is_url; /* keys of this page are percent-encoded */
	bool is_truncated;
	char token[3 * OBJECT_KEY_BYTES_MAX + 1]; /* of the next page; "": none */
};

/* 0; -EBADMSG: not such a page; -ENOMEM. xml_list_fini in any case, once. */
int xml_list_parse(struct xml_list *list, const char *text, size_t len);
void xml_list_fini(struct xml_list *list);

#endif
