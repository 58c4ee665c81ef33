/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on one object. */
#include <errno.h>
#include <string.h>

#include "base/must.h"
#include "s3/call.h"
#include "s3/fields.h"
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

/* Where the part is that is asked for. */
static void find_part(struct s3_call *call)
{
	struct object *object = call->object;
	char text[META_BYTES_MAX];

	int n = meta_get_bound(call->store->sys, object->file_fd, META_PARTS, &object->facts, text);
	if (n < 0 && n != -ERANGE)
		s3_call_fail_errno(call, n);
	else
		parts_find(&object->part, text, n > 0 ? (size_t)n : 0, object->facts.size);
}

/* The checksum of the bytes that are asked for, as far as it is kept, with its type. */
static void add_checksum(struct s3_call *call)
{
	const struct store_sys *sys = call->store->sys;
	const struct object *object = call->object;
	const struct object_part *part = &object->part;
	struct checksum_parts sums;
	char field[CHECKSUM_FIELD_BYTES];
	struct checksum sum;

	int r = checksum_kept(sys, object->file_fd, &object->facts, &sum);
	bool is_composite = sum.parts > 0;
	if (r == 0 && part->number > 0 && part->count > 0 && sum.is_set) {
		r = checksum_parts_kept(sys, object->file_fd, &object->facts, &sum, &sums);
		if (is_composite)
			checksum_of_part(&sums, part->number, &sum);
		else
			sum.is_set = part->count == 1; /* else it is of other bytes */
	}
	if (r == -EBADMSG)
		s3_call_fail(call, S3_ERROR_INTERNAL_ERROR, "The object's attributes are damaged.");
	else if (r < 0)
		s3_call_fail_errno(call, r);
	if (r < 0 || !sum.is_set)
		return;
	checksum_field(&sum, field);
	text_printf(&call->fields, "%s" S3_CHECKSUM_TYPE_FIELD ": %s\r\n", field,
		    checksum_type(is_composite));
}

void op_object_fields(struct s3_call *call)
{
	const struct store_sys *sys = call->store->sys;
	struct object *object = call->object;
	char lines[META_BYTES_MAX];

	int r = version_read(sys, object->file_fd, &object->facts, object->etag);
	if (r < 0) {
		s3_call_fail_errno(call, r);
		return;
	}
	add_lines(call, lines, meta_get(sys, object->file_fd, META_FIELDS, lines));
	if (!s3_call_has_failed(call) && object->part.number > 0)
		find_part(call);
	/* It is of the whole object: clients would compare it with a range. */
	if (!s3_call_has_failed(call) && call->head->known[HTTP_FIELD_RANGE].at == NULL &&
	    slice_is(http_head_find(call->head, "x-amz-checksum-mode"), "ENABLED"))
		add_checksum(call);
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
	if (checksum_len > 0)
		text_printf(&call->fields, S3_CHECKSUM_TYPE_FIELD ": %s\r\n", checksum_type(false));
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
