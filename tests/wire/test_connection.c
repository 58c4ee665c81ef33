/* SPDX-License-Identifier: Apache-2.0 */
/* One connection, many requests: kept, pipelined, cut in pieces, closed. */
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(connection, .timeout = WIRE_TIMEOUT);

#define GET_100 "GET /data/size-100 HTTP/1.1\r\nHost: localhost\r\n\r\n"

Test(connection, a_thousand_requests)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	int count = server.env.is_guest ? 200 : 1000;
	for (int i = 0; i < count; i++) {
		uint64_t size = wire_sizes[(unsigned)i % 8];
		char target[64];
		snprintf(target, sizeof(target), "/data/size-%llu", (unsigned long long)size);
		wire_fetch(&client, target, size, size);
	}
	wire_disconnect(&client);
	char line[WIRE_LINE_MAX], requests[32];
	snprintf(requests, sizeof(requests), "requests=%d", count);
	wire_log_line(&server, line, "connection closed", requests, NULL);
	cr_assert_eq(wire_log_count(&server, "msg=request "), (unsigned)count);
	wire_server_stop(&server);
}

/* Answers come in the order of the requests, whatever each of them costs. */
static void pipeline(const uint64_t *sizes, unsigned count)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char *text = calloc(count, 128);

	must(text != NULL);
	wire_server_start(&server);
	wire_connect(&client, &server);
	for (unsigned i = 0; i < count; i++)
		sprintf(text + strlen(text),
			"GET /data/size-%llu HTTP/1.1\r\nHost: localhost\r\nX-Number: %u\r\n\r\n",
			(unsigned long long)sizes[i % wire_size_count], i);
	cr_assert(wire_write(&client, text, strlen(text)));
	for (unsigned i = 0; i < count; i++) {
		uint64_t size = sizes[i % wire_size_count];
		wire_read_head(&client, &response);
		cr_assert_eq(response.status, 200);
		wire_read_object(&client, &response, size, 0, size);
	}
	cr_assert(wire_is_silent(&client, 100), "more than was asked for");
	free(text);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(connection, ten_pipelined_requests)
{
	pipeline(wire_sizes, 10);
}

/* More than one head buffer holds, and more than one turn serves. */
Test(connection, five_hundred_pipelined_requests)
{
	uint64_t small[32];

	for (unsigned i = 0; i < wire_size_count; i++)
		small[i] = i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : 100;
	pipeline(small, 500);
}

Test(connection, pipelined_large_objects)
{
	static const uint64_t large[] = {131073, 1048577, 0,     65537, 131072,
					 131071, 1,       65536, 65535, 32768,
					 131073, 100,     16385, 16384, 16383};
	pipeline(large, 15);
}

