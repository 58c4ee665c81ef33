/* SPDX-License-Identifier: Apache-2.0 */
#include "http/conditions.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "support/guard.h"

TestSuite(conditions, .timeout = 600);

/* ---- Range ------------------------------------------------------------------------------- */

#define NONE HTTP_RANGE_NONE
#define PART HTTP_RANGE_OK
#define OUT  HTTP_RANGE_UNSATISFIABLE
#define HUGE UINT64_MAX

struct range_row {
	const char *value;
	uint64_t size;
	enum http_range_outcome outcome;
	uint64_t first, bytes;
};

static void check_range(const struct range_row *row, struct guard *guard)
{
	size_t len = strlen(row->value);
	struct http_range range = {77, 78};
	struct slice value = {guard_before(guard, row->value, len), len};
	enum http_range_outcome outcome = http_range_parse(value, row->size, &range);

	cr_expect_eq(outcome, row->outcome, "%s of %llu: %d", row->value,
		     (unsigned long long)row->size, (int)outcome);
	if (outcome == PART && row->outcome == PART)
		cr_expect(range.first == row->first && range.bytes == row->bytes,
			  "%s of %llu: %llu bytes from %llu", row->value,
			  (unsigned long long)row->size, (unsigned long long)range.bytes,
			  (unsigned long long)range.first);
	else if (row->outcome != PART)
		cr_expect(range.first == 77 && range.bytes == 78, "%s: changed", row->value);
}

static void check_ranges(const struct range_row *rows, size_t count)
{
	struct guard guard;

	guard_init(&guard, 4096);
	for (size_t i = 0; i < count; i++)
		check_range(&rows[i], &guard);
	guard_fini(&guard);
}

Test(conditions, ranges)
{
	static const struct range_row rows[] = {
		{"bytes=0-0", 10, PART, 0, 1},
		{"bytes=0-9", 10, PART, 0, 10},
		{"bytes=0-10", 10, PART, 0, 10},
		{"bytes=3-5", 10, PART, 3, 3},
		{"bytes=9-9", 10, PART, 9, 1},
		{"bytes=9-99", 10, PART, 9, 1},
		{"bytes=10-10", 10, OUT, 0, 0},
		{"bytes=10-99", 10, OUT, 0, 0},
		{"bytes=0-", 10, PART, 0, 10},
		{"bytes=9-", 10, PART, 9, 1},
		{"bytes=10-", 10, OUT, 0, 0},
		{"bytes=-1", 10, PART, 9, 1},
		{"bytes=-10", 10, PART, 0, 10},
		{"bytes=-11", 10, PART, 0, 10},
		{"bytes=-0", 10, OUT, 0, 0},
		{"bytes=-00", 10, OUT, 0, 0},
		{"bytes=00-007", 10, PART, 0, 8},
		{"BYTES=3-5", 10, PART, 3, 3}, /* RFC 9110 section 14.1: units have no case */
		{"Bytes=-2", 10, PART, 8, 2},
		/* An empty object has no first byte. */
		{"bytes=0-0", 0, OUT, 0, 0},
		{"bytes=0-", 0, OUT, 0, 0},
		{"bytes=-1", 0, OUT, 0, 0},
		{"bytes=-0", 0, OUT, 0, 0},
		{"bytes=5-3", 0, NONE, 0, 0},
		/* Numbers past 64 bits are past the end. */
		{"bytes=0-18446744073709551615", 10, PART, 0, 10},
		{"bytes=0-18446744073709551616", 10, PART, 0, 10},
		{"bytes=1-99999999999999999999999999999", 10, PART, 1, 9},
		{"bytes=-18446744073709551616", 10, PART, 0, 10},
		{"bytes=-18446744073709551626", 10, PART, 0, 10},
		{"bytes=18446744073709551616-", 10, OUT, 0, 0},
		{"bytes=18446744073709551617-18446744073709551618", 10, OUT, 0, 0},
		{"bytes=18446744073709551616-1", 10, NONE, 0, 0},
		{"bytes=36893488147419103233-36893488147419103234", 10, OUT, 0, 0},
		{"bytes=0-9223372036854775807", INT64_MAX, PART, 0, INT64_MAX},
		{"bytes=9223372036854775806-", INT64_MAX, PART, INT64_MAX - 1, 1},
		{"bytes=0-", HUGE, PART, 0, HUGE},
		{"bytes=0-18446744073709551615", HUGE, PART, 0, HUGE},
		{"bytes=18446744073709551614-", HUGE, PART, HUGE - 1, 1},
		{"bytes=18446744073709551615-", HUGE, OUT, 0, 0},
		{"bytes=-18446744073709551615", HUGE, PART, 0, HUGE},
		/* One range in a list with empty members (RFC 9110 section 5.6.1.2). */
		{"bytes=3-5,", 10, PART, 3, 3},
		{"bytes=3-5 ,\t, ", 10, PART, 3, 3},
		{"bytes=,3-5", 10, PART, 3, 3},
		{"bytes=, ,3-5", 10, PART, 3, 3},
		{"bytes= ,\t3-5 , ", 10, PART, 3, 3},
	};

	check_ranges(rows, ARRAY_LEN(rows));
}

