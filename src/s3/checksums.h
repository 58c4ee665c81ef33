/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request says of its body's digest: Content-MD5, x-amz-checksum-* in the
 * head or in the trailer, x-amz-content-sha256. All that is said is verified
 * before the object is visible; nothing else is computed.
 *
 * A checksum of the trailer is computed as the body passes if x-amz-trailer has
 * announced it; one that comes without that, by reading again what was received:
 *
 *   checksums_begin -> body -> checksums_end -> [checksums_end_late] -> checksums_fini
 */
#ifndef SLUICE_S3_CHECKSUMS_H
#define SLUICE_S3_CHECKSUMS_H

#include "base/digest.h"
#include "http/body.h"
#include "http/head.h"
#include "s3/error.h"
#include "store/checksum.h"

/* How checksums_begin is to read the head: an MD5 is computed, said or not (for an ETag);
 * x-amz-checksum fields speak of another thing than the body. */
#define CHECKSUMS_WANT_MD5      1u
#define CHECKSUMS_ARE_OF_OBJECT 2u

struct checksums {
	struct digest_set digests;
	unsigned in_head;           /* 1 << enum digest_kind: expected[] is known */
	unsigned in_trailer;        /* comes in the trailer */
	bool wants_md5;             /* for an ETag */
	unsigned late;              /* came there unannounced: expected[] is known, none computed */
	bool has_sha256_of_payload; /* x-amz-content-sha256 */
	uint8_t expected[DIGEST_KIND_COUNT][DIGEST_BYTES_MAX];
	uint8_t payload_sha256[DIGEST_BYTES_MAX];
	uint8_t md5[DIGEST_BYTES_MAX]; /* wants_md5, after checksums_end */
};

/* 0, or -1 with the S3 error (InvalidDigest, InvalidRequest) and its text (NULL: the table's).
 * checksums_fini in any case. how: CHECKSUMS_..., or-ed. */
int checksums_begin(struct checksums *checksums, const struct http_head *head, unsigned how,
		    enum s3_error *error, const char **text);
/*
 * The body is done: does it have the digests that were said? 0, with field: the x-amz-checksum-*
 * that was verified as "Name: value\r\n" ("" when none was said, or checksums_are_late); or -1
 * with the S3 error (BadDigest, InvalidRequest, NotImplemented, XAmzContentSHA256Mismatch).
 */
int checksums_end(struct checksums *checksums, const struct body *body,
		  char field[CHECKSUM_FIELD_BYTES], enum s3_error *error, const char **text);
/* Is checksums_end_late needed, too? */
static inline bool checksums_are_late(const struct checksums *checksums)
{
	return checksums->late != 0;
}
/* The same for what is late, over the file (fd -1: over text); for a thread that may block. The
 * error may be InternalError or SlowDown, too. */
int checksums_end_late(struct checksums *checksums, const struct store_sys *sys, int fd,
		       struct slice text, char field[CHECKSUM_FIELD_BYTES], enum s3_error *error,
		       const char **why);
void checksums_fini(struct checksums *checksums);

#endif
