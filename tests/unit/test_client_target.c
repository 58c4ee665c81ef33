/* SPDX-License-Identifier: Apache-2.0 */
/* HOST:PORT/bucket[/prefix]. */
#include "client/target.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/must.h"

TestSuite(client_target, .timeout = 600);

static const struct {
	const char *text, *host, *port, *authority, *bucket, *prefix;
} right[] = {
	{"h:1/b", "h", "1", "h:1", "b", ""},
	{"h:1/b/", "h", "1", "h:1", "b", ""},
	{"h.example:65535/bucket/a/b//c", "h.example", "65535", "h.example:65535", "bucket",
	 "a/b//c"},
	{"[::1]:443/b/k", "::1", "443", "[::1]:443", "b", "k"},
};

Test(client_target, right)
{
	char error[ERROR_TEXT_MAX];
	struct target target;

	for (size_t i = 0; i < ARRAY_LEN(right); i++) {
		cr_assert_eq(target_parse(&target, right[i].text, error), 0, "%s", right[i].text);
		cr_assert_str_eq(target.host, right[i].host);
		cr_assert_str_eq(target.port, right[i].port);
		cr_assert_str_eq(target.authority, right[i].authority);
		cr_assert_str_eq(target.bucket, right[i].bucket);
		cr_assert_str_eq(target.prefix, right[i].prefix);
	}
}

Test(client_target, wrong)
{
	static const char *const wrong[] = {"",       "h",       "h:1",           "h:1/",  "h/b",
					    ":1/b",   "h:0/b",   "h:65536/b",     "h:x/b", "h:/b",
					    "[::1/b", "[::1]/b", "https://h:1/b", "h:1//k"};
	char error[ERROR_TEXT_MAX], text[2 * OBJECT_KEY_BYTES_MAX] = "h:1/";
	struct target target;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		cr_assert_eq(target_parse(&target, wrong[i], error), -EINVAL, "%s", wrong[i]);
	memset(text + 4, 'b', BUCKET_BYTES_MAX + 1);
	cr_assert_eq(target_parse(&target, text, error), -EINVAL);
	text[5] = '/';
	memset(text + 6, 'k', OBJECT_KEY_BYTES_MAX + 1);
	cr_assert_eq(target_parse(&target, text, error), -EINVAL);
	text[6 + OBJECT_KEY_BYTES_MAX] = '\0';
	cr_assert_eq(target_parse(&target, text, error), 0);
}

Test(client_target, encoding)
{
	struct text text;

	text_init(&text, 100);
	target_put_encoded(&text, "aZ9-_.~/ +%\xc3", false);
	target_put_encoded(&text, "/", true);
	cr_assert_eq(text.len, strlen("aZ9-_.~/%20%2B%25%C3%2F"));
	cr_assert_arr_eq(text.at, "aZ9-_.~/%20%2B%25%C3%2F", text.len);
	text_fini(&text);
}
