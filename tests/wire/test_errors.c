/* SPDX-License-Identifier: Apache-2.0 */
/* S3 errors: status, code, XML; and a connection that stays usable after each. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

TestSuite(errors, .timeout = WIRE_TIMEOUT);

struct error_row {
	const char *method;
	const char *target;
	int status;
	const char *code;
};

/* All over one connection; wire_ask_refused fetches an object after each. */
static void rows_ask(const struct error_row *rows, size_t count)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	for (size_t i = 0; i < count; i++)
		wire_ask_refused(&client, rows[i].method, rows[i].target, "", rows[i].status,
				 rows[i].code);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(errors, not_found)
{
	static const struct error_row rows[] = {
		{"GET", "/data/missing", 404, "NoSuchKey"},
		{"HEAD", "/data/missing", 404, "NoSuchKey"},
		{"GET", "/data/missing/below/that", 404, "NoSuchKey"},
		{"GET", "/data/size-1/below", 404, "NoSuchKey"}, /* an object is no folder */
		{"GET", "/data/a/b", 404, "NoSuchKey"},          /* and a folder no object */
		{"GET", "/data/a/b/", 404, "NoSuchKey"},
		{"GET", "/data/size-1/", 404, "NoSuchKey"},
		{"GET", "/no-bucket/missing", 404, "NoSuchBucket"},
		{"HEAD", "/no-bucket/missing", 404, "NoSuchBucket"},
		{"HEAD", "/no-bucket", 404, "NoSuchBucket"},
		{"GET", "/no-bucket?list-type=2", 404, "NoSuchBucket"},
		{"GET", "/data/size-100?versionId=1", 404, "NoSuchVersion"},
	};
	rows_ask(rows, ARRAY_LEN(rows));
}

/* The answer names the option that is missing. */
Test(errors, read_only_names_writable)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_ask(&client, "PUT", "/data/new", "Content-Length: 0\r\n", &response);
	wire_read_error(&client, &response, 405, "MethodNotAllowed");
	cr_assert_not_null(strstr(response.text, "--writable"), "%s", response.text);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(errors, read_only)
{
	static const struct error_row rows[] = {
		{"PUT", "/data/new", 405, "MethodNotAllowed"},
		{"POST", "/data/size-100", 405, "MethodNotAllowed"},
		{"DELETE", "/data/size-100", 405, "MethodNotAllowed"},
		{"DELETE", "/data/missing", 405, "MethodNotAllowed"},
		{"PUT", "/new-bucket", 405, "MethodNotAllowed"},
		{"DELETE", "/data", 405, "MethodNotAllowed"},
		{"POST", "/data?delete", 405, "MethodNotAllowed"},
		{"POST", "/data/new?uploads", 405, "MethodNotAllowed"},
		{"GET", "/data/size-100?uploadId=1", 405, "MethodNotAllowed"},
	};
	rows_ask(rows, ARRAY_LEN(rows));
}

Test(errors, not_implemented)
{
	static const struct error_row rows[] = {
		{"GET", "/data/size-100?restore", 501, "NotImplemented"},
		{"GET", "/data/size-100?torrent=", 501, "NotImplemented"},
		{"GET", "/data/size-100?x=1&select", 501, "NotImplemented"},
		{"GET", "/data/?abac", 501, "NotImplemented"},
		{"GET", "/data?metadataTable=", 501, "NotImplemented"},
		{"PUT", "/data/size-100?acl", 501, "NotImplemented"},
		{"PUT", "/", 501, "NotImplemented"},
		{"PATCH", "/data/size-100", 501, "NotImplemented"},
		{"OPTIONS", "/data/size-100", 501, "NotImplemented"},
		{"get", "/data/size-100", 501, "NotImplemented"}, /* methods have a case */
		{"PROPFIND", "/data/", 501, "NotImplemented"},
	};
	rows_ask(rows, ARRAY_LEN(rows));
}

Test(errors, allow_is_said_with_405)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_ask(&client, "DELETE", "/data/size-100", "", &response);
	wire_field_is(&response, "Allow", "GET, HEAD");
	wire_read_error(&client, &response, 405, "MethodNotAllowed");
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* HEAD has the fields of the GET's error, and no body. */
Test(errors, head_has_no_body)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response get, head;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_get(&client, "/data/missing", "", &get);
	wire_read_error(&client, &get, 404, "NoSuchKey");
	wire_ask(&client, "HEAD", "/data/missing", "", &head);
	cr_assert_eq(head.status, 404);
	cr_assert_eq(head.content_length, get.content_length);
	cr_assert(wire_is_silent(&client, 100));
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* What the client sent comes back as text, never as markup. */
Test(errors, resource_is_escaped)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_get(&client, "/data/<b>&\"'</b>", "", &response);
	wire_read_error(&client, &response, 404, "NoSuchKey");
	cr_assert_not_null(strstr(response.text, "<Resource>/data/&lt;b&gt;&amp;&quot;&apos;"
						 "&lt;/b&gt;</Resource>"),
			   "%s", response.text);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The largest answer that an error can have: a key of 1,024 bytes that each need six. */
Test(errors, longest_resource)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char target[1100];

	wire_server_start(&server);
	wire_connect(&client, &server);
	int n = snprintf(target, sizeof(target), "/data/");
	memset(target + n, '"', 1024);
	for (int i = 200; i < 1024; i += 200) /* components of 255 bytes at most */
		target[n + i] = '/';
	target[n + 1024] = '\0';
	wire_get(&client, target, "", &response);
	wire_read_error(&client, &response, 404, "NoSuchKey");
	cr_assert_not_null(strstr(response.text, "&quot;</Resource>"));
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(errors, counted)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_ask_refused(&client, "GET", "/data/missing", "", 404, "NoSuchKey");
	wire_ask_refused(&client, "HEAD", "/data/missing", "", 404, "NoSuchKey");
	wire_ask_refused(&client, "DELETE", "/data/missing", "", 405, "MethodNotAllowed");
	wire_metric_reaches(&server, "sluice_http_requests_total{method=\"GET\",code=\"200\"}", 3);
	wire_metric_reaches(&server, "sluice_http_requests_total{method=\"GET\",code=\"404\"}", 1);
	wire_metric_reaches(&server, "sluice_http_requests_total{method=\"HEAD\",code=\"404\"}", 1);
	wire_log_has(&server, "msg=request ", "status=404 ", "error=NoSuchKey");
	wire_log_has(&server, "msg=request ", "status=405 ", "error=MethodNotAllowed");
	wire_disconnect(&client);
	wire_server_stop(&server);
}
