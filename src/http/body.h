/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request body taken apart: its framing (Content-Length or the chunked coding),
 * and inside that, where the client uses it, S3's aws-chunked, which has the same
 * grammar with signatures as extensions and checksums as trailers. No I/O.
 *
 *   record -> [ framing -> [ aws-chunked -> ] ] payload
 *
 * x-amz-content-sha256 says whether it is aws-chunked; Content-Encoding does where that is absent,
 * as botocore sends it without a signature.
 *
 * Signatures are checked for form, not verified: the certificate is the identity.
 */
#ifndef SLUICE_HTTP_BODY_H
#define SLUICE_HTTP_BODY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "http/chunked.h"
#include "http/head.h"

#define BODY_LENGTH_UNKNOWN UINT64_MAX

struct body {
	bool is_chunked; /* Transfer-Encoding */
	bool is_aws_chunked;
	uint64_t left;     /* of Content-Length */
	uint64_t payload;  /* bytes so far */
	uint64_t expected; /* of payload; BODY_LENGTH_UNKNOWN */
	struct chunked framing;
	struct chunked aws;
	char trailer[CHUNK_TRAILER_BYTES_MAX]; /* aws-chunked's, and the framing's after it */
};

/* 0; -EBADMSG: x-amz-decoded-content-length is no number, or contradicts Content-Length (what is
 * not aws-chunked has that very length); or the body is aws-chunked and has no byte. A head without
 * a length has an empty body. */
int body_begin(struct body *body, const struct http_head *head);

/*
 * Takes raw bytes from in and copies payload to out. Returns how many raw bytes were taken: less
 * than len when out is full or the body is done; *out_len: payload bytes. -EBADMSG: malformed, or
 * another length than was said: nothing can be read behind it.
 */
ssize_t body_take(struct body *body, const char *in, size_t len, char *out, size_t out_size,
		  size_t *out_len);
/* Raw bytes that are nothing but payload and may be received straight to their place, and that they
 * were. 0: body_take is the way. */
uint64_t body_plain_left(const struct body *body);
void body_plain_account(struct body *body, size_t bytes);

/* Raw bytes of Content-Length still to come, whatever is coded in them. 0: none, or the framing
 * does not tell. */
uint64_t body_framed_left(const struct body *body);

bool body_is_done(const struct body *body);
/* The next field of the trailers, aws-chunked's and the framing's, once the body is done; *at, at
 * first 0, is where. False: there is none. */
bool body_trailer_next(const struct body *body, size_t *at, struct http_field *field);

#endif
