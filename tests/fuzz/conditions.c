/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any conditions about any object: the status that a second reader finds, who follows RFC 9110
 * section 13.2.2 step by step over NUL-terminated copies. Dates are the target date's business.
 *
 * The input is lines: the method (a letter), the object's ETag and its time, then fields, each a
 * letter and its value: M If-Match, N If-None-Match, U If-Unmodified-Since, S If-Modified-Since,
 * R If-Range.
 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "http/conditions.h"
#include "http/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ETAG_TEXT_BYTES 64

struct input {
	struct http_head head;
	char *value[HTTP_FIELD_COUNT]; /* NUL-terminated; NULL: the field is absent */
	char etag[ETAG_TEXT_BYTES];
	time_t modified;
};

/* ---- Input ----------------------------------------------------------------------------------- */

/* The next line, without the end; at NULL: there is none. A NUL ends it: no head holds one. */
static struct slice next_line(const uint8_t **data, size_t *size)
{
	struct slice line = {(const char *)*data, *size};
	const uint8_t *end = *size > 0 ? memchr(*data, '\n', *size) : NULL;

	if (*size == 0)
		return (struct slice){0};
	if (end != NULL)
		line.len = (size_t)(end - *data);
	*data += line.len + (end != NULL);
	*size -= line.len + (end != NULL);
	line.len = strnlen(line.at, line.len);
	return line;
}

static void take_method(struct input *input, struct slice line)
{
	input->head.method = line.len == 0 || *line.at == 'G' ? HTTP_GET
			     : *line.at == 'H'                ? HTTP_HEAD
			     : *line.at == 'P'                ? HTTP_PUT
							      : HTTP_DELETE;
}

/* Ours is always one: of the line what may stand between quotes, weak if the line says so. */
static void take_etag(struct input *input, struct slice line)
{
	bool is_weak = line.len > 2 && memcmp(line.at, "W/", 2) == 0;
	size_t used = 0;

	for (const char *at = is_weak ? "W/\"" : "\""; *at != '\0'; at++)
		input->etag[used++] = *at;
	for (size_t i = is_weak ? 2 : 0; i < line.len && used < ETAG_TEXT_BYTES - 2; i++)
		if (line.at[i] != '"')
			input->etag[used++] = line.at[i];
	input->etag[used++] = '"';
	input->etag[used] = '\0';
}

static void take_field(struct input *input, struct slice line)
{
	static const char letters[] = "MNUSR";
	static const enum http_field_id ids[] = {HTTP_FIELD_IF_MATCH, HTTP_FIELD_IF_NONE_MATCH,
						 HTTP_FIELD_IF_UNMODIFIED_SINCE,
						 HTTP_FIELD_IF_MODIFIED_SINCE, HTTP_FIELD_IF_RANGE};
	const char *letter = line.len > 0 ? strchr(letters, *line.at) : NULL;

	if (letter == NULL)
		return;
	enum http_field_id id = ids[letter - letters];
	if (input->value[id] != NULL)
		return;
	input->value[id] = strndup(line.at + 1, line.len - 1);
	must(input->value[id] != NULL);
}

static void input_init(struct input *input, const uint8_t *data, size_t size)
{
	memset(input, 0, sizeof(*input));
	take_method(input, next_line(&data, &size));
	take_etag(input, next_line(&data, &size));
	struct slice time = next_line(&data, &size);
	if (http_date_parse(time, &input->modified) < 0)
		input->modified = 784111777;
	for (struct slice line; (line = next_line(&data, &size)).at != NULL;)
		take_field(input, line);
	/* Each in memory of exactly its length: no NUL stops who reads too far. */
	for (int id = 0; id < HTTP_FIELD_COUNT; id++) {
		if (input->value[id] == NULL)
			continue;
		size_t len = strlen(input->value[id]);
		char *copy = malloc(len + 1);
		must(copy != NULL);
		memcpy(copy + 1, input->value[id], len);
		input->head.known[id] = (struct slice){copy + 1, len};
	}
}

