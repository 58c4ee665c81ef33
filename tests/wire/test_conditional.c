/* SPDX-License-Identifier: Apache-2.0 */
/* If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range (RFC 9110, 13). */
#include "wire/wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

TestSuite(conditional, .timeout = WIRE_TIMEOUT);

#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AT     "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER  "Sun, 06 Nov 1994 08:49:38 GMT"
#define SIZE   1000
#define SEED   3

/* ETAG in fields stands for the object's; first and bytes of what is sent with 200 and 206. */
struct row {
	const char *fields;
	int status;
	unsigned first;
	unsigned bytes;
};

static void etag_put(const char *fields, const char *etag, char out[512])
{
	const char *at = strstr(fields, "ETAG");

	if (at == NULL)
		snprintf(out, 512, "%s", fields);
	else
		snprintf(out, 512, "%.*s%s%s", (int)(at - fields), fields, etag, at + 4);
}

static void row_ask(struct wire_client *client, const struct row *row, const char *etag)
{
	struct wire_response response;
	char fields[512], value[WIRE_VALUE_MAX];

	etag_put(row->fields, etag, fields);
	for (int is_head = 0; is_head < 2; is_head++) {
		wire_ask(client, is_head ? "HEAD" : "GET", "/data/object", fields, &response);
		cr_assert_eq(response.status, row->status, "status %d, not %d, to %s",
			     response.status, row->status, fields);
		switch (row->status) {
		case 304: /* the fields that a 200 would have had, and no body */
			wire_field_is(&response, "ETag", etag);
			wire_field_is(&response, "Last-Modified", AT);
			cr_assert_null(wire_field(&response, "Content-Range", value));
			break;
		case 412:
			wire_read_error(client, &response, 412, "PreconditionFailed");
			break;
		default:
			cr_assert_str_eq(response.etag, etag);
			wire_read_object(client, &response, SEED, row->first, row->bytes);
		}
	}
}

