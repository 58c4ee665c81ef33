/* SPDX-License-Identifier: Apache-2.0 */
#include "http/response.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/must.h"

#define DECIMAL_BYTES_MAX 20 /* of UINT64_MAX */

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{100, "Continue"},
	{200, "OK"},
	{204, "No Content"},
	{206, "Partial Content"},
	{304, "Not Modified"},
	{400, "Bad Request"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{411, "Length Required"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{416, "Range Not Satisfiable"},
	{417, "Expectation Failed"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{503, "Service Unavailable"},
	{505, "HTTP Version Not Supported"},
	{507, "Insufficient Storage"},
};

const char *http_status_reason(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Unknown";
}

static void put(struct http_response *response, const char *text, size_t len)
{
	if (response->overflow || len > response->size - response->used) {
		response->overflow = true;
		return;
	}
	memcpy(response->at + response->used, text, len);
	response->used += len;
}

#define put_literal(response, text) put(response, text, sizeof(text) - 1)

static void put_u64(struct http_response *response, uint64_t number)
{
	char digits[DECIMAL_BYTES_MAX], *at = digits + sizeof(digits);

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put(response, at, (size_t)(digits + sizeof(digits) - at));
}

void http_response_begin(struct http_response *response, char *at, size_t size, int status)
{
	must(at && size <= INT_MAX);
	must(status >= 100 && status <= 999);

	*response = (struct http_response){.at = at, .size = size};
	const char *reason = http_status_reason(status);
	put_literal(response, "HTTP/1.1 ");
	put_u64(response, (uint64_t)status);
	put_literal(response, " ");
	put(response, reason, strlen(reason));
	put_literal(response, "\r\n");
}

void http_response_start_and_text(struct http_response *response, const char *start,
				  size_t start_len, const char *value)
{
	size_t len = strlen(value);

	/* One of these in a value lets a peer write a response of his own. */
	must(!memchr(value, '\r', len) && !memchr(value, '\n', len));
	put(response, start, start_len);
	put(response, value, len);
	put_literal(response, "\r\n");
}

void http_response_lines(struct http_response *response, const char *lines, size_t len)
{
	put(response, lines, len);
}

void http_response_start_and_u64(struct http_response *response, const char *start,
				 size_t start_len, uint64_t value)
{
	put(response, start, start_len);
	put_u64(response, value);
	put_literal(response, "\r\n");
}

void http_response_content_range(struct http_response *response, uint64_t first, uint64_t bytes,
				 uint64_t size)
{
	must(bytes == 0 || (bytes <= size && first <= size - bytes));

	put_literal(response, "Content-Range: bytes ");
	if (bytes == 0) {
		put_literal(response, "*/");
	} else {
		put_u64(response, first);
		put_literal(response, "-");
		put_u64(response, first + bytes - 1);
		put_literal(response, "/");
	}
	put_u64(response, size);
	put_literal(response, "\r\n");
}

int http_response_end(struct http_response *response)
{
	put_literal(response, "\r\n");
	return response->overflow ? -ENOSPC : (int)response->used;
}
