/* SPDX-License-Identifier: Apache-2.0 */
/* Markers of folders, as clients make them that know folders; what is no object and is not to be
 * seen; and what was put there by hand. */
#include "wire/wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"
#include "wire/wire_put.h"

TestSuite(marker, .timeout = WIRE_TIMEOUT);

static void stop(struct wire_server *server, struct wire_client *client)
{
	wire_disconnect(client);
	wire_server_stop(server);
}

static void ask(struct wire_client *client, const char *method, const char *target,
		const char *fields, int status)
{
	struct wire_response response;

	wire_ask(client, method, target, fields, &response);
	cr_assert_eq(response.status, status, "%s %s: %s", method, target, response.head);
	if (strcmp(method, "HEAD") != 0 && response.content_length > 0)
		wire_read_text(client, &response);
}

/* The listing of this query: "a <b>": key a, common prefix b. */
static void lists(struct wire_client *client, const char *query, const char *wanted)
{
	struct wire_response response;
	char target[256], is[512] = "";

	snprintf(target, sizeof(target), "/data?list-type=2%s", query);
	const char *at = wire_ask_text(client, "GET", target, "", &response);
	for (; (at = strchr(at, '<')) != NULL; at++) {
		static const char key[] = "<Contents><Key>", prefix[] = "<CommonPrefixes><Prefix>";
		bool is_key = strncmp(at, key, strlen(key)) == 0;
		if (!is_key && strncmp(at, prefix, strlen(prefix)) != 0)
			continue;
		const char *text = at + strlen(is_key ? key : prefix);
		size_t used = strlen(is);
		snprintf(is + used, sizeof(is) - used, "%s%s%.*s%s", used > 0 ? " " : "",
			 is_key ? "" : "<", (int)strcspn(text, "<"), text, is_key ? "" : ">");
	}
	cr_expect_str_eq(is, wanted, "%s", query);
}

#define EMPTY "Content-Length: 0\r\n"

Test(marker, made_listed_read_and_removed)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char etag[WIRE_VALUE_MAX];

	wire_put_start(&server, &client);
	wire_ask(&client, "PUT", "/data/dir/",
		 EMPTY "Content-Type: application/x-directory\r\nx-amz-meta-uid: 1000\r\n",
		 &response);
	cr_assert_eq(response.status, 200, "%s", response.head);
	cr_assert_not_null(wire_field(&response, "ETag", etag));
	wire_ask(&client, "HEAD", "/data/dir/", "", &response);
	cr_assert_eq(response.status, 200, "%s", response.head);
	wire_field_is(&response, "Content-Length", "0");
	wire_field_is(&response, "Content-Type", "application/x-directory");
	wire_field_is(&response, "x-amz-meta-uid", "1000");
	wire_field_is(&response, "ETag", etag);
	wire_fetch(&client, "/data/dir/", 1, 0);
	ask(&client, "HEAD", "/data/dir", "", 404);
	ask(&client, "GET", "/data/dir", "", 404);
	ask(&client, "PUT", "/data/dir/", EMPTY "If-None-Match: *\r\n", 412);
	ask(&client, "PUT", "/data/dir/x", EMPTY, 200);
	ask(&client, "PUT", "/data/other/y", EMPTY, 200);
	ask(&client, "HEAD", "/data/other/", "", 404);

	lists(&client, "", "dir/ dir/x other/y");
	lists(&client, "&delimiter=/", "<dir/> <other/>");
	lists(&client, "&delimiter=/&prefix=dir", "<dir/>");
	lists(&client, "&delimiter=/&prefix=dir/", "dir/ dir/x");
	lists(&client, "&delimiter=/&prefix=dir/&max-keys=1", "dir/");
	lists(&client, "&delimiter=/&prefix=dir/&start-after=dir/", "dir/x");
	lists(&client, "&delimiter=/&prefix=other/", "other/y");

	ask(&client, "DELETE", "/data/dir/", "", 204);
	ask(&client, "HEAD", "/data/dir/", "", 404);
	ask(&client, "DELETE", "/data/dir/", "", 204);
	lists(&client, "", "dir/x other/y");
	ask(&client, "PUT", "/data/dir/", EMPTY, 200);
	ask(&client, "DELETE", "/data/dir/x", "", 204);
	lists(&client, "", "dir/ other/y");
	ask(&client, "DELETE", "/data/dir/", "", 204);
	lists(&client, "&delimiter=/", "<other/>");
	stop(&server, &client);
}

