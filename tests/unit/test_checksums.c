/* SPDX-License-Identifier: Apache-2.0 */
/* What a head says of its body's digest is verified, and what it says wrongly is refused. The
 * values for "hello" are those of coreutils' md5sum, sha1sum, sha256sum and of zlib. */
#include "s3/checksums.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/must.h"

#define MD5    "Content-MD5: XUFAKrxLKna5cZ2REBfFkg==\r\n"
#define CRC32  "x-amz-checksum-crc32: NhCmhg==\r\n"
#define SHA1   "x-amz-checksum-sha1: qvTGHdzF6KLavt4PO0gs2a6pQ00=\r\n"
#define SHA256 "x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\r\n"
#define SHA512                                                                                     \
	"x-amz-checksum-sha512: "                                                                  \
	"m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==" \
	"\r\n"
#define HEX                                                                                        \
	"x-amz-content-sha256: "                                                                   \
	"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\r\n"
#define AWS  "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n"

#define NONE S3_ERROR_COUNT

static char field[CHECKSUM_FIELD_BYTES];

/* What is left to verify, of text and of a file. */
static enum s3_error end_late(struct checksums *checksums, const char *payload, size_t len)
{
	char of_file[CHECKSUM_FIELD_BYTES];
	enum s3_error error = NONE, error_of_file = NONE;
	const char *why;

	if (!checksums_are_late(checksums))
		return NONE;
	int fd = memfd_create("body", MFD_CLOEXEC);
	must(fd >= 0 && write(fd, payload, len) == (ssize_t)len);
	if (checksums_end_late(checksums, &store_sys_kernel, -1, (struct slice){payload, len},
			       field, &error, &why) == 0)
		error = NONE;
	if (checksums_end_late(checksums, &store_sys_kernel, fd, (struct slice){0}, of_file,
			       &error_of_file, &why) == 0) {
		error_of_file = NONE;
		cr_expect_str_eq(of_file, field);
	}
	cr_expect_eq(error, error_of_file);
	close(fd);
	return error;
}

/* The error of a PUT with these fields, or NONE and field. payload: what the body brings; how: as
 * checksums_begin. */
static enum s3_error put_how(unsigned how, const char *fields, const char *raw, const char *payload)
{
	static char text[2048], out[256];
	static struct http_head head;
	static struct body body;
	struct checksums checksums;
	enum http_head_error head_error;
	enum s3_error error = NONE;
	const char *why = NULL;
	size_t out_len;

	int len = snprintf(text, sizeof(text),
			   "PUT /b/k HTTP/1.1\r\nHost: s\r\nContent-Length: %zu\r\n%s\r\n",
			   strlen(raw), fields);
	must(http_head_parse(text, (size_t)len, 0, &head, &head_error) == len);
	must(body_begin(&body, &head) == 0);
	must(body_take(&body, raw, strlen(raw), out, sizeof(out), &out_len) ==
	     (ssize_t)strlen(raw));
	must(out_len == strlen(payload) && memcmp(out, payload, out_len) == 0);
	field[0] = '\0';
	if (checksums_begin(&checksums, &head, how, &error, &why) == 0) {
		digest_update(&checksums.digests, out, out_len);
		if (checksums_end(&checksums, &body, field, &error, &why) == 0)
			error = end_late(&checksums, out, out_len);
	}
	checksums_fini(&checksums);
	return error;
}

static enum s3_error put(const char *fields, const char *raw, const char *payload)
{
	return put_how(0, fields, raw, payload);
}

/* Of a completion they speak of the object; what is said of the body is verified all the same. */
Test(checksums, of_another_thing_than_the_body)
{
	static const char composite[] = "x-amz-checksum-crc32: DV1k1w==-2\r\n";

	cr_expect_eq(put_how(CHECKSUMS_ARE_OF_OBJECT, CRC32, "other", "other"), NONE);
	cr_expect_str_eq(field, "");
	cr_expect_eq(put_how(CHECKSUMS_ARE_OF_OBJECT, composite, "other", "other"), NONE);
	cr_expect_eq(put_how(CHECKSUMS_ARE_OF_OBJECT, MD5 CRC32, "other", "other"),
		     S3_ERROR_BAD_DIGEST);
	cr_expect_eq(put_how(CHECKSUMS_ARE_OF_OBJECT, HEX CRC32, "other", "other"),
		     S3_ERROR_SHA256_MISMATCH);
}

