/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of names and places. */
#include "access/pattern.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/limits.h"
#include "base/must.h"
#include "support/guard.h"

TestSuite(pattern, .timeout = 600);

static bool matches(const char *pattern, const char *text, char separator)
{
	size_t len = strlen(text);
	struct guard guard;

	guard_init(&guard, len);
	bool result =
		pattern_matches(pattern, guard_before(&guard, text, len), len, separator, false);
	cr_assert_eq(result, pattern_matches(pattern, guard_behind(&guard, text, len), len,
					     separator, false));
	guard_fini(&guard);
	return result;
}

struct pattern_row {
	const char *pattern, *text;
	bool expected;
};

static void check_rows(const struct pattern_row *rows, size_t count, char separator)
{
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(matches(rows[i].pattern, rows[i].text, separator), rows[i].expected,
			     "\"%s\" and \"%s\"", rows[i].pattern, rows[i].text);
}

Test(pattern, places)
{
	static const struct pattern_row rows[] = {
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"a", "a", true},
		{"a", "A", false},
		{"a", "aa", false},
		{"aa", "a", false},
		{"*", "", true},
		{"*", "abc", true},
		{"*", "a/b", false},
		{"*", "/", false},
		{"**", "", true},
		{"**", "a/b//c", true},
		{"***", "a/b", true},
		{"a*", "a", true},
		{"a*", "abc", true},
		{"a*", "a/", false},
		{"a*", "b", false},
		{"*a", "bca", true},
		{"*a", "b/a", false},
		{"**a", "b/a", true},
		{"**a", "b/b", false},
		{"a*c", "ac", true},
		{"a*c", "abbc", true},
		{"a*c", "ab/c", false},
		{"a**c", "ab/c", true},
		{"a*a", "a", false},
		{"a**a", "a", false},
		{"blocks/**", "blocks/", true},
		{"blocks/**", "blocks/01J/meta.json", true},
		{"blocks/**", "blocks", false},
		{"blocks/**", "blocks2/a", false},
		{"blocks/*", "blocks/a", true},
		{"blocks/*", "blocks/a/b", false},
		{"blocks/*/meta.json", "blocks/01J/meta.json", true},
		{"blocks/*/meta.json", "blocks/01J/x/meta.json", false},
		{"blocks/**/meta.json", "blocks/01J/x/meta.json", true},
		{"blocks/*/chunks/*", "blocks/01J/chunks/000001", true},
		{"blocks/*/chunks/*", "blocks/01J/chunks/0/1", false},
		{"*/*", "a/b", true},
		{"*/*", "a/b/c", false},
		{"*/**", "a/b/c", true},
		{"*a*b*", "xaxbx", true},
		{"*a*b*", "xbxax", false},
		{"*aab*", "aaab", true}, /* the first a is not the right one */
		{"**ab*cd**", "abab/cdcd", false},
		{"**ab*cd**", "x/ababcdcd/y", true},
		{"a?[b]\\c", "a?[b]\\c", true}, /* nothing but * is special */
		{"a?", "ab", false},
		{"\xc3\xa9*", "\xc3\xa9\xff", true},
	};

	check_rows(rows, ARRAY_LEN(rows), '/');
}

Test(pattern, dns_names)
{
	static const struct pattern_row rows[] = {
		{"thanos-*.monitoring", "thanos-store.monitoring", true},
		{"thanos-*.monitoring", "thanos-.monitoring", true},
		{"thanos-*.monitoring", "thanos-a.b.monitoring", false},
		{"thanos-*.monitoring", "thanos-a.monitoring.evil.example", false},
		{"thanos-*.monitoring", "xthanos-a.monitoring", false},
		{"*.example", "a.example", true},
		{"*.example", "a.b.example", false},
		{"**.example", "a.b.example", true},
		{"*.example", "example", false},
		{"**.example", "aexample", false},
	};

	check_rows(rows, ARRAY_LEN(rows), '.');
}

Test(pattern, without_separator)
{
	cr_assert(matches("*@example.com", "a/b.c@example.com", '\0'));
	cr_assert(matches("*", "", '\0'));
	cr_assert(matches("a*b*c", "a.b/c", '\0'));
	cr_assert_not(matches("*@example.com", "a@example.com.evil", '\0'));
}

Test(pattern, case_is_folded_where_asked)
{
	cr_assert(pattern_matches("Thanos-*.MONITORING", "thanos-X.Monitoring", 19, '.', true));
	cr_assert_not(pattern_matches("a", "A", 1, '.', false));
	/* ASCII only: '@' and '`', '[' and '{' are 32 apart as well */
	cr_assert_not(pattern_matches("@[", "`{", 2, '.', true));
	cr_assert_not(pattern_matches("\xc3\x89", "\xc3\xa9", 2, '.', true));
	/* in the middle too */
	cr_assert(pattern_matches("**aB*", "x.Ab", 4, '.', true));
}

Test(pattern, text_with_nul)
{
	cr_assert_not(pattern_matches("a", "a\0b", 3, '/', false));
	cr_assert(pattern_matches("a*", "a\0b", 3, '/', false));
}

/* The definition, without regard to time. */
static bool defined(const char *pattern, const char *text, char separator)
{
	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern != '*')
		return *text == *pattern && defined(pattern + 1, text + 1, separator);
	bool is_any = pattern[1] == '*';
	for (;; text++) {
		if (defined(pattern + (is_any ? 2 : 1), text, separator))
			return true;
		if (*text == '\0' || (!is_any && *text == separator))
			return false;
	}
}

/* The text of number n over the letters, shortest first. */
static void word_of(unsigned n, const char *letters, unsigned base, char *out)
{
	size_t len = 0;

	for (; n > 0; n = (n - 1) / base)
		out[len++] = letters[(n - 1) % base];
	out[len] = '\0';
}

/* Every pattern of up to 6 and every text of up to 6 letters against the definition. */
Test(pattern, all_short)
{
	char pattern[16], text[16];
	unsigned matched = 0, words = 0;

	for (unsigned n = 1, i = 0; i <= 6; i++, n *= 3)
		words += n;
	for (unsigned p = 0; p < words; p++) {
		word_of(p, "a/*", 3, pattern);
		for (unsigned t = 0; t < words; t++) {
			word_of(t, "ab/", 3, text);
			bool expected = defined(pattern, text, '/');
			cr_assert_eq(pattern_matches(pattern, text, strlen(text), '/', false),
				     expected, "\"%s\" and \"%s\"", pattern, text);
			matched += expected;
		}
	}
	cr_assert_gt(matched, 1000);
}

/* Patterns that take others' matchers years. */
Test(pattern, pathological)
{
	static char text[IDENTITY_BYTES_MAX + 1];
	char pattern[PATTERN_BYTES_MAX + 1];
	static const char *const units[] = {"*a", "**a", "*", "a*", "*a**", "**"};

	memset(text, 'a', IDENTITY_BYTES_MAX);
	text[IDENTITY_BYTES_MAX - 1] = 'b';
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		pattern[0] = '\0';
		while (strlen(pattern) + strlen(units[i]) < sizeof(pattern) - 1)
			strcat(pattern, units[i]);
		strcat(pattern, "c");
		cr_assert_not(pattern_matches(pattern, text, IDENTITY_BYTES_MAX, '/', false));
		pattern[strlen(pattern) - 1] = 'b';
		cr_assert(pattern_matches(pattern, text, IDENTITY_BYTES_MAX, '/', false));
	}
	cr_assert_not(pattern_matches("**", text, IDENTITY_BYTES_MAX + 1, '/', false),
		      "longer than anything that may be matched");
}
