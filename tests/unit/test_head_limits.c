/* SPDX-License-Identifier: Apache-2.0 */
/* What a parsed head holds, its bounds, and what an incomplete one costs; test_head.c has the
 * grammar. */
#include "http/head.h"

#include <ctype.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "support/guard.h"

#define FIELD_NAME(id, name, may_repeat) name,
#define FIELD_MANY(id, name, may_repeat) may_repeat,

static const char *const names[] = {HTTP_FIELDS(FIELD_NAME)};
static const bool may_repeat[] = {HTTP_FIELDS(FIELD_MANY)};

static struct http_head head;
static enum http_head_error error;

static int parse(const char *text, size_t len)
{
	error = HTTP_HEAD_ERROR_COUNT;
	return http_head_parse(text, len, 0, &head, &error);
}

static bool is_text(struct slice slice, const char *text)
{
	return slice.at && slice.len == strlen(text) && memcmp(slice.at, text, slice.len) == 0;
}

Test(head, holds_what_was_sent)
{
	static const char text[] = "PUT /b/k?partNumber=1 HTTP/1.1\r\n"
				   "Host: store:8443\r\n"
				   "X-Amz-Date:20260101T000000Z\r\n"
				   "CONTENT-LENGTH: 12 \r\n"
				   "x-empty:\r\n"
				   "Connection: te\r\n"
				   "connection: Close\r\n"
				   "\r\nbody";
	static const char *const fields[][2] = {
		{"Host", "store:8443"},   {"X-Amz-Date", "20260101T000000Z"},
		{"CONTENT-LENGTH", "12"}, {"x-empty", ""},
		{"Connection", "te"},     {"connection", "Close"},
	};

	cr_assert_eq(parse(text, strlen(text)), (int)strlen(text) - 4);
	cr_expect_eq(head.method, HTTP_PUT);
	cr_expect(is_text(head.method_text, "PUT"));
	cr_expect(is_text(head.target, "/b/k?partNumber=1"));
	cr_expect_eq(head.minor, 1);
	cr_assert_eq(head.field_count, ARRAY_LEN(fields));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		cr_expect(is_text(head.field[i].name, fields[i][0]), "%s", fields[i][0]);
		cr_expect(is_text(head.field[i].value, fields[i][1]), "%s", fields[i][0]);
	}
	cr_expect(is_text(head.known[HTTP_FIELD_HOST], "store:8443"));
	cr_expect(is_text(head.known[HTTP_FIELD_CONTENT_LENGTH], "12"));
	cr_expect(is_text(head.known[HTTP_FIELD_CONNECTION], "te"), "the first of several");
	cr_expect_null(head.known[HTTP_FIELD_RANGE].at);
	cr_expect(head.has_content_length && head.content_length == 12);
	cr_expect(!head.keep_alive && !head.chunked && !head.expect_continue);
}

Test(head, nothing_is_left_of_an_earlier_head)
{
	static const char first[] = "PUT /b/k HTTP/1.1\r\nHost: s\r\nContent-Length: 12\r\n"
				    "Expect: 100-continue\r\nRange: x\r\n\r\n";
	static const char second[] = "X / HTTP/1.0\r\n\r\n";

	cr_assert_gt(parse(first, strlen(first)), 0);
	cr_assert_gt(parse(second, strlen(second)), 0);
	cr_expect_eq(head.method, HTTP_OTHER);
	cr_expect_eq(head.field_count, 0);
	cr_expect(!head.has_content_length && head.content_length == 0);
	cr_expect(!head.keep_alive && !head.expect_continue && !head.chunked);
	for (int id = 0; id < HTTP_FIELD_COUNT; id++)
		cr_expect_null(head.known[id].at, "%s", names[id]);
}

