/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "base/text.h"
#include "s3/xml_in.h"

#define NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

static int delete_of(const char *text, struct xml_delete *delete)
{
	return xml_delete_parse(delete, text, strlen(text));
}

static int complete_of(const char *text, struct xml_complete *complete)
{
	return xml_complete_parse(complete, text, strlen(text));
}

Test(xml_in, delete_is_read)
{
	struct xml_delete delete;
	cr_assert_eq(delete_of("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Delete" NS ">"
			       "<Object><Key>a &amp; b&#x2F;\xc3\xa9</Key></Object>\n "
			       "<Object><VersionId>null</VersionId><Key>c</Key></Object>"
			       "<Object><Key>d</Key><VersionId>7</VersionId></Object>"
			       "<Quiet>true</Quiet></Delete>\n",
			       &delete),
		     0);
	cr_assert_eq(delete.count, 3);
	cr_expect_str_eq(delete.object[0].key, "a & b/\xc3\xa9");
	cr_expect_not(delete.object[1].is_other_version);
	cr_expect(delete.object[2].is_other_version);
	cr_expect(delete.is_quiet);
	xml_delete_fini(&delete);
}

Test(xml_in, complete_is_read)
{
	struct xml_complete complete;
	cr_assert_eq(complete_of("<CompleteMultipartUpload" NS ">"
				 "<Part><PartNumber>1</PartNumber><ETag>\"00-1\"</ETag></Part>"
				 "<Part><ETag>&quot;11-1&quot;</ETag><PartNumber>10000</PartNumber>"
				 "<ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>"
				 "<Part><ETag>22-1</ETag><PartNumber>03</PartNumber>"
				 "<Unknown><Deep>y</Deep></Unknown></Part>"
				 "</CompleteMultipartUpload>",
				 &complete),
		     0);
	cr_assert_eq(complete.count, 3);
	cr_expect_eq(complete.part[0].number, 1);
	cr_expect_str_eq(complete.part[0].etag, "\"00-1\"");
	cr_expect_eq(complete.part[1].number, 10000);
	cr_expect_not(complete.part[0].checksum.is_set);
	cr_expect(complete.part[1].checksum.is_set);
	cr_expect_eq(complete.part[1].checksum.kind, DIGEST_CRC32);
	cr_expect_str_eq(complete.part[1].etag, "\"11-1\"");
	cr_expect_str_eq(complete.part[2].etag, "\"22-1\"");
	xml_complete_fini(&complete);
}

#define PART(number, etag) "<Part><PartNumber>" number "</PartNumber><ETag>" etag "</ETag></Part>"
#define SUMMED(sums)       "<Part><PartNumber>1</PartNumber><ETag>e</ETag>" sums "</Part>"
#define WHOLE(inside)      "<CompleteMultipartUpload>" inside "</CompleteMultipartUpload>"

