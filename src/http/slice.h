/* SPDX-License-Identifier: Apache-2.0 */
/* Text of a message where it stands, without a copy and without a NUL behind it. */
#ifndef SLUICE_HTTP_SLICE_H
#define SLUICE_HTTP_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const char *at; /* NULL: absent */
	size_t len;
};

/* White space of RFC 9110 section 5.6.3. */
static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ASCII, without regard to case. */
bool slice_is(struct slice slice, const char *text);
/* A decimal number up to most, with as many zeros before it as may be. False: it is none, or is
 * more. */
bool slice_number(struct slice text, uint64_t most, uint64_t *number);
/* Without the white space around it. */
struct slice slice_trim(struct slice text);
/* Takes the first member off a comma-separated list, without the white space around it. False:
 * there is none (left). Empty members are left out. */
bool slice_list_next(struct slice *list, struct slice *member);
/* A member of a comma-separated list, as in Connection: close, TE. */
bool slice_list_has(struct slice list, const char *token);

#endif
