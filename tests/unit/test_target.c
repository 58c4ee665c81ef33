/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/target.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "support/guard.h"

TestSuite(target, .timeout = 600);

#define ENCODING  S3_TARGET_BAD_ENCODING
#define NUL       S3_TARGET_NUL
#define NOT_UTF8  S3_TARGET_NOT_UTF8
#define BUCKET    S3_TARGET_BAD_BUCKET
#define LONG      S3_TARGET_KEY_TOO_LONG
#define COMPONENT S3_TARGET_BAD_COMPONENT

static const char *const error_names[] = {
	[ENCODING] = "bad encoding",
	[NUL] = "NUL",
	[NOT_UTF8] = "not UTF-8",
	[BUCKET] = "bad bucket",
	[LONG] = "key too long",
	[COMPONENT] = "bad component",
	[S3_TARGET_ERROR_COUNT] = "accepted",
};

static struct s3_target target;

/* From a page's end and start; S3_TARGET_ERROR_COUNT: accepted. */
static enum s3_target_error parse(const char *text, size_t len)
{
	enum s3_target_error error = S3_TARGET_ERROR_COUNT, again = S3_TARGET_ERROR_COUNT;
	static struct s3_target other;
	struct guard guard;
	int r;

	guard_init(&guard, len);
	r = s3_target_parse((struct slice){guard_behind(&guard, text, len), len}, &other, &again);
	cr_assert_eq(r, again == S3_TARGET_ERROR_COUNT ? 0 : -EINVAL);
	r = s3_target_parse((struct slice){guard_before(&guard, text, len), len}, &target, &error);
	cr_assert_eq(r, error == S3_TARGET_ERROR_COUNT ? 0 : -EINVAL);
	cr_assert_eq(error, again);
	if (r < 0)
		cr_assert(!target.bucket[0] && !target.object_key[0] && !target.query.at &&
				  target.object_key_len == 0,
			  "%s: refused, and yet something came out", text);
	guard_fini(&guard);
	target.query.at = NULL; /* the pages are gone */
	return error;
}

struct good_row {
	const char *text;
	const char *bucket;
	const char *object_key;
};

