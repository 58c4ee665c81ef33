/* SPDX-License-Identifier: Apache-2.0 */
/* CopyObject, UploadPartCopy: bytes that do not leave the server. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "http/conditions.h"
#include "http/date.h"
#include "s3/call.h"
#include "s3/field_values.h"
#include "s3/op.h"
#include "s3/xml_out.h"
#include "store/copy.h"
#include "store/md5.h"
#include "store/meta.h"

struct source {
	struct s3_target target;
	int fd;
	struct facts facts;
	char etag[ETAG_BYTES];
	uint64_t first; /* what of it is copied */
	uint64_t bytes;
};

static bool take_source_name(struct s3_call *call, struct source *source)
{
	struct slice value = http_head_find(call->head, "x-amz-copy-source");
	enum s3_target_error error;

	if (s3_source_parse(value, &source->target, &error) < 0) {
		s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT,
			     "x-amz-copy-source is not /BUCKET/KEY, or its percent-encoding is "
			     "broken.");
		return false;
	}
	struct slice version = s3_query_param(source->target.query, "versionId");
	if (version.len > 0 && !slice_is(version, "null")) {
		s3_call_fail(call, S3_ERROR_NO_SUCH_VERSION, NULL);
		return false;
	}
	return true;
}

/* False: it can not be understood; a read passes over such a condition (RFC 9110), but this is a
 * write. An ETag without its quotes, as minio-go sends it, gets them, in quoted. */
static bool take_condition(enum http_field_id id, struct slice *value, char quoted[ETAG_BYTES])
{
	unsigned quotes = 0;
	time_t date;

	if (id == HTTP_FIELD_IF_MODIFIED_SINCE || id == HTTP_FIELD_IF_UNMODIFIED_SINCE)
		return http_date_parse(*value, &date) == 0;
	for (size_t i = 0; i < value->len; i++)
		quotes += value->at[i] == '"';
	if (quotes == 0 && !slice_is(*value, "*")) {
		object_etag_quote(quoted, value->at, value->len);
		*value = (struct slice){quoted, strlen(quoted)};
	}
	return quotes % 2 == 0;
}

/* x-amz-copy-source-if-match and the like mean for the source what If-Match does for a GET. */
static bool meets_conditions(struct s3_call *call, struct source *source)
{
	static const struct {
		enum http_field_id id;
		const char *name;
	} conditions[] = {
		{HTTP_FIELD_IF_MATCH, "x-amz-copy-source-if-match"},
		{HTTP_FIELD_IF_NONE_MATCH, "x-amz-copy-source-if-none-match"},
		{HTTP_FIELD_IF_MODIFIED_SINCE, "x-amz-copy-source-if-modified-since"},
		{HTTP_FIELD_IF_UNMODIFIED_SINCE, "x-amz-copy-source-if-unmodified-since"},
	};
	struct http_head as_get = {.method = HTTP_GET};
	char quoted[ARRAY_LEN(conditions)][ETAG_BYTES];
	bool range_applies;

	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		struct slice value = http_head_find(call->head, conditions[i].name);
		if (value.at == NULL)
			continue;
		if (!take_condition(conditions[i].id, &value, quoted[i])) {
			s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT,
				     "A condition of the source is no date, or no ETag.");
			return false;
		}
		as_get.known[conditions[i].id] = value;
		as_get.field[as_get.field_count].name =
			(struct slice){conditions[i].name + strlen("x-amz-copy-source-"),
				       strlen(conditions[i].name + strlen("x-amz-copy-source-"))};
		as_get.field[as_get.field_count++].value = value;
	}
	int r = version_read(call->store->sys, source->fd, &source->facts, source->etag);
	if (r < 0) {
		s3_call_fail_errno(call, r);
		return false;
	}
	const struct http_validators validators = {.etag = source->etag,
						   .modified = source->facts.modified.tv_sec};
	if (http_conditions_check(&as_get, &validators, &range_applies) == 0)
		return true;
	s3_call_fail(call, S3_ERROR_PRECONDITION_FAILED, NULL);
	return false;
}

