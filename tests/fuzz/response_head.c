/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a response head: no read outside of them (each parse has a copy of exactly its
 * bytes), a result that keeps the contract of http/response_head.h, and the same verdict however
 * many bytes of it, or behind it, have come.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "http/response_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The checksum of *head points into freed memory afterwards: its length alone is of use. */
static ssize_t parse_copy(const uint8_t *data, size_t len, struct http_response_head *head)
{
	char *copy = malloc(len > 0 ? len : 1);
	must(copy != NULL);
	memcpy(copy, data, len);
	ssize_t n = http_response_head_parse(copy, len, head);

	must(n == -EAGAIN || n == -EBADMSG || (n > 0 && (size_t)n <= len));
	if (n > 0 && head->checksum_sha256.at != NULL) {
		const struct slice *sum = &head->checksum_sha256;
		must(sum->at >= copy && sum->at + sum->len <= copy + n);
		for (size_t i = 0; i < sum->len; i++)
			must(sum->at[i] != '\r' && sum->at[i] != '\n');
	}
	free(copy);
	return n;
}

static void check_accepted(const uint8_t *data, size_t bytes, const struct http_response_head *head)
{
	must(bytes <= HEAD_BYTES_MAX && bytes >= 4);
	must(memcmp(data, "HTTP/1.", 7) == 0);
	must(memcmp(data + bytes - 4, "\r\n\r\n", 4) == 0);
	must(head->status >= 100 && head->status <= 599);
	must(!(head->is_chunked && head->has_content_length));
	must(head->has_content_length || head->content_length == 0);
	must(memchr(data, '\0', bytes) == NULL);
}

static bool is_same(const struct http_response_head *a, const struct http_response_head *b)
{
	return a->status == b->status && a->keep_alive == b->keep_alive &&
	       a->is_chunked == b->is_chunked && a->has_content_length == b->has_content_length &&
	       a->content_length == b->content_length &&
	       a->checksum_sha256.len == b->checksum_sha256.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_response_head head, other;

	ssize_t n = parse_copy(data, size, &head);
	if (n > 0) {
		check_accepted(data, (size_t)n, &head);
		must(parse_copy(data, (size_t)n, &other) == n && is_same(&head, &other));
	}
	/* A piece of what is accepted waits; what a piece is refused for stays refused. */
	size_t whole = n > 0 ? (size_t)n : size, step = whole / 64 + 1;
	for (size_t len = 0; len < whole; len += step) {
		ssize_t piece = parse_copy(data, len, &other);
		must(n == -EBADMSG ? piece < 0 : piece == -EAGAIN);
	}
	return 0;
}
