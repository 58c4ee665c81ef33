/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/fields.h"

#include <assert.h>
#include <string.h>

#include "base/must.h"
#include "s3/target.h"

static_assert(S3_OPERATION_COUNT <= 32, "a set of operations is a uint32_t");

/* Sets of operations. */
#define OF(operation)               (1u << S3_##operation)
#define UPLOADS                     (OF(PUT_OBJECT) | OF(UPLOAD_PART))
#define COPIES                      (OF(COPY_OBJECT) | OF(UPLOAD_PART_COPY))
#define TEXTS                       (OF(DELETE_OBJECTS) | OF(COMPLETE_MULTIPART_UPLOAD) | OF(CREATE_BUCKET))
#define BODIES                      (UPLOADS | TEXTS)
#define REMOVALS                    (OF(DELETE_OBJECT) | OF(DELETE_BUCKET) | OF(ABORT_MULTIPART_UPLOAD))
#define WRITES                      (BODIES | COPIES | REMOVALS | OF(CREATE_MULTIPART_UPLOAD))
#define READS                       (~WRITES)
#define ALL                         (~0u)
#define GETS                        (OF(GET_OBJECT) | OF(HEAD_OBJECT))
/* Those that an object's fields come with. */
#define MAKERS                      (OF(PUT_OBJECT) | OF(COPY_OBJECT) | OF(CREATE_MULTIPART_UPLOAD))
/* Those that put an object in the place of another, or none. */
#define PLACERS                     (OF(PUT_OBJECT) | OF(COPY_OBJECT) | OF(COMPLETE_MULTIPART_UPLOAD))

#define NAME(text)                  .name = text, .name_len = sizeof(text) - 1
#define BEGIN(text)                 NAME(text), .is_prefix = true
#define USE(are_done, are_harmless) .done = are_done, .harmless = are_harmless

static const char conditions[] =
	"This condition is not served for this operation. PutObject, CopyObject and "
	"CompleteMultipartUpload take If-Match and If-None-Match, DeleteObject If-Match, "
	"x-amz-if-match-size and x-amz-if-match-last-modified-time.";
static const char encryption[] = "Server-side encryption is not served.";
static const char owners[] = "No account owns a bucket here, so that none can be expected of it.";
static const char access_lists[] =
	"Access lists are not served: the server's access rules say who may do what.";
static const char tags[] = "Tags are not served.";
static const char locks[] = "Object locks are not served.";
static const char checksums[] = "This operation does not take this checksum field.";
static const char copies[] = "This operation does not take this field of a copy.";

