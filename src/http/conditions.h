/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges and conditions of a GET or HEAD (RFC 9110 sections 13 and 14); pure functions. */
#ifndef SLUICE_HTTP_CONDITIONS_H
#define SLUICE_HTTP_CONDITIONS_H

#include <stdint.h>
#include <time.h>

#include "http/head.h"

/* What a conditional request compares with. */
struct http_validators {
	const char *etag; /* with its quotes */
	time_t modified;  /* seconds */
};

struct http_range {
	uint64_t first;
	uint64_t bytes; /* > 0 */
};

enum http_range_outcome {
	HTTP_RANGE_NONE, /* no Range, a unit we do not know, several ranges: the whole object */
	HTTP_RANGE_OK,   /* clipped past the end */
	HTTP_RANGE_UNSATISFIABLE /* 416 with Content-Range: bytes */
};

/* size: bytes of the whole object. A malformed Range is ignored (RFC 9110 section 14.2), as S3
 * does. */
enum http_range_outcome http_range_parse(struct slice value, uint64_t size,
					 struct http_range *range);

/*
 * 0: go on; 304 or 412 otherwise, in the order of RFC 9110 section 13.2.2. *range_applies is
 * false when If-Range says that the whole object is to be sent.
 */
int http_conditions_check(const struct http_head *head, const struct http_validators *validators,
			  bool *range_applies);

#endif
