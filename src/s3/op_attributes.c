/* SPDX-License-Identifier: Apache-2.0 */
/* GetObjectAttributes: about an object, without its bytes. */
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "s3/call.h"
#include "s3/op.h"
#include "s3/xml_out.h"
#include "store/meta.h"

void op_put_checksum(struct text *out, const char *lines, size_t len)
{
	static const struct {
		const char *field, *element;
	} rows[] = {
		{"x-amz-checksum-crc32: ", "ChecksumCRC32"},
		{"x-amz-checksum-crc32c: ", "ChecksumCRC32C"},
		{"x-amz-checksum-crc64nvme: ", "ChecksumCRC64NVME"},
		{"x-amz-checksum-sha1: ", "ChecksumSHA1"},
		{"x-amz-checksum-sha256: ", "ChecksumSHA256"},
		{"x-amz-checksum-sha512: ", "ChecksumSHA512"},
	};
	char value[CHECKSUM_FIELD_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t begin = strlen(rows[i].field);
		if (len <= begin + 2 || len - begin > sizeof(value) ||
		    memcmp(lines, rows[i].field, begin) != 0)
			continue;
		memcpy(value, lines + begin, len - begin - 2); /* without CRLF */
		value[len - begin - 2] = '\0';
		xml_text(out, rows[i].element, value);
		xml_text(out, "ChecksumType", "FULL_OBJECT");
	}
}

static const char wanted_field[] = "x-amz-object-attributes";

static bool is_wanted(const struct s3_call *call, const char *attribute)
{
	return http_head_list_has(call->head, wanted_field, attribute);
}

static void put_attributes(struct s3_call *call, int fd, const struct facts *facts)
{
	struct text *out = &call->text;
	char etag[ETAG_BYTES], lines[META_BYTES_MAX];

	int r = version_read(call->store->sys, fd, facts, etag);
	if (r < 0) {
		s3_call_fail_errno(call, r);
		return;
	}
	etag[strlen(etag) - 1] = '\0'; /* here it stands without its quotes */
	xml_begin(out, "GetObjectAttributesResponse");
	if (is_wanted(call, "ETag"))
		xml_text(out, "ETag", etag + 1);
	if (is_wanted(call, "Checksum")) {
		int n = meta_get_bound(call->store->sys, fd, META_CHECKSUMS, facts, lines);
		if (n > 0) {
			xml_open(out, "Checksum");
			op_put_checksum(out, lines, (size_t)n);
			xml_close(out, "Checksum");
		}
	}
	if (is_wanted(call, "StorageClass"))
		xml_text(out, "StorageClass", "STANDARD");
	if (is_wanted(call, "ObjectSize"))
		xml_u64(out, "ObjectSize", facts->size);
	xml_close(out, "GetObjectAttributesResponse");
}

/* At least one, and none that S3 does not have. ObjectParts is left out of the answer: an object
 * does not know its parts. */
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
