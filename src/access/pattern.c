/* SPDX-License-Identifier: Apache-2.0 */
#include "access/pattern.h"

#include <string.h>

#include "base/limits.h"

/* The longest text that is matched: a name of an identity, or "bucket/key". */
#define TEXT_BYTES_MAX IDENTITY_BYTES_MAX

struct text {
	const char *at;
	size_t len;
	char separator;
	bool fold_case;
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_same(const struct text *text, size_t i, char c)
{
	return text->at[i] == c || (text->fold_case && lower(text->at[i]) == lower(c));
}

static bool is_separator(const struct text *text, size_t i)
{
	return text->separator != '\0' && text->at[i] == text->separator;
}

/*
 * The pattern's len bytes begin and end with a wildcard. reach[j]: what was read of the pattern
 * matches the first j bytes of text. Nothing is tried twice.
 */
static bool middle_matches(const char *pattern, size_t len, const struct text *text)
{
	bool reach[TEXT_BYTES_MAX + 1];
	memset(reach, 0, text->len + 1);
	reach[0] = true;

	for (size_t i = 0; i < len;) {
		if (pattern[i] != '*') {
			for (size_t j = text->len; j > 0; j--)
				reach[j] = reach[j - 1] && is_same(text, j - 1, pattern[i]);
			reach[0] = false;
			i++;
			continue;
		}
		bool is_any = i + 1 < len && pattern[i + 1] == '*';
		for (size_t j = 1; j <= text->len; j++)
			reach[j] |= reach[j - 1] && (is_any || !is_separator(text, j - 1));
		i += is_any ? 2 : 1;
	}
	return reach[text->len];
}

/* Most patterns are a literal and one wildcard: the ends are compared first, from both sides. */
bool pattern_matches(const char *pattern, const char *bytes, size_t text_len, char separator,
		     bool fold_case)
{
	struct text text = {bytes, text_len, separator, fold_case};
	size_t len = strlen(pattern);

	if (text_len > TEXT_BYTES_MAX)
		return false;
	for (; len > 0 && *pattern != '*'; pattern++, len--, text.at++, text.len--)
		if (text.len == 0 || !is_same(&text, 0, *pattern))
			return false;
	if (len == 0)
		return text.len == 0;
	for (; pattern[len - 1] != '*'; len--, text.len--)
		if (text.len == 0 || !is_same(&text, text.len - 1, pattern[len - 1]))
			return false;
	/* Both ends are wildcards now. */
	if (len == 2)
		return true;
	if (len == 1)
		return separator == '\0' || memchr(text.at, separator, text.len) == NULL;
	return middle_matches(pattern, len, &text);
}
