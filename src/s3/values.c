/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/values.h"

#include <string.h>

#include "http/date.h"

#define SIZE_DIGITS_MAX 18

bool s3_time_parse(struct slice text, time_t *seconds)
{
	char iso[32];
	struct tm tm = {0};

	if (http_date_parse(text, seconds) == 0)
		return true;
	if (text.len >= sizeof(iso))
		return false;
	memcpy(iso, text.at, text.len);
	iso[text.len] = '\0';
	const char *end = strptime(iso, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end != NULL && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (end == NULL || strcmp(end, "Z") != 0)
		return false;
	*seconds = timegm(&tm);
	return true;
}

bool s3_size_parse(struct slice text, uint64_t *size)
{
	return text.len <= SIZE_DIGITS_MAX && slice_number(text, INT64_MAX, size);
}
