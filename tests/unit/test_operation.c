/* SPDX-License-Identifier: Apache-2.0 */
/* The table of operations: what each request is, what it needs, and that nothing else is reachable.
 */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "s3/operation.h"

struct row {
	const char *method;
	const char *target;
	bool is_copy;
	enum s3_operation operation;
	enum access_verb verb;
};

static const char *message; /* of the last find */

static int find(const char *method, const char *target, bool is_copy, bool is_writable,
		struct s3_route *route, enum s3_error *error)
{
	static char text[1024];
	static struct http_head head;
	struct s3_target parsed;
	enum http_head_error head_error;
	enum s3_target_error target_error;

	int n = snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: h\r\n%s\r\n", method, target,
			 is_copy ? "x-amz-copy-source: /a/b\r\n" : "");
	cr_assert_eq(http_head_parse(text, (size_t)n, 0, &head, &head_error), n);
	cr_assert_eq(s3_target_parse(head.target, &parsed, &target_error), 0);
	return s3_operation_find(&head, &parsed, is_writable, route, error, &message);
}

static const struct row rows[] = {
	{"GET", "/", false, S3_LIST_BUCKETS, ACCESS_LIST},
	{"GET", "/bkt?location", false, S3_GET_BUCKET_LOCATION, ACCESS_LIST},
	{"GET", "/bkt/?location=", false, S3_GET_BUCKET_LOCATION, ACCESS_LIST},
	{"GET", "/bkt?versions", false, S3_LIST_OBJECT_VERSIONS, ACCESS_LIST},
	{"GET", "/bkt?uploads", false, S3_LIST_MULTIPART_UPLOADS, ACCESS_LIST},
	{"GET", "/bkt", false, S3_LIST_OBJECTS, ACCESS_LIST},
	{"GET", "/bkt/?list-type=2&prefix=x", false, S3_LIST_OBJECTS_V2, ACCESS_LIST},
	{"HEAD", "/bkt", false, S3_HEAD_BUCKET, ACCESS_LIST},
	{"GET", "/bkt?versioning", false, S3_GET_BUCKET_SETTING, ACCESS_LIST},
	{"GET", "/bkt?policy=", false, S3_GET_BUCKET_SETTING, ACCESS_LIST},
	{"GET", "/bkt?%61cl", false, S3_GET_BUCKET_SETTING, ACCESS_LIST},
	{"GET", "/bkt?analytics&id=x", false, S3_GET_BUCKET_SETTING, ACCESS_LIST},
	{"GET", "/bkt/k?acl", false, S3_GET_OBJECT_SETTING, ACCESS_READ},
	{"GET", "/bkt/k?retention&versionId=null", false, S3_GET_OBJECT_SETTING, ACCESS_READ},
	{"PUT", "/bkt", false, S3_CREATE_BUCKET, ACCESS_WRITE},
	{"DELETE", "/bkt/", false, S3_DELETE_BUCKET, ACCESS_DELETE},
	{"POST", "/bkt?delete", false, S3_DELETE_OBJECTS, ACCESS_DELETE},
	{"GET", "/bkt/k?uploadId=1", false, S3_LIST_PARTS, ACCESS_WRITE},
	{"GET", "/bkt/k?attributes", false, S3_GET_OBJECT_ATTRIBUTES, ACCESS_READ},
	{"GET", "/bkt/k?tagging", false, S3_GET_OBJECT_TAGGING, ACCESS_READ},
	{"GET", "/bkt/k", false, S3_GET_OBJECT, ACCESS_READ},
	{"GET", "/bkt/k", true, S3_GET_OBJECT, ACCESS_READ}, /* means nothing there */
	{"GET", "/bkt/k?versionId=null&x-id=GetObject", false, S3_GET_OBJECT, ACCESS_READ},
	{"HEAD", "/bkt/k", false, S3_HEAD_OBJECT, ACCESS_READ},
	{"PUT", "/bkt/k", false, S3_PUT_OBJECT, ACCESS_WRITE},
	{"PUT", "/bkt/k", true, S3_COPY_OBJECT, ACCESS_WRITE},
	{"GET", "/bkt/k?partNumber=1", false, S3_GET_OBJECT, ACCESS_READ},
	{"HEAD", "/bkt/k?versionId=null&partNumber=1", false, S3_HEAD_OBJECT, ACCESS_READ},
	{"PUT", "/bkt/k?partNumber=1&uploadId=2", false, S3_UPLOAD_PART, ACCESS_WRITE},
	{"PUT", "/bkt/k?partNumber=1&uploadId=2", true, S3_UPLOAD_PART_COPY, ACCESS_WRITE},
	{"POST", "/bkt/k?uploads", false, S3_CREATE_MULTIPART_UPLOAD, ACCESS_WRITE},
	{"POST", "/bkt/k?uploadId=1", false, S3_COMPLETE_MULTIPART_UPLOAD, ACCESS_WRITE},
	{"DELETE", "/bkt/k?uploadId=1", false, S3_ABORT_MULTIPART_UPLOAD, ACCESS_WRITE},
	{"DELETE", "/bkt/k", false, S3_DELETE_OBJECT, ACCESS_DELETE},
};

