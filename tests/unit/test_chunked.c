/* SPDX-License-Identifier: Apache-2.0 */
/* The chunked coding: the same payload however it is cut, and nothing that is nearly right. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "http/chunked.h"

struct result {
	ssize_t used; /* of the whole input; or a negative errno */
	bool is_done;
	size_t len;
	char payload[4096];
};

/* Feeds text in pieces of at most step bytes, the first of them first bytes long. */
static struct result decode(const char *text, size_t len, size_t first, size_t step)
{
	struct chunked chunked = {0};
	struct result result = {0};
	size_t at = 0, end = first < len ? first : len;

	while (at < len && !chunked_is_done(&chunked)) {
		struct slice payload;
		ssize_t n = chunked_take(&chunked, text + at, end - at, &payload);
		if (n < 0) {
			result.used = n;
			return result;
		}
		cr_assert(payload.len == 0 ||
			  (payload.at >= text + at && payload.at + payload.len == text + at + n));
		memcpy(result.payload + result.len, payload.at, payload.len);
		result.len += payload.len;
		at += (size_t)n;
		if (at == end)
			end = end + step < len ? end + step : len;
	}
	result.used = (ssize_t)at;
	result.is_done = chunked_is_done(&chunked);
	return result;
}

static void every_cut(const char *text, size_t len, size_t body_bytes, const char *payload)
{
	for (size_t first = 1; first <= len; first++) {
		const size_t steps[] = {1, 2, 7, len};
		for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
			struct result result = decode(text, len, first, steps[i]);
			cr_assert(result.is_done, "cut at %zu", first);
			cr_assert_eq(result.used, (ssize_t)body_bytes, "cut at %zu", first);
			cr_assert_eq(result.len, strlen(payload));
			cr_assert_arr_eq(result.payload, payload, result.len);
		}
	}
}

Test(chunked, bodies_in_every_cut)
{
	static const struct {
		const char *text, *payload;
	} rows[] = {
		{"0\r\n\r\n", ""},
		{"5\r\nhello\r\n0\r\n\r\n", "hello"},
		{"5\r\nhello\r\n6\r\n world\r\n000\r\n\r\n", "hello world"},
		{"A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n", "0123456789abcdefghij"},
		{"0000000000000005\r\nhello\r\n0\r\n\r\n", "hello"},
		{"5;name=value;other=\"quoted\"\r\nhello\r\n0;last\r\n\r\n", "hello"},
		{"2\r\n\r\n\r\n0\r\n\r\n", "\r\n"},
		{"5\r\nhello\r\n0\r\nX-Sum: abc\r\nempty:\r\n\r\n", "hello"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].text);
		char *with_more = NULL;
		every_cut(rows[i].text, len, len, rows[i].payload);
		/* A pipelined request behind it stays where it is. */
		must(asprintf(&with_more, "%sGET / HTTP/1.1\r\n", rows[i].text) > 0);
		every_cut(with_more, strlen(with_more), len, rows[i].payload);
		free(with_more);
	}
}

Test(chunked, a_body_that_is_cut_short_is_not_done)
{
	static const char text[] = "5\r\nhello\r\n0\r\nX: y\r\n\r\n";
	for (size_t len = 1; len < sizeof(text) - 1; len++) {
		struct result result = decode(text, len, len, len);
		cr_assert_eq(result.used, (ssize_t)len);
		cr_assert_not(result.is_done, "%zu bytes", len);
	}
}

Test(chunked, what_is_malformed_is_refused_at_any_cut)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
		{"+5\r\n", 4},
		{"-5\r\n", 4},
		{"0x5\r\n", 5},
		{" 5\r\n", 4},
		{"5 \r\n", 4},
		{"5\t;x\r\n", 6},
		{"\r\n", 2},
		{";x\r\n", 4},
		{"g\r\n", 3},
		{"5\n", 2},
		{"5\rx", 3},
		{"5;a\nb", 5},
		{"5;a\0b\r\n", 7},
		{"5;\x7f\r\n", 5},
		{"5\r\nhelloX", 9},
		{"5\r\nhello\n", 9},
		{"5\r\nhello\rX", 10},
		{"5\r\nhello5\r\n", 11},
		{"0\r\nX\r\n\r\n", 8},
		{"0\r\n: x\r\n\r\n", 10},
		{"0\r\nX y: z\r\n", 11},
		{"0\r\n X: y\r\n", 10},
		{"0\r\nX: y\nZ", 9},
		{"0\r\nX: \0\r\n", 9},
		{"0\r\n\n", 4},
		{"0\r\n\rX", 5},
		{"0\r\nX: y\r\r\n", 10},
		{"8000000000000000\r\n", 18},
		{"FFFFFFFFFFFFFFFF\r\n", 18},
		{"00000000000000005\r\n", 19},
		{"5,\r\n", 4},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t first = 1; first <= rows[i].len; first++)
			cr_assert_eq(decode(rows[i].text, rows[i].len, first, 1).used, -EBADMSG,
				     "row %zu cut at %zu", i, first);
}

Test(chunked, the_largest_size)
{
	struct chunked chunked = {0};
	struct slice payload;
	static const char line[] = "7fffffffffffffff\r\n";
	cr_assert_eq(chunked_take(&chunked, line, strlen(line), &payload), (ssize_t)strlen(line));
	cr_expect_eq(chunked.left, INT64_MAX);
	cr_expect_eq(payload.len, 0);
}

static ssize_t with_filler(const char *before, size_t filler, const char *after)
{
	char text[CHUNK_TRAILER_BYTES_MAX + 100];
	size_t len = (size_t)snprintf(text, sizeof(text), "%s", before);
	memset(text + len, 'x', filler);
	len += filler +
	       (size_t)snprintf(text + len + filler, sizeof(text) - len - filler, "%s", after);
	struct result result = decode(text, len, len, len);
	return result.used < 0 ? result.used : result.is_done;
}

Test(chunked, bounds)
{
	/* "5;" + filler + CRLF is the line. */
	size_t most = CHUNK_LINE_BYTES_MAX - strlen("5;\r\n");
	cr_expect_eq(with_filler("5;", most, "\r\nhello\r\n0\r\n\r\n"), 1);
	cr_expect_eq(with_filler("5;", most + 1, "\r\nhello\r\n0\r\n\r\n"), -EBADMSG);
	/* The trailer section, its empty line included. */
	most = CHUNK_TRAILER_BYTES_MAX - strlen("X:\r\n\r\n");
	cr_expect_eq(with_filler("0\r\nX:", most, "\r\n\r\n"), 1);
	cr_expect_eq(with_filler("0\r\nX:", most + 1, "\r\n\r\n"), -EBADMSG);
}
