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

static void add_attribute(struct s3_call *call, const char *name)
{
	char lines[META_BYTES_MAX];
	int n = meta_get(call->store->sys, call->file_fd, name, lines);

	if (n < 0)
		s3_call_fail_errno(call, n == -ERANGE ? -EIO : n);
	else if (!are_fields(lines, (size_t)n))
		s3_call_fail(call, S3_ERROR_INTERNAL_ERROR, "The object's attributes are damaged.");
	else
		text_add(&call->fields, lines, (size_t)n);
}

void op_object_fields(struct s3_call *call)
{
	add_attribute(call, META_FIELDS);
	/* It is of the whole object: clients would compare it with a range. */
	if (!s3_call_has_failed(call) && call->head->known[HTTP_FIELD_RANGE].at == NULL &&
	    slice_is(http_head_find(call->head, "x-amz-checksum-mode"), "ENABLED"))
		add_attribute(call, META_CHECKSUMS);
	if (!s3_call_has_failed(call) && call->fields.error != 0)
		s3_call_fail(call, S3_ERROR_SLOW_DOWN, NULL);
}

/* ---- PUT ------------------------------------------------------------------------------------- */

void op_put_object_begin(struct s3_call *call)
{
	if (!s3_call_check_key(call) || !s3_call_take_terms(call) || !s3_call_take_kept(call))
		return;
	s3_call_begin_put(call);
}

void op_put_object(struct s3_call *call)
{
	const struct store_sys *sys = call->store->sys;
	int fd = call->put.file_fd;
	size_t checksum_len = strlen(call->checksum);

	int r = meta_set(sys, fd, META_FIELDS, call->kept.at, call->kept.len);
	if (r == 0)
		r = meta_set(sys, fd, META_CHECKSUMS, call->checksum, checksum_len);
	if (r == 0)
		r = put_commit(&call->put, call->target->object_key, &call->terms);
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
	if (!s3_call_take_removal_terms(call))
		return;
	int r = object_remove(call->store->sys, call->store->root_fd, call->target->bucket,
			      call->target->object_key, &call->terms, call->store->is_durable);
	if (r < 0)
		s3_call_fail_errno(call, r);
	call->status = 204;
}