Test(operation, every_row)
{
	struct s3_route route;
	enum s3_error error;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		cr_assert_eq(find(row->method, row->target, row->is_copy, true, &route, &error), 0,
			     "%s %s", row->method, row->target);
		cr_expect_eq(route.operation, row->operation, "%s %s", row->method, row->target);
		cr_expect_eq(route.verb, row->verb, "%s %s", row->method, row->target);
		cr_expect_eq(route.is_by_key, row->operation == S3_DELETE_OBJECTS ||
						      row->operation == S3_LIST_BUCKETS);
		bool is_writing = (row->verb & (ACCESS_WRITE | ACCESS_DELETE)) != 0;
		int r = find(row->method, row->target, row->is_copy, false, &route, &error);
		cr_expect_eq(r, is_writing ? -1 : 0, "read-only: %s %s", row->method, row->target);
		if (is_writing)
			cr_expect_eq(error, S3_ERROR_METHOD_NOT_ALLOWED);
		cr_expect_eq(message != NULL && strstr(message, "--writable") != NULL, is_writing,
			     "%s %s names the option", row->method, row->target);
	}
}

static bool is_part_of_object(const struct s3_route *route, const char *parameter)
{
	return strcmp(parameter, "partNumber") == 0 &&
	       (route->operation == S3_GET_OBJECT || route->operation == S3_HEAD_OBJECT);
}

/* A parameter that names another operation of S3 is never ignored: the answer would be of the wrong
 * one. */
Test(operation, other_parameters_are_not_ignored)
{
	static const char *const parameters[] = {
		"acl",
		"policy",
		"retention",
		"restore",
		"torrent",
		"select",
		"legal-hold",
		"website",
		"uploads",
		"partNumber",
		"delete",
		"lifecycle",
		"publicAccessBlock",
		"ownershipControls",
		"intelligent-tiering",
		"metadataConfiguration",
		"metadataTable",
		"renameObject",
		"session",
		"abac",
	};
	static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE"};
	static const char *const places[] = {"/bkt", "/bkt/k"};
	struct s3_route route;
	enum s3_error error;
	char target[64];

	for (size_t p = 0; p < ARRAY_LEN(parameters); p++) {
		for (size_t m = 0; m < ARRAY_LEN(methods); m++) {
			for (size_t a = 0; a < ARRAY_LEN(places); a++) {
				snprintf(target, sizeof(target), "%s?%s=1", places[a],
					 parameters[p]);
				int r = find(methods[m], target, false, true, &route, &error);
				if (r == 0)
					cr_expect(
						is_part_of_object(&route, parameters[p]) ||
							route.operation == S3_GET_BUCKET_SETTING ||
							route.operation == S3_GET_OBJECT_SETTING ||
							route.operation ==
								S3_LIST_MULTIPART_UPLOADS ||
							route.operation == S3_DELETE_OBJECTS ||
							route.operation ==
								S3_CREATE_MULTIPART_UPLOAD,
						"%s %s", methods[m], target);
				else
					cr_expect_eq(error, S3_ERROR_NOT_IMPLEMENTED, "%s %s",
						     methods[m], target);
			}
		}
	}
}

Test(operation, what_is_refused)
{
	struct s3_route route;
	enum s3_error error;

	cr_expect_eq(find("POST", "/bkt/k", false, true, &route, &error), -1);
	cr_expect_eq(error, S3_ERROR_METHOD_NOT_ALLOWED);
	cr_expect_eq(find("PATCH", "/bkt/k", false, true, &route, &error), -1);
	cr_expect_eq(error, S3_ERROR_NOT_IMPLEMENTED);
	cr_expect_eq(find("PUT", "/bkt?acl", false, true, &route, &error), -1);
	cr_expect_eq(error, S3_ERROR_NOT_IMPLEMENTED);
	cr_expect_eq(find("HEAD", "/bkt?acl", false, true, &route, &error), -1);
	cr_expect_eq(error, S3_ERROR_NOT_IMPLEMENTED);
	cr_expect_eq(find("GET", "/bkt?acl&policy", false, true, &route, &error), -1);
	cr_expect_eq(error, S3_ERROR_NOT_IMPLEMENTED);
	cr_expect_eq(find("GET", "/bkt/k?cors", false, true, &route, &error), -1);
	cr_expect_eq(error, S3_ERROR_NOT_IMPLEMENTED);
	cr_expect_eq(find("DELETE", "/", false, true, &route, &error), -1);
	cr_expect_eq(error, S3_ERROR_NOT_IMPLEMENTED);
	cr_expect_eq(find("GET", "/bkt/k?versionId=3", false, true, &route, &error), -1);
	cr_expect_eq(error, S3_ERROR_NO_SUCH_VERSION);
}
