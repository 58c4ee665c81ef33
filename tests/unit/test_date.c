/* SPDX-License-Identifier: Apache-2.0 */
#include "http/date.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"

TestSuite(date, .timeout = 600);

#define YEAR_0     ((time_t)-62167219200) /* 0000-01-01 00:00:00 */
#define YEAR_10000 ((time_t)253402300800)

/* From a buffer without NUL behind it. */
static int parse(const char *text, time_t *seconds)
{
	char bytes[64];
	size_t len = strlen(text);

	cr_assert_lt(len, sizeof(bytes));
	memset(bytes, '0', sizeof(bytes));
	memcpy(bytes, text, len);
	return http_date_parse((struct slice){bytes, len}, seconds);
}

/* The C library, in the C locale, is the judge. */
static void check_format(time_t seconds)
{
	char ours[HTTP_DATE_BYTES], theirs[64];
	struct tm tm;
	time_t back;

	gmtime_r(&seconds, &tm);
	cr_assert_eq(strftime(theirs, sizeof(theirs), "%a, %d %b %%04d %H:%M:%S GMT", &tm) > 0, 1);
	snprintf(strstr(theirs, "%04d"), 32, "%04d %02d:%02d:%02d GMT", tm.tm_year + 1900,
		 tm.tm_hour, tm.tm_min, tm.tm_sec);
	http_date_format(seconds, ours);
	cr_assert_str_eq(ours, theirs, "%lld: %s", (long long)seconds, ours);
	cr_assert_eq(parse(ours, &back), 0, "%s", ours);
	cr_assert_eq(back, seconds, "%s came back as %lld", ours, (long long)back);
}

Test(date, every_day_of_ten_thousand_years)
{
	for (time_t day = YEAR_0; day < YEAR_10000; day += 86400)
		check_format(day + (day / 86400 & 1 ? 0 : 86399));
}

Test(date, every_second_of_a_day)
{
	for (time_t second = 0; second < 86400; second++)
		check_format(1709164800 + second); /* 29 February 2024 */
}

Test(date, years_out_of_range_are_clamped)
{
	char text[HTTP_DATE_BYTES];
	const time_t max = (time_t)(((uint64_t)1 << (sizeof(time_t) * 8 - 1)) - 1);

	http_date_format(YEAR_0 - 1, text);
	cr_expect_str_eq(text, "Sat, 01 Jan 0000 00:00:00 GMT");
	http_date_format(-max - 1, text);
	cr_expect_str_eq(text, "Sat, 01 Jan 0000 00:00:00 GMT");
	http_date_format(YEAR_10000, text);
	cr_expect_str_eq(text, "Fri, 31 Dec 9999 23:59:59 GMT");
	http_date_format(max, text);
	cr_expect_str_eq(text, "Fri, 31 Dec 9999 23:59:59 GMT");
}