Test(head, methods)
{
	static const struct {
		const char *text;
		enum http_method method;
	} rows[] = {
		{"GET", HTTP_GET},       {"HEAD", HTTP_HEAD},     {"PUT", HTTP_PUT},
		{"POST", HTTP_POST},     {"DELETE", HTTP_DELETE}, {"get", HTTP_OTHER},
		{"Get", HTTP_OTHER},     {"GETS", HTTP_OTHER},    {"GE", HTTP_OTHER},
		{"OPTIONS", HTTP_OTHER}, {"PATCH", HTTP_OTHER},   {"DELET", HTTP_OTHER},
		{"CONNECT", HTTP_OTHER}, {"TRACE", HTTP_OTHER},   {"PUTT", HTTP_OTHER},
	};
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int len = snprintf(text, sizeof(text), "%s / HTTP/1.0\r\n\r\n", rows[i].text);

		cr_assert_eq(parse(text, (size_t)len), len);
		cr_expect_eq(head.method, rows[i].method, "%s", rows[i].text);
		cr_expect(is_text(head.method_text, rows[i].text));
	}
}

/* A value that each field of HTTP_FIELDS takes. */
static const char *value_of(enum http_field_id id)
{
	if (id == HTTP_FIELD_CONTENT_LENGTH)
		return "7";
	if (id == HTTP_FIELD_TRANSFER_ENCODING)
		return "chunked";
	return id == HTTP_FIELD_EXPECT ? "100-continue" : "v";
}

static int parse_with_field(char *text, size_t size, const char *name, enum http_field_id id,
			    int times)
{
	const char *host = id == HTTP_FIELD_HOST ? "" : "Host: s\r\n";
	int len = snprintf(text, size, "PUT / HTTP/1.1\r\n%s", host);

	for (int i = 0; i < times; i++)
		len += snprintf(text + len, size - (size_t)len, "%s: %s\r\n", name, value_of(id));
	len += snprintf(text + len, size - (size_t)len, "\r\n");
	return parse(text, (size_t)len);
}

/* The table says which fields there are; the parser's switch must know each, in any case. */
Test(head, known_fields)
{
	char text[256], name[32];

	for (int id = 0; id < HTTP_FIELD_COUNT; id++) {
		for (int variant = 0; variant < 3; variant++) {
			strcpy(name, names[id]);
			for (size_t i = 0; name[i]; i++) {
				if (variant == 1 || (variant == 2 && i % 2 == 0))
					name[i] = (char)toupper(name[i]);
			}
			cr_assert_gt(parse_with_field(text, sizeof(text), name, id, 1), 0, "%s",
				     name);
			cr_expect(is_text(head.known[id], value_of(id)), "%s", name);
		}
	}
}

Test(head, fields_that_are_nearly_known)
{
	char text[256], name[32];

	for (int id = 0; id < HTTP_FIELD_COUNT; id++) {
		for (size_t i = 0; i < strlen(names[id]); i++) {
			strcpy(name, names[id]);
			name[i] = name[i] == 'x' ? 'y' : 'x';
			/* The rest of its name is right, so is its value; but it is another. */
			parse_with_field(text, sizeof(text), name, id, 1);
			cr_expect_null(head.known[id].at, "%s", name);
		}
	}
}

Test(head, fields_that_stand_once)
{
	char text[256];

	for (int id = 0; id < HTTP_FIELD_COUNT; id++) {
		int r = parse_with_field(text, sizeof(text), names[id], id, 2);

		if (may_repeat[id]) {
			cr_expect_gt(r, 0, "%s", names[id]);
			continue;
		}
		cr_expect_eq(r, -EBADMSG, "%s", names[id]);
		cr_expect_eq(error, HTTP_HEAD_ERROR_DUPLICATE, "%s", names[id]);
	}
}

/* ---- Every byte in every place ----------------------------------------------------------- */

static bool is_token_byte(int byte)
{
	return byte < 0x80 && byte > 0 && (isalnum(byte) || strchr("!#$%&'*+-.^_`|~", byte));
}

/* Room around the byte, so that it stands at each place of the eight that are looked at at once. */
static int parse_byte(const char *before, int byte, const char *after)
{
	static char text[256];
	int len = snprintf(text, sizeof(text), "%s", before);

	text[len++] = (char)byte;
	len += snprintf(text + len, sizeof(text) - (size_t)len, "%s", after);
	return parse(text, (size_t)len);
}

