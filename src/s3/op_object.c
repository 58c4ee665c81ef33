/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on one object. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/must.h"
#include "s3/call.h"
#include "s3/field_values.h"
#include "s3/op.h"
#include "store/meta.h"
#include "store/remove.h"

/* ---- GET, HEAD ------------------------------------------------------------------------------- */

/* A field that s3_call_take_kept keeps? Another (Content-Length) would be one of ours, twice. */
static bool is_kept_name(struct slice name)
{
	static const char *const names[] = {"Content-Type",        "Cache-Control",
					    "Content-Disposition", "Content-Encoding",
					    "Content-Language",    "Expires"};
	static const char meta[] = "x-amz-meta-";

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (slice_is(name, names[i]))
			return true;
	return name.len > strlen(meta) && slice_is((struct slice){name.at, strlen(meta)}, meta);
}

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
		if (colon == NULL || !is_kept_name((struct slice){at, (size_t)(colon - at)}))
			return false;
		for (at = colon + 1; at < stop; at++)
			if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
				return false;
		at = stop + 2;
	}
	return true;
}

/* What meta_get has brought: fields of the answer. */
static void add_lines(struct s3_call *call, const char *lines, int n, struct text *out)
{
	if (n < 0)
		s3_call_fail_errno(call, n == -ERANGE ? -EIO : n);
	else if (!are_fields(lines, (size_t)n))
		s3_call_fail(call, S3_ERROR_INTERNAL_ERROR, "The object's attributes are damaged.");
	else
		text_add(out, lines, (size_t)n);
}

static void add_fields(struct s3_call *call, struct text *out)
{
	const struct object *object = call->object;
	char lines[META_BYTES_MAX];
	bool is_damaged;

	int n = meta_get_fields(call->store->sys, object->file_fd, &object->facts, lines,
				&is_damaged);
	if (is_damaged)
		s3_call_fail(call, S3_ERROR_INTERNAL_ERROR, S3_TEXT_DAMAGED);
	else
		add_lines(call, lines, n, out);
}

/* Fields that the request's query says instead of the object's. Content-Type is the first, as it is
 * of those that are kept (answer_object). */
static const struct {
	const char *param, *field;
} overrides[] = {
	{"response-content-type", "Content-Type"},
	{"response-content-disposition", "Content-Disposition"},
	{"response-content-encoding", "Content-Encoding"},
	{"response-content-language", "Content-Language"},
	{"response-cache-control", "Cache-Control"},
	{"response-expires", "Expires"},
};

static bool is_overridden(const struct s3_target *target, size_t i)
{
	return s3_query_param(target->query, overrides[i].param).len > 0;
}

bool op_object_has_overrides(const struct s3_target *target)
{
	for (size_t i = 0; target->query.len > 0 && i < ARRAY_LEN(overrides); i++)
		if (is_overridden(target, i))
			return true;
	return false;
}

/* One of them, which goes into a response head. */
static void put_override(struct s3_call *call, size_t i)
{
	char value[META_BYTES_MAX];
	int n = s3_query_text(call->target->query, overrides[i].param, value, sizeof(value));
	bool is_good = n >= 0;

	for (int at = 0; is_good && at < n; at++)
		is_good = (unsigned char)value[at] >= ' ' && value[at] != 0x7f;
	if (!is_good)
		s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT,
			     "A response- parameter is too long, cannot be decoded, or holds a "
			     "control byte.");
	else
		text_printf(&call->fields, "%s: %s\r\n", overrides[i].field, value);
}

/* The kept lines but for those that are overridden. */
static void put_others(struct s3_call *call)
{
	const char *at = call->kept.at;
	const char *end = call->kept.len > 0 ? at + call->kept.len : at;

	while (at < end) {
		const char *stop = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
		const char *colon = memchr(at, ':', (size_t)(stop - at));
		bool is_left_out = false;
		for (size_t i = 0; i < ARRAY_LEN(overrides); i++)
			is_left_out =
				is_left_out || (slice_is((struct slice){at, (size_t)(colon - at)},
							 overrides[i].field) &&
						is_overridden(call->target, i));
		if (!is_left_out)
			text_add(&call->fields, at, (size_t)(stop - at));
		at = stop;
	}
}

static void override_fields(struct s3_call *call)
{
	add_fields(call, &call->kept);
	for (size_t i = 0; !s3_call_has_failed(call) && i < ARRAY_LEN(overrides); i++) {
		if (is_overridden(call->target, i))
			put_override(call, i);
		if (i == 0)
			put_others(call);
	}
	if (!s3_call_has_failed(call) && call->fields.error == -E2BIG)
		s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT,
			     "The response- parameters are too long.");
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

	int r = version_read(sys, object->file_fd, &object->facts, object->etag);
	if (r < 0) {
		s3_call_fail_errno(call, r);
		return;
	}
	if (op_object_has_overrides(call->target))
		override_fields(call);
	else
		add_fields(call, &call->fields);
	if (!s3_call_has_failed(call) && object->part.number > 0)
		find_part(call);
	/* It is of the whole object: clients would compare it with a range. */
	if (!s3_call_has_failed(call) && call->head->known[HTTP_FIELD_RANGE].at == NULL &&
	    slice_is(http_head_find(call->head, "x-amz-checksum-mode"), "ENABLED"))
		add_checksum(call);
	if (!s3_call_has_failed(call) && call->fields.error == -E2BIG) /* by response- parameters */
		s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT,
			     "The fields of the answer are too long together.");
	else if (!s3_call_has_failed(call) && call->fields.error != 0)
		s3_call_fail(call, S3_ERROR_SLOW_DOWN, NULL);
}

/* ---- PUT ------------------------------------------------------------------------------------- */

/* What the head says of the body's size; 0: nothing. */
static uint64_t announced_bytes(const struct http_head *head)
{
	struct slice decoded = http_head_find(head, "x-amz-decoded-content-length");

	if (decoded.at == NULL)
		return head->has_content_length ? head->content_length : 0;
	return slice_is(decoded, "0") ? 0 : 1;
}

void op_put_object_begin(struct s3_call *call)
{
	if (!s3_call_check_size(call, announced_bytes(call->head)) || !s3_call_take_terms(call) ||
	    !s3_call_take_kept(call))
		return;
	s3_call_begin_put(call, call->target->object_key);
}

/* Is what has come nothing, if it is to be a marker of a folder? */
static bool check_marker(struct s3_call *call)
{
	struct facts facts;

	if (!store_key_is_marker(call->target->object_key))
		return true;
	int r = facts_of_fd(call->store->sys, call->put.file_fd, &facts);
	if (r < 0)
		s3_call_fail_errno(call, r);
	return r == 0 && s3_call_check_size(call, facts.size);
}

void op_put_object(struct s3_call *call)
{
	size_t checksum_len = strlen(call->checksum);
	struct put_meta meta = {
		.fields = {call->kept.at, call->kept.len},
		.checksums = {call->checksum, checksum_len},
	};

	if (!check_marker(call) || !s3_call_choose_etag(call, &meta.etag))
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
	if (!s3_call_take_removal_terms(call))
		return;
	int r = object_remove(call->store->sys, call->store->root_fd, call->target->bucket,
			      call->target->object_key, &call->terms, call->store->is_durable);
	if (r < 0)
		s3_call_fail_errno(call, r);
	call->status = 204;
}
