/* SPDX-License-Identifier: Apache-2.0 */
/* S3's checksums as they are kept: text, types, and the whole from its parts. Values are those of
 * zlib and hashlib. */
#include "store/checksum.h"

#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/must.h"

#define PART_BYTES 5242880 /* of 'a'; the second part is "bcd" */

static const struct {
	enum digest_kind kind;
	const char *part[2], *full, *composite; /* NULL: it cannot be */
} rows[] = {
	{DIGEST_CRC32, {"r/zBbw==", "sB1beQ=="}, "lXyP8w==", "DV1k1w==-2"},
	{DIGEST_CRC32C, {"WpuOeg==", "Gw0DWA=="}, "PolW0g==", "zz7ZmQ==-2"},
	{DIGEST_CRC64NVME, {"PbvLEkWUSgg=", "/yljnw400i8="}, "u96pAcaTOVw=", NULL},
	{DIGEST_SHA1,
	 {"YbjWYArJTZEodPVpqTQRIPaAyfg=", "kk9hZho0ctp0MHo18sjSLgfoSk0="},
	 NULL,
	 "mu3mmCR0fb/Z2YaIO3QhA32ielo=-2"},
	{DIGEST_SHA256,
	 {"oplo+tLngqqfIECjXwWtuX7Yl56x9XLIyOp4Y34nXzw=",
	  "prD5DSrCuNHyUMaHMBrvEyBJ6QFt+TZoDoH6e8fYHXA="},
	 NULL,
	 "aBxg5xUCq8oONRfEJkE3D1OJh8ixBWQys/aqZP3HB9M=-2"},
};

static struct checksum parsed(enum digest_kind kind, const char *text)
{
	struct checksum checksum;

	cr_assert_eq(checksum_parse(&checksum, kind, text, strlen(text)), 0, "%s", text);
	return checksum;
}

Test(checksum, of_a_whole)
{
	static const uint64_t bytes[2] = {PART_BYTES, 3};

	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const struct checksum_plan plan = {
			.is_set = true, .kind = rows[i / 2].kind, .is_composite = i % 2 == 1};
		const char *wanted = plan.is_composite ? rows[i / 2].composite : rows[i / 2].full;
		struct checksum_whole whole;
		struct checksum sum;
		char text[CHECKSUM_TEXT_BYTES];

		cr_expect_eq(checksum_can_be(plan.kind, plan.is_composite), wanted != NULL, "%zu",
			     i);
		if (wanted == NULL)
			continue;
		cr_assert_eq(checksum_whole_begin(&whole, &plan), 0);
		for (unsigned part = 0; part < 2; part++) {
			sum = parsed(plan.kind, rows[i / 2].part[part]);
			checksum_whole_add(&whole, &sum, bytes[part]);
		}
		checksum_whole_end(&whole, &sum);
		checksum_text(&sum, text);
		cr_expect_str_eq(text, wanted);
		struct checksum again = parsed(plan.kind, wanted);
		cr_expect(checksum_is_equal(&sum, &again));
		again.parts = 3;
		cr_expect_not(checksum_is_equal(&sum, &again));
		checksum_whole_fini(&whole);
	}
}

Test(checksum, defaults)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(checksum_is_composite_by_default(rows[i].kind),
			     rows[i].kind != DIGEST_CRC64NVME);
	cr_expect_eq(checksum_find("crc32c", 6), DIGEST_CRC32C);
	cr_expect_eq(checksum_find("SHA256", 6), DIGEST_SHA256);
	cr_expect_eq(checksum_find("SHA2567", 7), CHECKSUM_KINDS);
	cr_expect_eq(checksum_find("SHA512", 6), DIGEST_SHA512);
	cr_expect_eq(checksum_find("XXHASH64", 8), CHECKSUM_KINDS);
	cr_expect_eq(checksum_find("", 0), CHECKSUM_KINDS);
}

Test(checksum, as_a_field)
{
	static const char *const good[] = {
		"x-amz-checksum-crc32: NhCmhg==\r\n",
		"x-amz-checksum-sha1: mu3mmCR0fb/Z2YaIO3QhA32ielo=-10000\r\n",
		"",
	};
	static const char *const bad[] = {
		"x-amz-checksum-crc32: NhCmhg==",
		"x-amz-checksum-crc32:NhCmhg==\r\n",
		"x-amz-checksum-crc33: NhCmhg==\r\n",
		"x-amz-checksum-crc32: NhCmhg==\r\n\r\n",
		"x-amz-checksum-crc32: NhCmhg==-\r\n",
		"x-amz-checksum-crc32: NhCmhg==-10001\r\n",
		"x-amz-checksum-crc32: NhCmhg==-0\r\n",
		"x-amz-checksum-crc32: NhCmhg==-+1\r\n",
		"x-amz-checksum-crc32: \r\n",
		"x-amz-checksum-: NhCmhg==\r\n",
		"x-amz-checksum-crc32: ",
		"\r\n",
		": \r\n",
		"x-amz-checksum-sha1: NhCmhg==\r\n",
	};
	struct checksum sum;
	char field[CHECKSUM_FIELD_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		cr_assert_eq(checksum_of_field(&sum, good[i], strlen(good[i])), 0, "%s", good[i]);
		checksum_field(&sum, field);
		cr_expect_str_eq(field, good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cr_expect_eq(checksum_of_field(&sum, bad[i], strlen(bad[i])), -EBADMSG, "%s",
			     bad[i]);
		cr_expect_not(sum.is_set, "%s", bad[i]);
	}
}
