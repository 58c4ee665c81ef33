/* SPDX-License-Identifier: Apache-2.0 */
/* What requests ask for in fields, by the table itself: each field with each operation is done, is
 * harmless, or is refused before anything happens. */
#include "s3/fields.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "s3/operation.h"

static const char *const methods[] = {
	[HTTP_GET] = "GET",   [HTTP_HEAD] = "HEAD",     [HTTP_PUT] = "PUT",
	[HTTP_POST] = "POST", [HTTP_DELETE] = "DELETE",
};

static const char *message;

/* S3_ERROR_COUNT: it is carried out. fields: whole lines. */
static enum s3_error ask(const struct s3_operation_row *row, const char *fields)
{
	static char text[2048];
	static struct http_head head;
	const char *path[] = {"/", "/bkt", "/bkt/k"};
	char query[64] = "";
	struct s3_target target;
	struct s3_route route;
	enum http_head_error head_error;
	enum s3_target_error target_error;
	enum s3_error error = S3_ERROR_COUNT;

	for (int i = 0; i < S3_ROW_QUERY_MAX && row->query[i] != NULL; i++)
		snprintf(query + strlen(query), sizeof(query) - strlen(query), "%c%s=2",
			 i == 0 ? '?' : '&', row->query[i]);
	int n = snprintf(text, sizeof(text), "%s %s%s HTTP/1.1\r\nHost: h\r\n%s%s\r\n",
			 methods[row->method], path[row->place], query,
			 row->is_copy ? "x-amz-copy-source: /a/b\r\n" : "", fields);
	must(http_head_parse(text, (size_t)n, 0, &head, &head_error) == n);
	must(s3_target_parse(head.target, &target, &target_error) == 0);
	if (s3_operation_find(&head, &target, true, &route, &error, &message) < 0)
		return error;
	cr_assert_eq(route.operation, row->route.operation);
	return S3_ERROR_COUNT;
}

/* What is neither read nor written as the copy's source is. */
static bool is_source(const struct s3_field_row *field)
{
	return strcmp(field->name, "x-amz-copy-source") == 0;
}

static void check_values(const struct s3_operation_row *row, const struct s3_field_row *field)
{
	enum s3_field_use use = s3_field_use(field, row->route.operation);
	const char *rest = field->is_prefix ? "x" : "";
	char line[256];

	snprintf(line, sizeof(line), "%s%s: 1\r\n", field->name, rest);
	cr_expect_eq(ask(row, line),
		     use == S3_FIELD_REFUSED ? S3_ERROR_NOT_IMPLEMENTED : S3_ERROR_COUNT,
		     "operation %d with %s", row->route.operation, line);
	cr_expect_eq(use == S3_FIELD_REFUSED, message != NULL);
	snprintf(line, sizeof(line), "%s%s:\r\n", field->name, rest);
	bool is_taken = use != S3_FIELD_REFUSED || field->neutral != NULL;
	cr_expect_eq(ask(row, line), is_taken ? S3_ERROR_COUNT : S3_ERROR_NOT_IMPLEMENTED,
		     "operation %d with %s", row->route.operation, line);
	struct slice list = {field->neutral, field->neutral != NULL ? strlen(field->neutral) : 0};
	struct slice value;
	while (slice_list_next(&list, &value)) {
		snprintf(line, sizeof(line), "%s%s: %.*s\r\n", field->name, rest, (int)value.len,
			 value.at);
		cr_expect_eq(ask(row, line), S3_ERROR_COUNT, "operation %d with %s",
			     row->route.operation, line);
	}
}

Test(fields, every_field_with_every_operation)
{
	const struct s3_operation_row *row;
	const struct s3_field_row *field;

	for (size_t i = 0; (row = s3_operation_row(i)) != NULL; i++)
		for (size_t f = 0; (field = s3_field_row(f)) != NULL; f++)
			if (!is_source(field))
				check_values(row, field);
}

/* Only what asks nothing of a request that writes is dropped from it: that is a decision, written
 * down here a second time. */
Test(fields, dropped_from_writes)
{
	static const char harmless[] =
		"x-amz-date, x-amz-security-token, x-amz-s3session-token, x-amz-user-agent, "
		"x-amz-request-payer, x-amz-mfa, "
		"x-amz-bypass-governance-retention, x-amz-checksum-type, "
		"x-amz-object-ownership, x-amz-optional-object-attributes, x-amz-checksum-mode, "
		"x-amz-object-attributes, x-amz-max-parts, x-amz-part-number-marker, "
		"x-amz-api-version";
	const struct s3_field_row *field;

	for (size_t f = 0; (field = s3_field_row(f)) != NULL; f++) {
		bool is_listed =
			slice_list_has((struct slice){harmless, strlen(harmless)}, field->name);
		cr_expect_eq(s3_field_use(field, S3_PUT_OBJECT) == S3_FIELD_HARMLESS,
			     is_listed || strcmp(field->name, "x-amz-metadata-directive") == 0 ||
				     strcmp(field->name, "x-amz-checksum-algorithm") == 0,
			     "%s", field->name);
		cr_expect(!is_listed || s3_field_use(field, S3_DELETE_OBJECT) == S3_FIELD_HARMLESS,
			  "%s", field->name);
	}
}

