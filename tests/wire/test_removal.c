/* SPDX-License-Identifier: Apache-2.0 */
/* Removals with conditions: the object goes only if it is the one that the client means. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

#include "wire/wire_put.h"

TestSuite(removal, .timeout = WIRE_TIMEOUT);

#define BYTES 100

/* The ETag and Last-Modified of what is there, or was just put there. */
static void put(struct wire_client *client, char etag[WIRE_VALUE_MAX], char date[WIRE_VALUE_MAX])
{
	struct wire_response response;

	wire_put_well(client, "/data/k", 1, BYTES);
	wire_ask(client, "HEAD", "/data/k", "", &response);
	cr_assert_eq(response.status, 200);
	cr_assert_not_null(wire_field(&response, "ETag", etag));
	cr_assert_not_null(wire_field(&response, "Last-Modified", date));
}

Test(removal, of_one)
{
	static const char *const refused[] = {
		"x-amz-if-match-size: 999\r\n",
		"x-amz-if-match-size: 0\r\n",
		"x-amz-if-match-last-modified-time: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
		"If-Match: \"x\"\r\n",
		"If-Match: *\r\nx-amz-if-match-size: 101\r\n",
	};
	static const struct {
		bool is_any, has_etag, has_size, has_date;
	} met[] = {
		{.is_any = true},
		{.has_etag = true},
		{.has_size = true},
		{.has_date = true},
		{.has_etag = true, .has_size = true, .has_date = true},
	};
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char etag[WIRE_VALUE_MAX], date[WIRE_VALUE_MAX];

	wire_put_start(&server, &client);
	put(&client, etag, date);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		wire_ask_fails(&client, "DELETE", "/data/k", refused[i], 412, "PreconditionFailed");
		wire_fetch(&client, "/data/k", 1, BYTES);
	}
	wire_ask_fails(&client, "DELETE", "/data/k", "x-amz-if-match-size: x\r\n", 400,
		       "InvalidArgument");
	wire_ask_fails(&client, "DELETE", "/data/k", "If-Unmodified-Since: Sun\r\n", 501,
		       "NotImplemented");
	for (size_t i = 0; i < ARRAY_LEN(met); i++) {
		char fields[4 * WIRE_VALUE_MAX];
		put(&client, etag, date);
		snprintf(fields, sizeof(fields), "%s%s%s%s%s%s%s%s",
			 met[i].is_any ? "If-Match: *\r\n" : "",
			 met[i].has_etag ? "If-Match: " : "", met[i].has_etag ? etag : "",
			 met[i].has_etag ? "\r\n" : "",
			 met[i].has_size ? "x-amz-if-match-size: 100\r\n" : "",
			 met[i].has_date ? "x-amz-if-match-last-modified-time: " : "",
			 met[i].has_date ? date : "", met[i].has_date ? "\r\n" : "");
		wire_ask(&client, "DELETE", "/data/k", fields, &response);
		cr_assert_eq(response.status, 204, "%s", fields);
		wire_is_absent(&client, "/data/k");
		wire_ask_fails(&client, "DELETE", "/data/k", fields, 404, "NoSuchKey");
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* In the XML of DeleteObjects, each object has its own. */
Test(removal, of_many)
{
	static const char body[] =
		"<Delete><Object><Key>a</Key><Size>99</Size></Object>"
		"<Object><Key>b</Key><Size>100</Size></Object>"
		"<Object><Key>c</Key><ETag>\"x\"</ETag></Object>"
		"<Object><Key>d</Key><ETag>*</ETag></Object>"
		"<Object><Key>e</Key><LastModifiedTime>1994-11-06T08:49:37Z</LastModifiedTime>"
		"</Object></Delete>";
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_put_start(&server, &client);
	for (char key = 'a'; key <= 'e'; key++) {
		char target[16];
		if (key == 'd')
			continue;
		snprintf(target, sizeof(target), "/data/%c", key);
		wire_put_well(&client, target, 1, BYTES);
	}
	cr_assert(wire_send(
		&client, "POST /data?delete HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s",
		strlen(body), body));
	wire_read_head(&client, &response);
	cr_assert_eq(response.status, 200);
	wire_read_text(&client, &response);
	cr_expect_eq(wire_count(response.text, "<Code>PreconditionFailed</Code>"), 3);
	cr_expect_not_null(strstr(response.text, "<Deleted><Key>b</Key></Deleted>"));
	cr_expect_not_null(strstr(response.text, "<Error><Key>d</Key><Code>NoSuchKey</Code>"));
	wire_is_absent(&client, "/data/b");
	wire_fetch(&client, "/data/a", 1, BYTES);
	wire_fetch(&client, "/data/c", 1, BYTES);
	wire_fetch(&client, "/data/e", 1, BYTES);
	wire_disconnect(&client);
	wire_server_stop(&server);
}