Test(head, every_byte)
{
	static const char *const pads[] = {"",      "1",      "12",      "123",     "1234",
					   "12345", "123456", "1234567", "12345678"};
	static const char line[] = " / HTTP/1.1\r\nHost: s\r\n\r\n";
	char before[64];

	for (int byte = 0; byte < 256; byte++) {
		bool in_value = byte == '\t' || (byte >= 0x20 && byte != 0x7f);

		cr_expect_eq(parse_byte("G", byte, line) > 0, is_token_byte(byte),
			     "method, byte %02x", byte);
		cr_expect_eq(parse_byte("GET /", byte, " HTTP/1.0\r\n\r\n") > 0,
			     byte > 0x20 && byte < 0x7f && byte != '#', "target, byte %02x", byte);
		cr_expect_eq(parse_byte("GET / HTTP/1.0\r\nX", byte, "y: z\r\n\r\n") > 0,
			     is_token_byte(byte) || byte == ':', "name, byte %02x", byte);
		cr_expect_eq(parse_byte("GET / HTTP/1.0", byte, "\r\n\r\n") > 0, false,
			     "behind the version, byte %02x", byte);
		for (size_t i = 0; i < ARRAY_LEN(pads); i++) {
			snprintf(before, sizeof(before), "GET / HTTP/1.0\r\nX: %s", pads[i]);
			cr_expect_eq(parse_byte(before, byte, "abcdefghijklmnop\r\n\r\n") > 0,
				     in_value, "value, byte %02x behind %zu", byte, i);
			cr_expect_eq(parse_byte(before, byte, "\r\n\r\n") > 0, in_value,
				     "value's end, byte %02x behind %zu", byte, i);
		}
	}
}

/* ---- Bounds ------------------------------------------------------------------------------ */

/* A head of len bytes in text, most of them one value. */
static void fill(char *text, size_t len)
{
	static const char start[] = "GET / HTTP/1.1\r\nHost: s\r\nX: ";

	memset(text, 'x', len);
	memcpy(text, start, strlen(start));
	memcpy(text + len - 4, "\r\n\r\n", 4);
}

Test(head, size)
{
	static char text[HEAD_BYTES_MAX + 64];

	fill(text, HEAD_BYTES_MAX);
	cr_expect_eq(parse(text, HEAD_BYTES_MAX), HEAD_BYTES_MAX, "the largest");
	cr_expect_eq(parse(text, sizeof(text)), HEAD_BYTES_MAX, "the largest, and more behind it");
	for (size_t missing = 1; missing < 4; missing++)
		cr_expect_eq(parse(text, HEAD_BYTES_MAX - missing), -EAGAIN, "%zu less", missing);

	fill(text, HEAD_BYTES_MAX + 1);
	for (size_t len = HEAD_BYTES_MAX; len <= sizeof(text); len += 8) {
		cr_expect_eq(parse(text, len), -EBADMSG, "one byte too many, %zu there", len);
		cr_expect_eq(error, HTTP_HEAD_ERROR_TOO_LARGE);
	}
	cr_expect_eq(parse(text, HEAD_BYTES_MAX - 1), -EAGAIN);
	/* The same in two pieces, the second without an end of line. */
	error = HTTP_HEAD_ERROR_COUNT;
	cr_expect_eq(http_head_parse(text, HEAD_BYTES_MAX, HEAD_BYTES_MAX - 1, &head, &error),
		     -EBADMSG);
	cr_expect_eq(error, HTTP_HEAD_ERROR_TOO_LARGE);

	/* A reason that stands in the bytes beats their number. */
	text[20] = '\0';
	cr_expect_eq(parse(text, sizeof(text)), -EBADMSG);
	cr_expect_eq(error, HTTP_HEAD_ERROR_NUL);

	memset(text, 'G', sizeof(text));
	cr_expect_eq(parse(text, sizeof(text)), -EBADMSG, "a method without end");
	cr_expect_eq(error, HTTP_HEAD_ERROR_METHOD_TOO_LONG);
	memcpy(text, "GET /", 5);
	cr_expect_eq(parse(text, sizeof(text)), -EBADMSG, "a target without end");
	cr_expect_eq(error, HTTP_HEAD_ERROR_TARGET_TOO_LONG);
}

