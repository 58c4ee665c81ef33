/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that come in two pieces, cut at each byte in turn, and byte by byte: what becomes of
 * them is the same as in one piece, good or bad. */
#include <stdio.h>
#include <string.h>

#include "wire/wire_hostile.h"

TestSuite(hostile_split, .timeout = WIRE_TIMEOUT);

#define HEAD "HTTP/1.1\r\nHost: h\r\n"

static const struct {
	const char *name;
	const char *request;
	const char *outcome;
} rows[] = {
	{"GET", "GET /data/size-1 " HEAD "X: y\r\n\r\n", "200 keep"},
	{"empty lines", "\r\n\r\nGET /data/size-1 " HEAD "\r\n", "200 keep"},
	{"HEAD", "HEAD /data/none " HEAD "\r\n", "404 - keep"},
	{"two requests", "GET /data/size-1 " HEAD "\r\nGET /data/none " HEAD "\r\n",
	 "200, 404 NoSuchKey keep"},
	{"a body", "PUT /data/split " HEAD "Content-Length: 10\r\n\r\nGET / HTTP", "200 keep"},
	{"chunked",
	 "PUT /data/split " HEAD "Transfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n"
	 "0\r\nX: y\r\n\r\n",
	 "200 keep"},
	{"aws-chunked",
	 "PUT /data/split " HEAD "Content-Encoding: aws-chunked\r\n"
	 "x-amz-trailer: x-amz-checksum-crc32\r\nContent-Length: 46\r\n\r\n"
	 "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
	 "200 keep"},
	{"a body that is dropped", "GET /data/none " HEAD "Content-Length: 5\r\n\r\nhello",
	 "404 NoSuchKey keep"},
	{"XML",
	 "POST /data?delete " HEAD "Content-Length: 49\r\n\r\n"
	 "<Delete><Object><Key>none</Key></Object></Delete>",
	 "200 keep"},
	{"percent", "GET /data/n%6fne%2Fx?x=%79 " HEAD "\r\n", "404 NoSuchKey keep"},
	{"bare LF", "GET /data/size-1 " HEAD "X: y\nZ: a\r\n\r\n", "400 BadRequest close"},
	{"folded", "GET / " HEAD "X: y\r\n z\r\n\r\n", "400 BadRequest close"},
	{"length and coding",
	 "PUT /data/x " HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	 "400 BadRequest close"},
	{"malformed chunk",
	 "PUT /data/x " HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nz\r\n\r\n",
	 "400 IncompleteBody close"},
};

/* A cut costs a handshake where the connection ends: of those one in three. */
#define CLOSING_STRIDE 3

static void row_split(struct hostile *hostile, size_t row)
{
	bool is_closing = strstr(rows[row].outcome, "close") != NULL;
	struct text request;
	char where[96];

	text_init(&request, 4096);
	text_put(&request, rows[row].request);
	for (size_t at = 1; at <= request.len; at++) {
		snprintf(where, sizeof(where), "%s, cut at %zu", rows[row].name, at);
		if (is_closing && !hostile->server.env.is_slow && at % CLOSING_STRIDE != row % 3)
			hostile_pass(hostile);
		else
			hostile_ask(hostile, where, &request,
				    at < request.len ? at : SPLIT_EVERY_BYTE, rows[row].outcome);
	}
	text_fini(&request);
}

Test(hostile_split, at_every_byte)
{
	struct hostile hostile = {0};

	hostile_begin(&hostile);
	for (size_t row = 0; row < ARRAY_LEN(rows); row++)
		row_split(&hostile, row);
	hostile_end(&hostile);
}
