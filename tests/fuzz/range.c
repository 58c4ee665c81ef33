/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the value of Range, for an object of any size: the same as a second reader says,
 * which splits the list of RFC 9110 section 5.6.1 at its commas first and reads what is left.
 *
 * The first byte of the input says how many of the next eight make the size.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/must.h"
#include "http/conditions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_BYTES 8

/* ---- The second reader ----------------------------------------------------------------------- */

/* The range-spec of a list that has one. White space stands beside commas only: what is not of the
 * first member's left side, or of the last one's right, is cut off. at NULL: none, or several. */
static struct slice second_member(const char *text, size_t len)
{
	struct slice found = {0};
	size_t begin = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != ',')
			continue;
		size_t from = begin, to = i;
		bool is_empty = true;
		for (size_t j = from; j < to; j++)
			is_empty = is_empty && is_blank(text[j]);
		while (begin > 0 && from < to && is_blank(text[from]))
			from++;
		while (i < len && from < to && is_blank(text[to - 1]))
			to--;
		begin = i + 1;
		if (is_empty)
			continue;
		if (found.at != NULL)
			return (struct slice){0};
		found = (struct slice){text + from, to - from};
	}
	return found;
}

/* Digits from at to end as a number, at most UINT64_MAX; false: there are none, or others. */
static bool second_number(const char *at, const char *end, uint64_t *number)
{
	unsigned __int128 sum = 0;

	if (at == end)
		return false;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			return false;
		sum = sum * 10 + (unsigned)(*at - '0');
		if (sum > UINT64_MAX)
			sum = UINT64_MAX;
	}
	*number = (uint64_t)sum;
	return true;
}

static enum http_range_outcome second_parse(const char *text, size_t len, uint64_t size,
					    struct http_range *range)
{
	uint64_t first, last;

	if (len < 6 || strncasecmp(text, "bytes=", 6) != 0)
		return HTTP_RANGE_NONE;
	struct slice spec = second_member(text + 6, len - 6);
	const char *dash = spec.at != NULL ? memchr(spec.at, '-', spec.len) : NULL;
	if (dash == NULL)
		return HTTP_RANGE_NONE;
	const char *end = spec.at + spec.len;
	bool has_first = dash > spec.at, has_last = dash + 1 < end;
	if ((!has_first && !has_last) || (has_first && !second_number(spec.at, dash, &first)) ||
	    (has_last && !second_number(dash + 1, end, &last)))
		return HTTP_RANGE_NONE;
	if (has_first && has_last && first > last)
		return HTTP_RANGE_NONE;
	if (!has_first) { /* the last so many bytes */
		if (last == 0 || size == 0)
			return HTTP_RANGE_UNSATISFIABLE;
		first = last > size ? 0 : size - last;
		has_last = false;
	}
	if (first >= size)
		return HTTP_RANGE_UNSATISFIABLE;
	if (!has_last || last >= size)
		last = size - 1;
	*range = (struct http_range){first, last - first + 1};
	return HTTP_RANGE_OK;
}

/* ---------------------------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_range one = {0}, two = {0};
	uint64_t object_bytes = 0;

	if (size < 1 + SIZE_BYTES)
		return 0;
	for (unsigned i = 0; i < data[0] % (SIZE_BYTES + 1); i++)
		object_bytes = object_bytes << 8 | data[1 + i];
	object_bytes &= INT64_MAX; /* off_t */
	size_t len = size - 1 - SIZE_BYTES;
	char *text = malloc(len + 1); /* one before it, so that it is never NULL */
	must(text != NULL);
	memcpy(text + 1, data + 1 + SIZE_BYTES, len);

	enum http_range_outcome outcome =
		http_range_parse((struct slice){text + 1, len}, object_bytes, &one);
	must(outcome == second_parse(text + 1, len, object_bytes, &two));
	if (outcome == HTTP_RANGE_OK) {
		must(one.first == two.first && one.bytes == two.bytes);
		must(one.bytes > 0 && one.bytes <= object_bytes);
		must(one.first <= object_bytes - one.bytes);
	}
	free(text);
	return 0;
}
