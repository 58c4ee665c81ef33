/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept with an object comes back, whatever a head may hold; what others have put into its
 * attributes breaks nothing; what is asked for in the query of a write is not dropped. */
#include "wire/wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "wire/wire_put.h"

TestSuite(kept, .timeout = WIRE_TIMEOUT);

Test(kept, every_byte_of_a_value)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char sent[16], value[WIRE_VALUE_MAX];
	unsigned stored = 0;

	wire_put_start(&server, &client);
	for (unsigned byte = 1; byte < 256; byte++) {
		if (byte == '\r' || byte == '\n')
			continue;
		snprintf(sent, sizeof(sent), "a%cb", (char)byte);
		cr_assert(wire_send(&client,
				    "PUT /data/k HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n"
				    "x-amz-meta-a: %s\r\n\r\n",
				    sent));
		wire_read_head(&client, &response);
		wire_read_text(&client, &response);
		if (response.status != 200) {
			wire_disconnect(&client);
			wire_connect(&client, &server);
			continue;
		}
		stored++;
		wire_ask(&client, "HEAD", "/data/k", "", &response);
		cr_assert_eq(response.status, 200, "byte %u", byte);
		cr_expect_str_eq(wire_field(&response, "x-amz-meta-a", value), sent);
	}
	cr_expect_geq(stored, 96, "%u", stored); /* what is visible, blanks and tabs */
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Attributes that no sluice has written: answered somehow, and the server goes on. */
Test(kept, attributes_of_strangers)
{
	static const struct {
		const char *name, *value;
		int status;
	} rows[] = {
		{"user.sluice.version", "\"a\r\nb\"", 200},
		{"user.sluice.version", "\"a\"b\"", 200},
		{"user.sluice.version", "\"\"", 200},
		{"user.sluice.fields", "Content-Length: 0\r\n", 500},
		{"user.sluice.fields", "Transfer-Encoding: chunked\r\n", 500},
		{"user.sluice.fields", "x-amz-meta-a: 1\n\r\n", 500},
		{"user.sluice.fields", "x-amz-meta-a: 1\r\n", 200},
	};
	const struct timespec times[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000}};
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char path[WIRE_PATH_BYTES];

	wire_put_start(&server, &client);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(path, sizeof(path), "%s/data/file-%zu", server.root, i);
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		cr_assert(fd >= 0 && write(fd, "text", 4) == 4 && fchmod(fd, 01644) == 0 &&
			  fsetxattr(fd, rows[i].name, rows[i].value, strlen(rows[i].value), 0) ==
				  0 &&
			  futimens(fd, times) == 0);
		close(fd);
		snprintf(path, sizeof(path), "/data/file-%zu", i);
		wire_ask(&client, "GET", path, "If-None-Match: \"x\"\r\n", &response);
		wire_read_text(&client, &response);
		cr_expect_eq(response.status, rows[i].status, "row %zu: %s", i, response.head);
	}
	wire_lists(&client, ARRAY_LEN(rows));
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(kept, asked_in_the_query)
{
	static const struct {
		const char *query;
		int status;
	} rows[] = {
		{"x-amz-meta-a=1", 501},
		{"X-Amz-Acl=public-read", 501},
		{"x-amz-acl=private", 200},
		{"x%2damz-tagging=a%3Db", 501},
		{"x-amz-tagging=", 200},
		{"x-amz-copy-source=/data/other", 501},
		{"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Date=b&X-Amz-Expires=1&"
		 "X-Amz-SignedHeaders=host&X-Amz-Signature=0&x-id=PutObject&"
		 "x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32",
		 200},
	};
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char target[512];

	wire_put_start(&server, &client);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(target, sizeof(target), "/data/key-%zu?%s", i, rows[i].query);
		wire_ask(&client, "PUT", target, "Content-Length: 0\r\n", &response);
		wire_read_text(&client, &response);
		cr_expect_eq(response.status, rows[i].status, "%s: %s", target, response.text);
	}
	wire_lists(&client, 3);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A client that only writes shows its certificate again, too. */
Test(kept, no_older_than_it_may_be)
{
	struct wire_server server = {.option = {"--max-connection-age=1ms"}};
	struct wire_client client = {0};
	struct wire_response response;

	wire_put_start(&server, &client);
	wire_put(&client, "/data/key", 1, 100, &response);
	cr_expect_eq(response.status, 200);
	cr_expect(response.says_close, "%s", response.head);
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_disconnect(&client);
	wire_closed(&server, "max_age", 1);
	wire_server_stop(&server);
}
