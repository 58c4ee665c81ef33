/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tls/aead.h"

TestSuite(aead);

static const struct traffic_key some_key = {.key = {1, 2, 3, 4}, .iv = {9, 8, 7}};

static void round_trip(enum tls_cipher cipher, size_t plain_bytes, size_t pad_bytes)
{
	static uint8_t record[RECORD_SEALED_MAX];
	struct aead *sealing = aead_new(cipher, &some_key, true);
	struct aead *opening = aead_new(cipher, &some_key, false);
	cr_assert(sealing != NULL && opening != NULL);

	for (int round = 0; round < 3; round++) { /* the nonce moves on */
		for (size_t i = 0; i < plain_bytes; i++)
			record[RECORD_HEADER + i] = (uint8_t)(i * 31 + (size_t)round);
		int n = aead_seal(sealing, record, plain_bytes, RECORD_HANDSHAKE, pad_bytes);
		cr_assert_eq(n, (int)(plain_bytes + pad_bytes + RECORD_OVERHEAD));
		enum record_type type = RECORD_DATA;
		cr_assert_eq(aead_open(opening, record, (size_t)n, &type), (int)plain_bytes);
		cr_expect_eq(type, RECORD_HANDSHAKE);
		for (size_t i = 0; i < plain_bytes; i++)
			cr_assert_eq(record[RECORD_HEADER + i], (uint8_t)(i * 31 + (size_t)round));
	}
	cr_expect_eq(aead_seq(sealing), 3);
	aead_free(sealing);
	aead_free(opening);
}

Test(aead, opens_what_it_sealed)
{
	static const struct {
		size_t plain, pad;
	} sizes[] = {{0, 0}, {1, 0}, {1, 1}, {0, 100}, {16383, 1}, {16384, 0}, {300, 16084}};
	for (int cipher = 0; cipher < TLS_CIPHER_COUNT; cipher++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			round_trip(cipher, sizes[i].plain, sizes[i].pad);
}

Test(aead, a_replayed_record_does_not_open)
{
	uint8_t record[64] = {0}, again[64];
	enum record_type type;
	struct aead *sealing = aead_new(TLS_CIPHER_CHACHA20, &some_key, true);
	struct aead *opening = aead_new(TLS_CIPHER_CHACHA20, &some_key, false);
	int n = aead_seal(sealing, record, 10, RECORD_DATA, 0);
	memcpy(again, record, sizeof(again));
	cr_assert_eq(aead_open(opening, record, (size_t)n, &type), 10);
	cr_expect_eq(aead_open(opening, again, (size_t)n, &type), -EBADMSG);
	aead_free(sealing);
	aead_free(opening);
}

Test(aead, lengths_out_of_range_are_refused)
{
	static uint8_t record[RECORD_SEALED_MAX + 1];
	enum record_type type;
	struct aead *opening = aead_new(TLS_CIPHER_AES_256_GCM, &some_key, false);
	cr_expect_eq(aead_open(opening, record, RECORD_OVERHEAD - 1, &type), -EBADMSG);
	cr_expect_eq(aead_open(opening, record, RECORD_SEALED_MAX + 1, &type), -EBADMSG);
	aead_free(opening);
}

Test(aead, a_new_key_begins_at_sequence_number_zero)
{
	struct traffic_key next = {.key = {5}, .iv = {6}};
	uint8_t record[64] = {0};
	enum record_type type;
	struct aead *sealing = aead_new(TLS_CIPHER_AES_128_GCM, &some_key, true);
	struct aead *opening = aead_new(TLS_CIPHER_AES_128_GCM, &next, false);
	aead_seal(sealing, record, 1, RECORD_DATA, 0);
	cr_assert_eq(aead_rekey(sealing, &next), 0);
	cr_expect_eq(aead_seq(sealing), 0);
	int n = aead_seal(sealing, record, 7, RECORD_DATA, 0);
	cr_expect_eq(aead_open(opening, record, (size_t)n, &type), 7);
	aead_free(sealing);
	aead_free(opening);
}
