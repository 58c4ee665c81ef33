/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of ListObjectsV2 as servers write them. */
#include "s3/xml_list_in.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"

TestSuite(xml_list_in, .timeout = 600);

#define PAGE(inside)                                                                               \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                             \
	"<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" inside              \
	"</ListBucketResult>"
#define OBJECT(key, size) "<Contents><Key>" key "</Key><Size>" size "</Size></Contents>"

static int parse(struct xml_list *list, const char *text)
{
	return xml_list_parse(list, text, strlen(text));
}

Test(xml_list_in, pages_add_up)
{
	struct xml_list list = {0};

	cr_assert_eq(parse(&list, PAGE("<Name>b</Name><Prefix/><IsTruncated>true</IsTruncated>"
				       "<NextContinuationToken>t+/=</NextContinuationToken>"
				       "<Contents><Key>a%b</Key><LastModified>x</LastModified>"
				       "<Size>0</Size><Owner><ID>i</ID></Owner></Contents>" OBJECT(
					       "b", "123456789012345678"))),
		     0);
	cr_assert(list.is_truncated);
	cr_assert_str_eq(list.token, "t+/=");
	cr_assert_eq(parse(&list, PAGE("<EncodingType>url</EncodingType>" OBJECT(
					  "c%2Bd+e%2f", "7") "<CommonPrefixes><Prefix>p/</Prefix>"
							     "</CommonPrefixes>")),
		     0);
	cr_assert(!list.is_truncated);
	cr_assert_str_eq(list.token, "");
	cr_assert_eq(list.count, 3);
	cr_assert_str_eq(list.object[0].key, "a%b", "of a page without EncodingType");
	cr_assert_eq(list.object[1].bytes, 123456789012345678);
	cr_assert_str_eq(list.object[2].key, "c+d e/");
	xml_list_fini(&list);
}

Test(xml_list_in, encoding_named_behind_the_keys)
{
	struct xml_list list = {0};

	cr_assert_eq(parse(&list, PAGE(OBJECT("a%20b", "1") "<EncodingType>url</EncodingType>")),
		     0);
	cr_assert_str_eq(list.object[0].key, "a b");
	xml_list_fini(&list);
}

Test(xml_list_in, malformed)
{
	static const char *const wrong[] = {
		"",
		"<html></html>",
		PAGE("<Contents><Key>a</Key></Contents>"),
		PAGE("<Contents><Size>1</Size></Contents>"),
		PAGE(OBJECT("", "1")),
		PAGE(OBJECT("a", "")),
		PAGE(OBJECT("a", "-1")),
		PAGE(OBJECT("a", "1234567890123456789")),
		PAGE("<EncodingType>url</EncodingType>" OBJECT("a%0", "1")),
		PAGE("<EncodingType>url</EncodingType>" OBJECT("a%00", "1")),
		PAGE("<EncodingType>url</EncodingType>" OBJECT("a%zz", "1")),
		PAGE("<Contents><Key>a</Key><Key>b</Key><Size>1</Size></Contents>"),
		"<!DOCTYPE x [<!ENTITY e \"v\">]>" PAGE(""),
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct xml_list list = {0};
		cr_assert_eq(parse(&list, wrong[i]), -EBADMSG, "%s", wrong[i]);
		xml_list_fini(&list);
	}
}

Test(xml_list_in, the_longest_key)
{
	char text[8192];
	struct xml_list list = {0};

	for (int more = 0; more < 2; more++) {
		char key[3 * OBJECT_KEY_BYTES_MAX + 2] = "";
		memset(key, 'k', sizeof(key) - 2 + (size_t)more);
		snprintf(text, sizeof(text), PAGE(OBJECT("%s", "1")), key);
		cr_assert_eq(parse(&list, text), more == 0 ? 0 : -EBADMSG);
	}
	xml_list_fini(&list);
}