static const struct s3_field_row rows[] = {
	/* How the request came, and who pays for it. Signatures are not looked at. */
	{NAME("x-amz-content-sha256"), USE(BODIES, ~BODIES)},
	{NAME("x-amz-decoded-content-length"), USE(BODIES, ~BODIES)},
	{NAME("x-amz-trailer"), USE(BODIES, ~BODIES), .is_list = true},
	{NAME("x-amz-date"), USE(0, ALL)},
	{NAME("x-amz-api-version"), USE(0, ALL)}, /* aws-sdk-cpp */
	{NAME("x-amz-security-token"), USE(0, ALL)},
	{NAME("x-amz-s3session-token"), USE(0, ALL)},
	{NAME("x-amz-user-agent"), USE(0, ALL)},
	{NAME("x-amz-request-payer"), USE(0, ALL)},
	/* It says which checksum comes with the body. */
	{NAME("x-amz-sdk-checksum-algorithm"), USE(BODIES & ~OF(COMPLETE_MULTIPART_UPLOAD), ALL)},
	/* They allow the client more than it needs: no delete asks for a second factor, and nothing
	 * is locked. */
	{NAME("x-amz-mfa"), USE(0, ALL)},
	{NAME("x-amz-bypass-governance-retention"), USE(0, ALL)},
	/* A client that sends one wants no answer from anybody else's bucket, which a server that
	 * knows no accounts cannot promise, not for a read either. */
	{NAME("x-amz-expected-bucket-owner"), USE(0, 0), .neutral = "", .text = owners},
	{NAME("x-amz-source-expected-bucket-owner"), USE(0, 0), .neutral = "", .text = owners},

	/* Conditions. */
	{NAME("if-match"), USE(GETS | PLACERS | OF(DELETE_OBJECT), READS), .text = conditions},
	/* Not where an upload begins: minio-go says it there and not again where the object is
	 * made, so that to take it would be to drop it. */
	{NAME("if-none-match"), USE(GETS | PLACERS, READS), .text = conditions},
	{NAME("if-modified-since"), USE(GETS, READS), .text = conditions},
	{NAME("if-unmodified-since"), USE(GETS, READS), .text = conditions},
	{NAME("if-range"), USE(GETS, READS), .text = conditions},
	{NAME("x-amz-if-match-size"), USE(OF(DELETE_OBJECT), READS), .text = conditions},
	{NAME("x-amz-if-match-last-modified-time"), USE(OF(DELETE_OBJECT), READS),
	 .text = conditions},
	{BEGIN("x-amz-if-"), USE(0, READS), .text = conditions},
	{NAME("content-range"), USE(0, READS | REMOVALS),
	 .text = "A part of an object cannot be written (RFC 9110 section 14.5)."},

	/* Copies. */
	{NAME("x-amz-copy-source"), USE(COPIES, READS), .text = copies},
	{NAME("x-amz-copy-source-range"), USE(OF(UPLOAD_PART_COPY), READS), .text = copies},
	{NAME("x-amz-copy-source-if-match"), USE(COPIES, READS), .text = copies},
	{NAME("x-amz-copy-source-if-none-match"), USE(COPIES, READS), .text = copies},
	{NAME("x-amz-copy-source-if-modified-since"), USE(COPIES, READS), .text = copies},
	{NAME("x-amz-copy-source-if-unmodified-since"), USE(COPIES, READS), .text = copies},
	{BEGIN("x-amz-copy-source-server-side-encryption"), USE(0, READS), .neutral = "",
	 .text = encryption},
	{NAME("x-amz-metadata-directive"), USE(OF(COPY_OBJECT), ALL)},
	{NAME("x-amz-tagging-directive"), USE(0, READS), .neutral = "COPY", .text = tags},

	/* What is kept with an object. Where a part comes, or all are put together, it is S3, too,
	 * that drops metadata: it came with the upload's beginning. */
	{NAME("content-type"), USE(MAKERS, ALL)},
	{NAME("content-disposition"), USE(MAKERS, ALL)},
	{NAME("expires"), USE(MAKERS, ALL)},
	{BEGIN("x-amz-meta-"), USE(MAKERS, ALL), .is_list = true},
	{NAME("x-amz-tagging"), USE(0, READS), .neutral = "", .text = tags},
	/* What they say is a price and how many copies there are; the bytes are read as those of
	 * STANDARD are, which is not so for an archive. */
	{NAME("x-amz-storage-class"), USE(0, READS),
	 .neutral = "STANDARD, REDUCED_REDUNDANCY, STANDARD_IA, ONEZONE_IA, INTELLIGENT_TIERING",
	 .text = "This storage class is not served."},
	{NAME("x-amz-website-redirect-location"), USE(0, READS), .neutral = "",
	 .text = "Redirects are not served."},
	{NAME("x-amz-write-offset-bytes"), USE(0, READS), .text = "Appending is not served."},

	/* Checksums. Of a request that has no body to speak of, it is one of nothing. */
	{NAME("x-amz-checksum-crc32"), USE(BODIES, READS | REMOVALS), .text = checksums},
	{NAME("x-amz-checksum-crc32c"), USE(BODIES, READS | REMOVALS), .text = checksums},
	{NAME("x-amz-checksum-crc64nvme"), USE(BODIES, READS | REMOVALS), .text = checksums},
	{NAME("x-amz-checksum-sha1"), USE(BODIES, READS | REMOVALS), .text = checksums},
	{NAME("x-amz-checksum-sha256"), USE(BODIES, READS | REMOVALS), .text = checksums},
	{NAME("x-amz-checksum-sha512"), USE(BODIES, READS | REMOVALS), .text = checksums},
	{NAME("x-amz-checksum-algorithm"), USE(OF(COPY_OBJECT) | OF(CREATE_MULTIPART_UPLOAD), ALL)},
	/* How checksums of parts become the object's; what comes whole has one. */
	{NAME("x-amz-checksum-type"),
	 USE(OF(CREATE_MULTIPART_UPLOAD) | OF(COMPLETE_MULTIPART_UPLOAD), ALL)},
	{NAME("x-amz-checksum-mode"), USE(GETS, ALL)},
	{BEGIN("x-amz-checksum-"), USE(0, READS), .text = checksums},
	{NAME("x-amz-mp-object-size"), USE(OF(COMPLETE_MULTIPART_UPLOAD), READS),
	 .text = checksums},

	/* Who may see it, and for how long. One that was not encrypted must not be taken for one
	 * that is, when it is read either. */
	{NAME("x-amz-server-side-encryption-bucket-key-enabled"), USE(0, READS), .neutral = "false",
	 .text = encryption},
	{BEGIN("x-amz-server-side-encryption"), USE(0, READS & ~(GETS | OF(GET_OBJECT_ATTRIBUTES))),
	 .neutral = "", .text = encryption},
	{NAME("x-amz-acl"), USE(0, READS),
	 .neutral = "private, bucket-owner-full-control, bucket-owner-read", .text = access_lists},
	{BEGIN("x-amz-grant-"), USE(0, READS), .neutral = "", .text = access_lists},
	{NAME("x-amz-object-ownership"), USE(0, ALL)}, /* all objects have one owner */
	{NAME("x-amz-object-lock-legal-hold"), USE(0, READS), .neutral = "OFF", .text = locks},
	{BEGIN("x-amz-object-lock-"), USE(0, READS), .neutral = "", .text = locks},
	{NAME("x-amz-bucket-object-lock-enabled"), USE(0, READS), .neutral = "false",
	 .text = locks},

	/* Questions. */
	{NAME("x-amz-max-parts"), USE(OF(GET_OBJECT_ATTRIBUTES), ALL)},
	{NAME("x-amz-part-number-marker"), USE(OF(GET_OBJECT_ATTRIBUTES), ALL)},
	{NAME("x-amz-object-attributes"), USE(OF(GET_OBJECT_ATTRIBUTES), ALL), .is_list = true},
	{NAME("x-amz-optional-object-attributes"), USE(0, ALL), .is_list = true},

	{BEGIN("x-amz-"), USE(0, READS), .neutral = "",
	 .text = "A field of the request asks for something that is not known here."},
};

