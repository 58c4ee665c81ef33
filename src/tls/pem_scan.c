/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a PEM file that the library passes over in silence: the line, and what is wrong with it.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/must.h"
#include "tls/pem_private.h"

#define WHY_MAX (ERROR_TEXT_MAX / 2)

static const char begin_mark[] = PEM_BEGIN;
static const char end_mark[] = PEM_END;

/* Without what stands at its end and is no more than white space. */
static size_t trimmed_len(const char *line, size_t len)
{
	while (len > 0 && (unsigned char)line[len - 1] <= ' ')
		len--;
	return len;
}

/* "-----BEGIN X-----" or "-----END X-----", as a whole line: X in label. */
static bool is_mark(const char *line, size_t len, const char *mark, char label[PEM_LABEL_MAX])
{
	size_t mark_len = strlen(mark);

	len = trimmed_len(line, len);
	if (len < mark_len + 5 || memcmp(line, mark, mark_len) != 0 ||
	    memcmp(line + len - 5, "-----", 5) != 0)
		return false;
	len -= mark_len + 5;
	if (len >= PEM_LABEL_MAX)
		return false;
	memcpy(label, line + mark_len, len);
	label[len] = '\0';
	return true;
}

/* Behind hyphens, and what editors make of them, at the start of what is left of a line. */
static size_t skip_dashes(const char *line, size_t len)
{
	static const char *const dashes[] = {"-",
					     "\xe2\x80\x90",
					     "\xe2\x80\x91",
					     "\xe2\x80\x92",
					     "\xe2\x80\x93",
					     "\xe2\x80\x94",
					     "\xe2\x80\x95",
					     "\xe2\x88\x92"};
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_LEN(dashes);) {
		size_t dash_len = strlen(dashes[i]);
		bool is_dash = len - at >= dash_len && memcmp(line + at, dashes[i], dash_len) == 0;
		at += is_dash ? dash_len : 0;
		i = is_dash ? 0 : i + 1;
	}
	return at;
}

/* Behind blanks and one of these words, whatever its case; 0: it is none. */
static size_t skip_word(const char *line, size_t len, size_t at, const char *one, const char *other)
{
	while (at < len && isblank((unsigned char)line[at]))
		at++;
	if (len - at >= strlen(one) && strncasecmp(line + at, one, strlen(one)) == 0)
		return at + strlen(one);
	if (len - at >= strlen(other) && strncasecmp(line + at, other, strlen(other)) == 0)
		return at + strlen(other);
	return 0;
}

/* Dashes, BEGIN or END, and a word with which labels begin: somebody meant a mark. */
static bool is_like_mark(const char *line, size_t len)
{
	static const char *const words[] = {"CERT",      "X509", "TRUSTED", "PRIVATE",
					    "ENCRYPTED", "RSA",  "EC ",     "DSA",
					    "NEW CERT",  "PKCS", "CMS"};
	size_t at = skip_dashes(line, len);

	if (at == 0)
		return false;
	at = skip_word(line, len, at, "BEGIN", "END");
	for (size_t i = 0; at > 0 && i < ARRAY_LEN(words); i++)
		if (skip_word(line, len, at, words[i], words[i]) > 0)
			return true;
	return false;
}

/* Of nothing but base64, and as long as the lines of a block are. */
static bool is_base64_line(const char *line, size_t len)
{
	len = trimmed_len(line, len);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)line[i]) && strchr("+/=", line[i]) == NULL)
			return false;
	return len >= 60;
}

struct scan {
	unsigned line;
	unsigned base64_lines;    /* that stand in a row, outside of a block */
	char open[PEM_LABEL_MAX]; /* the block that has begun; "": outside */
	unsigned begin;           /* its line */
};

/* A comment may hold what it likes, and so may text that goes on behind a mark. */
static bool is_comment(const char *line, size_t len, const char *mark)
{
	size_t end = trimmed_len(line, len);

	return line[0] == '#' || line[0] == ';' || line[0] == '/' ||
	       mark + sizeof(begin_mark) > line + end || memcmp(line + end - 5, "-----", 5) != 0;
}

