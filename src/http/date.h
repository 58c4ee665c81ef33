/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP dates (RFC 9110 section 5.6.7). */
#ifndef SLUICE_HTTP_DATE_H
#define SLUICE_HTTP_DATE_H

#include <time.h>

#include "http/head.h"

#define HTTP_DATE_BYTES 30 /* "Mon, 23 Nov 2026 14:00:00 GMT" and NUL */

/* IMF-fixdate; without the locale. seconds outside years 0-9999 print as the nearest year's. */
void http_date_format(time_t seconds, char out[HTTP_DATE_BYTES]);
/* All three forms. 0, or -EINVAL. */
int http_date_parse(struct slice text, time_t *seconds);

#endif
