/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on one object. */
#include <errno.h>
#include <string.h>

#include "base/must.h"
#include "s3/call.h"
#include "s3/op.h"
#include "store/meta.h"
#include "store/remove.h"

/* ---- GET, HEAD ------------------------------------------------------------------------------- */

/* Are these lines "name: value\r\n", nothing else? They come from the disk, where others may write,
 * and go into a response head. */
static bool are_fields(const char *lines, size_t len)
{
	const char *at = lines, *end = lines + len;

	while (at < end) {
		const char *stop = memchr(at, '\r', (size_t)(end - at));
		if (stop == NULL || stop + 1 >= end || stop[1] != '\n')
			return false;
		const char *colon = memchr(at, ':', (size_t)(stop - at));
		if (colon == NULL || colon == at)
			return false;
		for (; at < stop; at++)
			if ((unsigned char)*at < (at < colon ? '!' : ' ') || *at == 0x7f)
				return false;
		at = stop + 2;
	}
	return true;
}

/* What meta_get has brought: fields of the answer. */
static void add_lines(struct s3_call *call, const char *lines, int n)
{
	if (n < 0)
		s3_call_fail_errno(call, n == -ERANGE ? -EIO : n);
	else if (!are_fields(lines, (size_t)n))
		s3_call_fail(call, S3_ERROR_INTERNAL_ERROR, "The object's attributes are damaged.");
	else
		text_add(&call->fields, lines, (size_t)n);
}

void op_object_fields(struct s3_call *call)
{
	const struct store_sys *sys = call->store->sys;
	struct object *object = call->object;
	char lines[META_BYTES_MAX];
	bool is_damaged;

	int r = version_read(sys, object->file_fd, &object->facts, object->etag);
	if (r < 0) {
		s3_call_fail_errno(call, r);
		return;
	}
	int n = meta_get_fields(sys, object->file_fd, &object->facts, lines, &is_damaged);
	if (is_damaged)
		s3_call_fail(call, S3_ERROR_INTERNAL_ERROR, S3_TEXT_DAMAGED);
	else
		add_lines(call, lines, n);
	/* It is of the whole object: clients would compare it with a range. */
	if (!s3_call_has_failed(call) && call->head->known[HTTP_FIELD_RANGE].at == NULL &&
	    slice_is(http_head_find(call->head, "x-amz-checksum-mode"), "ENABLED"))
		add_lines(call, lines,
			  meta_get_bound(sys, object->file_fd, META_CHECKSUMS, &object->facts,
					 lines));
	if (!s3_call_has_failed(call) && call->fields.error != 0)
		s3_call_fail(call, S3_ERROR_SLOW_DOWN, NULL);
}

/* ---- PUT ------------------------------------------------------------------------------------- */

void op_put_object_begin(struct s3_call *call)
{
	if (!s3_call_check_key(call) || !s3_call_check_asked(call) || !s3_call_take_terms(call) ||
	    !s3_call_take_kept(call))
		return;
	s3_call_begin_put(call);
}

void op_put_object(struct s3_call *call)
{
	size_t checksum_len = strlen(call->checksum);
	struct put_meta meta = {
		.fields = {call->kept.at, call->kept.len},
		.checksums = {call->checksum, checksum_len},
	};

	if (!s3_call_choose_etag(call, &meta.etag))
		return;
	int r = put_commit(&call->put, call->target->object_key, &call->terms, &meta);
	if (r < 0) {
		s3_call_fail_errno(call, r);
		return;
	}
	call->stamp = call->put.stamp;
	text_add(&call->fields, call->checksum, checksum_len);
}

/* ---- DELETE ---------------------------------------------------------------------------------- */

void op_delete_object(struct s3_call *call)
{
	if (!s3_call_take_terms(call))
		return;
	if (call->terms.mode == PUT_IF_ABSENT) {
		s3_call_fail(call, S3_ERROR_NOT_IMPLEMENTED,
			     "If-None-Match is no condition of a DELETE.");
		return;
	}
	int r = object_remove(call->store->sys, call->store->root_fd, call->target->bucket,
			      call->target->object_key, call->terms.etag, call->store->is_durable);
	if (r < 0)
		s3_call_fail_errno(call, r);
	call->status = 204;
}
