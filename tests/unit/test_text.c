/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/text.h"

static void expect(const struct text *text, const char *wanted)
{
	cr_expect_eq(text->error, 0);
	cr_expect_eq(text->len, strlen(wanted));
	cr_expect_eq(memcmp(text->at, wanted, text->len), 0, "%.*s", (int)text->len, text->at);
}

Test(text, grows)
{
	struct text text;
	text_init(&text, 1 << 20);
	for (int i = 0; i < 5000; i++)
		text_printf(&text, "%05d,", i);
	cr_assert_eq(text.len, 30000);
	cr_expect_eq(memcmp(text.at, "00000,00001,", 12), 0);
	cr_expect_eq(memcmp(text.at + text.len - 6, "04999,", 6), 0);
	text_fini(&text);
	text_put(&text, "again");
	expect(&text, "again");
	text_fini(&text);
}

Test(text, over_the_bound_all_that_follows_is_dropped)
{
	struct text text;
	text_init(&text, 8);
	text_put(&text, "12345678");
	expect(&text, "12345678");
	text_add(&text, "", 0);
	expect(&text, "12345678");
	text_put(&text, "9");
	cr_expect_eq(text.error, -E2BIG);
	cr_expect_null(text_room(&text, 1));
	cr_expect_eq(text.len, 8);
	text_fini(&text);
	cr_expect_eq(text.error, 0);
}

Test(text, room_is_filled_by_the_caller)
{
	struct text text;
	text_init(&text, 4096);
	char *room = text_room(&text, 4096);
	cr_assert_not_null(room);
	memcpy(room, "abc", 3);
	text.len += 3;
	text_put(&text, "d");
	expect(&text, "abcd");
	text_fini(&text);
}