Test(head, number_of_fields)
{
	static char text[HEAD_BYTES_MAX];
	int len = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: s\r\n");

	for (int i = 1; i < HEAD_FIELDS_MAX; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "X-%d: %d\r\n", i, i);
	memcpy(text + len, "\r\n", 2);
	cr_expect_eq(parse(text, (size_t)len + 2), len + 2);
	cr_expect_eq(head.field_count, HEAD_FIELDS_MAX);
	cr_expect(is_text(head.field[HEAD_FIELDS_MAX - 1].value, "63"));

	cr_expect_eq(parse(text, (size_t)len), -EAGAIN);
	/* Its first byte gives a field too many away. */
	memcpy(text + len, "y", 1);
	cr_expect_eq(parse(text, (size_t)len + 1), -EBADMSG);
	cr_expect_eq(error, HTTP_HEAD_ERROR_TOO_MANY_FIELDS);
	cr_expect_eq(head.field_count, HEAD_FIELDS_MAX);
}

Test(head, nothing_at_all)
{
	cr_expect_eq(parse("", 0), -EAGAIN);
}

/* ---- Heads that come in pieces ----------------------------------------------------------- */

/* Refused although not whole: the line, or the byte, is enough. */
Test(head, errors_are_seen_early)
{
	static const struct {
		const char *first, *second;
		enum http_head_error error;
	} rows[] = {
		{"GET /\n", "", HTTP_HEAD_ERROR_BARE_LF},
		{"GET / HTTP/1.1\n", "", HTTP_HEAD_ERROR_BARE_LF},
		{"GET / HTTP/2.0\r\n", "", HTTP_HEAD_ERROR_VERSION},
		{"GET * HTTP/1.1\r\n", "", HTTP_HEAD_ERROR_TARGET},
		{"GET / HTTP/1.1\r\nContent-Length: 1x\r\n", "", HTTP_HEAD_ERROR_CONTENT_LENGTH},
		{"GET / HT", "TP/2.0\r\n", HTTP_HEAD_ERROR_VERSION},
		{"GET / HTTP/1.1\r", "X", HTTP_HEAD_ERROR_BARE_LF},
		{"GET / HTTP/1.1", "\n", HTTP_HEAD_ERROR_BARE_LF},
		{"GET / HTTP/1.1\r\nHo", "st : s\r\n", HTTP_HEAD_ERROR_FIELD_SPACE},
		{"GET / HTTP/1.1\r\nHost: s", "\x01", HTTP_HEAD_ERROR_NUL},
		{"GET / HTTP/1.1\r\nHost: s\r", "\n a\r\n", HTTP_HEAD_ERROR_OBS_FOLD},
		{"GET / HTTP/1.1\r\nHost: s\r\n", " a\r\n", HTTP_HEAD_ERROR_OBS_FOLD},
		{"GET / HTTP/1.1\r\nHost: s\r\nHost: ", "s\r\n", HTTP_HEAD_ERROR_DUPLICATE},
	};
	char text[128];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t first = strlen(rows[i].first);
		int r = -EAGAIN;

		snprintf(text, sizeof(text), "%s%s", rows[i].first, rows[i].second);
		error = HTTP_HEAD_ERROR_COUNT;
		if (*rows[i].second)
			cr_assert_eq(http_head_parse(text, first, 0, &head, &error), r, "%s", text);
		else
			first = 0;
		r = http_head_parse(text, strlen(text), first, &head, &error);
		cr_expect_eq(r, -EBADMSG, "%s", text);
		cr_expect_eq(error, rows[i].error, "%s: %s", text, http_head_error_text(error));
	}
}

/* The bytes of earlier calls stand in a page that cannot be touched any more: no new line, so they
 * must not be looked at again. (The last of them may be: it could be a CR.) */
Test(head, scanned_bytes_are_not_searched_again)
{
	struct guard guard;
	char *text;
	size_t page;

	guard_init(&guard, 3 * (size_t)sysconf(_SC_PAGESIZE));
	page = guard.page;
	text = guard.map + page;
	fill(text, 3 * page);
	cr_assert_leq(3 * page, HEAD_BYTES_MAX);
	cr_assert_eq(http_head_parse(text, page + 1, 0, &head, &error), -EAGAIN);
	cr_assert_eq(mprotect(text, page, PROT_NONE), 0);
	for (size_t have = page + 2; have <= 3 * page - 4; have++)
		cr_assert_eq(http_head_parse(text, have, have - 1, &head, &error), -EAGAIN);
	cr_assert_eq(http_head_parse(text, 3 * page - 4, page + 1, &head, &error), -EAGAIN);
	cr_assert_eq(mprotect(text, page, PROT_READ | PROT_WRITE), 0);
	cr_expect_eq(http_head_parse(text, 3 * page, 3 * page - 4, &head, &error), (int)(3 * page));
	guard_fini(&guard);
}

