/* SPDX-License-Identifier: Apache-2.0 */
/* What is written is read again by expat, which knows nothing of the writer. */
#include "s3/xml_out.h"

#include <criterion/criterion.h>
#include <expat.h>
#include <string.h>

TestSuite(xml_out, .timeout = 600);

static void XMLCALL add_data(void *user, const XML_Char *bytes, int len)
{
	text_add(user, bytes, (size_t)len);
}

/* The value comes back from a parser as wanted. */
static void expect_read(const char *value, const char *wanted)
{
	XML_Parser parser = XML_ParserCreate(NULL);
	struct text out, data;

	text_init(&out, 4096);
	text_init(&data, 4096);
	xml_begin(&out, "R");
	xml_text(&out, "V", value);
	xml_close(&out, "R");
	cr_assert_eq(out.error, 0);
	XML_SetUserData(parser, &data);
	XML_SetCharacterDataHandler(parser, add_data);
	cr_expect_eq(XML_Parse(parser, out.at, (int)out.len, 1), XML_STATUS_OK, "%.*s",
		     (int)out.len, out.at);
	cr_expect_eq(data.len, strlen(wanted), "%.*s", (int)out.len, out.at);
	if (data.len == strlen(wanted) && data.len > 0)
		cr_expect_eq(memcmp(data.at, wanted, data.len), 0);
	XML_ParserFree(parser);
	text_fini(&data);
	text_fini(&out);
}

static void expect_text(struct text *out, const char *wanted)
{
	cr_expect_eq(out->error, 0);
	cr_assert_eq(out->len, strlen(wanted), "%.*s", (int)out->len, out->at);
	cr_expect_eq(memcmp(out->at, wanted, out->len), 0, "%.*s", (int)out->len, out->at);
	text_fini(out);
}

Test(xml_out, every_ascii_character_comes_back_or_is_a_question_mark)
{
	for (int c = 1; c < 0x80; c++) {
		char value[] = {'a', (char)c, 'b', '\0'};
		char wanted[] = {'a', (char)c, 'b', '\0'};
		if (c < ' ' && c != '\t' && c != '\n' && c != '\r')
			wanted[1] = '?';
		expect_read(value, wanted);
	}
}

Test(xml_out, beyond_ascii)
{
	expect_read("", "");
	expect_read("]]>&amp;<!--", "]]>&amp;<!--");
	expect_read("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	expect_read("\xef\xbf\xbd", "\xef\xbf\xbd");
	expect_read("\xef\xbf\xbe.\xef\xbf\xbf", "?.?");
	expect_read("a\xff\x62", "a?b");
}

Test(xml_out, keys_as_url)
{
	struct text out;

	text_init(&out, 4096);
	xml_key(&out, "Key", "a-_.~/+ %&\xc3\xa9\x01\x7f", true);
	expect_text(&out, "<Key>a-_.~/%2B%20%25%26%C3%A9%01%7F</Key>");
	text_init(&out, 4096);
	xml_key(&out, "Key", "a+ <", false);
	expect_text(&out, "<Key>a+ &lt;</Key>");
}

Test(xml_out, numbers_and_times)
{
	struct text out;

	text_init(&out, 4096);
	xml_u64(&out, "N", 0);
	xml_u64(&out, "N", UINT64_MAX);
	xml_bool(&out, "B", true);
	xml_bool(&out, "B", false);
	xml_time(&out, "T", 0);
	xml_time(&out, "T", 1000000000);
	expect_text(&out, "<N>0</N><N>18446744073709551615</N><B>true</B><B>false</B>"
			  "<T>1970-01-01T00:00:00.000Z</T><T>2001-09-09T01:46:40.000Z</T>");
}
