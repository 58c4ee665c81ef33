/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of names and places: "*" and "**"; what they match, access/policy.h says. */
#ifndef SLUICE_ACCESS_PATTERN_H
#define SLUICE_ACCESS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Does the pattern match all of text? separator '\0': there is none. Texts over
 * IDENTITY_BYTES_MAX match nothing. At most pattern times text steps, whatever stands in them, and
 * a few for patterns with one wildcard.
 */
bool pattern_matches(const char *pattern, const char *text, size_t text_len, char separator,
		     bool fold_case);

#endif