/* A BEGIN that does not start its line. */
static bool is_misplaced(const char *line, size_t len, unsigned number, char why[WHY_MAX])
{
	static const char bom[] = "\xef\xbb\xbf";
	const char *mark = memmem(line, len, begin_mark, sizeof(begin_mark) - 1);
	size_t before = mark != NULL ? (size_t)(mark - line) : 0, blanks = 0;

	if (before == 0)
		return false;
	while (blanks < before && isblank((unsigned char)line[blanks]))
		blanks++;
	if (before >= 3 && memcmp(line, bom, 3) == 0)
		snprintf(why, WHY_MAX,
			 "line %u begins with a byte order mark (UTF-8 BOM), so that what follows "
			 "would be "
			 "ignored; save it without",
			 number);
	else if (blanks == before)
		snprintf(why, WHY_MAX,
			 "line %u is indented, so that what follows would be ignored; "
			 "\"-----BEGIN\" must "
			 "start the line",
			 number);
	else if (memmem(line, before, end_mark, sizeof(end_mark) - 1) != NULL)
		snprintf(why, WHY_MAX,
			 "line %u holds an END and the next BEGIN; each needs a line of its own",
			 number);
	else if (!is_comment(line, len, mark))
		snprintf(why, WHY_MAX,
			 "line %u has something before its \"-----BEGIN\", so that what follows "
			 "would be "
			 "ignored; it must start the line",
			 number);
	else
		return false;
	return true;
}

/* A line outside of blocks. True: why says what is wrong with it. */
static bool explain_outside(struct scan *scan, const char *line, size_t len, char why[WHY_MAX])
{
	char label[PEM_LABEL_MAX];

	if (is_misplaced(line, len, scan->line, why))
		return true;
	if (is_mark(line, len, begin_mark, label)) {
		memcpy(scan->open, label, strlen(label) + 1);
		scan->begin = scan->line;
		if (pem_label_is_known(label))
			return false;
		snprintf(why, WHY_MAX,
			 "line %u begins a block that is not known (\"%s\"), so that it would be "
			 "ignored; leave "
			 "it out, or correct the line",
			 scan->line, label);
		return true;
	}
	if (is_mark(line, len, end_mark, label)) {
		snprintf(why, WHY_MAX,
			 "line %u ends a block (\"%s\") that no line begins, so that it would be "
			 "ignored",
			 scan->line, label);
		return true;
	}
	if (is_like_mark(line, len)) {
		snprintf(why, WHY_MAX,
			 "line %u is damaged, so that what follows would be ignored; it has to be "
			 "\"-----BEGIN ...-----\" or \"-----END ...-----\", with five hyphens at "
			 "each end",
			 scan->line);
		return true;
	}
	scan->base64_lines = is_base64_line(line, len) ? scan->base64_lines + 1 : 0;
	if (scan->base64_lines < 2)
		return false;
	snprintf(why, WHY_MAX,
		 "line %u looks like a part of a block, but no BEGIN stands before it",
		 scan->line - 1);
	return true;
}

/* A line of the block that has begun. The library takes the first hyphen for the end of the base64,
 * and what follows up to the next END for a part of it. */
static bool explain_inside(struct scan *scan, const char *line, size_t len, char why[WHY_MAX])
{
	char label[PEM_LABEL_MAX];
	size_t at = 0;

	if (is_misplaced(line, len, scan->line, why))
		return true;
	if (is_mark(line, len, end_mark, label)) { /* of another label: the library sees that */
		scan->open[0] = '\0';
		scan->base64_lines = 0;
		return false;
	}
	while (at < len && isblank((unsigned char)line[at]))
		at++;
	if (skip_dashes(line + at, len - at) == 0)
		return false;
	snprintf(why, WHY_MAX,
		 "the block of line %u (\"%s\") has no end: it is cut off before line %u, or that "
		 "line is "
		 "damaged",
		 scan->begin, scan->open, scan->line);
	return true;
}

bool pem_explain_misplaced(const struct pem_text *text, char why[WHY_MAX])
{
	const char *at = text->at, *text_end = text->at + text->len;
	struct scan scan = {.line = 1};
	bool has_any = memmem(text->at, text->len, "BEGIN", 5) != NULL;

	/* What is no PEM at all is explained better elsewhere. */
	for (; has_any && at < text_end; scan.line++) {
		const char *end = pem_line_end(text, at), *line = at;
		size_t len = (size_t)(end - at);
		at = end;
		if (scan.open[0] == '\0') {
			if (explain_outside(&scan, line, len, why))
				return true;
		} else if (explain_inside(&scan, line, len, why)) {
			return true;
		}
	}
	return false;
}
