/* SPDX-License-Identifier: Apache-2.0 */
/* A bucket that is not there: every operation of the table says so, whatever else it is asked. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "s3/operation.h"
#include "wire/wire_put.h"

TestSuite(missing, .timeout = WIRE_TIMEOUT);

static const char *const methods[] = {
	[HTTP_GET] = "GET",   [HTTP_HEAD] = "HEAD",     [HTTP_PUT] = "PUT",
	[HTTP_POST] = "POST", [HTTP_DELETE] = "DELETE",
};

/* A request that is whole, and one that lacks what the operation needs besides. */
static void target_of(const struct s3_operation_row *row, bool is_whole, char *out, size_t size)
{
	static const struct {
		const char *name, *value;
	} values[] = {
		{"uploadId", "00000000000000000000000000000000"},
		{"partNumber", "1"},
		{"list-type", "2"},
	};
	int n = snprintf(out, size, "/nowhere%s", row->place == S3_PLACE_OBJECT ? "/k" : "");

	for (int i = 0; i < S3_ROW_QUERY_MAX && row->query[i] != NULL; i++) {
		const char *value = "";
		for (size_t v = 0; v < ARRAY_LEN(values); v++)
			if (is_whole && strcmp(values[v].name, row->query[i]) == 0)
				value = values[v].value;
		n += snprintf(out + n, size - (size_t)n, "%s%s=%s", i == 0 ? "?" : "&",
			      row->query[i], value);
	}
}

static const char *body_of(const struct s3_operation_row *row, bool is_whole)
{
	if (!is_whole || row->route.body != S3_BODY_TEXT)
		return "";
	if (row->route.operation == S3_DELETE_OBJECTS)
		return "<Delete><Object><Key>k</Key></Object></Delete>";
	return "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"1\"</ETag></Part>"
	       "</CompleteMultipartUpload>";
}

static void ask(struct wire_client *client, const struct s3_operation_row *row, bool is_whole,
		int status, const char *code)
{
	struct wire_response response;
	char target[256];
	const char *body = body_of(row, is_whole);

	target_of(row, is_whole, target, sizeof(target));
	cr_assert(wire_send(client,
			    "%s %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n"
			    "%sx-amz-object-attributes: %s\r\n\r\n%s",
			    methods[row->method], target, strlen(body),
			    row->is_copy ? "x-amz-copy-source: /data/source\r\n" : "",
			    is_whole ? "ETag" : "", body));
	wire_read_head(client, &response);
	cr_expect_eq(response.status, status, "%s %s: %s", methods[row->method], target,
		     response.head);
	if (row->method != HTTP_HEAD)
		wire_read_error(client, &response, status, code);
	cr_expect_not(response.says_close, "%s %s", methods[row->method], target);
}

static void ask_all(struct wire_client *client, int status, const char *code)
{
	const struct s3_operation_row *row;
	unsigned asked = 0;

	for (size_t i = 0; (row = s3_operation_row(i)) != NULL; i++) {
		if (row->place == S3_PLACE_SERVICE || row->route.operation == S3_CREATE_BUCKET)
			continue;
		ask(client, row, true, status, code);
		ask(client, row, false, status, code);
		asked++;
	}
	cr_assert_gt(asked, 20);
}

Test(missing, bucket)
{
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};
	char path[WIRE_PATH_BYTES];

	wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_put_well(&client, "/data/source", 1, 100);
	ask_all(&client, 404, "NoSuchBucket");
	/* Nor is one what is there under its name, but is no folder of ours. */
	snprintf(path, sizeof(path), "%s/nowhere", server.own_root);
	cr_assert_eq(symlink("data", path), 0);
	ask_all(&client, 404, "NoSuchBucket");
	cr_assert_eq(unlink(path), 0);
	FILE *file = fopen(path, "w");
	cr_assert(file != NULL && fclose(file) == 0);
	ask_all(&client, 404, "NoSuchBucket");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The source's bucket, too. */
Test(missing, bucket_of_a_source)
{
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};

	wire_server_root(&server);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_ask_fails(&client, "PUT", "/data/k", "x-amz-copy-source: /nowhere/k\r\n", 404,
		       "NoSuchBucket");
	wire_ask_fails(&client, "PUT", "/data/k", "x-amz-copy-source: /data/absent\r\n", 404,
		       "NoSuchKey");
	wire_disconnect(&client);
	wire_server_stop(&server);
}
