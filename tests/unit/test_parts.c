/* SPDX-License-Identifier: Apache-2.0 */
/* The sizes of an object's parts as text: written, read, found, and what is no such text. */
#include "store/parts.h"

#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/must.h"

#define MIB (1024ull * 1024)

static void expect_text(const struct parts_text *text, size_t len, const char *wanted)
{
	cr_expect_eq(len, strlen(wanted));
	cr_expect_eq(memcmp(text->at, wanted, strlen(wanted)), 0, "%.*s", (int)len, text->at);
}

Test(parts, written)
{
	struct parts_text text = {0}, one = {0}, none = {0};

	for (int i = 0; i < 120; i++)
		parts_add(&text, 8 * MIB);
	parts_add(&text, 1234);
	parts_add(&text, 0);
	expect_text(&text, parts_end(&text), "8388608x120 1234 0");
	parts_add(&one, 7);
	expect_text(&one, parts_end(&one), "7");
	cr_expect_eq(parts_end(&none), 0);
}

/* As many as there may be, when they are equal; and no text at all, rather than a cut one, when
 * they are not. */
Test(parts, how_many_fit)
{
	struct parts_text equal = {0}, other = {0};
	struct object_part part = {.number = 10000};

	for (unsigned i = 0; i < UPLOAD_PARTS_MAX; i++)
		parts_add(&equal, 5 * MIB);
	size_t len = parts_end(&equal);
	expect_text(&equal, len, "5242880x10000");
	parts_find(&part, equal.at, len, UPLOAD_PARTS_MAX * 5 * MIB);
	cr_expect_eq(part.count, UPLOAD_PARTS_MAX);
	cr_expect_eq(part.first, 9999 * 5 * MIB);
	for (unsigned i = 0; i < UPLOAD_PARTS_MAX; i++)
		parts_add(&other, 5 * MIB + i);
	cr_expect_eq(parts_end(&other), 0);
}

Test(parts, found)
{
	static const char text[] = "10x3 4 10 0";
	static const struct {
		unsigned number;
		uint64_t first, bytes;
	} rows[] = {{1, 0, 10}, {2, 10, 10}, {3, 20, 10}, {4, 30, 4}, {5, 34, 10}, {6, 44, 0}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct object_part part = {.number = rows[i].number};
		parts_find(&part, text, strlen(text), 44);
		cr_expect_eq(part.count, 6);
		cr_expect_eq(part.first, rows[i].first, "%u", rows[i].number);
		cr_expect_eq(part.bytes, rows[i].bytes, "%u", rows[i].number);
	}
	struct object_part beyond = {.number = 7};
	parts_find(&beyond, text, strlen(text), 44);
	cr_expect_eq(beyond.count, 6);
}

/* Others may write to the disk: then the object has one part. */
Test(parts, what_is_none)
{
	static const char *const texts[] = {
		"",       "x",          "10",         "45",
		"44 ",    " 44",        "44x",        "44x0",
		"44xx1",  "11x4x1",     "11x4,",      "-44",
		"44 0x",  "0x10001 44", "0x10000 44", "18446744073709551617",
		"22  22", "22x3",       "44\n",       "9223372036854775807x3 46",
	};
	struct object_part part;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		part = (struct object_part){.number = 1};
		parts_find(&part, texts[i], strlen(texts[i]), 44);
		cr_expect_eq(part.count, 0, "'%s'", texts[i]);
	}
	part = (struct object_part){.number = 1};
	parts_find(&part, "44", 2, 44);
	cr_expect_eq(part.count, 1);
}
