/* SPDX-License-Identifier: Apache-2.0 */
/* The sums against published values and a bit-by-bit reference, however the bytes are cut. */
#include "base/crc.h"

#include <criterion/criterion.h>
#include <string.h>

/* Polynomials with their bits reversed, and check values, from the reveng catalogue. */
static const struct {
	uint64_t polynomial, ones, check;
} kinds[CRC_KIND_COUNT] = {
	[CRC_32] = {0xedb88320, UINT32_MAX, 0xcbf43926},
	[CRC_32C] = {0x82f63b78, UINT32_MAX, 0xe3069283},
	[CRC_64_NVME] = {0x9a6c9329ac4bc9b5, UINT64_MAX, 0xae8b14860a799888},
};

static uint64_t bit_by_bit(int kind, const uint8_t *at, size_t len)
{
	uint64_t crc = kinds[kind].ones;

	for (size_t i = 0; i < len; i++) {
		crc ^= at[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ kinds[kind].polynomial : crc >> 1;
	}
	return crc ^ kinds[kind].ones;
}

Test(crc, check_values)
{
	for (int kind = 0; kind < CRC_KIND_COUNT; kind++) {
		cr_expect_eq(crc_update((enum crc_kind)kind, 0, "123456789", 9), kinds[kind].check,
			     "kind %d", kind);
		cr_expect_eq(crc_update((enum crc_kind)kind, 0, "", 0), 0, "kind %d", kind);
	}
}

/* RFC 3720 section B.4. */
Test(crc, iscsi_examples)
{
	uint8_t zeros[32] = {0}, ones[32], up[32], down[32];

	memset(ones, 0xff, sizeof(ones));
	for (int i = 0; i < 32; i++) {
		up[i] = (uint8_t)i;
		down[i] = (uint8_t)(31 - i);
	}
	cr_expect_eq(crc_update(CRC_32C, 0, zeros, 32), 0x8a9136aa);
	cr_expect_eq(crc_update(CRC_32C, 0, ones, 32), 0x62a8ab43);
	cr_expect_eq(crc_update(CRC_32C, 0, up, 32), 0x46dd794e);
	cr_expect_eq(crc_update(CRC_32C, 0, down, 32), 0x113fdb5c);
}

Test(crc, every_length_alignment_and_cut)
{
	uint8_t bytes[80];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 151 + 77);
	for (int kind = 0; kind < CRC_KIND_COUNT; kind++)
		for (size_t from = 0; from < 16; from++)
			for (size_t len = 0; len <= 64; len++) {
				uint64_t wanted = bit_by_bit(kind, bytes + from, len);
				for (size_t cut = 0; cut <= len; cut++) {
					uint64_t crc = crc_update((enum crc_kind)kind, 0,
								  bytes + from, cut);
					crc = crc_update((enum crc_kind)kind, crc,
							 bytes + from + cut, len - cut);
					cr_assert_eq(crc, wanted, "kind %d, %zu from %zu, cut %zu",
						     kind, len, from, cut);
				}
			}
}

/* Of two runs of bytes from their sums, wherever they are cut. */
Test(crc, combined_at_every_cut)
{
	uint8_t bytes[300];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 113 + 5);
	for (int k = 0; k < CRC_KIND_COUNT; k++) {
		enum crc_kind kind = (enum crc_kind)k;
		uint64_t whole = crc_update(kind, 0, bytes, sizeof(bytes));
		for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
			uint64_t first = crc_update(kind, 0, bytes, cut);
			uint64_t second = crc_update(kind, 0, bytes + cut, sizeof(bytes) - cut);
			cr_assert_eq(crc_combine(kind, first, second, sizeof(bytes) - cut), whole,
				     "kind %d, cut %zu", k, cut);
		}
	}
}

/* Many parts of many sizes, one after another; and a part that is longer than 32 bits count: of
 * zeros, whose sum is made by doubling. */
Test(crc, combined_of_many_parts)
{
	static uint8_t bytes[100000];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * i >> 3);
	for (int k = 0; k < CRC_KIND_COUNT; k++) {
		enum crc_kind kind = (enum crc_kind)k;
		uint64_t sum = 0;
		for (size_t at = 0, some = 0; at < sizeof(bytes); at += some) {
			some = at % 977 < sizeof(bytes) - at ? at % 977 + 1 : sizeof(bytes) - at;
			some = some < sizeof(bytes) - at ? some : sizeof(bytes) - at;
			sum = crc_combine(kind, sum, crc_update(kind, 0, bytes + at, some), some);
		}
		cr_expect_eq(sum, crc_update(kind, 0, bytes, sizeof(bytes)), "kind %d", k);

		uint64_t zeros = crc_update(kind, 0, "", 1), len = 1;
		for (; len < 1ull << 34; len *= 2)
			zeros = crc_combine(kind, zeros, zeros, len);
		uint64_t behind = crc_combine(kind, sum, zeros, len);
		for (uint64_t n = 0; n < 4; n++) { /* the same in four pieces */
			uint64_t quarter = crc_update(kind, 0, "", 1);
			for (uint64_t some = 1; some < len / 4; some *= 2)
				quarter = crc_combine(kind, quarter, quarter, some);
			sum = crc_combine(kind, sum, quarter, len / 4);
		}
		cr_expect_eq(sum, behind, "kind %d", k);
	}
}