Test(target, accepted)
{
	static const struct good_row rows[] = {
		{"/", "", ""},
		{"/?x-id=ListBuckets", "", ""},
		{"/blocks", "blocks", ""},
		{"/blocks/", "blocks", ""},
		{"/blocks?location=", "blocks", ""},
		{"/blocks/?list-type=2&prefix=a%2F..%2F", "blocks", ""},
		{"/blocks/k", "blocks", "k"},
		{"/blocks/01HT/chunks/000001", "blocks", "01HT/chunks/000001"},
		{"/blocks/k?a/../b", "blocks", "k"},
		{"/blocks/k?%00%zz", "blocks", "k"},
		{"/blocks/k??", "blocks", "k"},
		/* Decoding, once. */
		{"/blocks/a%20b", "blocks", "a b"},
		{"/blocks/a+b", "blocks", "a+b"},
		{"/blocks/a%2bb", "blocks", "a+b"},
		{"/blocks/a%2Bb%2fc%2Fd", "blocks", "a+b/c/d"},
		{"/blocks/%61%62%63", "blocks", "abc"},
		{"/%62lock%73/k", "blocks", "k"},
		{"/blocks/a%3Fb", "blocks", "a?b"},
		{"/blocks/a%23b", "blocks", "a#b"},
		{"/blocks/a%25b", "blocks", "a%b"},
		{"/blocks/%2500", "blocks", "%00"},
		{"/blocks/%252e%252e", "blocks", "%2e%2e"},
		{"/blocks/%252e%252e%252f%252e", "blocks", "%2e%2e%2f%2e"},
		{"/blocks/..%252fx", "blocks", "..%2fx"},
		{"/blocks/%25252e", "blocks", "%252e"},
		{"/blocks/%u002e", NULL, NULL},
		/* Dots that are no steps. */
		{"/blocks/...", "blocks", "..."},
		{"/blocks/.../x", "blocks", ".../x"},
		{"/blocks/..a", "blocks", "..a"},
		{"/blocks/a..", "blocks", "a.."},
		{"/blocks/.a", "blocks", ".a"},
		{"/blocks/a.", "blocks", "a."},
		{"/blocks/a..b/c", "blocks", "a..b/c"},
		{"/blocks/.%20", "blocks", ". "},
		{"/blocks/..%20/x", "blocks", ".. /x"},
		{"/blocks/%20..", "blocks", " .."},
		/* For a file system here, a backslash, a colon and a tilde are bytes like others.
		 */
		{"/blocks/..\\x", "blocks", "..\\x"},
		{"/blocks/..%5cx", "blocks", "..\\x"},
		{"/blocks/%5c..%5c..", "blocks", "\\..\\.."},
		{"/blocks/C:x", "blocks", "C:x"},
		{"/blocks/~", "blocks", "~"},
		{"/blocks/~root/x", "blocks", "~root/x"},
		{"/blocks/;x=..", "blocks", ";x=.."},
		{"/blocks/..;/x", "blocks", "..;/x"},
		{"/blocks/-rf", "blocks", "-rf"},
		/* UTF-8; dots and slashes of other alphabets are none. */
		{"/blocks/%C3%A9", "blocks", "\xc3\xa9"},
		{"/blocks/%e2%82%ac%f0%9f%92%be", "blocks", "\xe2\x82\xac\xf0\x9f\x92\xbe"},
		{"/blocks/%ef%bc%8e%ef%bc%8e%ef%bc%8f", "blocks",
		 "\xef\xbc\x8e\xef\xbc\x8e\xef\xbc\x8f"},
		{"/blocks/%e2%80%a5", "blocks", "\xe2\x80\xa5"},
		{"/blocks/%0d%0a%09%01%7f", "blocks", "\r\n\t\x01\x7f"},
		/* A slash at the end stays. */
		{"/blocks/a/", "blocks", "a/"},
		{"/blocks/a%2f", "blocks", "a/"},
		{"/blocks/01HT/chunks/", "blocks", "01HT/chunks/"},
		{"/blocks/.../", "blocks", ".../"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum s3_target_error error = parse(rows[i].text, strlen(rows[i].text));

		if (!rows[i].bucket) {
			cr_expect_eq(error, ENCODING, "%s", rows[i].text);
			continue;
		}
		cr_expect_eq(error, S3_TARGET_ERROR_COUNT, "%s: %s", rows[i].text,
			     error_names[error]);
		cr_expect_str_eq(target.bucket, rows[i].bucket, "%s", rows[i].text);
		cr_expect_str_eq(target.object_key, rows[i].object_key, "%s", rows[i].text);
		cr_expect_eq(target.object_key_len, strlen(rows[i].object_key), "%s", rows[i].text);
	}
}

Test(target, refused)
{
	static const struct {
		const char *text;
		enum s3_target_error error;
	} rows[] = {
		/* Steps out of the bucket and in place, in every encoding. */
		{"/blocks/.", COMPONENT},
		{"/blocks/..", COMPONENT},
		{"/blocks/../", COMPONENT},
		{"/blocks/./", COMPONENT},
		{"/blocks/./x", COMPONENT},
		{"/blocks/../x", COMPONENT},
		{"/blocks/a/..", COMPONENT},
		{"/blocks/a/.", COMPONENT},
		{"/blocks/a/../b", COMPONENT},
		{"/blocks/a/./b", COMPONENT},
		{"/blocks/../../../etc/passwd", COMPONENT},
		{"/blocks/..%2f..%2fetc/passwd", COMPONENT},
		{"/blocks/..%2Fx", COMPONENT},
		{"/blocks/%2e", COMPONENT},
		{"/blocks/%2e%2e", COMPONENT},
		{"/blocks/%2E%2E", COMPONENT},
		{"/blocks/%2e.", COMPONENT},
		{"/blocks/.%2e", COMPONENT},
		{"/blocks/%2E./x", COMPONENT},
		{"/blocks/.%2E%2fx", COMPONENT},
		{"/blocks/a%2f..", COMPONENT},
		{"/blocks/a%2f%2e%2e%2fb", COMPONENT},
		{"/blocks/a/%2e%2e/%2e%2e/b", COMPONENT},
		{"/blocks/a%2f.%2fb", COMPONENT},
		{"/blocks/..?x", COMPONENT},
		{"/blocks/..%3Fx/..", COMPONENT},
		/* Empty components. */
		{"/blocks//", COMPONENT},
		{"/blocks//x", COMPONENT},
		{"/blocks/%2f", COMPONENT},
		{"/blocks/%2fetc%2fpasswd", COMPONENT},
		{"/blocks/a//b", COMPONENT},
		{"/blocks/a//", COMPONENT},
		{"/blocks/a%2f/b", COMPONENT},
		{"/blocks/a%2f%2fb", COMPONENT},
		{"/blocks/a/%2f", COMPONENT},
		/* Encodings of a dot or a slash that are no UTF-8. */
		{"/blocks/%c0%ae%c0%ae/x", NOT_UTF8},
		{"/blocks/%c0%ae", NOT_UTF8},
		{"/blocks/..%c0%afx", NOT_UTF8},
		{"/blocks/%e0%80%ae%e0%80%ae/x", NOT_UTF8},
		{"/blocks/%f0%80%80%ae", NOT_UTF8},
		{"/blocks/%f8%80%80%80%ae", NOT_UTF8},
		{"/blocks/%fc%80%80%80%80%ae", NOT_UTF8},
		{"/blocks/%c1%9c", NOT_UTF8},
		{"/blocks/%ae", NOT_UTF8},
		{"/blocks/%80", NOT_UTF8},
		{"/blocks/%ff", NOT_UTF8},
		{"/blocks/a%c3", NOT_UTF8},
		{"/blocks/a%c3/b", NOT_UTF8},
		{"/blocks/%e2%82", NOT_UTF8},
		{"/blocks/%ed%a0%80", NOT_UTF8},
		{"/blocks/%f4%90%80%80", NOT_UTF8},
		{"/blocks/caf%e9", NOT_UTF8},
		/* NUL. */
		{"/blocks/%00", NUL},
		{"/blocks/a%00b", NUL},
		{"/blocks/..%00", NUL},
		{"/blocks/k%00.json", NUL},
		{"/bl%00ocks/k", NUL},
		{"/blocks%00", NUL},
		/* What is no percent-encoding, and bytes that stand in no target. */
		{"/blocks/%", ENCODING},
		{"/blocks/%2", ENCODING},
		{"/blocks/a%", ENCODING},
		{"/blocks/a%2", ENCODING},
		{"/blocks/%zz", ENCODING},
		{"/blocks/%2g", ENCODING},
		{"/blocks/%g2", ENCODING},
		{"/blocks/% 2", ENCODING},
		{"/blocks/%+2", ENCODING},
		{"/blocks/%-1", ENCODING},
		{"/blocks/%%2e", ENCODING},
		{"/blocks/%u002e%u002e", ENCODING},
		{"/blocks/%0x2e", ENCODING},
		{"/blocks/%2?e", ENCODING},
		{"/%zz", ENCODING},
		{"/blo%cks", ENCODING},
		{"/blocks/a#b", ENCODING},
		{"/blocks/#", ENCODING},
		{"/blocks#x", ENCODING},
		{"/#", ENCODING},
		{"/blocks/k?a#b", ENCODING},
		{"/blocks/a b", ENCODING},
		{"/blocks/a\tb", ENCODING},
		{"/blocks/a\r\nb", ENCODING},
		{"/blocks/\x7f", ENCODING},
		{"/blocks/\xc3\xa9", ENCODING},
		{"/blocks/\x01", ENCODING},
		{"", ENCODING},
		{"blocks/k", ENCODING},
		{"*", ENCODING},
		{"?x", ENCODING},
		{"https://h/blocks/k", ENCODING},
		{"\\blocks\\k", ENCODING},
		/* Buckets. */
		{"//", BUCKET},
		{"//k", BUCKET},
		{"///", BUCKET},
		{"//blocks/k", BUCKET},
		{"/./blocks/k", BUCKET},
		{"/../blocks/k", BUCKET},
		{"/..", BUCKET},
		{"/.", BUCKET},
		{"/...", BUCKET},
		{"/../../etc/passwd", BUCKET},
		{"/%2e%2e/blocks/k", BUCKET},
		{"/%2e%2e%2fblocks/k", BUCKET},
		{"/..%2fblocks", BUCKET},
		{"/%2f", BUCKET},
		{"/%2fblocks/k", BUCKET},
		{"/blocks%2fk", BUCKET},
		{"/blocks%2Fk/x", BUCKET},
		{"/blocks%2f..%2fother/k", BUCKET},
		{"/blocks%3Fx", BUCKET},
		{"/%252e%252e/k", BUCKET},
		{"/blocks%5ck", BUCKET},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum s3_target_error error = parse(rows[i].text, strlen(rows[i].text));

		cr_expect_eq(error, rows[i].error, "%s: %s, expected: %s", rows[i].text,
			     error_names[error], error_names[rows[i].error]);
	}
	cr_expect_eq(parse("/blocks/a\0b", 11), ENCODING, "a raw NUL");
}

Test(target, buckets)
{
	static const struct {
		const char *name;
		bool ok;
	} rows[] = {
		{"abc", true},    {"a-b", true},         {"a.b", true},    {"a_b", true},
		{"ABC", true},    {"My_Bucket.1", true}, {"000", true},    {"1.2.3.4", true},
		{"a--b", true},   {"a__b", true},        {"a.-b", true},   {"a-.b", true},
		{"blocks", true}, {"xn--a", true},       {"a", false},     {"ab", false},
		{"-ab", false},   {"ab-", false},        {".ab", false},   {"ab.", false},
		{"_ab", false},   {"ab_", false},        {"a..b", false},  {"a...b", false},
		{"...", false},   {"---", false},        {"a:b", false},   {"a%3Ab", false},
		{"a+b", false},   {"a~b", false},        {"a%20b", false}, {"a@b", false},
		{"a,b", false},   {"a$b", false},        {"a*b", false},   {"a;b", false},
		{"a=b", false},   {"a&b", false},        {"a\\b", false},  {"a%C3%A9b", false},
		{"a%0ab", false}, {"a%ffb", false},      {"a'b", false},   {"(ab)", false},
	};
	char text[160];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int variant = 0; variant < 3; variant++) {
			static const char *const behind[] = {"", "/", "/k?x"};
			int len = snprintf(text, sizeof(text), "/%s%s", rows[i].name,
					   behind[variant]);
			enum s3_target_error error = parse(text, (size_t)len);

			cr_expect_eq(error, rows[i].ok ? S3_TARGET_ERROR_COUNT : BUCKET, "%s: %s",
				     text, error_names[error]);
		}
	}
	for (size_t len = 1; len <= 140; len++) {
		enum s3_target_error error;

		memset(text, 'a', sizeof(text));
		text[0] = '/';
		error = parse(text, 1 + len);
		cr_expect_eq(error, len >= 3 && len <= 63 ? S3_TARGET_ERROR_COUNT : BUCKET,
			     "a bucket of %zu bytes: %s", len, error_names[error]);
		if (error == S3_TARGET_ERROR_COUNT)
			cr_expect_eq(strlen(target.bucket), len);
	}
}

