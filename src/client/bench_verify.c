/* SPDX-License-Identifier: Apache-2.0 */
#include "client/bench_verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"

/* A table without deletion; the last quarter stays free, so that a search ends soon. 7 MiB. */
#define PIECES      (1u << 17)
#define PIECES_MAX  (PIECES / 4 * 3)
#define SHA256_SIZE 32

struct piece {
	uint64_t first;
	uint64_t bytes; /* 0: free */
	unsigned object;
	uint8_t sha256[SHA256_SIZE];
};

struct bench_verify {
	uint64_t grid;
	uint64_t verified, first_seen, unverified;
	struct piece piece[PIECES];
};

struct bench_verify *bench_verify_new(uint64_t grid)
{
	struct bench_verify *verify = calloc(1, sizeof(*verify));
	if (verify != NULL)
		verify->grid = grid;
	return verify;
}

void bench_verify_free(struct bench_verify *verify)
{
	free(verify);
}

void bench_verify_counts(const struct bench_verify *verify, uint64_t *verified,
			 uint64_t *first_seen, uint64_t *unverified)
{
	*verified = verify->verified;
	*first_seen = verify->first_seen;
	*unverified = verify->unverified;
}

static struct piece *find(struct bench_verify *verify, unsigned object, uint64_t first,
			  uint64_t bytes)
{
	uint64_t hash =
		(first * 31 + bytes) * 0x9e3779b97f4a7c15ull + object * 0xc2b2ae3d27d4eb4full;

	for (uint64_t i = hash >> 20;; i++) {
		struct piece *piece = &verify->piece[i % PIECES];
		if (piece->bytes == 0 ||
		    (piece->object == object && piece->first == first && piece->bytes == bytes))
			return piece;
	}
}

static void end_piece(struct bench_check *check)
{
	struct bench_verify *verify = check->verify;
	uint64_t bytes = check->at - check->piece_first;

	digest_end(&check->set, DIGEST_SHA256, check->last);
	digest_fini(&check->set);
	check->is_open = false;
	struct piece *piece = find(verify, check->object, check->piece_first, bytes);
	if (piece->bytes > 0) {
		verify->verified++;
		if (memcmp(piece->sha256, check->last, SHA256_SIZE) != 0)
			check->is_wrong = true;
	} else if (verify->first_seen < PIECES_MAX) {
		verify->first_seen++;
		*piece = (struct piece){check->piece_first, bytes, check->object, {0}};
		memcpy(piece->sha256, check->last, SHA256_SIZE);
	} else {
		verify->unverified++;
	}
}

void bench_check_begin(struct bench_check *check, struct bench_verify *verify, unsigned object,
		       uint64_t first)
{
	*check = (struct bench_check){.verify = verify, .object = object, .at = first};
}

void bench_check_data(struct bench_check *check, const uint8_t *data, size_t len)
{
	if (check->verify == NULL)
		return;
	while (len > 0) {
		uint64_t grid = check->verify->grid;
		uint64_t left = grid > 0 ? grid - check->at % grid : len;
		size_t bytes = left < len ? (size_t)left : len;
		if (!check->is_open) {
			if (digest_begin(&check->set, 1u << DIGEST_SHA256) < 0) {
				check->verify->unverified++;
				check->verify = NULL;
				return;
			}
			check->is_open = true;
			check->piece_first = check->at;
		}
		digest_update(&check->set, data, bytes);
		check->at += bytes;
		data += bytes;
		len -= bytes;
		if (grid > 0 && check->at % grid == 0)
			end_piece(check);
	}
}

int bench_check_end(struct bench_check *check, bool is_whole, const char *checksum)
{
	uint8_t expected[DIGEST_BYTES_MAX];

	if (check->verify == NULL)
		return 0;
	if (check->is_open && is_whole) {
		end_piece(check);
		/* One of several parts ("...-3") is no digest of the whole. */
		if (check->verify->grid == 0 && base64_decode(checksum, strlen(checksum), expected,
							      sizeof(expected)) == SHA256_SIZE) {
			check->verify->verified++;
			if (memcmp(expected, check->last, SHA256_SIZE) != 0)
				check->is_wrong = true;
		}
	} else if (check->is_open) {
		digest_fini(&check->set);
	}
	check->verify = NULL;
	return check->is_wrong ? -EBADMSG : 0;
}
