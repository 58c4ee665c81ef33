/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

#define BYTES_AT_FIRST 1024

void text_init(struct text *text, size_t bytes_max)
{
	*text = (struct text){.bytes_max = bytes_max};
}

void text_fini(struct text *text)
{
	free(text->at);
	text_init(text, text->bytes_max);
}

char *text_room(struct text *text, size_t len)
{
	if (text->error != 0)
		return NULL;
	if (len > text->bytes_max - text->len) {
		text->error = -E2BIG;
		return NULL;
	}
	if (len > text->size - text->len) {
		size_t size = text->size > 0 ? text->size : BYTES_AT_FIRST;
		while (size - text->len < len)
			size *= 2;
		char *at = realloc(text->at, size);
		if (at == NULL) {
			text->error = -ENOMEM;
			return NULL;
		}
		text->at = at;
		text->size = size;
	}
	return text->at + text->len;
}

void text_add(struct text *text, const char *bytes, size_t len)
{
	char *room = len > 0 ? text_room(text, len) : NULL;
	if (room == NULL)
		return;
	memcpy(room, bytes, len);
	text->len += len;
}

void text_put(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	must(n >= 0);
	char *room = text_room(text, (size_t)n + 1); /* and the NUL that vsnprintf writes */
	if (room != NULL) {
		vsnprintf(room, (size_t)n + 1, format, again);
		text->len += (size_t)n;
	}
	va_end(again);
	va_end(args);
}
