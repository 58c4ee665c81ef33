/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are the bytes always the same? A body is cut into pieces at multiples of a grid in the object,
 * and the SHA-256 of each is compared with that of the first answer that brought it; a whole object
 * with the server's own checksum too.
 */
#ifndef SLUICE_CLIENT_BENCH_VERIFY_H
#define SLUICE_CLIENT_BENCH_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

struct bench_verify;

/* grid: bytes; 0: bodies are not cut. NULL: no memory. */
struct bench_verify *bench_verify_new(uint64_t grid);
/* NULL is fine. */
void bench_verify_free(struct bench_verify *verify);
/* Pieces so far: compared; remembered; neither, as the table is full. */
void bench_verify_counts(const struct bench_verify *verify, uint64_t *verified,
			 uint64_t *first_seen, uint64_t *unverified);

/* One body. All zero: none. */
struct bench_check {
	struct bench_verify *verify;
	struct digest_set set; /* of the piece that is open */
	unsigned object;
	uint64_t piece_first;
	uint64_t at;
	bool is_open;
	bool is_wrong;
	uint8_t last[DIGEST_BYTES_MAX]; /* of the piece that ended last */
};

/* The body begins at byte first of the object. verify NULL: it is not looked at. */
void bench_check_begin(struct bench_check *check, struct bench_verify *verify, unsigned object,
		       uint64_t first);
void bench_check_data(struct bench_check *check, const uint8_t *data, size_t len);
/* The body is over, whole or (is_whole false) not. checksum: base64 of the whole object, which the
 * body was; "": unknown. 0, or -EBADMSG: bytes are not what they were. */
int bench_check_end(struct bench_check *check, bool is_whole, const char *checksum);

#endif
