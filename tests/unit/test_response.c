/* SPDX-License-Identifier: Apache-2.0 */
#include "http/response.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "support/guard.h"

TestSuite(response, .timeout = 600);

static int build(char *at, size_t size)
{
	struct http_response response;

	http_response_begin(&response, at, size, 206);
	http_response_field(&response, "ETag", "\"1f-2\"");
	http_response_field_u64(&response, "Content-Length", 16384);
	http_response_content_range(&response, 16384, 16384, 65536);
	return http_response_end(&response);
}

static const char whole[] = "HTTP/1.1 206 Partial Content\r\n"
			    "ETag: \"1f-2\"\r\n"
			    "Content-Length: 16384\r\n"
			    "Content-Range: bytes 16384-32767/65536\r\n"
			    "\r\n";

Test(response, bytes)
{
	char text[512];
	int len = build(text, sizeof(text));

	cr_assert_eq(len, (int)strlen(whole));
	cr_expect_arr_eq(text, whole, (size_t)len);
}

/* Every size too small says so, and nothing is written past it. */
Test(response, overflow)
{
	struct guard guard;
	size_t size = strlen(whole);

	guard_init(&guard, size);
	cr_expect_eq(build(guard_before(&guard, whole, size), size), (int)size, "exact fit");
	while (size-- > 0)
		cr_expect_eq(build(guard_before(&guard, whole, size), size), -ENOSPC, "%zu", size);
	guard_fini(&guard);
}

/* A field that did not fit is not followed by a smaller one that would. */
Test(response, overflow_stays)
{
	struct http_response response;
	char text[40];
	size_t used;

	http_response_begin(&response, text, sizeof(text), 200);
	http_response_field(&response, "Name", "a value that does not fit into it");
	cr_expect(response.overflow);
	used = response.used;
	http_response_field_u64(&response, "A", 1);
	cr_expect(response.overflow && response.used == used);
	cr_expect_eq(http_response_end(&response), -ENOSPC);
}

Test(response, numbers)
{
	static const struct {
		uint64_t number;
		const char *text;
	} rows[] = {
		{0, "N: 0\r\n"},
		{9, "N: 9\r\n"},
		{10, "N: 10\r\n"},
		{1234567890, "N: 1234567890\r\n"},
		{INT64_MAX, "N: 9223372036854775807\r\n"},
		{UINT64_MAX, "N: 18446744073709551615\r\n"},
	};
	struct http_response response;
	char text[128];
	size_t start;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		http_response_begin(&response, text, sizeof(text), 200);
		start = response.used;
		http_response_field_u64(&response, "N", rows[i].number);
		cr_assert_eq(response.used - start, strlen(rows[i].text));
		cr_expect_arr_eq(text + start, rows[i].text, strlen(rows[i].text));
	}
}

Test(response, content_range)
{
	static const struct {
		uint64_t first, bytes, size;
		const char *text;
	} rows[] = {
		{0, 1, 1, "Content-Range: bytes 0-0/1\r\n"},
		{5, 5, 10, "Content-Range: bytes 5-9/10\r\n"},
		{0, UINT64_MAX, UINT64_MAX,
		 "Content-Range: bytes 0-18446744073709551614/18446744073709551615\r\n"},
		{0, 0, 10, "Content-Range: bytes */10\r\n"},
		{0, 0, 0, "Content-Range: bytes */0\r\n"},
	};
	struct http_response response;
	char text[256];
	size_t start;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		http_response_begin(&response, text, sizeof(text), 206);
		start = response.used;
		http_response_content_range(&response, rows[i].first, rows[i].bytes, rows[i].size);
		cr_assert_eq(response.used - start, strlen(rows[i].text), "%s", rows[i].text);
		cr_expect_arr_eq(text + start, rows[i].text, strlen(rows[i].text));
	}
}

Test(response, reasons)
{
	static const int used[] = {100, 200, 204, 206, 304, 400, 403, 404, 405, 408, 409, 411,
				   412, 413, 414, 416, 417, 431, 500, 501, 503, 505, 507};
	struct http_response response;
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(used); i++)
		cr_expect_str_neq(http_status_reason(used[i]), "Unknown", "%d", used[i]);
	cr_expect_str_eq(http_status_reason(416), "Range Not Satisfiable");
	cr_expect_str_eq(http_status_reason(299), "Unknown");
	http_response_begin(&response, text, sizeof(text), 304);
	cr_expect_arr_eq(text, "HTTP/1.1 304 Not Modified\r\n", response.used);
}

static void put_value(const char *value)
{
	struct http_response response;
	char text[128];

	http_response_begin(&response, text, sizeof(text), 200);
	http_response_field(&response, "X", value);
}

Test(response, cr_in_a_value_is_a_bug, .signal = SIGABRT)
{
	put_value("a\rb");
}

Test(response, lf_in_a_value_is_a_bug, .signal = SIGABRT)
{
	put_value("a\nSet-Cookie: b");
}

Test(response, range_past_the_object_is_a_bug, .signal = SIGABRT)
{
	struct http_response response;
	char text[128];

	http_response_begin(&response, text, sizeof(text), 206);
	http_response_content_range(&response, UINT64_MAX, 2, 10);
}
