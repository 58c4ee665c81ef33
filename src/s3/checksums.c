/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/checksums.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/hex.h"
#include "base/must.h"

static const char *const fields[DIGEST_KIND_COUNT] = {
	[DIGEST_CRC32] = "x-amz-checksum-crc32",         [DIGEST_CRC32C] = "x-amz-checksum-crc32c",
	[DIGEST_CRC64NVME] = "x-amz-checksum-crc64nvme", [DIGEST_SHA1] = "x-amz-checksum-sha1",
	[DIGEST_SHA256] = "x-amz-checksum-sha256",       [DIGEST_MD5] = "content-md5",
};

static int refuse(enum s3_error *error, const char **text, enum s3_error what, const char *why)
{
	*error = what;
	*text = why;
	return -1;
}

static int decode(struct slice value, enum digest_kind kind, uint8_t out[DIGEST_BYTES_MAX])
{
	ssize_t n = base64_decode(value.at, value.len, out, DIGEST_BYTES_MAX);
	return n == (ssize_t)digest_bytes(kind) ? 0 : -EINVAL;
}

static int take_head_field(struct checksums *checksums, const struct http_head *head,
			   enum digest_kind kind)
{
	struct slice value = http_head_find(head, fields[kind]);
	unsigned times = 0;
	if (value.at == NULL)
		return 0;
	for (unsigned i = 0; i < head->field_count; i++)
		times += slice_is(head->field[i].name, fields[kind]);
	if (times > 1) /* which of them would be the one to verify? */
		return -EINVAL;
	if (decode(value, kind, checksums->expected[kind]) < 0)
		return -EINVAL;
	checksums->in_head |= 1u << kind;
	return 0;
}

/* x-amz-trailer names one of the checksums; anything else in it would pass unverified. */
static int take_trailer_name(struct checksums *checksums, const struct http_head *head)
{
	struct slice name = http_head_find(head, "x-amz-trailer");
	if (name.at == NULL)
		return 0;
	for (unsigned kind = 0; kind < DIGEST_MD5; kind++) {
		if (slice_is(name, fields[kind])) {
			checksums->in_trailer = 1u << kind;
			return 0;
		}
	}
	return -EINVAL;
}

/* The digest of the payload, if it is one: "UNSIGNED-PAYLOAD" and "STREAMING-..." are not. */
static int take_payload_sha256(struct checksums *checksums, const struct http_head *head)
{
	struct slice value = http_head_find(head, "x-amz-content-sha256");

	if (value.at == NULL || slice_is(value, "UNSIGNED-PAYLOAD") ||
	    (value.len > 10 && memcmp(value.at, "STREAMING-", 10) == 0))
		return 0;
	if (value.len != (size_t)2 * 32)
		return -EINVAL;
	for (size_t i = 0; i < 32; i++) {
		int high = hex_value(value.at[2 * i]), low = hex_value(value.at[2 * i + 1]);
		if (high < 0 || low < 0)
			return -EINVAL;
		checksums->payload_sha256[i] = (uint8_t)(high << 4 | low);
	}
	checksums->has_sha256_of_payload = true;
	return 0;
}

int checksums_begin(struct checksums *checksums, const struct http_head *head, unsigned how,
		    enum s3_error *error, const char **text)
{
	memset(checksums, 0, sizeof(*checksums));
	checksums->wants_md5 = (how & CHECKSUMS_WANT_MD5) != 0;
	if (take_head_field(checksums, head, DIGEST_MD5) < 0)
		return refuse(error, text, S3_ERROR_INVALID_DIGEST, NULL);
	bool are_of_body = (how & CHECKSUMS_ARE_OF_OBJECT) == 0;
	for (unsigned kind = 0; are_of_body && kind < DIGEST_MD5; kind++)
		if (take_head_field(checksums, head, (enum digest_kind)kind) < 0)
			return refuse(error, text, S3_ERROR_INVALID_REQUEST,
				      "The value of an x-amz-checksum field is not the base64 of "
				      "such a checksum.");
	if (take_trailer_name(checksums, head) < 0)
		return refuse(error, text, S3_ERROR_INVALID_REQUEST,
			      "x-amz-trailer may name one x-amz-checksum field, no other.");
	if (take_payload_sha256(checksums, head) < 0)
		return refuse(error, text, S3_ERROR_INVALID_REQUEST,
			      "x-amz-content-sha256 is no SHA-256 in hex, UNSIGNED-PAYLOAD or "
			      "STREAMING-...");
	unsigned checks = (checksums->in_head & ~(1u << DIGEST_MD5)) | checksums->in_trailer;
	if ((checks & (checks - 1)) != 0)
		return refuse(error, text, S3_ERROR_INVALID_REQUEST,
			      "A request has one x-amz-checksum field at most.");
	unsigned wanted = checksums->in_head | checksums->in_trailer;
	if (checksums->has_sha256_of_payload)
		wanted |= 1u << DIGEST_SHA256;
	if (checksums->wants_md5)
		wanted |= 1u << DIGEST_MD5;
	int r = digest_begin(&checksums->digests, wanted);
	if (r == -EOPNOTSUPP)
		return refuse(error, text, S3_ERROR_NOT_IMPLEMENTED,
			      "OpenSSL does not do this digest here.");
	return r < 0 ? refuse(error, text, S3_ERROR_SLOW_DOWN, NULL) : 0;
}

int checksums_end(struct checksums *checksums, const struct body *body,
		  char field[CHECKSUM_FIELD_BYTES], enum s3_error *error, const char **text)
{
	field[0] = '\0';
	for (unsigned k = 0; k < DIGEST_KIND_COUNT; k++) {
		enum digest_kind kind = (enum digest_kind)k;
		uint8_t is[DIGEST_BYTES_MAX], *expected = checksums->expected[kind];
		size_t bytes = digest_bytes(kind);
		if ((checksums->digests.wanted & 1u << kind) == 0)
			continue;
		digest_end(&checksums->digests, kind, is);
		if (kind == DIGEST_MD5)
			memcpy(checksums->md5, is, bytes);
		if (kind == DIGEST_SHA256 && checksums->has_sha256_of_payload &&
		    memcmp(is, checksums->payload_sha256, bytes) != 0)
			return refuse(error, text, S3_ERROR_SHA256_MISMATCH, NULL);
		bool is_in_trailer = (checksums->in_trailer & 1u << kind) != 0;
		if (is_in_trailer && decode(body_trailer(body, fields[kind]), kind, expected) < 0)
			return refuse(error, text, S3_ERROR_INVALID_REQUEST,
				      "The trailer does not hold the checksum that x-amz-trailer "
				      "announced.");
		if (!is_in_trailer && (checksums->in_head & 1u << kind) == 0)
			continue;
		if (memcmp(is, expected, bytes) != 0)
			return refuse(error, text, S3_ERROR_BAD_DIGEST, NULL);
		if (kind == DIGEST_MD5)
			continue;
		char base64[BASE64_TEXT_BYTES(DIGEST_BYTES_MAX)];
		base64_encode(is, bytes, base64);
		snprintf(field, CHECKSUM_FIELD_BYTES, "%s: %s\r\n", fields[kind], base64);
	}
	return 0;
}

void checksums_fini(struct checksums *checksums)
{
	digest_fini(&checksums->digests);
}