/* A key of components of so many bytes each, of '/' between them. encoded: all of it is. */
static size_t put_key(char *text, const size_t *components, size_t count, bool encoded)
{
	size_t len = 8;

	memcpy(text, "/blocks/", len);
	for (size_t i = 0; i < count; i++) {
		for (size_t byte = 0; byte < components[i]; byte++) {
			memcpy(text + len, encoded ? "%61" : "aaa", 3);
			len += encoded ? 3 : 1;
		}
		if (i + 1 < count) {
			memcpy(text + len, encoded ? "%2F" : "///", 3);
			len += encoded ? 3 : 1;
		}
	}
	return len;
}

Test(target, lengths)
{
	static const struct {
		size_t components[6];
		size_t count;
		enum s3_target_error error;
	} rows[] = {
		{{255}, 1, S3_TARGET_ERROR_COUNT},
		{{256}, 1, COMPONENT},
		{{1, 255}, 2, S3_TARGET_ERROR_COUNT},
		{{256, 1}, 2, COMPONENT},
		{{1, 256}, 2, COMPONENT},
		{{255, 255, 255, 255}, 4, S3_TARGET_ERROR_COUNT},    /* 1,023 bytes */
		{{255, 255, 255, 255, 0}, 5, S3_TARGET_ERROR_COUNT}, /* 1,024, '/' at the end */
		{{255, 255, 255, 254, 1}, 5, S3_TARGET_ERROR_COUNT}, /* 1,024 */
		{{255, 255, 255, 254, 2}, 5, LONG},                  /* 1,025 */
		{{255, 255, 255, 255, 1}, 5, LONG},
		{{1024}, 1, COMPONENT},
		{{1025}, 1, LONG},
		{{5000}, 1, LONG},
	};
	static char text[16384];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int encoded = 0; encoded < 2; encoded++) {
			size_t len = put_key(text, rows[i].components, rows[i].count, encoded);
			enum s3_target_error error = parse(text, len);

			cr_expect_eq(error, rows[i].error, "row %zu, encoded %d: %s", i, encoded,
				     error_names[error]);
			if (error == S3_TARGET_ERROR_COUNT && !encoded)
				cr_expect_eq(target.object_key_len, len - strlen("/blocks/"));
		}
	}
}

