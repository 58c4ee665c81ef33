/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an HTTP date: what is accepted is what strptime of the C library reads in one of the
 * three forms, and written again it is read as the same second. And eight bytes as a second:
 * written as gmtime has it, and read back from each form.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "http/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define YEAR_0_FIRST   (-62167219200) /* 0000-01-01T00:00:00Z */
#define YEAR_9999_LAST 253402300799
#define FIFTY_YEARS    ((time_t)50 * 31556952)
#define HUNDRED_YEARS  ((time_t)100 * 31556952)
#define DAY            86400

static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
				   "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static int parse(const char *text, time_t *seconds)
{
	return http_date_parse((struct slice){text, strlen(text)}, seconds);
}

/* ---- From bytes ------------------------------------------------------------------------------ */

/* A year of two digits is one of the hundred around now; a margin of a day for the clock. */
static void check_century(const char *text, time_t seconds)
{
	time_t now = time(NULL);
	struct tm is;

	must(gmtime_r(&seconds, &is) != NULL);
	const char *year = strchr(strchr(text, '-') + 1, '-') + 1;
	int digits = (year[0] - '0') * 10 + year[1] - '0';
	/* A leap second may have moved it into the next year. */
	struct tm before = is;
	time_t earlier = seconds - 1;
	must(gmtime_r(&earlier, &before) != NULL);
	must((is.tm_year + 1900) % 100 == digits || (before.tm_year + 1900) % 100 == digits);
	must(seconds <= now + FIFTY_YEARS + DAY);
	/* A century earlier than the first that is too late; the 29th of February may be lost. */
	must(seconds > now + FIFTY_YEARS - HUNDRED_YEARS - 2 * DAY);
}

/* strptime is lenient about much; what we take it takes too, and as the same second. */
static void check_accepted(const char *text, time_t seconds)
{
	static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT",
					    "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"};
	struct tm tm = {0};
	const char *end = NULL;
	size_t form = strchr(text, ',') == NULL ? 2 : strchr(text, '-') != NULL ? 1 : 0;

	end = strptime(text, forms[form], &tm);
	must(end != NULL && *end == '\0');
	struct tm is = tm; /* timegm makes a day of the calendar of any */
	time_t expected = timegm(&is);
	must(tm.tm_sec <= 60);
	if (form == 1)
		check_century(text, seconds);
	else
		must(expected == seconds);
	must(tm.tm_sec == 60 || form == 1 || (is.tm_mday == tm.tm_mday && is.tm_mon == tm.tm_mon));
}

static void check_text(const char *text, size_t len)
{
	char again[HTTP_DATE_BYTES];
	time_t seconds = 1, second = 2;
	int r = http_date_parse((struct slice){text, len}, &seconds);

	must(r == 0 || r == -EINVAL);
	if (r < 0)
		return;
	must(memchr(text, '\0', len) == NULL);
	check_accepted(text, seconds);
	if (seconds > YEAR_9999_LAST)
		return; /* a leap second at the end of time */
	http_date_format(seconds, again);
	must(parse(again, &second) == 0 && second == seconds);
}

/* ---- From a second --------------------------------------------------------------------------- */

static void check_seconds(time_t seconds)
{
	char is[HTTP_DATE_BYTES], expected[64];
	time_t clipped = seconds, back;
	struct tm tm;

	http_date_format(seconds, is);
	if (clipped < YEAR_0_FIRST)
		clipped = YEAR_0_FIRST;
	if (clipped > YEAR_9999_LAST)
		clipped = YEAR_9999_LAST;
	must(gmtime_r(&clipped, &tm) != NULL);
	int year = tm.tm_year + 1900;
	snprintf(expected, sizeof(expected), "%.3s, %02d %s %04d %02d:%02d:%02d GMT",
		 days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], year, tm.tm_hour, tm.tm_min,
		 tm.tm_sec);
	must(strcmp(is, expected) == 0);
	must(parse(is, &back) == 0 && back == clipped);

	snprintf(expected, sizeof(expected), "%.3s %s %2d %02d:%02d:%02d %04d", days[tm.tm_wday],
		 months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, year);
	must(parse(expected, &back) == 0 && back == clipped);

	time_t now = time(NULL);
	snprintf(expected, sizeof(expected), "%s, %02d-%s-%02d %02d:%02d:%02d GMT",
		 days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], year % 100, tm.tm_hour, tm.tm_min,
		 tm.tm_sec);
	if (clipped < now + FIFTY_YEARS - DAY && clipped > now + FIFTY_YEARS - HUNDRED_YEARS + DAY)
		must(parse(expected, &back) == 0 && back == clipped);
}

/* ---------------------------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	uint64_t bits = 0;

	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	check_text(text, size);
	for (size_t i = 0; i < 8 && i < size; i++)
		bits = bits << 8 | data[i];
	check_seconds((time_t)bits);
	/* Near enough to be of a year that can be written. */
	check_seconds((time_t)(bits % (YEAR_9999_LAST - YEAR_0_FIRST + 2)) + YEAR_0_FIRST - 1);
	free(text);
	return 0;
}
