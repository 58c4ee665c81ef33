/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(const void *data, size_t len, char *out)
{
	const unsigned char *at = data;
	char *start = out;

	for (size_t i = 0; i < len; i += 3) {
		size_t bytes = len - i < 3 ? len - i : 3;
		uint32_t group = (uint32_t)at[i] << 16;
		if (bytes > 1)
			group |= (uint32_t)at[i + 1] << 8;
		if (bytes > 2)
			group |= at[i + 2];
		for (size_t k = 0; k < 4; k++)
			*out++ = k <= bytes ? alphabet[group >> (18 - 6 * k) & 63] : '=';
	}
	*out = '\0';
	return (size_t)(out - start);
}

static int value_of(char c)
{
	const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
	return at != NULL ? (int)(at - alphabet) : -1;
}

ssize_t base64_decode(const char *text, size_t len, void *out, size_t size)
{
	unsigned char *to = out;
	size_t used = 0;

	if (len % 4 != 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 4) {
		size_t pads = 0;
		uint32_t group = 0;
		if (i + 4 == len)
			pads = text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
		for (size_t k = 0; k < 4; k++) {
			int value = k < 4 - pads ? value_of(text[i + k]) : 0;
			if (value < 0)
				return -EINVAL;
			group = group << 6 | (uint32_t)value;
		}
		if ((group & (pads == 2   ? 0xffff
			      : pads == 1 ? 0xff
					  : 0)) != 0 ||
		    size - used < 3 - pads)
			return -EINVAL;
		for (size_t k = 0; k < 3 - pads; k++)
			to[used++] = (unsigned char)(group >> (16 - 8 * k));
	}
	return (ssize_t)used;
}