/* A copy would have checksums of its own, and nobody could see the damage any more. */
static bool is_sound(struct s3_call *call, const struct source *source)
{
	char fields[META_BYTES_MAX];
	bool is_damaged;

	if (!meta_is_marked(source->facts.mode))
		return true;
	int n = meta_get_fields(call->store->sys, source->fd, &source->facts, fields, &is_damaged);
	if (n < 0)
		s3_call_fail_errno(call, n);
	else if (is_damaged)
		s3_call_fail(call, S3_ERROR_INTERNAL_ERROR, S3_TEXT_DAMAGED);
	return n >= 0 && !is_damaged;
}

/* The source, open and allowed. False: failed. */
static bool open_source(struct s3_call *call, struct source *source)
{
	const struct s3_permission *permission = &call->permission;

	if (!take_source_name(call, source))
		return false;
	if (!permission->is_allowed(permission->client, ACCESS_READ, source->target.bucket,
				    source->target.object_key)) {
		s3_call_fail(call, S3_ERROR_ACCESS_DENIED,
			     "The client certificate's identity may not read the source.");
		return false;
	}
	source->fd = s3_call_open_object(call, &source->target, &source->facts,
					 "The source does not exist.");
	if (source->fd < 0)
		return false;
	source->bytes = source->facts.size;
	source->first = 0;
	return is_sound(call, source) && meets_conditions(call, source);
}

/* key: as of s3_call_begin_put. */
static bool copy_bytes(struct s3_call *call, const struct source *source, const char *key)
{
	if (!s3_call_begin_put(call, key))
		return false;
	int r = copy_range(call->store->sys, source->fd, source->first, source->bytes,
			   call->put.file_fd, 0);
	if (r < 0)
		s3_call_fail_errno(call, r);
	return r == 0;
}

static void put_result(struct s3_call *call, bool is_object, const struct checksum *sum)
{
	const char *root = is_object ? "CopyObjectResult" : "CopyPartResult";
	struct text *out = &call->text;

	xml_begin(out, root);
	xml_time(out, "LastModified", call->put.stamp.modified);
	xml_text(out, "ETag", call->put.stamp.etag);
	if (is_object)
		xml_typed_checksum(out, sum);
	else
		xml_checksum(out, sum);
	xml_close(out, root);
}

/* ---- CopyObject ------------------------------------------------------------------------------ */

/* Of the algorithm that is asked for, or that the source has one of, if any; of all bytes, as the
 * copy is no longer in parts. False: failed. */
static bool choose_checksum(struct s3_call *call, const struct source *source, struct checksum *sum)
{
	const struct store_sys *sys = call->store->sys;
	bool is_asked = call->plan.is_set;
	enum digest_kind kind = call->plan.kind;

	int r = checksum_kept(sys, source->fd, &source->facts, sum);
	if (r == 0 && sum->parts > 0 && (!is_asked || sum->kind == kind)) {
		const struct checksum composite = *sum;
		r = checksum_of_all(sys, source->fd, &source->facts, &composite, sum);
		if (!sum->is_set)
			*sum = composite;
	}
	if (r == -EBADMSG || r == -ERANGE) /* damaged: the bytes are all that counts */
		r = 0;
	bool is_of_all = sum->is_set && sum->parts == 0 && (!is_asked || sum->kind == kind);
	if (r == 0 && !is_of_all && (is_asked || sum->is_set))
		r = checksum_compute(sys, call->put.file_fd, is_asked ? kind : sum->kind, sum);
	if (r < 0)
		s3_call_fail_errno(call, r);
	return r == 0;
}

