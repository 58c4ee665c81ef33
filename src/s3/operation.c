/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/operation.h"

#include <string.h>

#include "base/must.h"

enum place { PLACE_SERVICE, PLACE_BUCKET, PLACE_OBJECT };

static const struct {
	enum http_method method;
	enum place place;
	struct s3_route route;
} routes[] = {
	{HTTP_GET, PLACE_OBJECT, {S3_GET_OBJECT, ACCESS_READ}},
	{HTTP_HEAD, PLACE_OBJECT, {S3_HEAD_OBJECT, ACCESS_READ}},
	{HTTP_HEAD, PLACE_BUCKET, {S3_HEAD_BUCKET, ACCESS_LIST}},
};

/* Parameters that choose among S3's operations. Any other (x-id, X-Amz-Signature ...) only
 * decorates a request. Amazon S3 API Reference, "Actions". */
static const char *const subresources[] = {
	"accelerate",     "acl",          "analytics",   "attributes", "cors",     "delete",
	"encryption",     "inventory",    "legal-hold",  "lifecycle",  "location", "logging",
	"metrics",        "notification", "object-lock", "partNumber", "policy",   "replication",
	"requestPayment", "restore",      "retention",   "select",     "tagging",  "torrent",
	"uploadId",       "uploads",      "versionId",   "versioning", "versions", "website",
};

static bool has_subresource(struct slice query)
{
	for (size_t i = 0; i < ARRAY_LEN(subresources); i++)
		if (s3_query_param(query, subresources[i]).at != NULL)
			return true;
	return false;
}

static enum place place_of(const struct s3_target *target)
{
	if (target->bucket[0] == '\0')
		return PLACE_SERVICE;
	return target->object_key_len == 0 ? PLACE_BUCKET : PLACE_OBJECT;
}

int s3_operation_find(const struct http_head *head, const struct s3_target *target,
		      struct s3_route *route, enum s3_error *error)
{
	enum place place = place_of(target);

	*error = S3_ERROR_NOT_IMPLEMENTED;
	if (head->method == HTTP_OTHER)
		return -1;
	if (target->query.len > 0 && has_subresource(target->query))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (routes[i].method == head->method && routes[i].place == place) {
			*route = routes[i].route;
			return 0;
		}
	}
	/* Writing is known to the place, and not served. */
	if (place == PLACE_OBJECT || head->method != HTTP_GET)
		*error = S3_ERROR_METHOD_NOT_ALLOWED;
	return -1;
}
