/* SPDX-License-Identifier: Apache-2.0 */
/* GetObjectAttributes: about an object, without its bytes. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "http/date.h"
#include "s3/call.h"
#include "s3/field_values.h"
#include "s3/op.h"
#include "s3/xml_out.h"
#include "store/meta.h"
#include "store/parts.h"

/* S3's limit of a page. */
#define PARTS_PAGE_MAX 1000

/* The parts of an object that has some, from x-amz-part-number-marker on, x-amz-max-parts of them.
 */
struct parts_query {
	uint64_t after;
	uint64_t max;
};

static bool take_parts_query(struct s3_call *call, struct parts_query *query)
{
	bool has;

	*query = (struct parts_query){.max = PARTS_PAGE_MAX};
	if (!s3_field_number(call, "x-amz-part-number-marker", INT32_MAX, &has, &query->after) ||
	    !s3_field_number(call, "x-amz-max-parts", INT32_MAX, &has, &query->max))
		return false;
	if (query->max > PARTS_PAGE_MAX)
		query->max = PARTS_PAGE_MAX;
	return true;
}

/* text: META_PARTS, which is of this object. */
static void put_parts(struct text *out, const struct parts_query *query, struct slice text,
		      const struct object_part *all, const struct checksum_parts *sums)
{
	struct parts_reader reader;
	uint64_t last = query->after, size;

	parts_read(&reader, text.at, text.len);
	xml_open(out, "ObjectParts");
	for (unsigned number = 1; parts_next(&reader, &size) == 1; number++) {
		struct checksum sum;
		if (number <= query->after || number - query->after > query->max)
			continue;
		xml_open(out, "Part");
		xml_u64(out, "PartNumber", number);
		xml_u64(out, "Size", size);
		checksum_of_part(sums, number, &sum);
		xml_checksum(out, &sum);
		xml_close(out, "Part");
		last = number;
	}
	xml_u64(out, "PartNumberMarker", query->after);
	xml_u64(out, "NextPartNumberMarker", last);
	xml_u64(out, "MaxParts", query->max);
	xml_bool(out, "IsTruncated", last < all->count);
	xml_u64(out, "PartsCount", all->count);
	xml_close(out, "ObjectParts");
}

/* Nothing, of an object that was not made of parts or has more than are kept. sum: the object's. */
static void put_object_parts(struct s3_call *call, int fd, const struct facts *facts,
			     const struct checksum *sum)
{
	const struct store_sys *sys = call->store->sys;
	char text[META_BYTES_MAX];
	struct checksum_parts sums;
	struct parts_query query;
	struct object_part all = {0};

	if (!take_parts_query(call, &query) || !meta_is_marked(facts->mode))
		return;
	int n = meta_get_bound(sys, fd, META_PARTS, facts, text);
	int r = n < 0 && n != -ERANGE ? n : 0;
	if (r == 0)
		r = checksum_parts_kept(sys, fd, facts, sum, &sums);
	if (r < 0 && r != -EBADMSG) {
		s3_call_fail_errno(call, r);
		return;
	}
	parts_find(&all, text, n > 0 ? (size_t)n : 0, facts->size);
	if (all.count > 0)
		put_parts(&call->text, &query, (struct slice){text, (size_t)n}, &all, &sums);
}

static const char wanted_field[] = "x-amz-object-attributes";

static bool is_wanted(const struct s3_call *call, const char *attribute)
{
	return http_head_list_has(call->head, wanted_field, attribute);
}

static void put_attributes(struct s3_call *call, int fd, const struct facts *facts)
{
	struct text *out = &call->text;
	struct checksum sum = {0};
	char etag[ETAG_BYTES], date[HTTP_DATE_BYTES];

	int r = version_read(call->store->sys, fd, facts, etag);
	if (r == 0)
		r = checksum_kept(call->store->sys, fd, facts, &sum);
	if (r == -EBADMSG)
		sum.is_set = false; /* damaged */
	else if (r < 0) {
		s3_call_fail_errno(call, r);
		return;
	}
	http_date_format(facts->modified.tv_sec, date);
	text_printf(&call->fields, "Last-Modified: %s\r\n", date);
	etag[strlen(etag) - 1] = '\0'; /* here it stands without its quotes */
	xml_begin(out, "GetObjectAttributesResponse");
	if (is_wanted(call, "ETag"))
		xml_text(out, "ETag", etag + 1);
	if (is_wanted(call, "Checksum") && sum.is_set) {
		xml_open(out, "Checksum");
		xml_typed_checksum(out, &sum);
		xml_close(out, "Checksum");
	}
	if (is_wanted(call, "ObjectParts"))
		put_object_parts(call, fd, facts, &sum);
	if (is_wanted(call, "StorageClass"))
		xml_text(out, "StorageClass", "STANDARD");
	if (is_wanted(call, "ObjectSize"))
		xml_u64(out, "ObjectSize", facts->size);
	xml_close(out, "GetObjectAttributesResponse");
}

/* At least one, and none that S3 does not have. */
static bool are_attributes(const struct http_head *head)
{
	static const char *const names[] = {"ETag", "Checksum", "ObjectParts", "StorageClass",
					    "ObjectSize"};
	struct http_list at = {0};
	struct slice member;
	unsigned count = 0;

	for (; http_head_list_next(head, wanted_field, &at, &member); count++) {
		bool is_known = false;
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			is_known = is_known || slice_is(member, names[i]);
		if (!is_known)
			return false;
	}
	return count > 0;
}

void op_get_object_attributes(struct s3_call *call)
{
	struct facts facts;

	if (!are_attributes(call->head)) {
		s3_call_fail(call, S3_ERROR_INVALID_ARGUMENT,
			     "x-amz-object-attributes says which attributes are wanted.");
		return;
	}
	int fd = s3_call_open_object(call, call->target, &facts, NULL);
	if (fd < 0)
		return;
	put_attributes(call, fd, &facts);
	close(fd);
}
