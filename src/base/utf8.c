/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

static bool is_within(char c, uint8_t low, uint8_t high)
{
	return (uint8_t)c >= low && (uint8_t)c <= high;
}

size_t utf8_char_bytes(const char *text, size_t len)
{
	uint8_t lead = len > 0 ? (uint8_t)text[0] : 0;
	uint8_t low = 0x80, high = 0xbf; /* of the second byte */
	size_t bytes;

	must(len > 0);
	if (lead < 0x80)
		return 1;
	/* C0 and C1 could only start an overlong form, F5 and above something over U+10FFFF. */
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (len < bytes)
		return 0;
	if (lead == 0xe0)
		low = 0xa0; /* overlong */
	else if (lead == 0xed)
		high = 0x9f; /* surrogates */
	else if (lead == 0xf0)
		low = 0x90; /* overlong */
	else if (lead == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (!is_within(text[1], low, high))
		return 0;
	for (size_t i = 2; i < bytes; i++) {
		if (!is_within(text[i], 0x80, 0xbf))
			return 0;
	}
	return bytes;
}

bool utf8_is_valid(const char *text, size_t len)
{
	while (len > 0) {
		/* Most keys are ASCII: no call for each of their bytes. */
		size_t bytes = (unsigned char)*text < 0x80 ? 1 : utf8_char_bytes(text, len);

		if (bytes == 0)
			return false;
		text += bytes;
		len -= bytes;
	}
	return true;
}
