/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/operation.h"

#include <string.h>

#include "base/must.h"
#include "s3/fields.h"
#include "s3/op.h"
#include "s3/settings.h"

static const struct s3_operation_row rows[] = {
/* clang-format off */
#define ROW_OF(method, place, query1, query2, is_copy, is_by_key, operation, verb, body, begin, run) \
	{HTTP_##method, S3_PLACE_##place, {query1, query2}, is_copy, \
	 {S3_##operation, ACCESS_##verb, is_by_key, S3_BODY_##body, begin, run}}
#define ROW(method, place, query1, query2, ...) \
	ROW_OF(method, place, query1, query2, false, false, __VA_ARGS__)
#define COPY(method, place, query1, query2, ...) \
	ROW_OF(method, place, query1, query2, true, false, __VA_ARGS__)
#define KEYS(method, place, query1, query2, ...) \
	ROW_OF(method, place, query1, query2, false, true, __VA_ARGS__)
	/* Of objects first: most requests are. */
	ROW(GET, OBJECT, "uploadId", NULL, LIST_PARTS, WRITE, NONE, NULL, op_list_parts),
	ROW(GET, OBJECT, "attributes", NULL, GET_OBJECT_ATTRIBUTES, READ, NONE, NULL, op_get_object_attributes),
	ROW(GET, OBJECT, "tagging", NULL, GET_OBJECT_TAGGING, READ, NONE, NULL, op_get_object_setting),
	ROW(GET, OBJECT, "partNumber", NULL, GET_OBJECT, READ, NONE, NULL, op_object_fields),
	ROW(GET, OBJECT, NULL, NULL, GET_OBJECT, READ, NONE, NULL, op_object_fields),
	ROW(HEAD, OBJECT, "partNumber", NULL, HEAD_OBJECT, READ, NONE, NULL, op_object_fields),
	ROW(HEAD, OBJECT, NULL, NULL, HEAD_OBJECT, READ, NONE, NULL, op_object_fields),
	/* The source's verb, read, is asked for by run. */
	COPY(PUT, OBJECT, "uploadId", "partNumber", UPLOAD_PART_COPY, WRITE, NONE, NULL, op_upload_part_copy),
	COPY(PUT, OBJECT, NULL, NULL, COPY_OBJECT, WRITE, NONE, NULL, op_copy_object),
	ROW(PUT, OBJECT, "uploadId", "partNumber", UPLOAD_PART, WRITE, FILE, op_upload_part_begin, op_upload_part),
	ROW(PUT, OBJECT, NULL, NULL, PUT_OBJECT, WRITE, FILE, op_put_object_begin, op_put_object),
	ROW(POST, OBJECT, "uploads", NULL, CREATE_MULTIPART_UPLOAD, WRITE, NONE, NULL, op_create_multipart_upload),
	ROW(POST, OBJECT, "uploadId", NULL, COMPLETE_MULTIPART_UPLOAD, WRITE, TEXT, NULL, op_complete_multipart_upload),
	ROW(DELETE, OBJECT, "uploadId", NULL, ABORT_MULTIPART_UPLOAD, WRITE, NONE, NULL, op_abort_multipart_upload),
	ROW(DELETE, OBJECT, NULL, NULL, DELETE_OBJECT, DELETE, NONE, NULL, op_delete_object),
	/* Each bucket is allowed by itself: who may see one is told of that. */
	KEYS(GET, SERVICE, NULL, NULL, LIST_BUCKETS, LIST, NONE, NULL, op_list_buckets),

#define SETTING(place, param, ...) SETTING_OF_##place(param)
#define SETTING_OF_BUCKET(param) \
	ROW(GET, BUCKET, param, NULL, GET_BUCKET_SETTING, LIST, NONE, NULL, op_get_bucket_setting),
#define SETTING_OF_OBJECT(param) \
	ROW(GET, OBJECT, param, NULL, GET_OBJECT_SETTING, READ, NONE, NULL, op_get_object_setting),
	S3_SETTINGS(SETTING, SETTING, SETTING)

	ROW(GET, BUCKET, "location", NULL, GET_BUCKET_LOCATION, LIST, NONE, NULL, op_get_bucket_location),
	ROW(GET, BUCKET, "versions", NULL, LIST_OBJECT_VERSIONS, LIST, NONE, NULL, op_list_objects),
	ROW(GET, BUCKET, "uploads", NULL, LIST_MULTIPART_UPLOADS, LIST, NONE, NULL, op_list_multipart_uploads),
	ROW(GET, BUCKET, "list-type", NULL, LIST_OBJECTS_V2, LIST, NONE, NULL, op_list_objects),
	ROW(GET, BUCKET, NULL, NULL, LIST_OBJECTS, LIST, NONE, NULL, op_list_objects),
	ROW(HEAD, BUCKET, NULL, NULL, HEAD_BUCKET, LIST, NONE, NULL, NULL),
	ROW(PUT, BUCKET, NULL, NULL, CREATE_BUCKET, WRITE, TEXT, NULL, op_create_bucket),
	ROW(DELETE, BUCKET, NULL, NULL, DELETE_BUCKET, DELETE, NONE, NULL, op_delete_bucket),
	/* Each key is allowed by itself, when it is known. */
	KEYS(POST, BUCKET, "delete", NULL, DELETE_OBJECTS, DELETE, TEXT, NULL, op_delete_objects),

	/* clang-format on */
};

/* Parameters that choose among S3's operations. Any other (x-id, X-Amz-Signature ...) only
 * decorates a request. Amazon S3 API Reference, "Actions". */
static const char *const subresources[] = {
	"abac",
	"accelerate",
	"acl",
	"analytics",
	"attributes",
	"cors",
	"delete",
	"encryption",
	"intelligent-tiering",
	"inventory",
	"legal-hold",
	"lifecycle",
	"location",
	"logging",
	"metadataConfiguration",
	"metadataInventoryTable",
	"metadataJournalTable",
	"metadataTable",
	"metrics",
	"notification",
	"object-lock",
	"ownershipControls",
	"partNumber",
	"policy",
	"policyStatus",
	"publicAccessBlock",
	"renameObject",
	"replication",
	"requestPayment",
	"restore",
	"retention",
	"select",
	"session",
	"tagging",
	"torrent",
	"uploadId",
	"uploads",
	"versioning",
	"versions",
	"website",
};

static bool has_param(struct slice query, const char *name)
{
	return s3_query_param(query, name).at != NULL;
}

static bool has_subresource(struct slice query)
{
	for (size_t i = 0; i < ARRAY_LEN(subresources); i++)
		if (has_param(query, subresources[i]))
			return true;
	return false;
}

static bool is_one_of(const char *name, const char *const names[S3_ROW_QUERY_MAX])
{
	for (int i = 0; i < S3_ROW_QUERY_MAX; i++)
		if (names[i] != NULL && strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool query_matches(struct slice query, const char *const wanted[S3_ROW_QUERY_MAX])
{
	if (query.len == 0) /* as most GETs have it */
		return wanted[0] == NULL;
	for (int i = 0; i < S3_ROW_QUERY_MAX; i++)
		if (wanted[i] != NULL && !has_param(query, wanted[i]))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(subresources); i++)
		if (has_param(query, subresources[i]) && !is_one_of(subresources[i], wanted))
			return false;
	return true;
}

static enum s3_place place_of(const struct s3_target *target)
{
	if (target->bucket[0] == '\0')
		return S3_PLACE_SERVICE;
	return target->object_key_len == 0 ? S3_PLACE_BUCKET : S3_PLACE_OBJECT;
}

static const struct s3_operation_row *find(const struct http_head *head,
					   const struct s3_target *target)
{
	enum s3_place place = place_of(target);
	bool is_copy =
		head->method == HTTP_PUT && http_head_find(head, "x-amz-copy-source").at != NULL;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].method == head->method && rows[i].place == place &&
		    rows[i].is_copy == is_copy && query_matches(target->query, rows[i].query))
			return &rows[i];
	return NULL;
}

const struct s3_operation_row *s3_operation_row(size_t index)
{
	return index < ARRAY_LEN(rows) ? &rows[index] : NULL;
}

int s3_operation_find(const struct http_head *head, const struct s3_target *target,
		      bool is_writable, struct s3_route *route, enum s3_error *error,
		      const char **text)
{
	static const char read_only[] =
		"This server is read-only: without --writable (in the file: writable: true) "
		"nothing that writes or deletes is served.";
	struct slice version = s3_query_param(target->query, "versionId");
	const struct s3_operation_row *row = find(head, target);

	*text = NULL;
	if (row == NULL) {
		bool is_simple = head->method != HTTP_OTHER && !has_subresource(target->query);
		*error = is_simple && place_of(target) != S3_PLACE_SERVICE
				 ? S3_ERROR_METHOD_NOT_ALLOWED
				 : S3_ERROR_NOT_IMPLEMENTED;
		return -1;
	}
	*error = S3_ERROR_METHOD_NOT_ALLOWED;
	if (!is_writable && (row->route.verb & (ACCESS_WRITE | ACCESS_DELETE)) != 0) {
		*text = read_only;
		return -1;
	}
	*error = S3_ERROR_NO_SUCH_VERSION; /* an object has one version, and that is "null" */
	if (version.len > 0 && !slice_is(version, "null"))
		return -1;
	*route = row->route;
	return s3_fields_check(head, target->query, route->operation, error, text);
}