/* A component's limit is in bytes of its name, not in characters. */
Test(target, lengths_are_in_bytes)
{
	static char text[4096];
	size_t len = 8;

	memcpy(text, "/blocks/", len);
	for (int i = 0; i < 127; i++, len += 6)
		memcpy(text + len, "%C3%A9", 6);
	cr_expect_eq(parse(text, len), S3_TARGET_ERROR_COUNT);
	cr_expect_eq(target.object_key_len, 254);
	memcpy(text + len, "%C3%A9", 6);
	cr_expect_eq(parse(text, len + 6), COMPONENT);
}

/* Every byte as %XX, alone and in a word, against what a key may hold. */
Test(target, every_encoded_byte)
{
	char text[32];

	for (int byte = 0; byte < 256; byte++) {
		for (int upper = 0; upper < 2; upper++) {
			enum s3_target_error error, expected = S3_TARGET_ERROR_COUNT;
			char decoded[] = {'a', (char)byte, 'b', '\0'};

			snprintf(text, sizeof(text),
				 upper ? "/blocks/a%%%02Xb" : "/blocks/a%%%02xb", byte);
			if (byte == 0)
				expected = NUL;
			else if (byte >= 0x80)
				expected = NOT_UTF8;
			error = parse(text, strlen(text));
			cr_expect_eq(error, expected, "%s: %s", text, error_names[error]);
			if (error == S3_TARGET_ERROR_COUNT)
				cr_expect_str_eq(target.object_key, decoded, "%s", text);
		}
	}
}

