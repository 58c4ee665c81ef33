/* SPDX-License-Identifier: Apache-2.0 */
#include "config/roff.h"

#include <stdbool.h>

/* NULL: the byte stands for itself. The quotes and accents are what a terminal shows, not the
 * typographic ones that roff would make of them (groff_char(7)). */
static const char *escape(char c)
{
	switch (c) {
	case '-':
		return "\\-";
	case '\\':
		return "\\e";
	case '"':
		return "\\(dq";
	case '\'':
		return "\\(aq";
	case '`':
		return "\\(ga";
	case '^':
		return "\\(ha";
	case '~':
		return "\\(ti";
	default:
		return NULL;
	}
}

void roff_text(FILE *out, const char *text)
{
	bool is_line_start = true;

	for (; *text != '\0'; text++) {
		const char *escaped = escape(*text);
		if (is_line_start && *text == '.')
			fputs("\\&", out); /* or it would be a macro */
		if (escaped != NULL)
			fputs(escaped, out);
		else
			fputc(*text, out);
		if (*text == ',' && text[1] != ' ' && text[1] != '\0')
			fputs("\\:", out); /* a long list may be broken here */
		is_line_start = *text == '\n';
	}
}

void roff_paragraph(FILE *out, const char *text)
{
	fputs(".PP\n", out);
	roff_text(out, text);
	fputc('\n', out);
}

void roff_section(FILE *out, const char *title)
{
	fprintf(out, ".SH %s\n", title);
}

void roff_item(FILE *out, const char *tag, const char *text)
{
	fputs(".TP\n.B ", out);
	roff_text(out, tag);
	fputc('\n', out);
	roff_text(out, text);
	fputc('\n', out);
}

void roff_example(FILE *out, const char *text)
{
	fputs(".PP\n.RS 4\n.nf\n", out);
	roff_text(out, text);
	fputs(".fi\n.RE\n", out);
}
