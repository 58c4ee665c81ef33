/* SPDX-License-Identifier: Apache-2.0 */
#include "base/date.h"

#include <string.h>
#include <time.h>

const char *date_format(int64_t at, char out[DATE_BYTES])
{
	time_t seconds = (time_t)at;
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL || strftime(out, DATE_BYTES, "%FT%TZ", &tm) == 0)
		memcpy(out, "?", 2);
	return out;
}