/* With the source's attributes, or with x-amz-metadata-directive: REPLACE the request's. */
static void commit_copy(struct s3_call *call, const struct source *source, bool is_replaced)
{
	const struct store_sys *sys = call->store->sys;
	char fields[META_BYTES_MAX], checksum[CHECKSUM_FIELD_BYTES];
	struct checksum sum;
	bool is_damaged; /* is_sound has looked */
	struct put_meta meta = {.fields = {call->kept.at, call->kept.len}};
	uint8_t md5[MD5_BYTES];
	int kept = 0;

	if (!is_replaced) {
		kept = meta_get_fields(sys, source->fd, &source->facts, fields, &is_damaged);
		meta.fields = (struct put_text){fields, kept > 0 ? (size_t)kept : 0};
	}
	if (md5_of_etag(source->etag, md5)) /* the same bytes */
		memcpy(call->md5_etag, source->etag, sizeof(call->md5_etag));
	if (kept < 0) {
		s3_call_fail_errno(call, kept);
		return;
	}
	if (!s3_call_choose_etag(call, &meta.etag) || !choose_checksum(call, source, &sum))
		return;
	checksum_field(&sum, checksum);
	meta.checksums = (struct put_text){checksum, strlen(checksum)};
	int r = put_commit(&call->put, call->target->object_key, &call->terms, &meta);
	if (r < 0)
		s3_call_fail_errno(call, r);
	else
		put_result(call, true, &sum);
}

static void copy_object(struct s3_call *call, struct source *source)
{
	struct slice directive = http_head_find(call->head, "x-amz-metadata-directive");
	bool is_replaced = slice_is(directive, "REPLACE");

	if (directive.at != NULL && !is_replaced && !slice_is(directive, "COPY")) {
		s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT,
			     "x-amz-metadata-directive is COPY or REPLACE.");
		return;
	}
	if (!is_replaced && strcmp(source->target.bucket, call->target->bucket) == 0 &&
	    strcmp(source->target.object_key, call->target->object_key) == 0) {
		s3_call_fail(call, S3_ERROR_INVALID_REQUEST,
			     "A copy onto itself changes something: x-amz-metadata-directive: "
			     "REPLACE.");
		return;
	}
	if (!copy_bytes(call, source, call->target->object_key))
		return;
	commit_copy(call, source, is_replaced);
}

void op_copy_object(struct s3_call *call)
{
	struct source source = {.fd = -1};

	if (s3_call_take_terms(call) && s3_call_take_kept(call) &&
	    s3_field_checksum_algorithm(call, &call->plan.is_set, &call->plan.kind) &&
	    open_source(call, &source) && s3_call_check_size(call, source.bytes))
		copy_object(call, &source);
	if (source.fd >= 0)
		close(source.fd);
}

/* ---- UploadPartCopy -------------------------------------------------------------------------- */

/* x-amz-copy-source-range: bytes=FIRST-LAST, both within the source. */
static bool take_range(struct s3_call *call, struct source *source)
{
	struct slice value = http_head_find(call->head, "x-amz-copy-source-range");
	struct http_range range;

	if (value.at == NULL)
		return true;
	bool is_plain = value.len > 6 && value.at[6] != '-' && /* behind "bytes=" */
			value.at[value.len - 1] != '-' &&
			memchr(value.at, ',', value.len) == NULL &&
			http_range_parse(value, UINT64_MAX >> 1, &range) == HTTP_RANGE_OK;
	if (!is_plain || range.first >= source->facts.size ||
	    range.bytes > source->facts.size - range.first) {
		s3_call_fail(call, is_plain ? S3_ERROR_INVALID_RANGE : S3_ERROR_INVALID_ARGUMENT,
			     "x-amz-copy-source-range is bytes=FIRST-LAST within the source.");
		return false;
	}
	source->first = range.first;
	source->bytes = range.bytes;
	return true;
}

void op_upload_part_copy(struct s3_call *call)
{
	struct source source = {.fd = -1};
	struct checksum sum;

	op_upload_part_check(call);
	if (!s3_call_has_failed(call) && open_source(call, &source) && take_range(call, &source) &&
	    copy_bytes(call, &source, NULL) && op_commit_part(call)) {
		must(checksum_of_field(&sum, call->checksum, strlen(call->checksum)) == 0);
		put_result(call, false, &sum);
	}
	if (source.fd >= 0)
		close(source.fd);
}
