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
/* name: a literal. value: NUL-terminated, trusted (ours or checked): never holds CR or LF. */
#define http_response_field(response, name, value)                                                 \
	http_response_start_and_text(response, name ": ", sizeof(name ": ") - 1, value)
/* Whole lines, each with its CRLF, whose form the caller has checked. */
void http_response_lines(struct http_response *response, const char *lines, size_t len);
#define http_response_field_u64(response, name, value)                                             \
	http_response_start_and_u64(response, name ": ", sizeof(name ": ") - 1, value)
/* Content-Range: bytes FIRST-LAST/SIZE; with bytes 0: bytes STAR/SIZE (416). */
void http_response_content_range(struct http_response *response, uint64_t first, uint64_t bytes,
				 uint64_t size);
/* The empty line. Returns the length, or -ENOSPC. */
int http_response_end(struct http_response *response);

/* For the two above: start is the name with its colon and blank. */
void http_response_start_and_text(struct http_response *response, const char *start,
				  size_t start_len, const char *value);
void http_response_start_and_u64(struct http_response *response, const char *start,
				 size_t start_len, uint64_t value);

const char *http_status_reason(int status);

#endif
