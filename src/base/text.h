/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that grows as it is written, up to a bound: bodies of answers, and bodies
 * of requests that are read as a whole. An append that fails (no memory, over the
 * bound) is remembered and the rest is dropped, so one look at the end suffices.
 */
#ifndef SLUICE_BASE_TEXT_H
#define SLUICE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *at; /* NULL: nothing yet; not NUL-terminated */
	size_t len;
	size_t size;
	size_t bytes_max;
	int error; /* 0; -ENOMEM; -E2BIG: over bytes_max */
};

/* Allocates nothing yet. */
void text_init(struct text *text, size_t bytes_max);
/* Of one that is all zero, too. Afterwards it is as after text_init. */
void text_fini(struct text *text);

void text_add(struct text *text, const char *bytes, size_t len);
/* NUL-terminated. */
void text_put(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for len bytes more behind at + len, to be filled and then counted by the caller. NULL: as an
 * append that failed. */
char *text_room(struct text *text, size_t len);

#endif
