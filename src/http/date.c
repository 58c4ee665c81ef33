/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Own calendar arithmetic: strftime and strptime follow the locale, gmtime_r takes the lock of the
 * time zone. The calendar is the Gregorian one, also before it was introduced.
 */
#include "http/date.h"

#include <errno.h>
#include <string.h>

#include "base/must.h"

#define DAY_SECONDS         86400
#define DAYS_TO_1970        719528 /* from the first day of the year 0 */
/* "50 years" of RFC 9110 section 5.6.7, of 365.2425 days each. */
#define FIFTY_YEARS_SECONDS ((time_t)50 * 31556952)

static const char *const day_names[] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};
static const char *const month_names[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};

struct civil {
	int year;       /* 0-9999 */
	int month, day; /* from 0; from 1 */
	int hour, minute, second;
};

/* From the first day of the year 0 to that of year. Each multiple of 4 before it adds a day. */
static int days_before_year(int year)
{
	return 365 * year + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
}

static int days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month] + (month == 1 && is_leap);
}

static time_t civil_to_seconds(const struct civil *civil)
{
	time_t days = days_before_year(civil->year) - DAYS_TO_1970 + civil->day - 1;

	for (int month = 0; month < civil->month; month++)
		days += days_of_month(civil->year, month);
	return days * DAY_SECONDS + civil->hour * 3600 + civil->minute * 60 + civil->second;
}

static void put_digits(char *at, int digits, int number)
{
	while (digits-- > 0) {
		at[digits] = (char)('0' + number % 10);
		number /= 10;
	}
}

void http_date_format(time_t seconds, char out[HTTP_DATE_BYTES])
{
	const time_t first = -(time_t)DAYS_TO_1970 * DAY_SECONDS;
	const time_t last = (time_t)(days_before_year(10000) - DAYS_TO_1970) * DAY_SECONDS - 1;
	int days, day, year, month = 0, second;

	seconds = seconds < first ? first : seconds > last ? last : seconds;
	days = (int)((seconds - first) / DAY_SECONDS);
	second = (int)((seconds - first) % DAY_SECONDS);
	/* 146,097 days are 400 years; the guess is off by one at most. */
	year = (int)((int64_t)days * 400 / 146097);
	if (days_before_year(year + 1) <= days)
		year++;
	if (days_before_year(year) > days)
		year--;
	day = days - days_before_year(year);
	must(day >= 0 && day < 366);
	while (day >= days_of_month(year, month))
		day -= days_of_month(year, month++);

	memcpy(out, "ddd, dd mmm yyyy hh:mm:ss GMT", HTTP_DATE_BYTES);
	memcpy(out, day_names[(days + 6) % 7], 3); /* the first day of the year 0: a Saturday */
	put_digits(out + 5, 2, day + 1);
	memcpy(out + 8, month_names[month], 3);
	put_digits(out + 12, 4, year);
	put_digits(out + 17, 2, second / 3600);
	put_digits(out + 20, 2, second / 60 % 60);
	put_digits(out + 23, 2, second % 60);
}

/* Passes so many digits; -1: they are not there. */
static int take_digits(struct slice *text, size_t digits)
{
	int number = 0;

	if (text->len < digits)
		return -1;
	for (size_t i = 0; i < digits; i++) {
		if (text->at[i] < '0' || text->at[i] > '9')
			return -1;
		number = number * 10 + (text->at[i] - '0');
	}
	text->at += digits;
	text->len -= digits;
	return number;
}

/* Passes one of the names, or its first len bytes where len is not 0; -1: none of them. Case
 * counts (RFC 9110 section 5.6.7). */
static int take_name(struct slice *text, const char *const *names, size_t name_count, size_t len)
{
	for (size_t i = 0; i < name_count; i++) {
		size_t name_len = len ? len : strlen(names[i]);

		if (text->len < name_len || memcmp(text->at, names[i], name_len) != 0)
			continue;
		text->at += name_len;
		text->len -= name_len;
		return (int)i;
	}
	return -1;
}

/* One letter of a form: w W day name short and long, m month, d e day, y Y year, h i s time. Other
 * characters stand for themselves (so do the G, M and T of GMT). */
static bool take_part(struct slice *text, char letter, struct civil *civil)
{
	switch (letter) {
	case 'w':
		return take_name(text, day_names, ARRAY_LEN(day_names), 3) >= 0;
	case 'W':
		return take_name(text, day_names, ARRAY_LEN(day_names), 0) >= 0;
	case 'm':
		civil->month = take_name(text, month_names, ARRAY_LEN(month_names), 0);
		return civil->month >= 0;
	case 'e': /* two digits, or a space and one */
		if (text->len > 0 && *text->at == ' ') {
			text->at++;
			text->len--;
			civil->day = take_digits(text, 1);
			return civil->day >= 0;
		}
		civil->day = take_digits(text, 2);
		return civil->day >= 0;
	case 'd':
		civil->day = take_digits(text, 2);
		return civil->day >= 0;
	case 'y':
		civil->year = take_digits(text, 2);
		return civil->year >= 0;
	case 'Y':
		civil->year = take_digits(text, 4);
		return civil->year >= 0;
	case 'h':
		civil->hour = take_digits(text, 2);
		return civil->hour >= 0;
	case 'i':
		civil->minute = take_digits(text, 2);
		return civil->minute >= 0;
	case 's':
		civil->second = take_digits(text, 2);
		return civil->second >= 0;
	default:
		if (text->len == 0 || *text->at != letter)
			return false;
		text->at++;
		text->len--;
		return true;
	}
}

/* second 60: a leap second, which POSIX time has not; it is the next minute's first. */
static bool is_valid(const struct civil *civil)
{
	return civil->day >= 1 && civil->day <= days_of_month(civil->year, civil->month) &&
	       civil->hour <= 23 && civil->minute <= 59 && civil->second <= 60;
}

/* Two digits of a year: of this century, unless that is more than 50 years ahead. */
static bool take_full_year(struct civil *civil)
{
	time_t now = time(NULL);
	int century = (int)(1970 + now / 31556952) / 100 * 100;

	civil->year += century;
	if (is_valid(civil) && civil_to_seconds(civil) - now <= FIFTY_YEARS_SECONDS)
		return true;
	civil->year -= 100;
	return is_valid(civil);
}

int http_date_parse(struct slice text, time_t *seconds)
{
	static const char *const forms[] = {
		"w, d m Y h:i:s GMT", /* IMF-fixdate */
		"W, d-m-y h:i:s GMT", /* RFC 850 */
		"w m e h:i:s Y",      /* asctime */
	};

	for (size_t i = 0; text.at && i < ARRAY_LEN(forms); i++) {
		struct civil civil = {0};
		struct slice rest = text;
		const char *letter = forms[i];

		while (*letter && take_part(&rest, *letter, &civil))
			letter++;
		if (*letter || rest.len > 0)
			continue;
		if (strchr(forms[i], 'y') ? !take_full_year(&civil) : !is_valid(&civil))
			return -EINVAL;
		*seconds = civil_to_seconds(&civil);
		return 0;
	}
	return -EINVAL;
}
