/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/xml_out.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

const char *xml_escape_of(const char *at, size_t bytes)
{
	switch (*at) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	case '\r':
		return "&#13;";
	case '\t':
	case '\n':
		return NULL;
	default:
		break;
	}
	/* XML 1.0 section 2.2: no control characters, and neither U+FFFE nor U+FFFF. */
	if (bytes == 0 || (bytes == 1 && (unsigned char)*at < 0x20))
		return "?";
	if (bytes == 3 &&
	    (memcmp(at, "\xef\xbf\xbe", 3) == 0 || memcmp(at, "\xef\xbf\xbf", 3) == 0))
		return "?";
	return NULL;
}

static void put_escaped(struct text *out, const char *value, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t bytes = utf8_char_bytes(value + i, len - i);
		const char *escape = xml_escape_of(value + i, bytes);
		if (escape != NULL)
			text_put(out, escape);
		else
			text_add(out, value + i, bytes);
		i += bytes > 0 ? bytes : 1;
	}
}

/* What a client's URL decoder makes the same key of, '+' and all (RFC 3986 section 2.3). */
static void put_url(struct text *out, const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = value[i];
		bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
				(c >= 'A' && c <= 'Z') || strchr("-_.~/", c) != NULL;
		if (is_plain && c != '\0')
			text_add(out, &c, 1);
		else
			text_printf(out, "%%%02X", (unsigned char)c);
	}
}

void xml_begin(struct text *out, const char *root)
{
	text_printf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s xmlns=\"%s\">", root,
		    XML_NAMESPACE);
}

void xml_open(struct text *out, const char *name)
{
	text_printf(out, "<%s>", name);
}

void xml_close(struct text *out, const char *name)
{
	text_printf(out, "</%s>", name);
}

void xml_text(struct text *out, const char *name, const char *value)
{
	xml_open(out, name);
	put_escaped(out, value, strlen(value));
	xml_close(out, name);
}

void xml_key(struct text *out, const char *name, const char *key, bool is_url)
{
	xml_open(out, name);
	if (is_url)
		put_url(out, key, strlen(key));
	else
		put_escaped(out, key, strlen(key));
	xml_close(out, name);
}

void xml_u64(struct text *out, const char *name, uint64_t value)
{
	text_printf(out, "<%s>%llu</%s>", name, (unsigned long long)value, name);
}

void xml_bool(struct text *out, const char *name, bool value)
{
	xml_text(out, name, value ? "true" : "false");
}

void xml_time(struct text *out, const char *name, time_t seconds)
{
	struct tm tm;
	char value[64];

	gmtime_r(&seconds, &tm);
	strftime(value, sizeof(value), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
	xml_text(out, name, value);
}

void xml_checksum(struct text *out, const struct checksum *checksum)
{
	char name[CHECKSUM_ELEMENT_BYTES], value[CHECKSUM_TEXT_BYTES];

	if (!checksum->is_set)
		return;
	checksum_element(checksum->kind, name);
	checksum_text(checksum, value);
	xml_text(out, name, value);
}

void xml_typed_checksum(struct text *out, const struct checksum *checksum)
{
	xml_checksum(out, checksum);
	if (checksum->is_set)
		xml_text(out, "ChecksumType", checksum_type(checksum->parts > 0));
}

void xml_checksum_plan(struct text *out, const struct checksum_plan *plan)
{
	if (!plan->is_set)
		return;
	xml_text(out, "ChecksumAlgorithm", checksum_algorithm(plan->kind));
	xml_text(out, "ChecksumType", checksum_type(plan->is_composite));
}

void xml_common_prefix(struct text *out, const char *prefix, bool is_url)
{
	xml_open(out, "CommonPrefixes");
	xml_key(out, "Prefix", prefix, is_url);
	xml_close(out, "CommonPrefixes");
}