Test(checksums, of_the_head)
{
	static const struct {
		const char *fields, *good_field;
		enum s3_error of_another_body;
	} rows[] = {
		{"", "", NONE},
		{"x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n", "", NONE},
		{MD5, "", S3_ERROR_BAD_DIGEST},
		{CRC32, CRC32, S3_ERROR_BAD_DIGEST},
		{SHA1, SHA1, S3_ERROR_BAD_DIGEST},
		{SHA256, SHA256, S3_ERROR_BAD_DIGEST},
		{SHA512, SHA512, S3_ERROR_BAD_DIGEST},
		{MD5 CRC32, CRC32, S3_ERROR_BAD_DIGEST},
		{HEX, "", S3_ERROR_SHA256_MISMATCH},
		{HEX CRC32, CRC32, S3_ERROR_BAD_DIGEST},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_expect_eq(put(rows[i].fields, "hello", "hello"), NONE, "row %zu", i);
		cr_expect_str_eq(field, rows[i].good_field, "row %zu", i);
		cr_expect_eq(put(rows[i].fields, "hellp", "hellp"), rows[i].of_another_body,
			     "row %zu", i);
	}
}

/* What an SDK says that it sends. */
Test(checksums, of_the_kind_that_is_promised)
{
#define SDK(kind) "x-amz-sdk-checksum-algorithm: " kind "\r\n"
	static const struct {
		const char *fields;
		enum s3_error error;
	} rows[] = {
		{SDK("CRC32") CRC32, NONE},
		{SDK("crc32") CRC32, NONE},
		{SDK("SHA256") SHA256, NONE},
		{SDK(""), NONE},
		{SDK("CRC32"), S3_ERROR_INVALID_REQUEST},
		{SDK("CRC32") MD5, S3_ERROR_INVALID_REQUEST},
		{SDK("SHA256") HEX, S3_ERROR_INVALID_REQUEST},
		{SDK("CRC33") CRC32, S3_ERROR_INVALID_REQUEST},
		{SDK("CRC32C") CRC32, S3_ERROR_BAD_DIGEST},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(put(rows[i].fields, "hello", "hello"), rows[i].error, "%s",
			     rows[i].fields);
	const char *trailer = AWS SDK("CRC32") "x-amz-trailer: x-amz-checksum-crc32\r\n";
	cr_expect_eq(put(trailer, "5\r\nhello\r\n0\r\n" CRC32 "\r\n", "hello"), NONE);
	cr_expect_eq(put(AWS SDK("CRC32"), "5\r\nhello\r\n0\r\n" CRC32 "\r\n", "hello"),
		     S3_ERROR_INVALID_REQUEST, "it was not announced");
	cr_expect_eq(put_how(CHECKSUMS_ARE_OF_OBJECT, SDK("CRC32"), "other", "other"), NONE);
#undef SDK
}

Test(checksums, of_the_trailer)
{
	static const char fields[] = AWS "x-amz-trailer: x-amz-checksum-crc32\r\n";
	static const char begin[] = "5\r\nhello\r\n0\r\n";
	char raw[256];

	snprintf(raw, sizeof(raw), "%s" CRC32 "\r\n", begin);
	cr_expect_eq(put(fields, raw, "hello"), NONE);
	cr_expect_str_eq(field, CRC32);
	snprintf(raw, sizeof(raw), "%sx-amz-checksum-crc32: AAAAAA==\r\n\r\n", begin);
	cr_expect_eq(put(fields, raw, "hello"), S3_ERROR_BAD_DIGEST);
	snprintf(raw, sizeof(raw), "%sx-amz-checksum-crc32: AAAA\r\n\r\n", begin);
	cr_expect_eq(put(fields, raw, "hello"), S3_ERROR_INVALID_REQUEST);
	snprintf(raw, sizeof(raw), "%s\r\n", begin);
	cr_expect_eq(put(fields, raw, "hello"), S3_ERROR_INVALID_REQUEST, "announced, not sent");
}

/* Announced or not, in the trailer of either coding, and in every kind. */
Test(checksums, of_a_trailer_that_nothing_announced)
{
	static const char *const good[] = {CRC32, SHA1, SHA256, SHA512};
	static const char *const ways[] = {
		AWS,
		"x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n",
		"Content-Encoding: aws-chunked\r\n",
	};
	char raw[512];

	for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
		for (size_t i = 0; i < ARRAY_LEN(good); i++) {
			snprintf(raw, sizeof(raw), "5\r\nhello\r\n0\r\n%s\r\n", good[i]);
			cr_expect_eq(put(ways[w], raw, "hello"), NONE, "way %zu, %s", w, good[i]);
			cr_expect_str_eq(field, good[i]);
			raw[7] = 'p'; /* hellp */
			cr_expect_eq(put(ways[w], raw, "hellp"), S3_ERROR_BAD_DIGEST, "way %zu, %s",
				     w, good[i]);
		}
	}
}

