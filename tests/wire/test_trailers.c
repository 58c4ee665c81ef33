/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums behind a body, as the SDKs send them; and those of copies. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

#include "wire/wire_put.h"

TestSuite(trailers, .timeout = WIRE_TIMEOUT);

/* Trailers as clients write them, announced or not; and a body that only says aws-chunked. */
Test(trailers, of_clients)
{
	static const char announced[] = "x-amz-trailer: x-amz-checksum-crc32\r\n";
	static const struct {
		const char *sha256, *body, *checksum;
	} rows[] = {
		{"STREAMING-UNSIGNED-PAYLOAD-TRAILER",
		 "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n\r\n", "NhCmhg=="},
		{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
		 "5;chunk-signature=00\r\nhello\r\n0;chunk-signature=01\r\n"
		 "x-amz-checksum-crc32:NhCmhg==\n\r\nx-amz-trailer-signature:02\r\n\r\n",
		 "NhCmhg=="},
		{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
		 "5;chunk-signature=00\r\nhello\r\n0;chunk-signature=01\r\n"
		 "x-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:02\r\n\r\n",
		 "NhCmhg=="},
		{"UNSIGNED-PAYLOAD", "hello", ""},
	};
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const char *body = rows[i / 2].body;
		bool is_announced = i % 2 == 0 && rows[i / 2].checksum[0] != '\0';
		cr_assert(wire_send(&client,
				    "PUT /data/t%zu HTTP/1.1\r\nHost: h\r\n"
				    "Content-Encoding: aws-chunked\r\nContent-Length: %zu\r\n"
				    "x-amz-decoded-content-length: 5\r\n"
				    "x-amz-content-sha256: %s\r\n%s\r\n%s",
				    i, strlen(body), rows[i / 2].sha256,
				    is_announced ? announced : "", body));
		wire_read_head(&client, &response);
		cr_assert_eq(response.status, 200, "row %zu: %s", i, response.head);
		const char *checksum = rows[i / 2].checksum;
		cr_expect_eq(strstr(response.head, "x-amz-checksum-crc32: NhCmhg==\r\n") != NULL,
			     checksum[0] != '\0', "row %zu: %s", i, response.head);
		char target[32];
		snprintf(target, sizeof(target), "/data/t%zu", i);
		cr_expect_str_eq(wire_ask_text(&client, "GET", target, "", &response), "hello");
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A copy has the checksum that is asked for; otherwise its source's. */
Test(trailers, of_a_copy)
{
	static const struct {
		const char *fields, *element, *field, *value;
	} rows[] = {
		{"", "<ChecksumCRC32>NhCmhg==</ChecksumCRC32>", "x-amz-checksum-crc32", "NhCmhg=="},
		{"x-amz-checksum-algorithm: SHA1\r\n",
		 "<ChecksumSHA1>qvTGHdzF6KLavt4PO0gs2a6pQ00=</ChecksumSHA1>", "x-amz-checksum-sha1",
		 "qvTGHdzF6KLavt4PO0gs2a6pQ00="},
		{"x-amz-checksum-algorithm:\r\n", "<ChecksumCRC32>", "x-amz-checksum-crc32",
		 "NhCmhg=="},
	};
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};
	struct wire_response response;
	char fields[256];

	wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	cr_assert(wire_send(&client, "PUT /data/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
				     "x-amz-checksum-crc32: NhCmhg==\r\n\r\nhello"));
	wire_read_head(&client, &response);
	cr_assert_eq(response.status, 200);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(fields, sizeof(fields), "x-amz-copy-source: /data/k\r\n%s",
			 rows[i].fields);
		const char *text = wire_ask_text(&client, "PUT", "/data/copy", fields, &response);
		cr_assert_eq(response.status, 200, "%s", text);
		cr_expect_not_null(strstr(text, rows[i].element), "%s", text);
		wire_ask(&client, "HEAD", "/data/copy", "x-amz-checksum-mode: ENABLED\r\n",
			 &response);
		wire_field_is(&response, rows[i].field, rows[i].value);
	}
	wire_ask_fails(&client, "PUT", "/data/other",
		       "x-amz-copy-source: /data/k\r\nx-amz-checksum-algorithm: XXHASH3\r\n", 400,
		       "InvalidRequest");
	wire_is_absent(&client, "/data/other");
	wire_disconnect(&client);
	wire_server_stop(&server);
}