/* Malformed, of another unit, or several: as if there were no Range. */
Test(conditions, ranges_that_are_ignored)
{
	static const char *const rows[] = {
		"",
		"bytes",
		"bytes=",
		"bytes=-",
		"bytes=--1",
		"bytes=1",
		"bytes=1--2",
		"bytes=1-2-3",
		"bytes=-1-2",
		"bytes=5-3",
		"bytes=1-0",
		"bytes=a-b",
		"bytes=0x1-2",
		"bytes=1-2x",
		"bytes=x1-2",
		"bytes=+1-2",
		"bytes=1-+2",
		"bytes=1.0-2",
		"bytes=1e1-",
		"bytes = 1-2",
		"bytes =1-2",
		"bytes= 1-2",
		"bytes=1 -2",
		"bytes=1- 2",
		"bytes=- 2",
		" bytes=1-2",
		"bytes=1-2 ",
		"bytes=\t1-2",
		"bytes:1-2",
		"bytes 1-2",
		"bytes=\"1-2\"",
		"bytes=,",
		"bytes=,,",
		"bytes=1-2,3-4",
		"bytes=1-2, 3-4",
		"bytes=0-0,-1",
		"bytes=,1-2,,3-4,",
		"bytes=1-2,x",
		"bytes=x,1-2",
		"bytes=1-2;",
		"bits=1-2",
		"byte=1-2",
		"bytess=1-2",
		"seconds=1-2",
		"items=0-5",
		"none",
		"1-2",
		"=1-2",
		"bytes=\xd9\xa1-2",
	};
	struct http_range range;
	struct range_row row = {.outcome = NONE};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		row.value = rows[i];
		for (row.size = 0; row.size <= 10; row.size += 5)
			check_ranges(&row, 1);
	}
	cr_expect_eq(http_range_parse((struct slice){0}, 10, &range), NONE, "absent");
}

/* Against the definition, for all that fits a small object. */
Test(conditions, every_small_range)
{
	char text[64];

	for (uint64_t size = 0; size < 8; size++) {
		for (uint64_t i = 0; i < 100; i++) {
			uint64_t a = i / 10, b = i % 10;
			struct range_row row = {text, size, PART, a, 0};
			struct range_row open = {text, size, a < size ? PART : OUT, a, size - a};

			snprintf(text, sizeof(text), "bytes=%d-%d", (int)a, (int)b);
			for (uint64_t at = a; at <= b && at < size; at++)
				row.bytes++;
			row.outcome = a > b ? NONE : row.bytes > 0 ? PART : OUT;
			check_ranges(&row, 1);
			snprintf(text, sizeof(text), "bytes=%d-", (int)a);
			check_ranges(&open, 1);
		}
	}
}

/* ---- Conditions -------------------------------------------------------------------------- */

#define ETAG   "\"1f-2\""
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define SAME   "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER  "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct http_validators ours = {ETAG, 784111777};

