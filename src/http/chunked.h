/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chunked transfer coding (RFC 9112 section 7.1) taken apart as it comes in,
 * strict: what leaves the end of the body uncertain is an error. No I/O, no
 * allocation, no copy: payload is pointed at where it lies.
 *
 *   hex-size [;extension] CRLF  data CRLF  ...  0 CRLF  [trailer CRLF ...] CRLF
 *
 * Extensions and trailer fields are checked for form and bounded; extensions are
 * dropped, and trailer fields too unless the user lends a place for them.
 *
 * S3's aws-chunked has the same chunks inside another framing, and a trailer that
 * some clients write otherwise; there the framing's end is the trailer's:
 *
 *   0 CRLF  [field (CRLF | LF) ... CRLF] ...  CRLF
 */
#ifndef SLUICE_HTTP_CHUNKED_H
#define SLUICE_HTTP_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "http/head.h"

enum chunked_state {
	CHUNKED_SIZE,      /* hex digits; where a chunk begins */
	CHUNKED_EXTENSION, /* up to CR */
	CHUNKED_SIZE_LF,
	CHUNKED_DATA,
	CHUNKED_DATA_CR,
	CHUNKED_DATA_LF,
	CHUNKED_TRAILER_NAME, /* or the CR of the empty line, at its begin */
	CHUNKED_TRAILER_VALUE,
	CHUNKED_TRAILER_LF,
	CHUNKED_END_LF,
	CHUNKED_DONE
};

/* All zero (but trailer and is_aws): before the first byte. */
struct chunked {
	enum chunked_state state;
	uint64_t left;       /* of the chunk: its size so far, then its data still to come */
	unsigned digits;     /* of the size */
	unsigned line_bytes; /* of the line so far */
	unsigned trailer_bytes;
	char *trailer; /* CHUNK_TRAILER_BYTES_MAX bytes for the lines, lent; NULL: dropped */
	bool is_aws;   /* a field may end in LF, and more may follow an empty line */
};

/*
 * Takes bytes from in: at most up to the end of one piece of payload, so call again until all is
 * used. Returns how many were taken; *payload is what of them is payload (len 0: nothing). When
 * chunked_is_done the rest is not the body's; with is_aws all is, and done means that it may end
 * here. -EBADMSG: malformed, or over a bound.
 */
ssize_t chunked_take(struct chunked *chunked, const char *in, size_t len, struct slice *payload);

static inline bool chunked_is_done(const struct chunked *chunked)
{
	return chunked->state == CHUNKED_DONE;
}

#endif
