/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The response head of HTTP/1.1 as a client reads it (RFC 9112), strict: what makes the framing
 * uncertain is an error. No I/O, no allocation; the slices point into the caller's buffer.
 */
#ifndef SLUICE_HTTP_RESPONSE_HEAD_H
#define SLUICE_HTTP_RESPONSE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "http/head.h"

struct http_response_head {
	int status; /* 100 to 599 */
	bool keep_alive;
	bool is_chunked; /* Transfer-Encoding: chunked, and nothing else */
	bool has_content_length;
	uint64_t content_length;
	struct slice checksum_sha256; /* x-amz-checksum-sha256; at NULL: absent */
};

/*
 * Parses the head at the start of buf. Returns its length, the empty line included; -EAGAIN: not
 * whole yet; -EBADMSG: malformed, over HEAD_BYTES_MAX, or of unclear framing (Content-Length that
 * is no number, stands twice, or beside a Transfer-Encoding; another coding than chunked).
 */
ssize_t http_response_head_parse(const char *buf, size_t len, struct http_response_head *head);

#endif
