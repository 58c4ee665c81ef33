/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/checksums.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/hex.h"
#include "base/must.h"

/* What is read at once of a body that is read again. */
#define REREAD_BYTES (1u << 18)

static const char *const fields[DIGEST_KIND_COUNT] = {
	[DIGEST_CRC32] = "x-amz-checksum-crc32",
	[DIGEST_CRC32C] = "x-amz-checksum-crc32c",
	[DIGEST_CRC64NVME] = "x-amz-checksum-crc64nvme",
	[DIGEST_SHA1] = "x-amz-checksum-sha1",
	[DIGEST_SHA256] = "x-amz-checksum-sha256",
	[DIGEST_SHA512] = "x-amz-checksum-sha512",
	[DIGEST_MD5] = "content-md5",
};

static const char not_base64[] =
	"The value of an x-amz-checksum field is not the base64 of such a checksum.";
static const char is_one[] = "A request has one x-amz-checksum field at most.";

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

static bool is_checksum_field(struct slice name)
{
	static const char begin[] = "x-amz-checksum-";
	return name.len >= sizeof(begin) - 1 &&
	       slice_is((struct slice){name.at, sizeof(begin) - 1}, begin);
}

/* A name that is none of ours: one of S3's other kinds, or nothing at all. */
static int refuse_name(struct slice name, enum s3_error *error, const char **text)
{
	static const char *const others[] = {"x-amz-checksum-md5", "x-amz-checksum-xxhash64",
					     "x-amz-checksum-xxhash3", "x-amz-checksum-xxhash128"};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (slice_is(name, others[i]))
			return refuse(error, text, S3_ERROR_NOT_IMPLEMENTED,
				      "The checksums served are CRC32, CRC32C, CRC64NVME, SHA1, "
				      "SHA256 and SHA512.");
	return refuse(error, text, S3_ERROR_INVALID_REQUEST,
		      "A trailer may have an x-amz-checksum field of S3, no other.");
}

/* DIGEST_MD5: none. */
static enum digest_kind kind_of(struct slice name)
{
	unsigned kind = 0;
	while (kind < DIGEST_MD5 && !slice_is(name, fields[kind]))
		kind++;
	return (enum digest_kind)kind;
}

/* x-amz-trailer names one of the checksums; anything else in it would pass unverified. Two: more
 * than one bit. */
static int take_trailer_names(struct checksums *checksums, const struct http_head *head,
			      enum s3_error *error, const char **text)
{
	struct http_list at = {0};
	struct slice name;

	while (http_head_list_next(head, "x-amz-trailer", &at, &name)) {
		enum digest_kind kind = kind_of(name);
		if (kind == DIGEST_MD5)
			return refuse_name(name, error, text);
		checksums->in_trailer |= 1u << kind;
	}
	return 0;
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
	if (!hex_decode(value.at, 32, checksums->payload_sha256))
		return -EINVAL;
	checksums->has_sha256_of_payload = true;
	return 0;
}

/* x-amz-sdk-checksum-algorithm promises a checksum: with none, nothing would be verified where the
 * client believes that something is. checks: of the body, 1 << enum digest_kind. */
