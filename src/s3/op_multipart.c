/* SPDX-License-Identifier: Apache-2.0 */
/* Multipart uploads. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "s3/call.h"
#include "s3/field_values.h"
#include "s3/op.h"
#include "s3/xml_in.h"
#include "s3/xml_out.h"
#include "store/multipart.h"

/* A page of parts or of uploads; S3's limit. */
#define PAGE_MAX 1000

/* id: for the result's life. A longer one than ours names no upload. */
static struct upload_place place_of(const struct s3_call *call, char id[UPLOAD_ID_BYTES])
{
	if (s3_query_text(call->target->query, "uploadId", id, UPLOAD_ID_BYTES) < 0)
		id[0] = '\0';
	return (struct upload_place){
		.sys = call->store->sys,
		.root_fd = call->store->root_fd,
		.bucket = call->target->bucket,
		.key = call->target->object_key,
		.id = id,
		.is_durable = call->store->is_durable,
		.has_md5_etags = call->store->has_md5_etags,
	};
}

static void fail_errno(struct s3_call *call, int error)
{
	s3_call_fail_about(call, S3_ABOUT_UPLOAD, error);
}

static bool take_part_number(struct s3_call *call, unsigned *number)
{
	*number = 0;
	if (!s3_call_take_number(call, "partNumber", 1, UPLOAD_PARTS_MAX, number))
		return false;
	if (*number == 0)
		s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT, "partNumber is from 1 to 10000.");
	return *number != 0;
}

/* x-amz-checksum-algorithm, x-amz-checksum-type. False: failed. */
static bool take_plan(struct s3_call *call, struct checksum_plan *plan)
{
	bool has_type;

	if (!s3_field_checksum_algorithm(call, &plan->is_set, &plan->kind) ||
	    !s3_field_checksum_type(call, &has_type, &plan->is_composite))
		return false;
	if (!plan->is_set && has_type) {
		s3_call_fail(call, S3_ERROR_INVALID_REQUEST,
			     "x-amz-checksum-type needs x-amz-checksum-algorithm.");
		return false;
	}
	if (plan->is_set && !has_type)
		plan->is_composite = checksum_is_composite_by_default(plan->kind);
	if (!plan->is_set || checksum_can_be(plan->kind, plan->is_composite))
		return true;
	s3_call_fail(call, S3_ERROR_INVALID_REQUEST, S3_TEXT_BAD_CHECKSUM_TYPE);
	return false;
}

void op_create_multipart_upload(struct s3_call *call)
{
	struct text *out = &call->text;
	char id[UPLOAD_ID_BYTES];
	struct upload_place place = place_of(call, id);
	struct checksum_plan plan;

	/* A part has bytes. */
	if (!s3_call_check_size(call, 1) || !s3_call_take_kept(call) || !take_plan(call, &plan))
		return;
	const struct put_text fields = {call->kept.at, call->kept.len};
	int r = upload_create(&place, &fields, &plan, id);
	if (r < 0) {
		s3_call_fail_errno(call, r);
		return;
	}
	if (plan.is_set)
		text_printf(&call->fields, "x-amz-checksum-algorithm: %s\r\n%s: %s\r\n",
			    checksum_algorithm(plan.kind), S3_CHECKSUM_TYPE_FIELD,
			    checksum_type(plan.is_composite));
	xml_begin(out, "InitiateMultipartUploadResult");
	xml_text(out, "Bucket", call->target->bucket);
	xml_text(out, "Key", call->target->object_key);
	xml_text(out, "UploadId", id);
	xml_close(out, "InitiateMultipartUploadResult");
}

/* ---- Parts ----------------------------------------------------------------------------------- */

void op_upload_part_check(struct s3_call *call)
{
	char id[UPLOAD_ID_BYTES];
	struct upload_place place = place_of(call, id);
	unsigned number;

	if (!take_part_number(call, &number))
		return;
	int r = upload_check(&place, &call->plan);
	if (r < 0)
		fail_errno(call, r);
}

void op_upload_part_begin(struct s3_call *call)
{
	op_upload_part_check(call);
	if (!s3_call_has_failed(call))
		s3_call_begin_put(call, NULL);
}

/* The checksum that is kept with the part, in call->checksum: the client's, which was verified, or
 * one of the upload's kind. False: failed. */
static bool choose_checksum(struct s3_call *call)
{
	struct checksum sum;

	must(checksum_of_field(&sum, call->checksum, strlen(call->checksum)) == 0);
	if (!call->plan.is_set || (sum.is_set && sum.kind == call->plan.kind))
		return true;
	if (sum.is_set) {
		s3_call_fail(call, S3_ERROR_INVALID_REQUEST,
			     "The part has a checksum of another algorithm than the upload.");
		return false;
	}
	int r = checksum_compute(call->store->sys, call->put.file_fd, call->plan.kind, &sum);
	if (r < 0)
		s3_call_fail_errno(call, r);
	checksum_field(&sum, call->checksum);
	return r == 0;
}