/* For the log: what stood before the error. */
Test(head, what_a_refused_head_still_tells)
{
	static const char text[] = "GET /b/k HTTP/1.1\r\nHost: s\r\nUser-Agent: a\r\nX : y\r\n\r\n";
	static const char *const short_ones[] = {"G\x80T / HTTP/1.1\r\n\r\n", "\n", " "};

	cr_assert_eq(parse(text, strlen(text)), -EBADMSG);
	cr_expect(is_text(head.method_text, "GET"));
	cr_expect(is_text(head.target, "/b/k"));
	cr_expect(is_text(head.known[HTTP_FIELD_USER_AGENT], "a"));
	cr_expect_eq(head.field_count, 2);
	for (size_t i = 0; i < ARRAY_LEN(short_ones); i++) {
		cr_assert_eq(parse(short_ones[i], strlen(short_ones[i])), -EBADMSG);
		cr_expect_null(head.method_text.at);
		cr_expect_null(head.target.at);
		cr_expect_eq(head.field_count, 0);
	}
}

Test(head, scanned_past_the_end_is_a_bug, .signal = SIGABRT)
{
	http_head_parse("GET", 3, 4, &head, &error);
}

/* ---- Tables and slices ------------------------------------------------------------------- */

Test(head, error_rows)
{
	for (int id = 0; id < HTTP_HEAD_ERROR_COUNT; id++) {
		int status = http_head_error_status((enum http_head_error)id);

		cr_expect(status >= 400 && status < 600, "row %d", id);
		cr_expect_gt(strlen(http_head_error_text((enum http_head_error)id)), 10);
	}
	cr_expect_eq(http_head_error_status(HTTP_HEAD_ERROR_TOO_LARGE), 431);
	cr_expect_eq(http_head_error_status(HTTP_HEAD_ERROR_VERSION), 505);
	cr_expect_eq(http_head_error_status(HTTP_HEAD_ERROR_METHOD_TOO_LONG), 501);
	cr_expect_eq(http_head_error_status(HTTP_HEAD_ERROR_TARGET_TOO_LONG), 414);
	cr_expect_eq(http_head_error_status(HTTP_HEAD_ERROR_ENCODING_LENGTH), 400);
	cr_expect_eq(http_head_error_status(HTTP_HEAD_ERROR_TRANSFER_ENCODING), 501);
	cr_expect_eq(http_head_error_status(HTTP_HEAD_ERROR_EXPECT), 417);
	cr_expect_eq(http_head_error_status(HTTP_HEAD_ERROR_DUPLICATE), 400);
}

Test(head, slices)
{
	const struct slice none = {0}, empty = {"", 0}, word = {"Close-x", 5};

	cr_expect(slice_is(word, "close") && slice_is(word, "CLOSE"));
	cr_expect_not(slice_is(word, "clos") || slice_is(word, "close-") || slice_is(word, ""));
	cr_expect(slice_is(empty, ""));
	cr_expect_not(slice_is(none, ""), "absent is not empty");
	cr_expect_not(slice_is((struct slice){"a[", 2}, "a{"), "only letters have two cases");
	cr_expect_not(slice_is((struct slice){"a@", 2}, "a`"));
	cr_expect(slice_list_has((struct slice){" a , b\t,,c ", 11}, "b"));
	cr_expect(slice_list_has((struct slice){" a , b\t,,c ", 11}, "C"));
	cr_expect_not(slice_list_has((struct slice){" a , b\t,,c ", 9}, "c"), "past the slice");
	cr_expect_not(slice_list_has((struct slice){"ab", 2}, "a"));
	cr_expect_not(slice_list_has(none, "a") || slice_list_has(empty, "a"));
}