static_assert(ARRAY_LEN(rows) <= 64, "a set of rows is a uint64_t");

const struct s3_field_row *s3_field_row(size_t index)
{
	return index < ARRAY_LEN(rows) ? &rows[index] : NULL;
}

enum s3_field_use s3_field_use(const struct s3_field_row *row, enum s3_operation operation)
{
	if ((row->done & 1u << operation) != 0)
		return S3_FIELD_DONE;
	return (row->harmless & 1u << operation) != 0 ? S3_FIELD_HARMLESS : S3_FIELD_REFUSED;
}

static const struct s3_field_row *find(struct slice name)
{
	char first = (char)(name.at[0] | 0x20);

	if (first != 'x' && first != 'i' && first != 'c' && first != 'e')
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct s3_field_row *row = &rows[i];
		if (row->is_prefix ? name.len < row->name_len : name.len != row->name_len)
			continue;
		if (slice_is((struct slice){name.at, row->name_len}, row->name))
			return row;
	}
	return NULL;
}

static bool is_neutral(const struct s3_field_row *row, struct slice value)
{
	if (row->neutral == NULL)
		return false;
	struct slice list = {row->neutral, strlen(row->neutral)}, member;
	while (slice_list_next(&list, &member))
		if (member.len == value.len && strncasecmp(member.at, value.at, value.len) == 0)
			return true;
	return value.len == 0;
}

/* Those of a presigned request's query that say how it is signed, or a checksum, which is that of
 * an empty body where the signer has not got the body (aws-sdk-js-v3): S3 does not look at it
 * either. */
static bool is_of_signing(const char *name)
{
	static const char *const begins[] = {
		"x-amz-algorithm", "x-amz-credential",    "x-amz-date",      "x-amz-expires",
		"x-amz-signature", "x-amz-signedheaders", "x-amz-content-",  "x-amz-security-token",
		"x-amz-checksum-", "x-amz-sdk-checksum-", "x-amz-user-agent"};

	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		if (strncasecmp(name, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

/* Signers put fields into the query, too, where only a neutral value is passed over. */
static int check_query(struct slice query, enum s3_error *error, const char **text)
{
	static const char prefix[] = "x-amz-";
	struct s3_param param;

	for (size_t at = 0; s3_query_next(query, &at, &param);) {
		if (strncasecmp(param.name, prefix, strlen(prefix)) != 0 ||
		    is_of_signing(param.name))
			continue;
		const struct s3_field_row *row =
			find((struct slice){param.name, strlen(param.name)});
		if (row != NULL && is_neutral(row, param.value))
			continue;
		*error = S3_ERROR_NOT_IMPLEMENTED;
		*text = "What a write asks for by x-amz- is a field of its head, not of its query.";
		return -1;
	}
	return 0;
}

int s3_fields_check(const struct http_head *head, struct slice query, enum s3_operation operation,
		    enum s3_error *error, const char **text)
{
	bool is_writing = (WRITES & 1u << operation) != 0;
	uint64_t seen = 0;

	for (unsigned i = 0; i < head->field_count; i++) {
		const struct s3_field_row *row = find(head->field[i].name);
		if (row == NULL)
			continue;
		if (s3_field_use(row, operation) == S3_FIELD_REFUSED &&
		    !is_neutral(row, head->field[i].value)) {
			*error = S3_ERROR_NOT_IMPLEMENTED;
			*text = row->text;
			return -1;
		}
		uint64_t bit = 1ull << (row - rows);
		if (is_writing && !row->is_list && !row->is_prefix && (seen & bit) != 0) {
			*error = S3_ERROR_INVALID_REQUEST;
			*text = "A field of the request that may stand once stands twice.";
			return -1;
		}
		seen |= bit;
	}
	return is_writing && query.len > 0 ? check_query(query, error, text) : 0;
}