static void rows_ask(const struct row *rows, size_t count)
{
	const struct timespec times[2] = {{.tv_sec = 784111777}, {.tv_sec = 784111777}};
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char path[PATH_MAX];

	wire_pattern_write(wire_server_root(&server), "data/object", SEED, SIZE);
	snprintf(path, sizeof(path), "%.1000s/data/object", server.root);
	cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_ask(&client, "HEAD", "/data/object", "", &response);
	wire_field_is(&response, "Last-Modified", AT);
	char etag[WIRE_VALUE_MAX];
	strcpy(etag, response.etag);
	for (size_t i = 0; i < count; i++)
		row_ask(&client, &rows[i], etag);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(conditional, if_match)
{
	static const struct row rows[] = {
		{"If-Match: ETAG\r\n", 200, 0, SIZE},
		{"If-Match: *\r\n", 200, 0, SIZE},
		{"If-Match: \"other\"\r\n", 412, 0, 0},
		{"If-Match: \"other\", ETAG\r\n", 200, 0, SIZE},
		{"If-Match: \"a\", \"b,c\" , ETAG, \"d\"\r\n", 200, 0, SIZE},
		{"If-Match: W/ETAG\r\n", 412, 0, 0}, /* the strong comparison */
		{"If-Match: ETAG\r\nRange: bytes=1-2\r\n", 206, 1, 2},
		{"If-Match: \"other\"\r\nRange: bytes=1-2\r\n", 412, 0, 0},
	};
	rows_ask(rows, ARRAY_LEN(rows));
}

Test(conditional, if_none_match)
{
	static const struct row rows[] = {
		{"If-None-Match: ETAG\r\n", 304, 0, 0},
		{"If-None-Match: W/ETAG\r\n", 304, 0, 0}, /* the weak comparison */
		{"If-None-Match: *\r\n", 304, 0, 0},
		{"If-None-Match: \"other\"\r\n", 200, 0, SIZE},
		{"If-None-Match: \"other\", ETAG\r\n", 304, 0, 0},
		{"If-None-Match: ETAG\r\nRange: bytes=1-2\r\n", 304, 0, 0},
		{"If-None-Match: \"other\"\r\nRange: bytes=1-2\r\n", 206, 1, 2},
	};
	rows_ask(rows, ARRAY_LEN(rows));
}

Test(conditional, if_modified_since)
{
	static const struct row rows[] = {
		{"If-Modified-Since: " AT "\r\n", 304, 0, 0},
		{"If-Modified-Since: " AFTER "\r\n", 304, 0, 0},
		{"If-Modified-Since: " BEFORE "\r\n", 200, 0, SIZE},
		{"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", 304, 0, 0},
		{"If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", 304, 0, 0},
		{"If-Modified-Since: yesterday\r\n", 200, 0, SIZE},
	};
	rows_ask(rows, ARRAY_LEN(rows));
}

Test(conditional, if_unmodified_since)
{
	static const struct row rows[] = {
		{"If-Unmodified-Since: " AT "\r\n", 200, 0, SIZE},
		{"If-Unmodified-Since: " AFTER "\r\n", 200, 0, SIZE},
		{"If-Unmodified-Since: " BEFORE "\r\n", 412, 0, 0},
		{"If-Unmodified-Since: never\r\n", 200, 0, SIZE},
	};
	rows_ask(rows, ARRAY_LEN(rows));
}

/* RFC 9110 section 13.2.2: the entity-tag decides where both stand. */
Test(conditional, order)
{
	static const struct row rows[] = {
		{"If-None-Match: \"other\"\r\nIf-Modified-Since: " AFTER "\r\n", 200, 0, SIZE},
		{"If-None-Match: ETAG\r\nIf-Modified-Since: " BEFORE "\r\n", 304, 0, 0},
		{"If-Match: ETAG\r\nIf-Unmodified-Since: " BEFORE "\r\n", 200, 0, SIZE},
		{"If-Match: \"other\"\r\nIf-Unmodified-Since: " AFTER "\r\n", 412, 0, 0},
		{"If-Match: ETAG\r\nIf-Modified-Since: " AT "\r\n", 304, 0, 0},
		{"If-Unmodified-Since: " BEFORE "\r\nIf-None-Match: \"other\"\r\n", 412, 0, 0},
	};
	rows_ask(rows, ARRAY_LEN(rows));
}

Test(conditional, if_range)
{
	static const struct row rows[] = {
		{"If-Range: ETAG\r\nRange: bytes=10-19\r\n", 206, 10, 10},
		{"If-Range: " AT "\r\nRange: bytes=10-19\r\n", 206, 10, 10},
		{"If-Range: \"other\"\r\nRange: bytes=10-19\r\n", 200, 0, SIZE},
		{"If-Range: W/ETAG\r\nRange: bytes=10-19\r\n", 200, 0, SIZE},
		{"If-Range: " BEFORE "\r\nRange: bytes=10-19\r\n", 200, 0, SIZE},
		{"If-Range: " AFTER "\r\nRange: bytes=10-19\r\n", 200, 0, SIZE},
		{"If-Range: \"other\"\r\nRange: bytes=5000-\r\n", 200, 0, SIZE},
		{"If-Range: ETAG\r\n", 200, 0, SIZE},
	};
	rows_ask(rows, ARRAY_LEN(rows));
}

/* Some clients (s3fs) go by which one it was. */
Test(conditional, that_failed_is_named)
{
	static const struct {
		const char *method, *fields, *condition;
	} rows[] = {
		{"GET", "If-Match: \"x\"\r\n", "If-Match"},
		{"GET", "If-None-Match: \"x\"\r\nIf-Unmodified-Since: " BEFORE "\r\n",
		 "If-Unmodified-Since"},
		{"PUT", "If-None-Match: *\r\nContent-Length: 0\r\n", "If-None-Match"},
		{"PUT", "If-Match: \"x\"\r\nContent-Length: 0\r\n", "If-Match"},
		{"PUT", "x-amz-copy-source: /data/object\r\nx-amz-copy-source-if-match: \"x\"\r\n",
		 "x-amz-copy-source-If-Match"},
		{"DELETE", "x-amz-if-match-size: 7\r\n", "x-amz-if-match-size"},
	};
	struct wire_server server = {.writable = true};
	struct wire_client client = {0};
	struct wire_response response;
	char wanted[128];

	wire_pattern_write(wire_server_root(&server), "data/object", SEED, SIZE);
	wire_server_start(&server);
	wire_connect(&client, &server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		wire_ask(&client, rows[i].method, "/data/object", rows[i].fields, &response);
		wire_read_text(&client, &response);
		snprintf(wanted, sizeof(wanted), "<Condition>%s</Condition>", rows[i].condition);
		cr_expect_eq(response.status, 412);
		cr_expect_not_null(strstr(response.text, wanted), "row %zu: %s", i, response.text);
	}
	wire_ask(&client, "GET", "/data/none", "If-None-Match: *\r\n", &response);
	wire_read_text(&client, &response);
	cr_expect_null(strstr(response.text, "<Condition>"));
	wire_disconnect(&client);
	wire_server_stop(&server);
}
