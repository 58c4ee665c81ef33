/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads that are not what they should be: an answer, a close, and a server that goes on. */
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(badhead, .timeout = WIRE_TIMEOUT);

#define LINE "GET /data/size-1 HTTP/1.1\r\n"

struct head_row {
	const char *name;
	const char *head;
	size_t len; /* 0: strlen */
	int status;
	const char *code;
};

static void head_refused(struct wire_server *server, const struct head_row *row)
{
	struct wire_client client = {0};
	struct wire_response response;

	wire_connect(&client, server);
	cr_assert(wire_write(&client, row->head, row->len > 0 ? row->len : strlen(row->head)));
	wire_read_head(&client, &response);
	cr_assert_eq(response.status, row->status, "%s: status %d, not %d", row->name,
		     response.status, row->status);
	cr_assert(response.says_close, "%s: no Connection: close", row->name);
	wire_read_error(&client, &response, row->status, row->code);
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&client);
}

static void heads_refused(const struct head_row *rows, size_t count)
{
	struct wire_server server = {0};

	wire_server_start(&server);
	for (size_t i = 0; i < count; i++)
		head_refused(&server, &rows[i]);
	wire_closed(&server, "bad_request", count);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

Test(badhead, line_ends)
{
	static const char nul[] = "GET /data/size-1 HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n";
	static const char nul_target[] = "GET /data/size-1\0 HTTP/1.1\r\nHost: a\r\n\r\n";
	static const struct head_row rows[] = {
		{"bare LF", "GET /data/size-1 HTTP/1.1\nHost: a\n\n", 0, 400, "BadRequest"},
		{"bare LF in a field", LINE "Host: a\nX: b\r\n\r\n", 0, 400, "BadRequest"},
		{"bare LF at the end", LINE "Host: a\r\n\n", 0, 400, "BadRequest"},
		{"bare CR", LINE "Host: a\rX: b\r\n\r\n", 0, 400, "BadRequest"},
		{"NUL", nul, sizeof(nul) - 1, 400, "BadRequest"},
		{"NUL in the target", nul_target, sizeof(nul_target) - 1, 400, "BadRequest"},
		{"control byte", LINE "Host: a\r\nX: a\x01z\r\n\r\n", 0, 400, "BadRequest"},
		{"DEL", LINE "Host: a\r\nX: a\x7fz\r\n\r\n", 0, 400, "BadRequest"},
		{"obs-fold", LINE "Host: a\r\nX: a\r\n b\r\n\r\n", 0, 400, "BadRequest"},
		{"obs-fold by tab", LINE "Host: a\r\nX: a\r\n\tb\r\n\r\n", 0, 400, "BadRequest"},
		{"obs-fold of the first field", LINE " Host: a\r\n\r\n", 0, 400, "BadRequest"},
	};
	heads_refused(rows, ARRAY_LEN(rows));
}

Test(badhead, framing)
{
	static const struct head_row rows[] = {
		{"two lengths", LINE "Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 0,
		 400, "BadRequest"},
		{"one length twice",
		 LINE "Host: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", 0, 400,
		 "BadRequest"},
		{"a list of lengths", LINE "Host: a\r\nContent-Length: 0, 0\r\n\r\n", 0, 400,
		 "BadRequest"},
		{"length and encoding",
		 LINE "Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		 0, 400, "BadRequest"},
		{"encoding and length",
		 LINE "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
		 0, 400, "BadRequest"},
		{"negative length", LINE "Host: a\r\nContent-Length: -1\r\n\r\n", 0, 400,
		 "BadRequest"},
		{"signed length", LINE "Host: a\r\nContent-Length: +1\r\n\r\n", 0, 400,
		 "BadRequest"},
		{"hexadecimal length", LINE "Host: a\r\nContent-Length: 0x1\r\n\r\n", 0, 400,
		 "BadRequest"},
		{"length of 2^64", LINE "Host: a\r\nContent-Length: 18446744073709551616\r\n\r\n",
		 0, 400, "BadRequest"},
		{"empty length", LINE "Host: a\r\nContent-Length:\r\n\r\n", 0, 400, "BadRequest"},
		{"unknown encoding", LINE "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 0,
		 501, "NotImplemented"},
		{"no length", LINE "Host: a\r\nTransfer-Encoding: gzip\r\n\r\n", 0, 400,
		 "BadRequest"},
		{"chunked twice", LINE "Host: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 0,
		 501, "NotImplemented"},
		{"encoding in 1.0",
		 "GET /data/size-1 HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 400,
		 "BadRequest"},
	};
	heads_refused(rows, ARRAY_LEN(rows));
}

Test(badhead, request_lines)
{
	static const struct head_row rows[] = {
		{"no version", "GET /data/size-1\r\nHost: a\r\n\r\n", 0, 400, "BadRequest"},
		{"two spaces", "GET  /data/size-1 HTTP/1.1\r\nHost: a\r\n\r\n", 0, 400,
		 "BadRequest"},
		{"space in the target", "GET /data/size 1 HTTP/1.1\r\nHost: a\r\n\r\n", 0, 400,
		 "BadRequest"},
		{"tab", "GET\t/data/size-1\tHTTP/1.1\r\nHost: a\r\n\r\n", 0, 400, "BadRequest"},
		{"space at the end", "GET /data/size-1 HTTP/1.1 \r\nHost: a\r\n\r\n", 0, 400,
		 "BadRequest"},
		{"space at the start", " GET /data/size-1 HTTP/1.1\r\nHost: a\r\n\r\n", 0, 400,
		 "BadRequest"},
		{"method of no token", "G(T /data/size-1 HTTP/1.1\r\nHost: a\r\n\r\n", 0, 400,
		 "BadRequest"},
		{"no slash", "GET data/size-1 HTTP/1.1\r\nHost: a\r\n\r\n", 0, 400, "BadRequest"},
		{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0, 400, "BadRequest"},
		{"authority", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 0, 400, "BadRequest"},
		{"bytes above 0x7f", "GET /data/\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n", 0, 400,
		 "BadRequest"},
		{"fragment", "GET /data/size-1#x HTTP/1.1\r\nHost: a\r\n\r\n", 0, 400,
		 "BadRequest"},
		{"HTTP/2.0", "GET /data/size-1 HTTP/2.0\r\nHost: a\r\n\r\n", 0, 505,
		 "HttpVersionNotSupported"},
		{"HTTP/0.9", "GET /data/size-1 HTTP/0.9\r\nHost: a\r\n\r\n", 0, 505,
		 "HttpVersionNotSupported"},
		{"HTTP/1.10", "GET /data/size-1 HTTP/1.10\r\nHost: a\r\n\r\n", 0, 400,
		 "BadRequest"},
		{"http/1.1", "GET /data/size-1 http/1.1\r\nHost: a\r\n\r\n", 0, 400, "BadRequest"},
		{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, 505,
		 "HttpVersionNotSupported"},
		{"three empty lines", "\r\n\r\n\r\n" LINE "Host: a\r\n\r\n", 0, 400, "BadRequest"},
	};
	heads_refused(rows, ARRAY_LEN(rows));
}

Test(badhead, fields)
{
	static const struct head_row rows[] = {
		{"no Host", LINE "\r\n", 0, 400, "BadRequest"},
		{"two Hosts", LINE "Host: a\r\nHost: a\r\n\r\n", 0, 400, "BadRequest"},
		{"empty Host", LINE "Host:\r\n\r\n", 0, 400, "BadRequest"},
		{"Host of no name", LINE "Host: a b\r\n\r\n", 0, 400, "BadRequest"},
		{"space before the colon", LINE "Host : a\r\n\r\n", 0, 400, "BadRequest"},
		{"no colon", LINE "Host: a\r\nNothing\r\n\r\n", 0, 400, "BadRequest"},
		{"no name", LINE "Host: a\r\n: a\r\n\r\n", 0, 400, "BadRequest"},
		{"name of no token", LINE "Host: a\r\nX(Y): a\r\n\r\n", 0, 400, "BadRequest"},
		{"two Ranges", LINE "Host: a\r\nRange: bytes=0-0\r\nRange: bytes=0-0\r\n\r\n", 0,
		 400, "BadRequest"},
		{"unknown expectation", LINE "Host: a\r\nExpect: miracles\r\n\r\n", 0, 417,
		 "ExpectationFailed"},
	};
	heads_refused(rows, ARRAY_LEN(rows));
}

/* bytes of filler; each of lines fields. */
static char *large_head(unsigned lines, size_t bytes)
{
	char *head = malloc(256 + lines * (bytes + 32));
	size_t used;

	must(head != NULL);
	used = (size_t)sprintf(head, LINE "Host: a\r\n");
	for (unsigned i = 0; i < lines; i++) {
		used += (size_t)sprintf(head + used, "X-%u: ", i);
		memset(head + used, 'x', bytes);
		used += bytes;
		used += (size_t)sprintf(head + used, "\r\n");
	}
	sprintf(head + used, "\r\n");
	return head;
}

/* The last one is as much as the server reads after its answer (LINGER_BYTES_MAX), so that the
 * answer is not lost over the bytes behind it. */
Test(badhead, too_large)
{
	char *field = large_head(1, HEAD_BYTES_MAX), *many = large_head(HEAD_FIELDS_MAX, 1),
	     *sum = large_head(32, 600), *huge = large_head(8, 24 * 1024);
	const struct head_row rows[] = {
		{"one field", field, 0, 431, "RequestHeaderSectionTooLarge"},
		{"too many fields", many, 0, 431, "RequestHeaderSectionTooLarge"},
		{"all together", sum, 0, 431, "RequestHeaderSectionTooLarge"},
		{"what the server still reads", huge, 0, 431, "RequestHeaderSectionTooLarge"},
	};

	heads_refused(rows, ARRAY_LEN(rows));
	free(field);
	free(many);
	free(sum);
	free(huge);
}

/* The longest head that is served, and the longest that has no end. */
Test(badhead, exactly_as_large_as_allowed)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char *head = large_head(1, 0);
	size_t filler = HEAD_BYTES_MAX - strlen(head);

	free(head);
	wire_server_start(&server);
	wire_connect(&client, &server);
	for (int round = 0; round < 3; round++) {
		head = large_head(1, filler);
		cr_assert_eq(strlen(head), HEAD_BYTES_MAX);
		cr_assert(wire_write(&client, head, strlen(head)));
		free(head);
		wire_read_head(&client, &response);
		cr_assert_eq(response.status, 200, "status %d", response.status);
		wire_read_object(&client, &response, 1, 0, 1);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(badhead, most_fields_that_are_allowed)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char *head = large_head(HEAD_FIELDS_MAX - 1, 100); /* and Host */

	wire_server_start(&server);
	wire_connect(&client, &server);
	cr_assert(wire_write(&client, head, strlen(head)));
	wire_read_head(&client, &response);
	cr_assert_eq(response.status, 200, "status %d", response.status);
	wire_read_object(&client, &response, 1, 0, 1);
	free(head);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A refusal says what is wrong, in the answer and in the log. */
Test(badhead, reason_is_told)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, LINE "Host: a\r\nX: a\r\n b\r\n\r\n");
	wire_read_head(&client, &response);
	wire_read_error(&client, &response, 400, "BadRequest");
	cr_assert_not_null(strstr(response.text, "folded"), "%s", response.text);
	wire_log_has(&server, "msg=request ", "status=400 ", "error=BadRequest", "folded");
	wire_disconnect(&client);
	wire_server_stop(&server);
}