/* fields: lines without the last CRLF. */
static int check(const char *method, const char *fields, const struct http_validators *validators,
		 bool *range_applies)
{
	static struct http_head head;
	enum http_head_error error;
	char text[1024];
	int len = snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: s\r\n%s\r\n\r\n", method,
			   fields);

	cr_assert_eq(http_head_parse(text, (size_t)len, 0, &head, &error), len, "%s", fields);
	return http_conditions_check(&head, validators, range_applies);
}

struct condition_row {
	const char *fields;
	int status;
};

static void check_rows(const char *method, const struct condition_row *rows, size_t count)
{
	bool range_applies;

	for (size_t i = 0; i < count; i++) {
		int status = check(method, rows[i].fields, &ours, &range_applies);

		cr_expect_eq(status, rows[i].status, "%s, %s: %d", method, rows[i].fields, status);
		cr_expect(range_applies, "%s: without If-Range a range applies", rows[i].fields);
	}
}

Test(conditions, one_condition)
{
	static const struct condition_row rows[] = {
		{"X: y", 0},
		{"If-Match: " ETAG, 0},
		{"If-Match: *", 0},
		{"If-Match: \"x\"", 412},
		{"If-Match: \"x\", " ETAG, 0},
		{"If-Match: " ETAG ",\"x\"", 0},
		{"If-Match: \"x\" ,\t, " ETAG " ,", 0},
		{"If-Match: \"x\", \"y\"", 412},
		{"If-Match: W/" ETAG, 412}, /* strong comparison: never a weak one */
		{"If-Match: W/" ETAG ", " ETAG, 0},
		{"If-Match: \"1F-2\"", 412},
		{"If-Match: \"1f-2 \"", 412},
		{"If-Match: \"1f-2", 412},
		{"If-Match: \"\"", 412},
		{"If-Match:", 412},
		{"If-Match: ,", 412},
		{"If-Match: \"*\"", 412},
		{"If-Match: *, \"x\"", 412},
		{"If-Match: 1f-2", 0}, /* without quotes, as S3's tools write it */
		{"If-Match: x, 1f-2", 0},
		{"If-Match: 1f-", 412},
		{"If-Match: \"x\"" ETAG, 412},
		{"If-Match: \"x\" " ETAG, 412},
		{"If-Match: " ETAG "x", 412},
		{"If-Match: \"a,\"1f-2\"", 412},
		{"If-Match: \"a, 1f-2 ,b\"", 412}, /* a comma inside the quotes is the tag's */
		{"If-Match: \"a,b\", " ETAG, 0},
		{"If-None-Match: " ETAG, 304},
		{"If-None-Match: W/" ETAG, 304}, /* weak comparison */
		{"If-None-Match: *", 304},
		{"If-None-Match: \"x\"", 0},
		{"If-None-Match: \"x\", W/\"y\", " ETAG, 304},
		{"If-None-Match: \"x\", \"y\"", 0},
		{"If-None-Match: w/" ETAG, 0}, /* RFC 9110 section 8.8.3: W has one case */
		{"If-None-Match: 1f-2", 304},
		{"If-None-Match:", 0},
		{"If-None-Match: \"1f-2", 0},
		{"If-Modified-Since: " BEFORE, 0},
		{"If-Modified-Since: " SAME, 304},
		{"If-Modified-Since: " AFTER, 304},
		{"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", 304},
		{"If-Modified-Since: Sun Nov  6 08:49:37 1994", 304},
		{"If-Modified-Since: yesterday", 0},
		{"If-Modified-Since:", 0},
		{"If-Modified-Since: " SAME ", " SAME, 0},
		{"If-Unmodified-Since: " BEFORE, 412},
		{"If-Unmodified-Since: " SAME, 0},
		{"If-Unmodified-Since: " AFTER, 0},
		{"If-Unmodified-Since: yesterday", 0},
		{"If-Unmodified-Since:", 0},
	};

	check_rows("GET", rows, ARRAY_LEN(rows));
	check_rows("HEAD", rows, ARRAY_LEN(rows));
}