bool op_commit_part(struct s3_call *call)
{
	char id[UPLOAD_ID_BYTES];
	struct upload_place place = place_of(call, id);
	struct put_meta meta = {0};
	unsigned number;

	must(take_part_number(call, &number)); /* it was good at the beginning */
	if (!s3_call_choose_etag(call, &meta.etag) || !choose_checksum(call))
		return false;
	meta.checksums = (struct put_text){call->checksum, strlen(call->checksum)};
	int r = upload_part_commit(&place, &call->put, number, &meta);
	if (r < 0)
		fail_errno(call, r);
	return r == 0;
}

void op_upload_part(struct s3_call *call)
{
	if (!op_commit_part(call))
		return;
	call->stamp = call->put.stamp;
	text_put(&call->fields, call->checksum);
}

static void put_parts(struct s3_call *call, const struct upload_place *place,
		      const struct upload_parts_page *page, unsigned count, unsigned after)
{
	struct text *out = &call->text;

	xml_begin(out, "ListPartsResult");
	xml_text(out, "Bucket", place->bucket);
	xml_text(out, "Key", place->key);
	xml_text(out, "UploadId", place->id);
	xml_u64(out, "PartNumberMarker", after);
	if (page->is_truncated)
		xml_u64(out, "NextPartNumberMarker",
			count > 0 ? page->part[count - 1].number : after);
	xml_u64(out, "MaxParts", page->max);
	xml_bool(out, "IsTruncated", page->is_truncated);
	for (unsigned i = 0; i < count; i++) {
		xml_open(out, "Part");
		xml_u64(out, "PartNumber", page->part[i].number);
		xml_time(out, "LastModified", page->part[i].modified);
		xml_text(out, "ETag", page->part[i].etag);
		xml_u64(out, "Size", page->part[i].size);
		xml_checksum(out, &page->part[i].checksum);
		xml_close(out, "Part");
	}
	xml_text(out, "StorageClass", "STANDARD");
	xml_checksum_plan(out, &page->plan);
	xml_close(out, "ListPartsResult");
}

void op_list_parts(struct s3_call *call)
{
	char id[UPLOAD_ID_BYTES];
	struct upload_place place = place_of(call, id);
	struct upload_parts_page page = {.max = PAGE_MAX};
	unsigned after = 0;

	if (!s3_call_take_number(call, "part-number-marker", 0, INT32_MAX, &after) ||
	    !s3_call_take_page_max(call, "max-parts", &page.max))
		return;
	page.part = calloc(page.max + 1, sizeof(*page.part));
	int count = page.part != NULL ? upload_parts(&place, after, &page) : -ENOMEM;
	if (count < 0)
		fail_errno(call, count);
	else
		put_parts(call, &place, &page, (unsigned)count, after);
	free(page.part);
}

/* ---- Ending ---------------------------------------------------------------------------------- */

/* What the fields of the request say of the object. False: failed. */
static bool take_whole(struct s3_call *call, struct upload_whole *whole)
{
	if (!s3_field_checksum(call, &whole->checksum) ||
	    !s3_field_checksum_type(call, &whole->has_type, &whole->is_composite))
		return false;
	if (whole->checksum.is_set && whole->has_type &&
	    !checksum_can_be(whole->checksum.kind, whole->is_composite)) {
		s3_call_fail(call, S3_ERROR_INVALID_REQUEST, S3_TEXT_BAD_CHECKSUM_TYPE);
		return false;
	}
	return s3_field_number(call, "x-amz-mp-object-size", INT64_MAX, &whole->has_size,
			       &whole->size);
}

static bool are_ascending(const struct upload_whole *whole)
{
	for (unsigned i = 1; i < whole->part_count; i++)
		if (whole->part[i].number <= whole->part[i - 1].number)
			return false;
	return true;
}

static void complete(struct s3_call *call, const struct upload_whole *whole)
{
	char id[UPLOAD_ID_BYTES], path[OBJECT_PATH_BYTES + 1];
	struct upload_place place = place_of(call, id);
	struct upload_made made;
	struct text *out = &call->text;

	if (!are_ascending(whole)) {
		s3_call_fail(call, S3_ERROR_INVALID_PART_ORDER, NULL);
		return;
	}
	int r = upload_complete(&place, whole, &made);
	if (r < 0) {
		fail_errno(call, r);
		return;
	}
	path[0] = '/';
	object_path(path + 1, place.bucket, place.key);
	xml_begin(out, "CompleteMultipartUploadResult");
	xml_text(out, "Location", path);
	xml_text(out, "Bucket",
		 place.bucket); /* minio-go takes an answer without it for an error */
	xml_text(out, "Key", place.key);
	xml_text(out, "ETag", made.stamp.etag);
	xml_typed_checksum(out, &made.checksum);
	xml_close(out, "CompleteMultipartUploadResult");
}