Test(target, query)
{
	static const struct {
		const char *text;
		const char *query; /* NULL: none */
	} rows[] = {
		{"/", NULL},
		{"/blocks/k", NULL},
		{"/blocks/a%3Fb", NULL},
		{"/?", ""},
		{"/blocks/k?", ""},
		{"/blocks/k?a=b&c", "a=b&c"},
		{"/blocks/k?a=b?c=/d", "a=b?c=/d"},
		{"/?/x", "/x"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slice text = {rows[i].text, strlen(rows[i].text)};
		enum s3_target_error error;

		cr_assert_eq(s3_target_parse(text, &target, &error), 0, "%s", rows[i].text);
		cr_expect_eq(target.query.at != NULL, rows[i].query != NULL, "%s", rows[i].text);
		if (!rows[i].query || !target.query.at)
			continue;
		cr_expect_eq(target.query.len, strlen(rows[i].query), "%s", rows[i].text);
		cr_expect_eq(target.query.at + target.query.len, text.at + text.len);
	}
}

Test(target, query_params)
{
	static const struct {
		const char *query;
		const char *name;
		const char *value; /* NULL: absent */
	} rows[] = {
		{"location=", "location", ""},
		{"location", "location", ""},
		{"uploads&prefix=a", "uploads", ""},
		{"uploads&prefix=a", "prefix", "a"},
		{"prefix=a&uploads", "uploads", ""},
		{"list-type=2&prefix=a%2F&delimiter=%2F", "prefix", "a%2F"},
		{"list-type=2&prefix=a%2F&delimiter=%2F", "delimiter", "%2F"},
		{"a=1&a=2", "a", "1"},
		{"a&a=2", "a", ""},
		{"a=b=c", "a", "b=c"},
		{"a=+", "a", "+"},
		{"&&a=1&&", "a", "1"},
		{"xa=1", "a", NULL},
		{"ax=1", "a", NULL},
		{"ax&a", "a", ""},
		{"A=1", "a", NULL},
		{"b=a", "a", NULL},
		{"b=&a=", "a", ""},
		{"b=1;a=2", "a", NULL},
		{"%61=1", "a", "1"},
		{"list%2Dtype=2", "list-type", "2"},
		{"list%2dtyp%65=2", "list-type", "2"},
		{"%61", "a", ""},
		{"%61%62=1", "a", NULL},
		{"%6=1", "a", NULL},
		{"%=1", "a", NULL},
		{"%zz=1", "a", NULL},
		{"a%00=1", "a", NULL},
		{"a%=1&a=2", "a", "2"},
		{"uploadsx", "uploads", NULL},
		{"upload", "uploads", NULL},
		{"uploadId=x&uploads=", "upload", NULL},
		{"=1", "a", NULL},
		{"", "a", NULL},
		{"&", "a", NULL},
	};
	struct guard guard;
	size_t len;

	guard_init(&guard, 128);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slice query = {NULL, strlen(rows[i].query)}, value;

		query.at = guard_before(&guard, rows[i].query, query.len);
		value = s3_query_param(query, rows[i].name);
		cr_expect_eq(value.at != NULL, rows[i].value != NULL, "%s in %s", rows[i].name,
			     rows[i].query);
		if (!rows[i].value || !value.at)
			continue;
		len = strlen(rows[i].value);
		cr_expect(value.len == len && memcmp(value.at, rows[i].value, len) == 0,
			  "%s in %s: %.*s", rows[i].name, rows[i].query, (int)value.len, value.at);
	}
	cr_expect_null(s3_query_param((struct slice){0}, "a").at, "no query at all");
	guard_fini(&guard);
}