Test(fields, what_must_not_be_dropped)
{
	static const struct {
		enum s3_operation operation;
		const char *field;
		bool is_taken;
	} rows[] = {
		{S3_PUT_OBJECT, "If-Unmodified-Since: Mon, 23 Nov 2026 14:00:00 GMT", false},
		{S3_PUT_OBJECT, "If-Modified-Since: Mon, 23 Nov 2026 14:00:00 GMT", false},
		{S3_PUT_OBJECT, "x-amz-if-match-size: 1", false},
		{S3_PUT_OBJECT, "x-amz-checksum-xxhash64: AAAA", false},
		{S3_PUT_OBJECT, "x-amz-checksum-md5: AAAA", false},
		{S3_PUT_OBJECT, "x-amz-checksum-sha512: AAAA", true},
		{S3_PUT_OBJECT, "x-amz-tagging: a=b", false},
		{S3_PUT_OBJECT, "x-amz-tagging:", true},
		{S3_PUT_OBJECT, "x-amz-acl: public-read", false},
		{S3_PUT_OBJECT, "x-amz-acl: private", true},
		{S3_PUT_OBJECT, "x-amz-grant-read: id=1", false},
		{S3_PUT_OBJECT, "x-amz-storage-class: DEEP_ARCHIVE", false},
		{S3_PUT_OBJECT, "x-amz-storage-class: standard", true},
		{S3_PUT_OBJECT, "x-amz-object-lock-mode: GOVERNANCE", false},
		{S3_PUT_OBJECT, "x-amz-object-lock-legal-hold: ON", false},
		{S3_PUT_OBJECT, "x-amz-object-lock-legal-hold: OFF", true},
		{S3_PUT_OBJECT, "x-amz-server-side-encryption: AES256", false},
		{S3_PUT_OBJECT, "x-amz-something-of-tomorrow: 1", false},
		{S3_PUT_OBJECT, "x-amz-meta-a: 1", true},
		{S3_PUT_OBJECT, "x-amzn-trace-id: 1", true},
		{S3_PUT_OBJECT, "Content-Range: bytes 0-4/10", false},
		{S3_PUT_OBJECT, "x-amz-expected-bucket-owner: 111122223333", false},
		{S3_GET_OBJECT, "x-amz-expected-bucket-owner: 111122223333", false},
		{S3_LIST_OBJECTS_V2, "x-amz-expected-bucket-owner: 111122223333", false},
		{S3_GET_OBJECT, "x-amz-server-side-encryption-customer-key: x", false},
		{S3_HEAD_OBJECT, "x-amz-server-side-encryption-customer-key: x", false},
		{S3_GET_OBJECT, "x-amz-something-of-tomorrow: 1", true},
		{S3_GET_OBJECT, "If-Unmodified-Since: Mon, 23 Nov 2026 14:00:00 GMT", true},
		{S3_DELETE_OBJECT, "If-None-Match: *", false},
		{S3_DELETE_OBJECT, "x-amz-if-match-size: 1", true},
		{S3_DELETE_OBJECT, "x-amz-if-match-last-modified-time: x", true},
		{S3_DELETE_OBJECT, "If-Unmodified-Since: Mon, 23 Nov 2026 14:00:00 GMT", false},
		{S3_ABORT_MULTIPART_UPLOAD, "x-amz-if-match-initiated-time: x", false},
		{S3_DELETE_BUCKET, "If-Match: x", false},
		{S3_UPLOAD_PART, "If-None-Match: *", false},
		{S3_COPY_OBJECT, "x-amz-copy-source-range: bytes=0-1", false},
		{S3_COPY_OBJECT, "x-amz-copy-source-server-side-encryption-customer-key: x", false},
		{S3_CREATE_BUCKET, "x-amz-bucket-object-lock-enabled: true", false},
		{S3_CREATE_BUCKET, "x-amz-bucket-object-lock-enabled: false", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct s3_operation_row *row;
		char line[128];

		snprintf(line, sizeof(line), "%s\r\n", rows[i].field);
		for (size_t o = 0; (row = s3_operation_row(o)) != NULL; o++)
			if (row->route.operation == rows[i].operation)
				cr_expect_eq(ask(row, line),
					     rows[i].is_taken ? S3_ERROR_COUNT
							      : S3_ERROR_NOT_IMPLEMENTED,
					     "%s of operation %d", rows[i].field,
					     rows[i].operation);
	}
}

/* Which of the two would be the one that counts? */
Test(fields, twice)
{
	const struct s3_operation_row *row;
	const struct s3_field_row *field;
	char lines[256];

	for (size_t i = 0; (row = s3_operation_row(i)) != NULL; i++) {
		bool is_writing = (row->route.verb & (ACCESS_WRITE | ACCESS_DELETE)) != 0 &&
				  row->route.operation != S3_LIST_PARTS;
		for (size_t f = 0; (field = s3_field_row(f)) != NULL; f++) {
			bool is_http = field->name[0] == 'i'; /* refused with the head */
			if (is_http || is_source(field) || field->is_prefix ||
			    s3_field_use(field, row->route.operation) == S3_FIELD_REFUSED)
				continue;
			snprintf(lines, sizeof(lines), "%s: 1\r\n%s: 1\r\n", field->name,
				 field->name);
			cr_expect_eq(ask(row, lines),
				     is_writing && !field->is_list ? S3_ERROR_INVALID_REQUEST
								   : S3_ERROR_COUNT,
				     "operation %d with %s", row->route.operation, field->name);
		}
	}
}
