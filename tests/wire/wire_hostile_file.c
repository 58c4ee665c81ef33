/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of tests/wire/hostile: see the README there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "wire/wire_hostile.h"

#define FOLDER       SLUICE_SOURCE_DIR "/tests/wire/hostile/"
#define TEMPLATE_MAX 4096
#define REQUEST_MAX  (6 * 1024 * 1024) /* more than the longest body that is read as a whole */
#define VARIABLE_MAX 128

/* A section: what its rows share. */
struct section {
	char request[TEMPLATE_MAX]; /* a ~ where the row goes */
	char outcome[256];
	bool has_rows; /* the next '|' begins another request */
};

/* ---- Escapes ---------------------------------------------------------------------------- */

static void expand_variable(const struct hostile *hostile, struct text *out, const char *name,
			    size_t body_bytes)
{
	char *times = strrchr(name, '*');

	if (strcmp(name, "length") == 0) {
		text_printf(out, "%zu", body_bytes);
	} else if (strcmp(name, "upload") == 0) {
		text_put(out, hostile->upload_id);
	} else if (strcmp(name, "etag") == 0) {
		text_put(out, hostile->part_etag);
	} else if (times != NULL && times > name) {
		struct text one;
		text_init(&one, REQUEST_MAX);
		hostile_expand(hostile, &one, name, (size_t)(times - name), body_bytes);
		for (unsigned long n = strtoul(times + 1, NULL, 10); n > 0; n--)
			text_add(out, one.at, one.len);
		text_fini(&one);
	} else if (strcmp(name, "parts") == 0) {
		for (int part = 1; part <= 10001; part++)
			text_printf(out, "<Part><PartNumber>%d</PartNumber><ETag>x</ETag></Part>",
				    part);
	} else {
		cr_assert_fail("${%s}?", name);
	}
}

static size_t expand_escape(struct text *out, const char *at)
{
	static const char letters[] = "rnt0s\\~#|=", bytes[] = "\r\n\t\0 \\~#|=";
	const char *found = strchr(letters, at[1]);

	if (at[1] == 'e')
		return 2;
	if (at[1] == 'x') {
		char byte = (char)(hex_value(at[2]) << 4 | hex_value(at[3]));
		text_add(out, &byte, 1);
		return 4;
	}
	cr_assert(found != NULL && *found != '\0', "\\%c?", at[1]);
	text_add(out, &bytes[found - letters], 1);
	return 2;
}

void hostile_expand(const struct hostile *hostile, struct text *out, const char *text, size_t len,
		    size_t body_bytes)
{
	for (size_t i = 0; i < len;) {
		if (text[i] == '\\') {
			i += expand_escape(out, text + i);
		} else if (text[i] == '$' && text[i + 1] == '{') {
			const char *end = memchr(text + i, '}', len - i);
			char name[VARIABLE_MAX];
			cr_assert_not_null(end, "%s: no }", text);
			snprintf(name, sizeof(name), "%.*s", (int)(end - text - i) - 2,
				 text + i + 2);
			expand_variable(hostile, out, name, body_bytes);
			i = (size_t)(end - text) + 1;
		} else {
			text_add(out, text + i++, 1);
		}
	}
}

/* ---- Rows ------------------------------------------------------------------------------- */

/* The template with the row in its place. */
static void request_make(const struct hostile *hostile, const struct section *section,
			 const char *row, size_t body_bytes, struct text *out)
{
	const char *tilde = section->request;

	while ((tilde = strchr(tilde, '~')) != NULL && tilde > section->request &&
	       tilde[-1] == '\\')
		tilde++;
	text_init(out, REQUEST_MAX);
	if (tilde == NULL) {
		hostile_expand(hostile, out, row, strlen(row), body_bytes);
		return;
	}
	hostile_expand(hostile, out, section->request, (size_t)(tilde - section->request),
		       body_bytes);
	hostile_expand(hostile, out, row, strlen(row), body_bytes);
	hostile_expand(hostile, out, tilde + 1, strlen(tilde + 1), body_bytes);
}

/* Behind the first empty line. */
static size_t body_bytes_of(const struct text *request)
{
	const char *end = memmem(request->at, request->len, "\r\n\r\n", 4);
	return end == NULL ? 0 : request->len - (size_t)(end + 4 - request->at);
}

/* Cuts the text at the mark, which stands between spaces; returns what is behind it, or NULL. */
static char *cut(char *text, const char *mark)
{
	char *found = strstr(text, mark);

	if (found == NULL)
		return NULL;
	*found = '\0';
	char *behind = found + strlen(mark);
	return behind + strspn(behind, " \t");
}

static void trim_end(char *text)
{
	size_t len = strlen(text);
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		text[--len] = '\0';
}

static void row_ask(struct hostile *hostile, struct section *section, char *row, const char *where)
{
	struct text request;

	cut(row, "  -- ");
	const char *outcome = cut(row, "  => ");
	trim_end(row);
	section->has_rows = true;
	request_make(hostile, section, row, 0, &request);
	size_t body_bytes = body_bytes_of(&request);
	text_fini(&request);
	request_make(hostile, section, row, body_bytes, &request);
	char *end = outcome != NULL ? strdup(outcome) : strdup(section->outcome);
	must(end != NULL);
	trim_end(end);
	hostile_ask(hostile, where, &request, 0, end);
	free(end);
	text_fini(&request);
}

/* "| LINE" is a line of the request, with its CRLF; "|. TEXT" has none. */
static void request_line_add(struct section *section, const char *line)
{
	bool is_whole = line[1] != '.';
	const char *text = line + (is_whole ? 1 : 2);
	size_t used;

	if (section->has_rows)
		section->request[0] = '\0';
	section->has_rows = false;
	used = strlen(section->request);
	cr_assert_lt(snprintf(section->request + used, sizeof(section->request) - used, "%s%s",
			      text + (*text == ' '), is_whole ? "\\r\\n" : ""),
		     (int)(sizeof(section->request) - used));
}

void hostile_file(struct hostile *hostile, const char *name)
{
	struct section section = {0};
	char path[PATH_MAX], where[256], *line = NULL;
	size_t size = 0;
	unsigned number = 0;

	snprintf(path, sizeof(path), FOLDER "%s.txt", name);
	FILE *file = fopen(path, "re");
	cr_assert_not_null(file, "%s: %s", path, strerror(errno));
	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		snprintf(where, sizeof(where), "%s.txt:%u (%.60s)", name, ++number, line);
		if (line[0] == '#' || line[0] == '\0')
			continue;
		if (strncmp(line, "==", 2) == 0)
			section = (struct section){0};
		else if (line[0] == '|')
			request_line_add(&section, line);
		else if (strncmp(line, "=>", 2) == 0)
			snprintf(section.outcome, sizeof(section.outcome), "%s",
				 line + 2 + strspn(line + 2, " "));
		else
			row_ask(hostile, &section, line, where);
	}
	free(line);
	fclose(file);
}