Test(connection, pipelined_past_errors)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, GET_100 "GET /data/missing HTTP/1.1\r\nHost: a\r\n\r\n" GET_100
				   "DELETE /data/size-100 HTTP/1.1\r\nHost: a\r\n\r\n" GET_100
				   "HEAD /data/missing HTTP/1.1\r\nHost: a\r\n\r\n" GET_100
				   "GET /data/size-1?torrent HTTP/1.1\r\nHost: a\r\n\r\n" GET_100);
	for (int i = 0; i < 9; i++) {
		wire_read_head(&client, &response);
		response.is_to_head = i == 5;
		if (i == 1 || i == 5)
			wire_read_error(&client, &response, 404, "NoSuchKey");
		else if (i == 3)
			wire_read_error(&client, &response, 405, "MethodNotAllowed");
		else if (i == 7)
			wire_read_error(&client, &response, 501, "NotImplemented");
		else
			wire_read_object(&client, &response, 100, 0, 100);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* What stands behind a request whose framing is not certain is not a request. */
Test(connection, nothing_is_read_behind_a_bad_request)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client,
		  GET_100 "GET /data/size-1 HTTP/1.1\r\nHost: a\r\nBad Field: 1\r\n\r\n" GET_100);
	wire_read_head(&client, &response);
	wire_read_object(&client, &response, 100, 0, 100);
	wire_read_head(&client, &response);
	wire_read_error(&client, &response, 400, "BadRequest");
	cr_assert(response.says_close);
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_closed(&server, "bad_request", 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* One record a byte. */
Test(connection, request_in_single_bytes)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	for (int round = 0; round < 2; round++) {
		for (const char *at = GET_100; *at != '\0'; at++)
			cr_assert(wire_write(&client, at, 1));
		wire_read_head(&client, &response);
		wire_read_object(&client, &response, 100, 0, 100);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Two and a half requests in a write, the rest later. */
Test(connection, request_across_writes)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, GET_100 GET_100 "GET /data/size-1 HT");
	for (int i = 0; i < 2; i++) {
		wire_read_head(&client, &response);
		wire_read_object(&client, &response, 100, 0, 100);
	}
	cr_assert(wire_is_silent(&client, 100));
	wire_send(&client, "TP/1.1\r\nHost: localhost\r\n\r");
	cr_assert(wire_is_silent(&client, 100));
	wire_send(&client, "\n");
	wire_read_head(&client, &response);
	wire_read_object(&client, &response, 1, 0, 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(connection, empty_lines_before_a_request)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, "\r\n\r\n" GET_100 "\r\n" GET_100);
	for (int i = 0; i < 2; i++) {
		wire_read_head(&client, &response);
		wire_read_object(&client, &response, 100, 0, 100);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

static void closes_after(const char *request, uint64_t size)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, "%s", request);
	wire_read_head(&client, &response);
	cr_assert_eq(response.status, 200);
	cr_assert(response.says_close, "no Connection: close");
	wire_read_object(&client, &response, size, 0, size);
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_closed(&server, "response_close", 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(connection, close_is_asked_for)
{
	closes_after("GET /data/size-131073 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		     131073);
}

Test(connection, close_is_one_of_a_list)
{
	closes_after("GET /data/size-1 HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n", 1);
}

/* A close_notify of its own record right behind a small response: no byte is lost before it. */
Test(connection, close_behind_an_empty_object)
{
	closes_after("GET /data/size-0 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 0);
}

Test(connection, http_1_0)
{
	closes_after("GET /data/size-16385 HTTP/1.0\r\n\r\n", 16385);
}

Test(connection, http_1_0_kept)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	for (int i = 0; i < 2; i++) {
		wire_send(&client, "GET /data/size-100 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
		wire_read_head(&client, &response);
		wire_field_is(&response, "Connection", "keep-alive");
		wire_read_object(&client, &response, 100, 0, 100);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A body that no operation wants is dropped, and is never taken for a request. */
Test(connection, unwanted_body)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	static const char fake[] = "GET /data/size-1 HTTP/1.1\r\nHost: a\r\n\r\n";

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client,
		  "GET /data/size-100 HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s" GET_100,
		  strlen(fake), fake);
	for (int i = 0; i < 2; i++) {
		wire_read_head(&client, &response);
		wire_read_object(&client, &response, 100, 0, 100);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* 64 KiB in many records behind a PUT that is refused. */
Test(connection, unwanted_body_of_64_kib)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char *body = malloc(65536);

	must(body != NULL);
	memset(body, 'x', 65536);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, "PUT /data/new HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n");
	cr_assert(wire_write(&client, body, 65536));
	wire_read_head(&client, &response);
	wire_read_error(&client, &response, 405, "MethodNotAllowed");
	wire_fetch(&client, "/data/size-100", 100, 100);
	free(body);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Bodies that are not worth reading, or may never come: the answer is the last of the connection.
 */
Test(connection, body_that_ends_the_connection)
{
	static const char *const fields[] = {
		"Content-Length: 65537\r\n", "Content-Length: 9223372036854775807\r\n",
		"Transfer-Encoding: chunked\r\n", "Content-Length: 10\r\nExpect: 100-continue\r\n"};
	struct wire_server server = {0};
	struct wire_response response;

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct wire_client client = {0};
		wire_connect(&client, &server);
		wire_send(&client, "PUT /data/new HTTP/1.1\r\nHost: a\r\n%s\r\n", fields[i]);
		wire_read_head(&client, &response);
		wire_read_error(&client, &response, 405, "MethodNotAllowed");
		cr_assert(response.says_close, "%s", fields[i]);
		wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
		wire_disconnect(&client);
	}
	wire_closed(&server, "response_close", ARRAY_LEN(fields));
	wire_server_stop(&server);
}
