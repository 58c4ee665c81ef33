/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/xml_list_in.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "s3/xml_reader.h"

static int begin(void *out)
{
	struct xml_list *list = out;
	void *array = list->object;

	int r = xml_grow(&array, list->count, sizeof(*list->object));
	if (r < 0)
		return r;
	list->object = array;
	list->object[list->count++] = (struct xml_list_object){0};
	return 0;
}

static int end(void *out)
{
	const struct xml_list *list = out;
	const struct xml_list_object *object = &list->object[list->count - 1];
	return object->key != NULL && object->has_size ? 0 : -EBADMSG;
}

static int take_size(const char *value, struct xml_list_object *object)
{
	size_t digits = strspn(value, "0123456789");

	if (object->has_size || digits == 0 || digits > 18 || value[digits] != '\0')
		return -EBADMSG;
	object->bytes = strtoull(value, NULL, 10);
	object->has_size = true;
	return 0;
}

static int field(void *out, bool in_item, const char *name, const char *value)
{
	struct xml_list *list = out;

	if (value == NULL) /* Owner, CommonPrefixes */
		return 0;
	if (!in_item) {
		if (strcmp(name, "IsTruncated") == 0)
			list->is_truncated = strcmp(value, "true") == 0;
		else if (strcmp(name, "NextContinuationToken") == 0)
			memcpy(list->token, value, strlen(value) + 1); /* value_bytes_max */
		else if (strcmp(name, "EncodingType") == 0)
			list->is_url = strcmp(value, "url") == 0;
		return 0;
	}
	struct xml_list_object *object = &list->object[list->count - 1];
	if (strcmp(name, "Size") == 0)
		return take_size(value, object);
	if (strcmp(name, "Key") != 0)
		return 0;
	if (object->key != NULL || *value == '\0')
		return -EBADMSG;
	object->key = strdup(value);
	return object->key != NULL ? 0 : -ENOMEM;
}

/* In place; EncodingType may stand behind the keys, so not before the page's end. A space is "+":
 * Amazon's form, and a plus sign is always encoded. */
static int decode(char *key)
{
	char *to = key;

	for (const char *at = key; *at != '\0'; at++) {
		if (*at != '%') {
			*to++ = *at == '+' ? ' ' : *at;
			continue;
		}
		int high = hex_value(at[1]), low = high >= 0 ? hex_value(at[2]) : -1;
		if (low < 0 || (high == 0 && low == 0))
			return -EBADMSG;
		*to++ = (char)(high << 4 | low);
		at += 2;
	}
	*to = '\0';
	return 0;
}

int xml_list_parse(struct xml_list *list, const char *text, size_t len)
{
	static const struct xml_grammar grammar = {.root = "ListBucketResult",
						   .item = "Contents",
						   .value_bytes_max = 3 * OBJECT_KEY_BYTES_MAX,
						   .field = field,
						   .item_begin = begin,
						   .item_end = end};
	unsigned before = list->count;

	list->is_url = list->is_truncated = false;
	list->token[0] = '\0';
	int r = xml_read(&grammar, list, text, len);
	for (unsigned i = before; r == 0 && list->is_url && i < list->count; i++)
		r = decode(list->object[i].key);
	return r;
}

void xml_list_fini(struct xml_list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		free(list->object[i].key);
	free(list->object);
	*list = (struct xml_list){0};
}