static void input_fini(struct input *input)
{
	for (int id = 0; id < HTTP_FIELD_COUNT; id++) {
		if (input->value[id] == NULL)
			continue;
		free((char *)input->head.known[id].at - 1);
		free(input->value[id]);
	}
}

/* ---- The second reader ----------------------------------------------------------------------- */

/* Passes a tag; its opaque part without quotes. NULL: there is none. */
static const char *second_tag(const char **text, size_t *len, bool *is_weak)
{
	const char *tag;

	*is_weak = strncmp(*text, "W/", 2) == 0;
	*text += *is_weak ? 2 : 0;
	bool is_quoted = **text == '"';
	tag = *text + is_quoted;
	*len = strcspn(tag, is_quoted ? "\"" : "\", \t");
	if (is_quoted ? tag[*len] != '"' : *len == 0)
		return NULL;
	*text = tag + *len + is_quoted;
	return tag;
}

static bool second_is_same(const char *etag, const char *tag, size_t len, bool is_weak, bool strong)
{
	size_t own_len;
	bool own_is_weak;
	const char *own = second_tag(&etag, &own_len, &own_is_weak);

	return (!strong || (!is_weak && !own_is_weak)) && len == own_len &&
	       strncmp(tag, own, len) == 0;
}

static bool second_matches(const char *list, const char *etag, bool strong)
{
	if (strcmp(list, "*") == 0)
		return true;
	for (;;) {
		size_t len;
		bool is_weak;
		list += strspn(list, " \t,");
		const char *tag = second_tag(&list, &len, &is_weak);
		if (tag == NULL)
			return false;
		list += strspn(list, " \t");
		if (*list != ',' && *list != '\0')
			return false;
		if (second_is_same(etag, tag, len, is_weak, strong))
			return true;
	}
}

static bool second_date(const char *text, time_t *date)
{
	return text != NULL && http_date_parse((struct slice){text, strlen(text)}, date) == 0;
}

static bool second_if_range(const char *text, const struct input *input)
{
	time_t date;
	size_t len;
	bool is_weak;

	if (text == NULL)
		return true;
	if (second_date(text, &date))
		return date == input->modified;
	const char *tag = second_tag(&text, &len, &is_weak);
	return tag != NULL && *text == '\0' && second_is_same(input->etag, tag, len, is_weak, true);
}

static int second_check(const struct input *input)
{
	char *const *value = input->value;
	bool is_read = input->head.method == HTTP_GET || input->head.method == HTTP_HEAD;
	time_t date;

	if (value[HTTP_FIELD_IF_MATCH] != NULL &&
	    !second_matches(value[HTTP_FIELD_IF_MATCH], input->etag, true))
		return 412;
	if (value[HTTP_FIELD_IF_MATCH] == NULL &&
	    second_date(value[HTTP_FIELD_IF_UNMODIFIED_SINCE], &date) && input->modified > date)
		return 412;
	if (value[HTTP_FIELD_IF_NONE_MATCH] != NULL &&
	    second_matches(value[HTTP_FIELD_IF_NONE_MATCH], input->etag, false))
		return is_read ? 304 : 412;
	if (value[HTTP_FIELD_IF_NONE_MATCH] == NULL && is_read &&
	    second_date(value[HTTP_FIELD_IF_MODIFIED_SINCE], &date) && input->modified <= date)
		return 304;
	return 0;
}

/* ---------------------------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct input input;
	bool range_applies = false;

	input_init(&input, data, size);
	const struct http_validators validators = {input.etag, input.modified};
	int status = http_conditions_check(&input.head, &validators, &range_applies);
	must(status == second_check(&input));
	if (status == 0)
		must(range_applies == second_if_range(input.value[HTTP_FIELD_IF_RANGE], &input));
	input_fini(&input);
	return 0;
}
