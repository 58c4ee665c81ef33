/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/error.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <signal.h>
#include <string.h>

#include "base/limits.h"
#include "http/head.h"
#include "http/response.h"
#include "support/guard.h"

TestSuite(s3_error, .timeout = 600);

static char out[ERROR_BODY_BYTES_MAX + 1];

/* NUL behind it, for the comparisons. */
static const char *body(const char *message, const char *resource, size_t resource_len,
			const char *request_id)
{
	size_t len = s3_error_xml(S3_ERROR_NO_SUCH_KEY, message, NULL, resource, resource_len,
				  request_id, out, ERROR_BODY_BYTES_MAX);

	cr_assert_leq(len, ERROR_BODY_BYTES_MAX);
	out[len] = '\0';
	return out;
}

Test(s3_error, bytes)
{
	cr_expect_str_eq(body(NULL, "/blocks/k", 9, "1a-2b"),
			 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			 "<Error><Code>NoSuchKey</Code>"
			 "<Message>The object does not exist.</Message>"
			 "<Resource>/blocks/k</Resource>"
			 "<RequestId>1a-2b</RequestId></Error>");
	cr_expect_str_eq(body("Mine & <yours>", "", 0, "<\"&'>"),
			 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			 "<Error><Code>NoSuchKey</Code>"
			 "<Message>Mine &amp; &lt;yours&gt;</Message>"
			 "<Resource></Resource>"
			 "<RequestId>&lt;&quot;&amp;&apos;&gt;</RequestId></Error>");
}

Test(s3_error, escapes)
{
	static const struct {
		const char *resource;
		const char *escaped;
	} rows[] = {
		{"/a<b>c&d\"e'f", "/a&lt;b&gt;c&amp;d&quot;e&apos;f"},
		{"</Resource><Code>x", "&lt;/Resource&gt;&lt;Code&gt;x"},
		{"&amp;", "&amp;amp;"},
		{"]]>", "]]&gt;"},
		{"a\tb\nc", "a\tb\nc"},
		{"a\rb", "a&#13;b"},
		{"a\x01\x08\x0b\x0c\x0e\x1f z", "a?????? z"},
		{"\x7f", "\x7f"}, /* allowed, if discouraged (XML 1.0 section 2.2) */
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xbe", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xbe"},
		{"a\xff"
		 "b\x80"
		 "c",
		 "a?b?c"},
		{"\xc0\xae", "??"},
		{"\xed\xa0\x80", "???"},
		{"\xc3", "?"},
		{"\xe2\x82<", "??&lt;"},
		{"\xef\xbf\xbd\xef\xbf\xbe\xef\xbf\xbf", "\xef\xbf\xbd??"},
	};
	const char *start, *end;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		body(NULL, rows[i].resource, strlen(rows[i].resource), "7");
		start = strstr(out, "<Resource>") + strlen("<Resource>");
		end = strstr(out, "</Resource>");
		cr_assert_eq((size_t)(end - start), strlen(rows[i].escaped), "%s: %s",
			     rows[i].resource, out);
		cr_expect_arr_eq(start, rows[i].escaped, (size_t)(end - start), "%s: %s",
				 rows[i].resource, out);
	}
	body(NULL, "a\0b", 3, "7");
	cr_expect(strstr(out, "<Resource>a?b</Resource>"));
}

/* However long the parts are: whole XML, cut between characters, nothing written behind size. */
Test(s3_error, cut)
{
	static const char end[] = "</Resource><RequestId>7</RequestId></Error>";
	static const char *const units[] = {"a",    "\"", "\xc3\xa9", "\xf0\x9f\x92\xbe",
					    "\x01", "\r"};
	static char resource[40000], buffer[ERROR_BODY_BYTES_MAX];
	struct guard guard;

	guard_init(&guard, sizeof(buffer));
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		size_t unit = strlen(units[i]), len, escaped;
		char *at = guard_before(&guard, buffer, sizeof(buffer));
		const char *start;

		for (size_t used = 0; used + unit <= sizeof(resource); used += unit)
			memcpy(resource + used, units[i], unit);
		len = s3_error_xml(S3_ERROR_NO_SUCH_KEY, NULL, NULL, resource, sizeof(resource),
				   "7", at, sizeof(buffer));
		cr_assert_leq(len, sizeof(buffer));
		cr_expect_geq(len, sizeof(buffer) - 300, "most of the room is used");
		cr_assert_arr_eq(at + len - strlen(end), end, strlen(end));
		start = strstr(at, "<Resource>") + strlen("<Resource>");
		escaped = (size_t)(at + len - strlen(end) - start);
		if (*units[i] == '"' || *units[i] == '\r')
			unit = strlen(*units[i] == '"' ? "&quot;" : "&#13;");
		cr_expect_eq(escaped % unit, 0, "unit %zu is cut through", i);
	}
	guard_fini(&guard);
}

/* The longest key, each byte of it escaped, is not cut. */
Test(s3_error, the_longest_key_fits)
{
	char resource[OBJECT_KEY_BYTES_MAX];
	size_t quotes = 0;

	memset(resource, '"', sizeof(resource));
	body(NULL, resource, sizeof(resource), "0123456789abcdef");
	for (const char *at = out; (at = strstr(at, "&quot;")); at++)
		quotes++;
	cr_expect_eq(quotes, sizeof(resource));
}

Test(s3_error, long_message_and_request_id)
{
	static char text[20000];
	const char *end = "</RequestId></Error>";

	memset(text, '&', sizeof(text) - 1);
	body(text, text, sizeof(text) - 1, text);
	cr_expect_str_eq(out + strlen(out) - strlen(end), end);
	cr_expect(strstr(out, "&amp;</Message><Resource>&amp;"));
	cr_expect(strstr(out, "&amp;</Resource><RequestId>&amp;"));
	/* Each part filled to its last byte: so is the whole, and no further. */
	memset(text, 'a', sizeof(text) - 1);
	body(text, text, sizeof(text) - 1, text);
	cr_expect_eq(strlen(out), ERROR_BODY_BYTES_MAX);
	cr_expect_str_eq(out + strlen(out) - strlen(end), end);
}

Test(s3_error, rows)
{
	for (int id = 0; id < S3_ERROR_COUNT; id++) {
		const char *code = s3_error_code((enum s3_error)id);
		int status = s3_error_status((enum s3_error)id);

		cr_expect(status >= 400 && status < 600, "%s", code);
		cr_expect_str_neq(http_status_reason(status), "Unknown", "%s: %d", code, status);
		cr_expect(isupper(code[0]) &&
				  strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					       "abcdefghijklmnopqrstuvwxyz") == strlen(code),
			  "%s", code);
		for (int other = 0; other < id; other++)
			cr_expect_str_neq(code, s3_error_code((enum s3_error)other));
	}
	for (int id = 0; id < HTTP_HEAD_ERROR_COUNT; id++)
		cr_expect_str_neq(
			http_status_reason(http_head_error_status((enum http_head_error)id)),
			"Unknown");
	cr_expect_eq(s3_error_status(S3_ERROR_NO_SUCH_KEY), 404);
	cr_expect_str_eq(s3_error_code(S3_ERROR_INVALID_RANGE), "InvalidRange");
	cr_expect_eq(s3_error_status(S3_ERROR_INVALID_RANGE), 416);
}

Test(s3_error, a_small_buffer_is_a_bug, .signal = SIGABRT)
{
	char small[128];

	s3_error_xml(S3_ERROR_NO_SUCH_KEY, NULL, NULL, "", 0, "7", small, sizeof(small));
}
