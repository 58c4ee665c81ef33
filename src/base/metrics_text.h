/* SPDX-License-Identifier: Apache-2.0 */
/* Writes Prometheus text format 0.0.4 into memory of a fixed size. */
#ifndef SLUICE_BASE_METRICS_TEXT_H
#define SLUICE_BASE_METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct metrics_text {
	char *at; /* not NUL-terminated at the end */
	size_t used;
	size_t size;
	bool is_full; /* something was left out */
};

void metrics_text_printf(struct metrics_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* # HELP and # TYPE; name with its prefix. */
void metrics_text_family(struct metrics_text *text, const char *name, const char *type,
			 const char *help);
/* One row; labels NULL: none. */
void metrics_text_row(struct metrics_text *text, const char *name, const char *labels,
		      uint64_t value);
/* A family of one row without labels. */
void metrics_text_single(struct metrics_text *text, const char *name, const char *type,
			 const char *help, uint64_t value);
/* The length, or -ENOSPC. */
int metrics_text_end(const struct metrics_text *text);

#endif
