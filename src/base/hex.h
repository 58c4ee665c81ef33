/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_BASE_HEX_H
#define SLUICE_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of a hex digit of either case; -1: it is none. Not for secrets. */
static inline int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Two digits a byte, as many bytes as out is to have. False: they are none; out holds the first. */
static inline bool hex_decode(const char *text, size_t bytes, uint8_t *out)
{
	for (size_t i = 0; i < bytes; i++) {
		int high = hex_value(text[2 * i]),
		    low = high >= 0 ? hex_value(text[2 * i + 1]) : -1;
		if (low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

#endif
