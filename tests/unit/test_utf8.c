/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

TestSuite(utf8, .timeout = 1200);

/* The code point of a sequence by its bits alone, or -1; then the rules of RFC 3629 section 3. */
static size_t expected_bytes(const uint8_t *at, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t bytes = at[0] < 0x80             ? 1
		       : (at[0] & 0xe0) == 0xc0 ? 2
		       : (at[0] & 0xf0) == 0xe0 ? 3
		       : (at[0] & 0xf8) == 0xf0 ? 4
						: 0;
	uint32_t point;

	if (bytes < 2)
		return bytes;
	if (bytes > len)
		return 0;
	point = at[0] & (0x7fU >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (at[i] & 0x3f);
	}
	if (point < least[bytes] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	return bytes;
}

static void check(const uint8_t *at, size_t len)
{
	size_t bytes = utf8_char_bytes((const char *)at, len);

	cr_assert_eq(bytes, expected_bytes(at, len), "%02x %02x %02x %02x, %zu bytes: %zu", at[0],
		     at[1], at[2], at[3], len, bytes);
}

/* All lead and second bytes, and the edges of what may stand behind them. */
Test(utf8, every_start)
{
	static const uint8_t edges[] = {0x00, 0x2e, 0x7f, 0x80, 0x8f, 0x90,
					0x9f, 0xa0, 0xbf, 0xc0, 0xff};

	for (unsigned start = 0; start < 65536; start++) {
		for (size_t i = 0; i < ARRAY_LEN(edges) * ARRAY_LEN(edges); i++) {
			const uint8_t at[4] = {(uint8_t)(start >> 8), (uint8_t)start,
					       edges[i / ARRAY_LEN(edges)],
					       edges[i % ARRAY_LEN(edges)]};

			for (size_t len = 1; len <= 4; len++)
				check(at, len);
		}
	}
}

Test(utf8, examples)
{
	cr_expect_eq(utf8_char_bytes("", 1), 1, "NUL is a character");
	cr_expect_eq(utf8_char_bytes("a", 1), 1);
	cr_expect_eq(utf8_char_bytes("\xc3\xa9", 2), 2);
	cr_expect_eq(utf8_char_bytes("\xe2\x82\xac", 3), 3);
	cr_expect_eq(utf8_char_bytes("\xf0\x9f\x92\xbe", 4), 4);
	cr_expect_eq(utf8_char_bytes("\xf0\x9f\x92\xbe", 3), 0, "cut");
	cr_expect_eq(utf8_char_bytes("\xc0\xae", 2), 0, "an overlong dot");
	cr_expect_eq(utf8_char_bytes("\xed\xa0\x80", 3), 0, "a surrogate");
}