/* Every parameter in its order; none behind the last '&', none that does not decode. */
Test(target, walks_parameters)
{
	static const char *const rows[][2] = {
		{"", ""},
		{"&", "=;"},
		{"a", "a=;"},
		{"a=", "a=;"},
		{"a=1&", "a=1;"},
		{"a=1&&b", "a=1;=;b=;"},
		{"a=1&b=2=3&c", "a=1;b=2=3;c=;"},
		{"%61b=%31", "ab=%31;"},
		{"%=1&b=2", "b=2;"},
		{"=1", "=1;"},
	};
	struct guard guard;

	guard_init(&guard, 128);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slice query = {NULL, strlen(rows[i][0])};
		struct s3_param param;
		char walk[128] = "";
		size_t at = 0;

		query.at = guard_before(&guard, rows[i][0], query.len);
		while (s3_query_next(query, &at, &param))
			snprintf(walk + strlen(walk), sizeof(walk) - strlen(walk), "%s=%.*s;",
				 param.name, (int)param.value.len, param.value.at);
		cr_expect_str_eq(walk, rows[i][1], "of %s", rows[i][0]);
	}
	guard_fini(&guard);
}

/* A copy's source, however much of it is encoded. */
Test(target, sources)
{
	static const struct {
		const char *value, *bucket, *key, *query;
	} rows[] = {
		{"b-1/k", "b-1", "k", NULL},
		{"/b-1/k", "b-1", "k", NULL},
		{"b-1%2Fk", "b-1", "k", NULL},
		{"%2Fb-1%2Fdir%2Fa%20b", "b-1", "dir/a b", NULL},
		{"b-1%2Fdir%2Fa%20b", "b-1", "dir/a b", NULL},
		{"b-1/dir/a b", "b-1", "dir/a b", NULL},
		{"/b-1/a#b", "b-1", "a#b", NULL},
		{"/b-1/\xc3\xa9", "b-1", "\xc3\xa9", NULL},
		{"/b-1/%C3%A9", "b-1", "\xc3\xa9", NULL},
		{"/b-1/a+b", "b-1", "a+b", NULL},
		{"/b-1/a%2Bb", "b-1", "a+b", NULL},
		{"/b-1/a%2520b", "b-1", "a%20b", NULL},
		{"/b-1/a%09b", "b-1", "a\tb", NULL},
		{"/b-1/a%3Fb", "b-1", "a?b", NULL},
		{"b-1%2Fa%3FversionId%3Dnull", "b-1", "a?versionId=null", NULL},
		{"/b-1/k?versionId=null", "b-1", "k", "versionId=null"},
		{"b-1%2Fk?versionId=null", "b-1", "k", "versionId=null"},
	};
	static const char *const refused[] = {
		"",
		"/",
		"b-1",
		"/b-1/",
		"//b-1/k",
		"b-1%2F",
		"/b-1/%",
		"/b-1/%zz",
		"/b-1/a%00b",
		"/b-1/../k",
		"b-1%2F..%2Fk",
		"/b-1/\xe9",
		"/b-1/a\tb",
		"/b/k",
		"%252Fb-1%2Fk",
		"b-1/.sluice/x",
		"b-1%2F.sluice%2Fx",
		"?versionId=null",
	};
	enum s3_target_error error;
	char longest[BUCKET_BYTES_MAX + OBJECT_KEY_BYTES_MAX + 3];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slice value = {rows[i].value, strlen(rows[i].value)};
		cr_assert_eq(s3_source_parse(value, &target, &error), 0, "%s", rows[i].value);
		cr_expect_str_eq(target.bucket, rows[i].bucket, "%s", rows[i].value);
		cr_expect_str_eq(target.object_key, rows[i].key, "%s", rows[i].value);
		cr_expect_eq(target.object_key_len, strlen(rows[i].key));
		cr_expect_eq(target.query.at != NULL, rows[i].query != NULL);
		cr_expect(rows[i].query == NULL || slice_is(target.query, rows[i].query));
	}
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct slice value = {refused[i], strlen(refused[i])};
		cr_expect_eq(s3_source_parse(value, &target, &error), -EINVAL, "%s", refused[i]);
	}
	memset(longest, 'b', sizeof(longest));
	longest[BUCKET_BYTES_MAX] = '/';
	for (size_t at = BUCKET_BYTES_MAX + 200; at < sizeof(longest); at += 200)
		longest[at] = '/';
	size_t len = BUCKET_BYTES_MAX + 1 + OBJECT_KEY_BYTES_MAX;
	cr_expect_eq(s3_source_parse((struct slice){longest, len}, &target, &error), 0);
	cr_expect_eq(target.object_key_len, OBJECT_KEY_BYTES_MAX);
	cr_expect_eq(s3_source_parse((struct slice){longest, len + 1}, &target, &error), -EINVAL);
	cr_expect_eq(error, S3_TARGET_KEY_TOO_LONG);
}
