/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of one body: published values, any set of them, any cut. */
#include "tls/digest.h"

#include <criterion/criterion.h>
#include <string.h>

/* "abc": RFC 1321 section A.5, FIPS 180-4's examples. "123456789": reveng's check values. */
static const struct {
	const char *text;
	size_t bytes;
	uint8_t digest[DIGEST_BYTES_MAX];
} rows[DIGEST_KIND_COUNT] = {
	[DIGEST_CRC32] = {"123456789", 4, {0xcb, 0xf4, 0x39, 0x26}},
	[DIGEST_CRC32C] = {"123456789", 4, {0xe3, 0x06, 0x92, 0x83}},
	[DIGEST_CRC64NVME] = {"123456789", 8, {0xae, 0x8b, 0x14, 0x86, 0x0a, 0x79, 0x98, 0x88}},
	[DIGEST_SHA1] = {"abc", 20, {0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
				     0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d}},
	[DIGEST_SHA256] = {"abc", 32, {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
				       0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
				       0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
				       0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad}},
	[DIGEST_MD5] = {"abc",
			16,
			{0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0, 0xd6, 0x96, 0x3f, 0x7d,
			 0x28, 0xe1, 0x7f, 0x72}},
};

Test(digest, every_set_in_every_cut)
{
	for (unsigned wanted = 0; wanted < 1u << DIGEST_KIND_COUNT; wanted++)
		for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++) {
			size_t len = strlen(rows[kind].text);
			for (size_t cut = 0; (wanted & 1u << kind) != 0 && cut <= len; cut++) {
				struct digest_set set;
				uint8_t out[DIGEST_BYTES_MAX] = {0};
				cr_assert_eq(digest_begin(&set, wanted), 0);
				digest_update(&set, rows[kind].text, cut);
				digest_update(&set, rows[kind].text + cut, len - cut);
				cr_assert_eq(digest_end(&set, (enum digest_kind)kind, out),
					     rows[kind].bytes);
				digest_fini(&set);
				cr_assert_arr_eq(out, rows[kind].digest, sizeof(out), "kind %d",
						 kind);
			}
		}
}

Test(digest, lengths_and_fini_of_nothing)
{
	struct digest_set set = {0};

	digest_fini(&set);
	digest_fini(&set);
	for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++)
		cr_expect_eq(digest_bytes((enum digest_kind)kind), rows[kind].bytes);
}