Test(xml_in, what_is_malformed)
{
	static const char *const completes[] = {
		"",
		" ",
		"x",
		"<",
		"<CompleteMultipartUpload/>",
		WHOLE(""),
		"<Other/>",
		"<Delete><Object><Key>a</Key></Object></Delete>",
		WHOLE(PART("0", "e")),
		WHOLE(PART("10001", "e")),
		WHOLE(PART("+1", "e")),
		WHOLE(PART("-1", "e")),
		WHOLE(PART(" 1", "e")),
		WHOLE(PART("1 ", "e")),
		WHOLE(PART("0x1", "e")),
		WHOLE(PART("1.0", "e")),
		WHOLE(PART("", "e")),
		WHOLE(PART("4294967297", "e")),
		WHOLE(PART("1", "e") "x"),
		"x" WHOLE(PART("1", "e")),
		WHOLE(PART("1", "e")) "x",
		WHOLE(PART("1", "e")) WHOLE(PART("1", "e")),
		WHOLE("<Part><PartNumber>1</PartNumber></Part>"),
		WHOLE("<Part><ETag>e</ETag></Part>"),
		WHOLE("<Part>x<PartNumber>1</PartNumber><ETag>e</ETag></Part>"),
		WHOLE("<Part><PartNumber>1</PartNumber><PartNumber>2</PartNumber><ETag>e</ETag></"
		      "Part>"),
		WHOLE("<Part><PartNumber>1</PartNumber><ETag>e</ETag><ETag>f</ETag></Part>"),
		WHOLE("<Part><PartNumber><b>1</b></PartNumber><ETag>e</ETag></Part>"),
		WHOLE(SUMMED("<ChecksumCRC32><b/></ChecksumCRC32>")),
		WHOLE(SUMMED("<Unknown>x<b/></Unknown>")),
		WHOLE("<Unknown>1</Unknown>" PART("1", "e")),
		WHOLE(SUMMED("<ChecksumCRC32>AAAA</ChecksumCRC32>")),
		WHOLE(SUMMED("<ChecksumCRC32>AAAAAA==-0</ChecksumCRC32>")),
		WHOLE(SUMMED("<ChecksumCRC32>AAAAAA==</ChecksumCRC32>"
			     "<ChecksumCRC32C>AAAAAA==</ChecksumCRC32C>")),
		"<!DOCTYPE x [<!ENTITY a \"b\">]>" WHOLE(PART("1", "&a;")),
		"<!DOCTYPE x SYSTEM \"file:///etc/passwd\">" WHOLE(PART("1", "e")),
		WHOLE(PART("1", "&nothing;")),
		WHOLE(PART("1", "\xff")),
		WHOLE(PART("1", "\x01")),
		WHOLE("<Part><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></Part>"),
	};
	static const char *const deletes[] = {
		"",
		"<Delete/>",
		"<Delete><Object/></Delete>",
		"<Delete><Key>a</Key></Delete>",
		"<Delete><Object><Key></Key></Object></Delete>",
		"<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
		"<Delete><Object><Key>a</Key></Object><Quiet>yes</Quiet></Delete>",
		"<delete><Object><Key>a</Key></Object></delete>",
		"<Delete><Object><Key>a</Key></Object><Quiet><b/></Quiet></Delete>",
		"<Delete><Object><Key>a</Key><VersionId><b/></VersionId></Object></Delete>",
		"<Delete><Object><Key>a</Key><VersionId>7</VersionId><VersionId>null</VersionId>"
		"</Object></Delete>",
	};
	struct xml_complete complete;
	struct xml_delete delete;

	for (size_t i = 0; i < ARRAY_LEN(completes); i++) {
		cr_expect_eq(complete_of(completes[i], &complete), -EBADMSG, "%s", completes[i]);
		xml_complete_fini(&complete);
	}
	for (size_t i = 0; i < ARRAY_LEN(deletes); i++) {
		cr_expect_eq(delete_of(deletes[i], &delete), -EBADMSG, "%s", deletes[i]);
		xml_delete_fini(&delete);
	}
	cr_expect_eq(delete_of("<Delete><Object><Key>a</Key><If><ETag>e</ETag></If></Object>"
			       "</Delete>",
			       &delete),
		     -EOPNOTSUPP);
	xml_delete_fini(&delete);
	cr_expect_eq(
		delete_of("<Delete><Object><Key>a</Key><Lock>e</Lock></Object></Delete>", &delete),
		-EOPNOTSUPP, "what is not known is not ignored");
	xml_delete_fini(&delete);
}

Test(xml_in, conditions_of_a_delete)
{
#define OBJECT(text) "<Delete><Object><Key>a</Key>" text "</Object></Delete>"
	static const char *const bad[] = {
		OBJECT("<ETag></ETag>"),
		OBJECT("<Size>-1</Size>"),
		OBJECT("<Size></Size>"),
		OBJECT("<Size>1234567890123456789</Size>"),
		OBJECT("<LastModifiedTime>yesterday</LastModifiedTime>"),
		OBJECT("<LastModifiedTime>2026-11-23T14:00:00</LastModifiedTime>"),
		OBJECT("<ETag><b/></ETag>"),
		OBJECT("<ETag>e<b/></ETag>"),
		OBJECT("<Size><b>1</b></Size>"),
		OBJECT("<LastModifiedTime><b/></LastModifiedTime>"),
		OBJECT("<ETag><b/>e</ETag>"),
		OBJECT("<ETag>e</ETag><ETag>f</ETag>"),
		OBJECT("<ETag>e</ETag><ETag>*</ETag>"),
		OBJECT("<Size>1</Size><Size>2</Size>"),
	};
	struct xml_delete delete;

	cr_assert_eq(delete_of("<Delete><Object><Key>a</Key><ETag>e-1</ETag><Size>12</Size>"
			       "<LastModifiedTime>Mon, 23 Nov 2026 14:00:00 GMT</LastModifiedTime>"
			       "</Object><Object><Key>b</Key><LastModifiedTime>"
			       "2026-11-23T14:00:00.000Z</LastModifiedTime></Object>"
			       "<Object><Key>c</Key><ETag>*</ETag></Object>"
			       "<Object><Key>d</Key></Object></Delete>",
			       &delete),
		     0);
	cr_assert_eq(delete.count, 4);
	cr_expect_str_eq(delete.object[0].etag, "\"e-1\"");
	cr_expect(delete.object[0].terms.has_size && delete.object[0].terms.size == 12);
	for (unsigned i = 0; i < 2; i++)
		cr_expect(delete.object[i].terms.has_modified &&
			  delete.object[i].terms.modified == 1795442400);
	for (unsigned i = 0; i < 4; i++)
		cr_expect_eq(delete.object[i].terms.mode, i < 3 ? PUT_IF_PRESENT : PUT_REPLACES);
	cr_expect_str_eq(delete.object[2].etag, "");
	xml_delete_fini(&delete);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cr_expect_eq(delete_of(bad[i], &delete), -EBADMSG, "%s", bad[i]);
		xml_delete_fini(&delete);
	}