Test(checksums, one_in_all)
{
	static const char aws[] = "5\r\nhello\r\n0\r\n";
	static const struct {
		const char *fields, *trailer;
		enum s3_error error;
	} rows[] = {
		{AWS CRC32, CRC32, S3_ERROR_INVALID_REQUEST},
		{AWS, CRC32 SHA1, S3_ERROR_INVALID_REQUEST},
		{AWS, CRC32 CRC32, S3_ERROR_INVALID_REQUEST},
		{AWS "x-amz-trailer: x-amz-checksum-sha1\r\n", CRC32, S3_ERROR_INVALID_REQUEST},
		{AWS "x-amz-trailer: x-amz-checksum-crc32\r\n"
		     "x-amz-trailer: x-amz-checksum-crc32\r\n",
		 CRC32, NONE},
		{AWS "x-amz-trailer: x-amz-checksum-crc32\r\n"
		     "x-amz-trailer: x-amz-checksum-sha1\r\n",
		 CRC32, S3_ERROR_INVALID_REQUEST},
		{AWS, "x-amz-checksum-crc32: NhCm\r\n", S3_ERROR_INVALID_REQUEST},
		{AWS, "x-amz-checksum-xxhash64: AAAAAAAAAAA=\r\n", S3_ERROR_NOT_IMPLEMENTED},
		{AWS, "x-amz-trailer-signature: 00\r\n", NONE},
	};
	char raw[512];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(raw, sizeof(raw), "%s%s\r\n", aws, rows[i].trailer);
		cr_expect_eq(put(rows[i].fields, raw, "hello"), rows[i].error, "row %zu", i);
	}
}

Test(checksums, refused_before_the_body)
{
	static const struct {
		const char *fields;
		enum s3_error error;
	} rows[] = {
		{"Content-MD5: \r\n", S3_ERROR_INVALID_DIGEST},
		{"Content-MD5: AAAA\r\n", S3_ERROR_INVALID_DIGEST},
		{"Content-MD5: 5d41402abc4b2a76b9719d911017c592\r\n", S3_ERROR_INVALID_DIGEST},
		{"x-amz-checksum-crc32: NhCmhg=\r\n", S3_ERROR_INVALID_REQUEST},
		{"x-amz-checksum-crc32: NhCmhh==\r\n", S3_ERROR_INVALID_REQUEST},
		{"x-amz-checksum-crc32c: NhCmhgAA\r\n", S3_ERROR_INVALID_REQUEST},
		{CRC32 SHA1, S3_ERROR_INVALID_REQUEST},
		{CRC32 "x-amz-trailer: x-amz-checksum-crc32c\r\n", S3_ERROR_INVALID_REQUEST},
		{CRC32 "x-amz-checksum-crc32: AAAAAA==\r\n", S3_ERROR_INVALID_REQUEST},
		{"x-amz-trailer: x-amz-checksum-md5\r\n", S3_ERROR_NOT_IMPLEMENTED},
		{"x-amz-trailer: x-amz-meta-a\r\n", S3_ERROR_INVALID_REQUEST},
		{"x-amz-trailer: x-amz-checksum-crc32, x-amz-checksum-sha1\r\n",
		 S3_ERROR_INVALID_REQUEST},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(put(rows[i].fields, "hello", "hello"), rows[i].error, "row %zu", i);
}