Test(date, parse)
{
	static const struct {
		const char *text;
		time_t seconds;
	} rows[] = {
		/* The three examples of RFC 9110 section 5.6.7. */
		{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
		{"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
		{"Sun Nov  6 08:49:37 1994", 784111777},
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{"Wed, 31 Dec 1969 23:59:59 GMT", -1},
		{"Tue Nov 16 08:49:37 1993", 753439777},
		{"Tue Nov 06 08:49:37 1993", 752575777},
		{"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
		{"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
		/* A leap second is the next minute's first. */
		{"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
		/* The day's name is not compared with the date: senders err, the date counts. */
		{"Mon, 06 Nov 1994 08:49:37 GMT", 784111777},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		time_t seconds = 12345;

		cr_expect_eq(parse(rows[i].text, &seconds), 0, "%s", rows[i].text);
		cr_expect_eq(seconds, rows[i].seconds, "%s: %lld", rows[i].text,
			     (long long)seconds);
	}
}

Test(date, refused)
{
	static const char *const rows[] = {
		"",
		"0",
		"784111777",
		"never",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 ",
		"Sun, 06 Nov 1994 08:49:37 GM",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		" Sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 GMTX",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 gmt",
		"Sun, 06 Nov 1994 08:49:37 +0000",
		"sun, 06 Nov 1994 08:49:37 GMT",
		"SUN, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Xyz, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Foo 1994 08:49:37 GMT",
		"Sun,06 Nov 1994 08:49:37 GMT",
		"Sun 06 Nov 1994 08:49:37 GMT",
		"Sun,  6 Nov 1994 08:49:37 GMT",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 006 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 94 08:49:37 GMT",
		"Sun, 06 Nov 01994 08:49:37 GMT",
		"Sun, 06-Nov-1994 08:49:37 GMT",
		"Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sunday, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT",
		"Sunday, 6-Nov-94 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun Nov   6 08:49:37 1994",
		"Sun Nov  6 08:49:37 94",
		"Sun Nov  6 08:49:37 1994 GMT",
		"Sunday Nov  6 08:49:37 1994",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Sun, 32 Dec 1994 08:49:37 GMT",
		"Wed, 29 Feb 2023 00:00:00 GMT",
		"Mon, 29 Feb 2100 00:00:00 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 08:60:00 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Nov 1994 8:49:37 GMT",
		"Sun, 06 Nov 1994 08:49 GMT",
		"Sun, -6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 +8:49:37 GMT",
		"Sun, 06 Nov -994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08.49.37 GMT",
		"1994-11-06T08:49:37Z",
		"\"Sun, 06 Nov 1994 08:49:37 GMT\"",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		time_t seconds = 12345;

		cr_expect_eq(parse(rows[i], &seconds), -EINVAL, "%s", rows[i]);
		cr_expect_eq(seconds, 12345, "%s: changed", rows[i]);
	}
	cr_expect_eq(http_date_parse((struct slice){0}, &(time_t){0}), -EINVAL, "absent");
}

Test(date, cut_anywhere_is_refused)
{
	static const char *const rows[] = {
		"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
	};
	time_t seconds;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t len = 0; len < strlen(rows[i]); len++)
			cr_expect_eq(http_date_parse((struct slice){rows[i], len}, &seconds),
				     -EINVAL, "%.*s", (int)len, rows[i]);
	}
}

/* RFC 9110 section 5.6.7: two digits that would be more than 50 years ahead are of the past. */
Test(date, years_of_two_digits)
{
	static const int ahead[] = {-49, -10, -1, 0, 1, 10, 49};
	struct tm now;
	time_t seconds = time(NULL);
	char text[64];

	gmtime_r(&seconds, &now);
	for (size_t i = 0; i < ARRAY_LEN(ahead); i++) {
		int year = now.tm_year + 1900 + ahead[i];
		int century = (now.tm_year + 1900) / 100 * 100;
		struct tm tm = {.tm_year = year - 1900, .tm_mon = 5, .tm_mday = 15};

		/* Of another century than now's, only the one before it can be meant. */
		if (year >= century + 100 || year < century - 50)
			continue;
		if (year < century && year + 100 <= now.tm_year + 1900 + 50)
			continue;
		snprintf(text, sizeof(text), "Monday, 15-Jun-%02d 00:00:00 GMT", year % 100);
		cr_assert_eq(parse(text, &seconds), 0, "%s", text);
		cr_expect_eq(seconds, timegm(&tm), "%s: %lld", text, (long long)seconds);
	}
	for (int year = 0; year < 100; year++) {
		snprintf(text, sizeof(text), "Monday, 15-Jun-%02d 00:00:00 GMT", year);
		cr_assert_eq(parse(text, &seconds), 0, "%s", text);
		cr_expect_leq(seconds - time(NULL), (time_t)51 * 366 * 86400, "%s", text);
		cr_expect_geq(seconds - time(NULL), -(time_t)101 * 366 * 86400, "%s", text);
	}
}
