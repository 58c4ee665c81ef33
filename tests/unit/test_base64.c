/* SPDX-License-Identifier: Apache-2.0 */
/* Base64: the examples of RFC 4648 section 10, and no text that means the same as another. */
#include "base/base64.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/must.h"
#include "support/guard.h"

Test(base64, examples_both_ways)
{
	static const struct {
		const char *bytes, *text;
	} rows[] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
		{"\xfb\xff\xbf", "+/+/"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].bytes);
		char text[32], bytes[32];

		cr_expect_eq(base64_encode(rows[i].bytes, len, text), strlen(rows[i].text));
		cr_expect_str_eq(text, rows[i].text);
		cr_expect_eq(BASE64_TEXT_BYTES(len), strlen(rows[i].text) + 1);
		cr_assert_eq(base64_decode(rows[i].text, strlen(rows[i].text), bytes, len),
			     (ssize_t)len, "%s", rows[i].text);
		cr_expect_arr_eq(bytes, rows[i].bytes, len);
		if (len > 0)
			cr_expect_eq(
				base64_decode(rows[i].text, strlen(rows[i].text), bytes, len - 1),
				-EINVAL, "no room for %s", rows[i].text);
	}
}

Test(base64, malformed)
{
	static const char *const rows[] = {
		"Z",        "Zg",    "Zg=",  "Zg===", "=",       "==",       "====",     "Z===",
		"Zg=g",     "Z=g=",  "=Zg=", "Zh==",  "Zm9=",    "Zg==Zg==", "Zm8=Zg==", "Zm9v\n",
		"Zm9v\r\n", " Zm9v", "Zm 9", "Zm-_",  "Zm9\xc3", "Zm9v=",    "Zg\n=",
	};
	char bytes[32];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(base64_decode(rows[i], strlen(rows[i]), bytes, sizeof(bytes)), -EINVAL,
			     "%s", rows[i]);
	cr_expect_eq(base64_decode("Zm\0v", 4, bytes, sizeof(bytes)), -EINVAL);
}

/* Each byte in each place: 64 of them are digits, '=' ends at two places. */
Test(base64, every_byte)
{
	for (size_t place = 0; place < 4; place++) {
		int good = 0;
		for (int byte = 0; byte < 256; byte++) {
			char text[4] = {'A', 'A', 'A', 'A'}, bytes[3];
			text[place] = (char)byte;
			good += base64_decode(text, 4, bytes, 3) >= 0;
		}
		cr_expect_eq(good, place == 3 ? 65 : 64, "place %zu", place);
	}
}

Test(base64, nothing_outside_is_touched)
{
	struct guard guard;
	char bytes[3];

	guard_init(&guard, 64);
	for (size_t len = 0; len <= 8; len++) {
		const char *text = guard_before(&guard, "Zm9vZg==", len);
		ssize_t n = base64_decode(text, len, bytes, sizeof(bytes));
		cr_expect_eq(n, len == 0 ? 0 : len == 4 ? 3 : -EINVAL, "%zu", len);
	}
	guard_fini(&guard);
}