#undef OBJECT
}

/* What cannot be verified is refused; an element that says nothing asks for nothing. */
Test(xml_in, checksums_of_parts)
{
	struct xml_complete complete;

	cr_expect_eq(
		complete_of(WHOLE(SUMMED("<ChecksumXXHASH64>AAAA</ChecksumXXHASH64>")), &complete),
		-EOPNOTSUPP);
	xml_complete_fini(&complete);
	cr_expect_eq(
		complete_of(WHOLE(SUMMED("<ChecksumXXHASH64></ChecksumXXHASH64><ChecksumCRC32/>"
					 "<ChecksumCRC64NVME>/yljnw400i8=</ChecksumCRC64NVME>")),
			    &complete),
		0);
	cr_expect_eq(complete.part[0].checksum.kind, DIGEST_CRC64NVME);
	cr_expect_eq(memcmp(complete.part[0].checksum.value, "\xff\x29\x63\x9f\x0e\x34\xd2\x2f", 8),
		     0);
	xml_complete_fini(&complete);
}

/* A document that is cut anywhere is malformed. */
Test(xml_in, every_truncation)
{
	static const char whole[] = WHOLE(PART("1", "&quot;e&quot;") PART("2", "f"));
	struct xml_complete complete;

	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		cr_expect_eq(xml_complete_parse(&complete, whole, len), -EBADMSG, "%zu bytes", len);
		xml_complete_fini(&complete);
	}
	cr_expect_eq(xml_complete_parse(&complete, whole, sizeof(whole) - 1), 0);
	xml_complete_fini(&complete);
}

Test(xml_in, how_many_there_may_be)
{
	struct xml_complete complete;
	struct xml_delete delete;
	struct text text;

	for (int more = 0; more < 2; more++) {
		text_init(&text, 4 << 20);
		text_put(&text, "<CompleteMultipartUpload>");
		for (int i = 0; i < 10000 + more; i++)
			text_printf(&text, PART("%d", "e"), i % 10000 + 1);
		text_put(&text, "</CompleteMultipartUpload>");
		cr_expect_eq(xml_complete_parse(&complete, text.at, text.len), more ? -EBADMSG : 0);
		xml_complete_fini(&complete);
		text_fini(&text);

		text_put(&text, "<Delete>");
		for (int i = 0; i < 1000 + more; i++)
			text_printf(&text, "<Object><Key>%d</Key></Object>", i);
		text_put(&text, "</Delete>");
		cr_expect_eq(xml_delete_parse(&delete, text.at, text.len), more ? -EBADMSG : 0);
		xml_delete_fini(&delete);
		text_fini(&text);
	}
}

Test(xml_in, bucket_configuration)
{
	static const struct {
		const char *text;
		int result;
	} rows[] = {
		{"", 0},
		{"<CreateBucketConfiguration" NS "><LocationConstraint>eu</LocationConstraint>"
		 "</CreateBucketConfiguration>",
		 0},
		{"<CreateBucketConfiguration/>", 0},
		{"<Other/>", -EBADMSG},
		{"<CreateBucketConfiguration><Tags>x</Tags></CreateBucketConfiguration>", -EBADMSG},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(xml_bucket_configuration_check(rows[i].text, strlen(rows[i].text)),
			     rows[i].result, "%s", rows[i].text);
}
