/* SPDX-License-Identifier: Apache-2.0 */
/* Dates for people and logs. (Those of HTTP, for the data path, are http/date.h.) */
#ifndef SLUICE_BASE_DATE_H
#define SLUICE_BASE_DATE_H

#include <stdint.h>

#define DATE_BYTES 24 /* "2026-11-30T14:00:00Z" and NUL, and years of more digits */

/* RFC 3339, UTC; at: seconds since 1970. "?" if that is no date. Returns out. */
const char *date_format(int64_t at, char out[DATE_BYTES]);

#endif