/* RFC 9110 section 13.2.2: which one decides. */
Test(conditions, several_conditions)
{
	static const struct condition_row rows[] = {
		/* A list that holds outweighs a date that does not. */
		{"If-Match: " ETAG "\r\nIf-Unmodified-Since: " BEFORE, 0},
		{"If-Unmodified-Since: " BEFORE "\r\nIf-Match: *", 0},
		{"If-Match: \"x\"\r\nIf-Unmodified-Since: " AFTER, 412},
		{"If-None-Match: \"x\"\r\nIf-Modified-Since: " AFTER, 0},
		{"If-None-Match: " ETAG "\r\nIf-Modified-Since: " BEFORE, 304},
		{"If-Modified-Since: " BEFORE "\r\nIf-None-Match: *", 304},
		/* 412 before 304. */
		{"If-Match: \"x\"\r\nIf-None-Match: " ETAG, 412},
		{"If-None-Match: " ETAG "\r\nIf-Match: \"x\"", 412},
		{"If-Match: " ETAG "\r\nIf-None-Match: " ETAG, 304},
		{"If-Unmodified-Since: " BEFORE "\r\nIf-None-Match: " ETAG, 412},
		{"If-Unmodified-Since: " BEFORE "\r\nIf-Modified-Since: " AFTER, 412},
		{"If-Unmodified-Since: " SAME "\r\nIf-Modified-Since: " SAME, 304},
		{"If-Match: " ETAG "\r\nIf-Modified-Since: " SAME, 304},
		/* A malformed list is still a list. */
		{"If-None-Match: \"\r\nIf-Modified-Since: " AFTER, 0},
		{"If-Match: \"\r\nIf-Unmodified-Since: " AFTER, 412},
	};

	check_rows("GET", rows, ARRAY_LEN(rows));
}

Test(conditions, other_methods)
{
	static const struct condition_row rows[] = {
		{"If-None-Match: *", 412},
		{"If-None-Match: " ETAG, 412},
		{"If-None-Match: \"x\"", 0},
		{"If-Match: \"x\"", 412},
		{"If-Match: " ETAG, 0},
		{"If-Modified-Since: " AFTER, 0}, /* RFC 9110 section 13.1.3 */
		{"If-Unmodified-Since: " BEFORE, 412},
	};

	check_rows("PUT", rows, ARRAY_LEN(rows));
	check_rows("DELETE", rows, ARRAY_LEN(rows));
}

Test(conditions, if_range)
{
	static const struct {
		const char *value;
		bool applies;
	} rows[] = {
		{ETAG, true},
		{"1f-2", true},
		{"W/" ETAG, false},
		{"\"x\"", false},
		{"*", false},
		{ETAG ", \"x\"", false},
		{"\"x\", " ETAG, false},
		{"\"1f-2", false},
		{"", false},
		{SAME, true},
		{"Sunday, 06-Nov-94 08:49:37 GMT", true},
		{BEFORE, false},
		{AFTER, false}, /* not "unmodified since" but "is exactly" */
		{"yesterday", false},
	};
	char fields[128];
	bool range_applies;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(fields, sizeof(fields), "Range: bytes=0-1\r\nIf-Range: %s", rows[i].value);
		cr_expect_eq(check("GET", fields, &ours, &range_applies), 0);
		cr_expect_eq(range_applies, rows[i].applies, "%s", rows[i].value);
	}
}

Test(conditions, a_weak_etag_of_ours)
{
	static const struct http_validators weak = {"W/\"1f-2\"", 784111777};
	bool range_applies;

	cr_expect_eq(check("GET", "If-Match: W/" ETAG, &weak, &range_applies), 412);
	cr_expect_eq(check("GET", "If-Match: " ETAG, &weak, &range_applies), 412);
	cr_expect_eq(check("GET", "If-Match: *", &weak, &range_applies), 0);
	cr_expect_eq(check("GET", "If-None-Match: " ETAG, &weak, &range_applies), 304);
	cr_expect_eq(check("GET", "If-Range: W/" ETAG, &weak, &range_applies), 0);
	cr_expect_not(range_applies);
}

Test(conditions, an_etag_without_quotes_is_a_bug, .signal = SIGABRT)
{
	static const struct http_validators bad = {"\"x", 0};
	bool range_applies;

	check("GET", "If-Match: \"x\"", &bad, &range_applies);
}