void op_complete_multipart_upload(struct s3_call *call)
{
	struct upload_whole whole = {.terms = &call->terms};
	struct xml_complete parts;

	if (!s3_call_take_terms(call) || !take_whole(call, &whole))
		return;
	int r = xml_complete_parse(&parts, call->body.at, call->body.len);
	whole.part = parts.part;
	whole.part_count = parts.count;
	if (r == 0)
		complete(call, &whole);
	else if (r == -EOPNOTSUPP)
		s3_call_fail(call, S3_ERROR_NOT_IMPLEMENTED,
			     "A part has a checksum of an algorithm that is not served.");
	else
		s3_call_fail(call, r == -ENOMEM ? S3_ERROR_SLOW_DOWN : S3_ERROR_MALFORMED_XML,
			     NULL);
	xml_complete_fini(&parts);
}

void op_abort_multipart_upload(struct s3_call *call)
{
	char id[UPLOAD_ID_BYTES];
	struct upload_place place = place_of(call, id);
	int r = upload_abort(&place);
	if (r < 0)
		fail_errno(call, r);
	call->status = 204;
}

/* ---- All of a bucket ------------------------------------------------------------------------- */

struct uploads_query {
	char prefix[OBJECT_KEY_BYTES_MAX + 1];
	char delimiter[OBJECT_KEY_BYTES_MAX + 1];
	char after_key[OBJECT_KEY_BYTES_MAX + 1];
	char after_id[UPLOAD_ID_BYTES];
	unsigned max;
	bool is_url;
};

static bool take_uploads_query(struct s3_call *call, struct uploads_query *wanted)
{
	struct slice query = call->target->query;

	if (s3_query_text(query, "prefix", wanted->prefix, sizeof(wanted->prefix)) < 0 ||
	    s3_query_text(query, "delimiter", wanted->delimiter, sizeof(wanted->delimiter)) < 0 ||
	    s3_query_text(query, "key-marker", wanted->after_key, sizeof(wanted->after_key)) < 0 ||
	    s3_query_text(query, "upload-id-marker", wanted->after_id, sizeof(wanted->after_id)) <
		    0) {
		s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT,
			     "A parameter of the listing is too long, or cannot be decoded.");
		return false;
	}
	wanted->max = PAGE_MAX;
	return s3_call_take_page_max(call, "max-uploads", &wanted->max) &&
	       s3_call_take_encoding(call, &wanted->is_url);
}

static void put_uploads(struct s3_call *call, const struct uploads_query *wanted,
			const struct upload_page *page)
{
	struct text *out = &call->text;

	xml_begin(out, "ListMultipartUploadsResult");
	xml_text(out, "Bucket", call->target->bucket);
	xml_key(out, "KeyMarker", wanted->after_key, wanted->is_url);
	xml_text(out, "UploadIdMarker", wanted->after_id);
	if (page->is_truncated && page->count > 0) {
		xml_key(out, "NextKeyMarker", page->upload[page->count - 1].key, wanted->is_url);
		xml_text(out, "NextUploadIdMarker", page->upload[page->count - 1].id);
	}
	xml_key(out, "Prefix", wanted->prefix, wanted->is_url);
	if (wanted->delimiter[0] != '\0')
		xml_key(out, "Delimiter", wanted->delimiter, wanted->is_url);
	xml_u64(out, "MaxUploads", wanted->max);
	if (wanted->is_url)
		xml_text(out, "EncodingType", "url");
	xml_bool(out, "IsTruncated", page->is_truncated);
	for (unsigned i = 0; i < page->count; i++) {
		if (page->upload[i].is_prefix)
			continue;
		xml_open(out, "Upload");
		xml_key(out, "Key", page->upload[i].key, wanted->is_url);
		xml_text(out, "UploadId", page->upload[i].id);
		xml_text(out, "StorageClass", "STANDARD");
		xml_time(out, "Initiated", page->upload[i].begun);
		xml_checksum_plan(out, &page->upload[i].plan);
		xml_close(out, "Upload");
	}
	for (unsigned i = 0; i < page->count; i++)
		if (page->upload[i].is_prefix)
			xml_common_prefix(out, page->upload[i].key, wanted->is_url);
	xml_close(out, "ListMultipartUploadsResult");
}

void op_list_multipart_uploads(struct s3_call *call)
{
	struct uploads_query wanted;
	struct upload_page page;

	if (!take_uploads_query(call, &wanted))
		return;
	/* A bucket without uploads has no private folder; what is no bucket has none either. */
	if (!s3_call_find_bucket(call))
		return;
	const struct upload_query query = {.prefix = wanted.prefix,
					   .delimiter = wanted.delimiter,
					   .after_key = wanted.after_key,
					   .after_id = wanted.after_id,
					   .max = wanted.max};
	int r = upload_list(call->store->sys, call->store->root_fd, call->target->bucket, &query,
			    &page);
	if (r < 0)
		s3_call_fail_errno(call, r);
	else
		put_uploads(call, &wanted, &page);
	upload_page_fini(&page);
}
