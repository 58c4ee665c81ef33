/* SPDX-License-Identifier: Apache-2.0 */
/* DeleteObjects: many keys in one request, each allowed, or not, by itself. */
#include <errno.h>
#include <string.h>

#include "s3/call.h"
#include "s3/op.h"
#include "s3/xml_in.h"
#include "s3/xml_out.h"
#include "store/remove.h"

/* S3_ERROR_COUNT: deleted, or it was not there. */
static enum s3_error delete_one(struct s3_call *call, const struct xml_object *object,
				const char **text)
{
	const struct s3_permission *permission = &call->permission;
	const char *bucket = call->target->bucket;
	enum s3_target_error error;

	*text = NULL;
	if (s3_key_check(object->key, strlen(object->key), &error) < 0)
		return S3_ERROR_INVALID_ARGUMENT;
	if (!permission->is_allowed(permission->client, ACCESS_DELETE, bucket, object->key))
		return S3_ERROR_ACCESS_DENIED;
	if (object->is_other_version)
		return S3_ERROR_NO_SUCH_VERSION;
	int r = object_remove(call->store->sys, call->store->root_fd, bucket, object->key, NULL,
			      call->store->is_durable);
	if (r == 0)
		return S3_ERROR_COUNT;
	struct s3_call failed = {.store = call->store, .error = S3_ERROR_COUNT};
	s3_call_fail_errno(&failed, r);
	*text = failed.error_text;
	if (failed.error_errno != 0)
		call->error_errno = failed.error_errno;
	return failed.error;
}

static void delete_all(struct s3_call *call, const struct xml_delete *wanted)
{
	struct text *out = &call->text;

	xml_begin(out, "DeleteResult");
	for (unsigned i = 0; i < wanted->count; i++) {
		const struct xml_object *object = &wanted->object[i];
		const char *text;
		enum s3_error error = delete_one(call, object, &text);
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
		s3_call_fail(call, S3_ERROR_NOT_IMPLEMENTED,
			     "Conditions for single objects of a DeleteObjects are not served.");
	else if (r < 0)
		s3_call_fail(call, r == -ENOMEM ? S3_ERROR_SLOW_DOWN : S3_ERROR_MALFORMED_XML,
			     NULL);
	else
		delete_all(call, &wanted);
	xml_delete_fini(&wanted);
}
