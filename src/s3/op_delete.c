/* SPDX-License-Identifier: Apache-2.0 */
/* DeleteObjects: many keys in one request, each allowed, or not, by itself. */
#include <errno.h>
#include <string.h>

#include "s3/call.h"
#include "s3/op.h"
#include "s3/xml_in.h"
#include "s3/xml_out.h"
#include "store/remove.h"

/* S3_ERROR_COUNT: deleted, or it was not there. The call itself fails where there is no such
 * bucket. */
static enum s3_error delete_one(struct s3_call *call, const struct xml_object *object,
				bool *has_bucket, const char **text)
{
	const struct s3_permission *permission = &call->permission;
	const char *bucket = call->target->bucket;
	enum s3_target_error error;

	*text = NULL;
	if (s3_key_check(object->key, strlen(object->key), &error) < 0)
		return S3_ERROR_INVALID_ARGUMENT;
	if (!permission->is_allowed(permission->client, ACCESS_DELETE, bucket, object->key))
		return S3_ERROR_ACCESS_DENIED;
	/* Asked when a key was allowed: that there is no such bucket is not for everybody. */
	if (!*has_bucket && !s3_call_find_bucket(call))
		return call->error;
	*has_bucket = true;
	if (object->is_other_version)
		return S3_ERROR_NO_SUCH_VERSION;
	struct put_terms terms = object->terms;
	if (object->etag[0] != '\0')
		terms.etag = object->etag;
	int r = object_remove(call->store->sys, call->store->root_fd, bucket, object->key, &terms,
			      call->store->is_durable);
	if (r == 0)
		return S3_ERROR_COUNT;
	const struct s3_meaning meaning = s3_errno_meaning(S3_ABOUT_WRITE, r);
	*text = meaning.text;
	if (meaning.is_logged)
		call->error_errno = -r;
	return meaning.error;
}

static void delete_all(struct s3_call *call, const struct xml_delete *wanted)
{
	struct text *out = &call->text;
	bool has_bucket = false;

	xml_begin(out, "DeleteResult");
	for (unsigned i = 0; i < wanted->count && !s3_call_has_failed(call); i++) {
		const struct xml_object *object = &wanted->object[i];
		const char *text;
		enum s3_error error = delete_one(call, object, &has_bucket, &text);
		if (error == S3_ERROR_COUNT && wanted->is_quiet)
			continue;
		xml_open(out, error == S3_ERROR_COUNT ? "Deleted" : "Error");
		xml_text(out, "Key", object->key);
		if (error != S3_ERROR_COUNT) {
			xml_text(out, "Code", s3_error_code(error));
			xml_text(out, "Message", text != NULL ? text : s3_error_message(error));
		}
		xml_close(out, error == S3_ERROR_COUNT ? "Deleted" : "Error");
	}
	xml_close(out, "DeleteResult");
}

void op_delete_objects(struct s3_call *call)
{
	struct xml_delete wanted;
	int r = xml_delete_parse(&wanted, call->body.at, call->body.len);

	if (r == -EOPNOTSUPP)
		s3_call_fail(
			call, S3_ERROR_NOT_IMPLEMENTED,
			"An Object of a DeleteObjects has a Key, a VersionId, and ETag, Size and "
			"LastModifiedTime as conditions.");
	else if (r < 0)
		s3_call_fail(call, r == -ENOMEM ? S3_ERROR_SLOW_DOWN : S3_ERROR_MALFORMED_XML,
			     NULL);
	else
		delete_all(call, &wanted);
	xml_delete_fini(&wanted);
}
