/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <criterion/criterion.h>

#include "base/hex.h"
#include "base/must.h"
#include "http/slice.h"

static struct slice slice_of(const char *text)
{
	return (struct slice){text, strlen(text)};
}

Test(slice, number)
{
	static const struct {
		const char *text;
		uint64_t most, value;
		bool is_one;
	} rows[] = {
		{"0", 0, 0, true},
		{"1", 0, 0, false},
		{"9", 9, 9, true},
		{"10", 9, 0, false},
		{"10", 10, 10, true},
		{"11", 10, 0, false},
		{"00000000000000000000000000007", 7, 7, true},
		{"9223372036854775807", INT64_MAX, INT64_MAX, true},
		{"9223372036854775808", INT64_MAX, 0, false},
		{"18446744073709551615", UINT64_MAX, UINT64_MAX, true},
		{"18446744073709551616", UINT64_MAX, 0, false},
		{"18446744073709551620", UINT64_MAX, 0, false},
		{"99999999999999999999999", UINT64_MAX, 0, false},
		{"", 9, 0, false},
		{"+1", 9, 0, false},
		{"-1", 9, 0, false},
		{" 1", 9, 0, false},
		{"1 ", 9, 0, false},
		{"1x", 99, 0, false},
		{"0x1", 99, 0, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t value = 4242; /* as it was, where there is none */
		bool is_one = slice_number(slice_of(rows[i].text), rows[i].most, &value);

		cr_expect_eq(is_one, rows[i].is_one, "\"%s\"", rows[i].text);
		cr_expect_eq(value, rows[i].is_one ? rows[i].value : 4242, "\"%s\"", rows[i].text);
	}
}

Test(slice, trim)
{
	static const char *const rows[][2] = {
		{"", ""}, {" \t ", ""}, {"a", "a"}, {" \ta b\t ", "a b"}, {"\ra\r", "\ra\r"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slice text = slice_trim(slice_of(rows[i][0]));

		cr_expect(text.len == strlen(rows[i][1]) &&
				  memcmp(text.at, rows[i][1], text.len) == 0,
			  "row %zu", i);
	}
}

Test(slice, hex)
{
	uint8_t bytes[3];

	cr_expect(hex_decode("00fFa5", 3, bytes));
	cr_expect_eq(memcmp(bytes, "\x00\xff\xa5", 3), 0);
	cr_expect_not(hex_decode("00g0", 2, bytes));
	cr_expect_not(hex_decode("000g", 2, bytes));
	cr_expect_not(hex_decode("0", 1, bytes), "the NUL is no digit");
}
