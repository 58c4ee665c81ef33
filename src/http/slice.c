/* SPDX-License-Identifier: Apache-2.0 */
#include "http/slice.h"

#include <string.h>

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool slice_is(struct slice slice, const char *text)
{
	if (!slice.at || slice.len != strlen(text))
		return false;
	for (size_t i = 0; i < slice.len; i++) {
		if (to_lower(slice.at[i]) != to_lower(text[i]))
			return false;
	}
	return true;
}

bool slice_number(struct slice text, uint64_t most, uint64_t *number)
{
	uint64_t value = 0;

	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_digit(text.at[i]))
			return false;
		uint64_t digit = (uint64_t)(text.at[i] - '0');
		if (digit > most || value > (most - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*number = value;
	return true;
}

struct slice slice_trim(struct slice text)
{
	for (; text.len > 0 && is_blank(*text.at); text.len--)
		text.at++;
	while (text.len > 0 && is_blank(text.at[text.len - 1]))
		text.len--;
	return text;
}

bool slice_list_next(struct slice *list, struct slice *member)
{
	while (list->len > 0) {
		const char *comma = memchr(list->at, ',', list->len);
		size_t len = comma ? (size_t)(comma - list->at) : list->len;

		*member = slice_trim((struct slice){list->at, len});
		list->at += len + (comma != NULL);
		list->len -= len + (comma != NULL);
		if (member->len > 0)
			return true;
	}
	return false;
}

bool slice_list_has(struct slice list, const char *token)
{
	struct slice member;

	while (slice_list_next(&list, &member))
		if (slice_is(member, token))
			return true;
	return false;
}