/* Empty it is, whatever way it comes. */
Test(marker, nothing_is_in_it)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_put_start(&server, &client);
	wire_put_send(&client, "/data/dir/", 1, 10, false);
	wire_read_head(&client, &response);
	wire_read_error(&client, &response, 400, "InvalidArgument");
	wire_put_send(&client, "/data/dir/", 1, 10, true);
	wire_read_head(&client, &response);
	wire_read_error(&client, &response, 400, "InvalidArgument");
	wire_disconnect(&client);
	wire_connect(&client, &server);
	wire_put_well(&client, "/data/full", 1, 10);
	wire_ask_fails(&client, "POST", "/data/dir/?uploads", EMPTY, 400, "InvalidArgument");
	wire_ask_fails(&client, "PUT", "/data/dir/", EMPTY "x-amz-copy-source: /data/full\r\n", 400,
		       "InvalidArgument");
	wire_ask_fails(&client, "PUT", "/data/full/", EMPTY, 400, "InvalidArgument");
	lists(&client, "", "full");

	ask(&client, "PUT", "/data/from/", EMPTY "Content-Type: application/x-directory\r\n", 200);
	ask(&client, "PUT", "/data/to/deep/", EMPTY "x-amz-copy-source: /data/from/\r\n", 200);
	wire_ask(&client, "HEAD", "/data/to/deep/", "", &response);
	wire_field_is(&response, "Content-Type", "application/x-directory");
	lists(&client, "", "from/ full to/deep/");
	wire_ask_fails(&client, "PUT", "/data/to/x/", EMPTY "x-amz-copy-source: /data/to/\r\n", 404,
		       "NoSuchKey");
	stop(&server, &client);
}

/* An unfinished upload and empty folders keep no bucket; an object, be it a marker, does. */
Test(marker, a_bucket_that_lists_as_empty_is_removed)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_upload upload;
	char path[WIRE_PATH_BYTES];

	wire_put_start(&server, &client);
	snprintf(path, sizeof(path), "%s/another", server.own_root);
	must(mkdir(path, 0777) == 0);
	ask(&client, "PUT", "/another/dir/", EMPTY, 200);
	wire_ask_fails(&client, "DELETE", "/another", "", 409, "BucketNotEmpty");
	ask(&client, "DELETE", "/another/dir/", "", 204);
	wire_upload_begin(&client, &upload, "/another/key");
	snprintf(path, sizeof(path), "%s/another/by/hand", server.own_root);
	*strrchr(path, '/') = '\0';
	must(mkdir(path, 0777) == 0);
	ask(&client, "DELETE", "/another", "", 204);
	ask(&client, "HEAD", "/another", "", 404);
	stop(&server, &client);
}

Test(marker, types_of_what_was_put_there_by_hand)
{
	static const struct {
		const char *name;
		const char *type;
	} rows[] = {
		{"data/hand/meta.json", "application/json"},
		{"data/hand/a.parquet", "application/vnd.apache.parquet"},
		{"data/hand/000001", "application/octet-stream"},
	};
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char target[64];

	wire_put_start(&server, &client);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		wire_pattern_write(server.own_root, rows[i].name, 1, 10);
		snprintf(target, sizeof(target), "/%s", rows[i].name);
		wire_ask(&client, "HEAD", target, "", &response);
		wire_field_is(&response, "Content-Type", rows[i].type);
		wire_get(&client, target, "Range: bytes=0-3\r\n", &response);
		wire_field_is(&response, "Content-Type", rows[i].type);
		wire_read_object(&client, &response, 1, 0, 4);
	}
	ask(&client, "PUT", "/data/hand/told.json", EMPTY "Content-Type: text/x-told\r\n", 200);
	wire_ask(&client, "HEAD", "/data/hand/told.json", "", &response);
	wire_field_is(&response, "Content-Type", "text/x-told");
	stop(&server, &client);
}
