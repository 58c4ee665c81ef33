/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void metrics_text_printf(struct metrics_text *text, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text->at + text->used, text->size - text->used, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= text->size - text->used)
		text->is_full = true;
	else
		text->used += (size_t)n;
}

void metrics_text_family(struct metrics_text *text, const char *name, const char *type,
			 const char *help)
{
	metrics_text_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_text_row(struct metrics_text *text, const char *name, const char *labels,
		      uint64_t value)
{
	if (labels == NULL)
		metrics_text_printf(text, "%s %llu\n", name, (unsigned long long)value);
	else
		metrics_text_printf(text, "%s{%s} %llu\n", name, labels, (unsigned long long)value);
}

void metrics_text_single(struct metrics_text *text, const char *name, const char *type,
			 const char *help, uint64_t value)
{
	metrics_text_family(text, name, type, help);
	metrics_text_row(text, name, NULL, value);
}

int metrics_text_end(const struct metrics_text *text)
{
	return text->is_full ? -ENOSPC : (int)text->used;
}