static int check_promise(const struct http_head *head, unsigned checks, enum s3_error *error,
			 const char **text)
{
	struct slice value = http_head_find(head, "x-amz-sdk-checksum-algorithm");

	if (value.len == 0)
		return 0;
	if (checks == 0)
		return refuse(error, text, S3_ERROR_INVALID_REQUEST,
			      "x-amz-sdk-checksum-algorithm comes with an x-amz-checksum field, or "
			      "with an x-amz-trailer that names one.");
	enum digest_kind kind = checksum_find(value.at, value.len);
	if (kind == CHECKSUM_KINDS)
		return refuse(error, text, S3_ERROR_INVALID_REQUEST,
			      "x-amz-sdk-checksum-algorithm is none of CRC32, CRC32C, CRC64NVME, "
			      "SHA1, SHA256 and SHA512.");
	if (checks != 1u << kind)
		return refuse(error, text, S3_ERROR_BAD_DIGEST,
			      "The checksum is not of the kind that x-amz-sdk-checksum-algorithm "
			      "names.");
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
			return refuse(error, text, S3_ERROR_INVALID_REQUEST, not_base64);
	if (take_trailer_names(checksums, head, error, text) < 0)
		return -1;
	if (take_payload_sha256(checksums, head) < 0)
		return refuse(error, text, S3_ERROR_INVALID_REQUEST,
			      "x-amz-content-sha256 is no SHA-256 in hex, UNSIGNED-PAYLOAD or "
			      "STREAMING-...");
	unsigned checks = (checksums->in_head & ~(1u << DIGEST_MD5)) | checksums->in_trailer;
	if ((checks & (checks - 1)) != 0)
		return refuse(error, text, S3_ERROR_INVALID_REQUEST, is_one);
	if (are_of_body && check_promise(head, checks, error, text) < 0)
		return -1;
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

/* The checksum of the trailer, announced or not. */
static int take_trailer(struct checksums *checksums, const struct body *body, enum s3_error *error,
			const char **text)
{
	unsigned said = (checksums->in_head & ~(1u << DIGEST_MD5)), came = 0;
	struct http_field field;

	for (size_t at = 0; body_trailer_next(body, &at, &field);) {
		enum digest_kind kind = kind_of(field.name);
		if (!is_checksum_field(field.name))
			continue; /* a signature */
		if (kind == DIGEST_MD5)
			return refuse_name(field.name, error, text);
		if (said != 0 || came != 0)
			return refuse(error, text, S3_ERROR_INVALID_REQUEST, is_one);
		if (decode(field.value, kind, checksums->expected[kind]) < 0)
			return refuse(error, text, S3_ERROR_INVALID_REQUEST, not_base64);
		came = 1u << kind;
	}
	if (checksums->in_trailer != 0 && came != checksums->in_trailer)
		return refuse(error, text, S3_ERROR_INVALID_REQUEST,
			      "The trailer does not hold the checksum that x-amz-trailer "
			      "announced.");
	checksums->late = came & ~checksums->in_trailer;
	return 0;
}

static void put_field(enum digest_kind kind, const uint8_t digest[DIGEST_BYTES_MAX],
		      char field[CHECKSUM_FIELD_BYTES])
{
	char base64[BASE64_TEXT_BYTES(DIGEST_BYTES_MAX)];

	base64_encode(digest, digest_bytes(kind), base64);
	snprintf(field, CHECKSUM_FIELD_BYTES, "%s: %s\r\n", fields[kind], base64);
}

/* Is the digest that was computed the one that was said? */
static int compare(struct checksums *checksums, enum digest_kind kind,
		   const uint8_t is[DIGEST_BYTES_MAX], char field[CHECKSUM_FIELD_BYTES])
{
	if (memcmp(is, checksums->expected[kind], digest_bytes(kind)) != 0)
		return -EINVAL;
	if (kind != DIGEST_MD5)
		put_field(kind, is, field);
	return 0;
}

int checksums_end(struct checksums *checksums, const struct body *body,
		  char field[CHECKSUM_FIELD_BYTES], enum s3_error *error, const char **text)
{
	field[0] = '\0';
	if (take_trailer(checksums, body, error, text) < 0)
		return -1;
	for (unsigned k = 0; k < DIGEST_KIND_COUNT; k++) {
		enum digest_kind kind = (enum digest_kind)k;
		uint8_t is[DIGEST_BYTES_MAX];
		if ((checksums->digests.wanted & 1u << kind) == 0)
			continue;
		digest_end(&checksums->digests, kind, is);
		if (kind == DIGEST_MD5)
			memcpy(checksums->md5, is, digest_bytes(kind));
		if (kind == DIGEST_SHA256 && checksums->has_sha256_of_payload &&
		    memcmp(is, checksums->payload_sha256, digest_bytes(kind)) != 0)
			return refuse(error, text, S3_ERROR_SHA256_MISMATCH, NULL);
		bool is_said = ((checksums->in_head | checksums->in_trailer) & 1u << kind) != 0;
		if (is_said && compare(checksums, kind, is, field) < 0)
			return refuse(error, text, S3_ERROR_BAD_DIGEST, NULL);
	}
	return 0;
}

int checksums_end_late(struct checksums *checksums, const struct store_sys *sys, int fd,
		       struct slice text, char field[CHECKSUM_FIELD_BYTES], enum s3_error *error,
		       const char **why)
{
	enum digest_kind kind = (enum digest_kind)__builtin_ctz(checksums->late);
	uint8_t is[DIGEST_BYTES_MAX];

	*why = NULL;
	int r = fd >= 0 ? checksum_digest_file(sys, fd, kind, is)
			: digest_of(kind, text.at, text.len, is);
	if (r < 0)
		return refuse(error, why,
			      r == -ENOMEM ? S3_ERROR_SLOW_DOWN : S3_ERROR_INTERNAL_ERROR, NULL);
	if (compare(checksums, kind, is, field) < 0)
		return refuse(error, why, S3_ERROR_BAD_DIGEST, NULL);
	return 0;
}

void checksums_fini(struct checksums *checksums)
{
	digest_fini(&checksums->digests);
}
