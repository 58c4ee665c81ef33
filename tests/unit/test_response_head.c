/* SPDX-License-Identifier: Apache-2.0 */
/* Response heads, whole, in pieces, malformed. */
#include "http/response_head.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "support/guard.h"

TestSuite(response_head, .timeout = 600);

static const char whole[] = "HTTP/1.1 206 Partial Content\r\n"
			    "Content-Length:  16384 \r\n"
			    "ETag: \"x\"\r\n"
			    "X-Amz-Checksum-SHA256: abc=\r\n"
			    "\r\n"
			    "body";

Test(response_head, fields)
{
	struct http_response_head head;

	cr_assert_eq(http_response_head_parse(whole, strlen(whole), &head),
		     (ssize_t)strlen(whole) - 4);
	cr_assert_eq(head.status, 206);
	cr_assert(head.keep_alive && head.has_content_length && !head.is_chunked);
	cr_assert_eq(head.content_length, 16384);
	cr_assert_eq(head.checksum_sha256.len, 4);
	cr_assert_arr_eq(head.checksum_sha256.at, "abc=", 4);
}

Test(response_head, every_piece_of_it_waits_and_nothing_outside_is_read)
{
	struct http_response_head head;
	struct guard guard;

	guard_init(&guard, sizeof(whole));
	for (size_t len = 0; len < strlen(whole) - 4; len++) {
		const char *at = guard_before(&guard, whole, len);
		cr_assert_eq(http_response_head_parse(at, len, &head), -EAGAIN, "%zu", len);
	}
	guard_fini(&guard);
}

static const struct {
	const char *text;
	int status;
	bool keep_alive, is_chunked;
} right[] = {
	{"HTTP/1.1 200 OK\r\n\r\n", 200, true, false},
	{"HTTP/1.1 204\r\n\r\n", 204, true, false},
	{"HTTP/1.1 204 \r\n\r\n", 204, true, false},
	{"HTTP/1.0 200 OK\r\n\r\n", 200, false, false},
	{"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n", 200, true, false},
	{"HTTP/1.1 200 OK\r\nconnection: x, Close\r\n\r\n", 200, false, false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, true, true},
	{"HTTP/1.1 200 OK\r\nX:\r\nY: \t\r\n\r\n", 200, true, false},
	{"HTTP/1.1 503 \xc3\xa4\r\n\r\n", 503, true, false},
};

Test(response_head, right)
{
	struct http_response_head head;

	for (size_t i = 0; i < ARRAY_LEN(right); i++) {
		size_t len = strlen(right[i].text);
		cr_assert_eq(http_response_head_parse(right[i].text, len, &head), (ssize_t)len,
			     "%s", right[i].text);
		cr_assert_eq(head.status, right[i].status, "%s", right[i].text);
		cr_assert_eq(head.keep_alive, right[i].keep_alive, "%s", right[i].text);
		cr_assert_eq(head.is_chunked, right[i].is_chunked, "%s", right[i].text);
	}
}

static const char *const wrong[] = {
	"HTTP/2 200 OK\r\n\r\n",
	"HTTP/1.2 200 OK\r\n\r\n",
	"http/1.1 200 OK\r\n\r\n",
	"HTTP/1.1  200 OK\r\n\r\n",
	"HTTP/1.1 20 OK\r\n\r\n",
	"HTTP/1.1 099 OK\r\n\r\n",
	"HTTP/1.1 600 OK\r\n\r\n",
	"HTTP/1.1 200OK\r\n\r\n",
	"\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 1,1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	"HTTP/1.1 200 OK\r\nName : value\r\n\r\n",
	"HTTP/1.1 200 OK\r\n folded: value\r\n\r\n",
	"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
	"HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
	"HTTP/1.1 200 OK\r\nName: a\rb\r\n\r\n",
	"HTTP/1.1 200 OK\r\nName: a\nb\r\n\r\n",
	"HTTP/1.1 200 OK\nName: a\r\n\r\n",
	"HTTP/1.1 200 OK\r\nName: a\x01\r\n\r\n",
};

Test(response_head, wrong)
{
	struct http_response_head head;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		cr_assert_eq(http_response_head_parse(wrong[i], strlen(wrong[i]), &head), -EBADMSG,
			     "%s", wrong[i]);
	static const char nul[] = "HTTP/1.1 200 OK\r\nName: \0\r\n\r\n";
	cr_assert_eq(http_response_head_parse(nul, sizeof(nul) - 1, &head), -EBADMSG);
}

Test(response_head, has_a_bound)
{
	struct http_response_head head;
	char *text = malloc(HEAD_BYTES_MAX + 1);

	memset(text, 'a', HEAD_BYTES_MAX + 1);
	memcpy(text, "HTTP/1.1 200 ", 13);
	cr_assert_eq(http_response_head_parse(text, HEAD_BYTES_MAX - 1, &head), -EAGAIN);
	cr_assert_eq(http_response_head_parse(text, HEAD_BYTES_MAX, &head), -EBADMSG);
	memcpy(text + HEAD_BYTES_MAX - 4, "\r\n\r\n", 4);
	cr_assert_eq(http_response_head_parse(text, HEAD_BYTES_MAX, &head), HEAD_BYTES_MAX);
	memcpy(text + HEAD_BYTES_MAX - 4, "a\r\n\r\n", 5);
	cr_assert_eq(http_response_head_parse(text, HEAD_BYTES_MAX + 1, &head), -EBADMSG);
	free(text);
}
