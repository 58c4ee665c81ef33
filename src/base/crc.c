/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#include "base/must.h"

/* The polynomial with its bits reversed, and the mask of its width. */
static const struct {
	uint64_t polynomial;
	uint64_t ones;
} kinds[CRC_KIND_COUNT] = {
	[CRC_32] = {0xedb88320, UINT32_MAX},
	[CRC_32C] = {0x82f63b78, UINT32_MAX},
	[CRC_64_NVME] = {0x9a6c9329ac4bc9b5, UINT64_MAX},
};

/* table[k][n]: what byte n does to the sum when k zero bytes follow it. Written once. */
static uint64_t table[CRC_KIND_COUNT][8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
	for (int kind = 0; kind < CRC_KIND_COUNT; kind++) {
		for (unsigned n = 0; n < 256; n++) {
			uint64_t crc = n;
			for (int bit = 0; bit < 8; bit++)
				crc = crc >> 1 ^ (crc & 1 ? kinds[kind].polynomial : 0);
			table[kind][0][n] = crc;
		}
		for (unsigned n = 0; n < 256; n++)
			for (int k = 1; k < 8; k++) {
				uint64_t crc = table[kind][k - 1][n];
				table[kind][k][n] = crc >> 8 ^ table[kind][0][crc & 0xff];
			}
	}
}

uint64_t crc_update(enum crc_kind kind, uint64_t crc, const void *data, size_t len)
{
	const unsigned char *at = data;

	must(kind < CRC_KIND_COUNT);
	pthread_once(&once, make_tables);
	const uint64_t(*t)[256] = table[kind];
	crc ^= kinds[kind].ones;
	for (; len >= 8; at += 8, len -= 8) {
		uint64_t word;
		memcpy(&word, at, 8);
		word = le64toh(word) ^ crc;
		crc = t[7][word & 0xff] ^ t[6][word >> 8 & 0xff] ^ t[5][word >> 16 & 0xff] ^
		      t[4][word >> 24 & 0xff] ^ t[3][word >> 32 & 0xff] ^ t[2][word >> 40 & 0xff] ^
		      t[1][word >> 48 & 0xff] ^ t[0][word >> 56];
	}
	for (; len > 0; at++, len--)
		crc = crc >> 8 ^ t[0][(crc ^ *at) & 0xff];
	return crc ^ kinds[kind].ones;
}

/*
 * A sum is a polynomial over GF(2) modulo kinds[].polynomial, the coefficient of x^0 in its highest
 * bit. Bytes that follow multiply it by x^8 each, and add their own; what stands before and after
 * (ones) cancels out.
 */

static uint64_t multiply(enum crc_kind kind, uint64_t a, uint64_t b)
{
	uint64_t product = 0;

	for (uint64_t bit = kinds[kind].ones ^ kinds[kind].ones >> 1; bit != 0; bit >>= 1) {
		if ((a & bit) != 0)
			product ^= b;
		b = b >> 1 ^ (b & 1 ? kinds[kind].polynomial : 0);
	}
	return product;
}

uint64_t crc_combine(enum crc_kind kind, uint64_t first, uint64_t second, uint64_t len)
{
	must(kind < CRC_KIND_COUNT);
	uint64_t one = kinds[kind].ones ^ kinds[kind].ones >> 1;

	/* By squaring: x^8, x^16, x^32 ... */
	for (uint64_t power = one >> 8; len > 0; len >>= 1) {
		if ((len & 1) != 0)
			first = multiply(kind, first, power);
		power = multiply(kind, power, power);
	}
	return first ^ second;
}
