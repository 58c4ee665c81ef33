/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of an answer that its request's query says, and fields that are said more than once. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

#include "wire/wire_put.h"

TestSuite(override, .timeout = WIRE_TIMEOUT);

#define ALL                                                                                        \
	"response-content-type=text/plain%3B+charset=utf-8&"                                       \
	"response-content-disposition=attachment%3B%20filename%3D%22a+b.txt%22&"                   \
	"response-content-encoding=identity&response-content-language=de&"                         \
	"response-cache-control=no-store&response-expires=0"

static void start(struct wire_server *server, struct wire_client *client)
{
	wire_put_start(server, client);
	wire_put_well(client, "/data/plain", 1, 100);
	cr_assert(wire_send(client, "PUT /data/typed HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
				    "Content-Type: image/x\r\nCache-Control: max-age=1\r\n"
				    "Cache-Control: private\r\nContent-Language: en\r\n"
				    "Content-Language: fr\r\nContent-Encoding: a\r\n"
				    "Content-Encoding: aws-chunked, b\r\n"
				    "x-amz-meta-colour: blue\r\n"
				    "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n\r\nhello"));
	struct wire_response response;
	wire_read_head(client, &response);
	cr_assert_eq(response.status, 200, "%s", response.head);
}

Test(override, every_one)
{
	static const char *const targets[] = {"/data/plain?" ALL, "/data/typed?" ALL};
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	start(&server, &client);
	for (size_t i = 0; i < 2 * ARRAY_LEN(targets); i++) {
		char value[WIRE_VALUE_MAX];
		wire_ask(&client, i % 2 == 0 ? "GET" : "HEAD", targets[i / 2], "", &response);
		cr_assert_eq(response.status, 200);
		wire_field_is(&response, "Content-Type", "text/plain; charset=utf-8");
		wire_field_is(&response, "Content-Disposition", "attachment; filename=\"a b.txt\"");
		wire_field_is(&response, "Content-Encoding", "identity");
		wire_field_is(&response, "Content-Language", "de");
		wire_field_is(&response, "Cache-Control", "no-store");
		wire_field_is(&response, "Expires", "0");
		cr_expect_eq(wire_field(&response, "x-amz-meta-colour", value) != NULL, i >= 2);
		if (i == 0)
			wire_read_object(&client, &response, 1, 0, 100);
		else if (i == 2)
			wire_read_text(&client, &response);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The others stay as they are; an empty one says nothing. */
Test(override, one)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	start(&server, &client);
	wire_ask(&client, "HEAD", "/data/typed?response-expires=1&response-content-type=", "",
		 &response);
	wire_field_is(&response, "Content-Type", "image/x");
	wire_field_is(&response, "Cache-Control", "max-age=1, private");
	wire_field_is(&response, "Content-Language", "en, fr");
	wire_field_is(&response, "Content-Encoding", "a, b");
	wire_field_is(&response, "Expires", "1");
	wire_ask(&client, "HEAD", "/data/plain?response-cache-control=no-store",
		 "Range: bytes=1-2\r\n", &response);
	cr_expect_eq(response.status, 206);
	wire_field_is(&response, "Content-Type", "application/octet-stream");
	wire_field_is(&response, "Cache-Control", "no-store");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A value is no way into the response head. */
Test(override, that_is_none)
{
	static const char *const refused[] = {
		"response-content-type=a%0d%0aX:%20y",
		"response-content-type=a%0ab",
		"response-expires=%01",
		"response-cache-control=%7f",
		"response-content-language=%00",
		"response-content-type=%zz",
	};
	struct wire_server server = {0};
	struct wire_client client = {0};
	char target[8192];

	start(&server, &client);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		snprintf(target, sizeof(target), "/data/plain?%s", refused[i]);
		wire_ask_fails(&client, "GET", target, "", 400, "InvalidArgument");
	}
	/* Too long, alone and together. */
	for (size_t many = 1; many <= 2; many++) {
		int n = snprintf(target, sizeof(target), "/data/typed?response-content-type=");
		size_t bytes = many == 1 ? 4000 : 3065;
		memset(target + n, 'x', bytes);
		n += (int)bytes;
		n += snprintf(target + n, sizeof(target) - (size_t)n, "&response-expires=");
		memset(target + n, 'x', many == 1 ? 1 : bytes);
		target[n + (many == 1 ? 1 : (int)bytes)] = '\0';
		wire_ask_fails(&client, "GET", target, "", 400, "InvalidArgument");
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A list that is sent in several fields is one (RFC 9110 section 5.3). */
Test(override, attributes_in_two_fields)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	start(&server, &client);
	const char *text = wire_ask_text(&client, "GET", "/data/plain?attributes",
					 "x-amz-object-attributes: ETag\r\n"
					 "x-amz-object-attributes: ObjectSize, StorageClass\r\n",
					 &response);
	cr_expect_not_null(strstr(text, "<ETag>"), "%s", text);
	cr_expect_not_null(strstr(text, "<ObjectSize>100</ObjectSize>"), "%s", text);
	cr_expect_not_null(strstr(text, "<StorageClass>"), "%s", text);
	wire_ask_fails(&client, "GET", "/data/plain?attributes",
		       "x-amz-object-attributes: ETag\r\nx-amz-object-attributes: x\r\n", 400,
		       "InvalidArgument");
	wire_disconnect(&client);
	wire_server_stop(&server);
}
