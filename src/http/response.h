/* SPDX-License-Identifier: Apache-2.0 */
/* Building a response head into a caller's buffer. No allocation. */
#ifndef SLUICE_HTTP_RESPONSE_H
#define SLUICE_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_response {
	char *at;
	size_t used;
	size_t size;
	bool overflow; /* a field did not fit: the response must not be sent */
};

/* Starts with "HTTP/1.1 STATUS REASON". at is borrowed, size bytes. */
void http_response_begin(struct http_response *response, char *at, size_t size, int status);
/* value: NUL-terminated, trusted (ours or checked): never holds CR or LF. */
void http_response_field(struct http_response *response, const char *name, const char *value);
/* Whole lines, each with its CRLF, whose form the caller has checked. */
void http_response_lines(struct http_response *response, const char *lines, size_t len);
void http_response_field_u64(struct http_response *response, const char *name, uint64_t value);
/* Content-Range: bytes FIRST-LAST/SIZE; with bytes 0: bytes STAR/SIZE (416). */
void http_response_content_range(struct http_response *response, uint64_t first, uint64_t bytes,
				 uint64_t size);
/* The empty line. Returns the length, or -ENOSPC. */
int http_response_end(struct http_response *response);

const char *http_status_reason(int status);

#endif
