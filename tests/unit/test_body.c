/* SPDX-License-Identifier: Apache-2.0 */
/* A body's layers: the same payload at every cut and into any room; nothing that is nearly right.
 */
#include "http/body.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"

#define SIGNED_5                                                                                   \
	"5;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n"
#define SIGNED_0                                                                                   \
	"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n"
#define STREAMING         "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n"
#define UNSIGNED          "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n"
#define STREAMING_TRAILER "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER\r\n"
#define PLAIN             "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n"
#define HELLO_SHA256      "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define AWS               "Content-Encoding: aws-chunked\r\n"
#define CHUNKED           "Transfer-Encoding: chunked\r\n"
#define DECODED(n)        "x-amz-decoded-content-length: " n "\r\n"
#define LENGTH(n)         "Content-Length: " n "\r\n"
#define TRAILER           "x-amz-checksum-crc32:NhCmhg==\r\n"
#define HELLO_AWS         SIGNED_5 "hello\r\n" SIGNED_0 "\r\n"
#define HELLO_TRAIL       "5\r\nhello\r\n0\r\n" TRAILER "\r\n"

/* The trailers of the SDKs of 2026: aws-sdk-go-v2, aws-sdk-js-v3, botocore, aws-sdk-rust, aws-c-s3
 * and aws-sdk-java-v2 write what HELLO_TRAIL is (Java with a signature as another field); minio-go
 * 7.0.95 ends the checksum's line in LF, and has an empty line before the signature. */
#define SIGNATURE                                                                                  \
	"x-amz-trailer-signature:"                                                                 \
	"63bddb248ad2590c92712055f51b8e78ab024eead08276b24f010b0efd74843f\r\n"
#define MINIO_TRAILER "x-amz-checksum-crc32:NhCmhg==\n\r\n"
#define JAVA_SIGNED   SIGNED_5 "hello\r\n" SIGNED_0 TRAILER SIGNATURE "\r\n"
#define MINIO         "5\r\nhello\r\n0\r\n" MINIO_TRAILER "\r\n"
#define MINIO_SIGNED  SIGNED_5 "hello\r\n" SIGNED_0 MINIO_TRAILER SIGNATURE "\r\n"

static struct body body;
static char out[4096];

/* The value of the trailer's field of this name. */
static struct slice trailer(const char *name)
{
	struct http_field field;
	for (size_t at = 0; body_trailer_next(&body, &at, &field);)
		if (slice_is(field.name, name))
			return field.value;
	return (struct slice){0};
}

static int begin(const char *fields, size_t raw_len)
{
	static char text[2048];
	static struct http_head head;
	enum http_head_error error;
	bool adds_length = strstr(fields, "Transfer-Encoding") == NULL &&
			   strstr(fields, "Content-Length") == NULL;
	char length[64] = "";

	if (adds_length)
		must(snprintf(length, sizeof(length), "Content-Length: %zu\r\n", raw_len) > 0);
	int len = snprintf(text, sizeof(text), "PUT /b/k HTTP/1.1\r\nHost: s\r\n%s%s\r\n", fields,
			   length);
	must(http_head_parse(text, (size_t)len, 0, &head, &error) == len);
	return body_begin(&body, &head);
}

/* Raw bytes taken, or -EBADMSG; payload in out, *payload_len. first, then step bytes at a time,
 * into room bytes at a time. */
static ssize_t feed(const char *raw, size_t len, size_t first, size_t step, size_t room,
		    size_t *payload_len)
{
	size_t at = 0, end = first < len ? first : len;

	*payload_len = 0;
	while (at < len && !body_is_done(&body)) {
		size_t n_out = 0;
		ssize_t n = body_take(&body, raw + at, end - at, out + *payload_len, room, &n_out);
		if (n < 0)
			return n;
		cr_assert_leq(n_out, room);
		cr_assert_leq((size_t)n, end - at);
		cr_assert(n > 0 || at == end, "no progress at %zu", at);
		*payload_len += n_out;
		at += (size_t)n;
		if (at == end)
			end = end + step < len ? end + step : len;
	}
	return (ssize_t)at;
}

static const struct good {
	const char *fields, *raw, *payload, *crc32; /* crc32: of the trailer, NULL: none */
} goods[] = {
	{"", "hello", "hello", NULL},
	{"", "", "", NULL},
	{CHUNKED, "5\r\nhello\r\n0\r\n\r\n", "hello", NULL},
	{STREAMING DECODED("5"), HELLO_AWS, "hello", NULL},
	{STREAMING, HELLO_AWS, "hello", NULL},
	{AWS DECODED("5"), HELLO_AWS, "hello", NULL},
	{"Content-Encoding: gzip, aws-chunked\r\n", HELLO_AWS, "hello", NULL},
	{"Content-Encoding: gzip\r\n" AWS, HELLO_AWS, "hello", NULL},
	{"Content-Encoding: gzip\r\n", "hello", "hello", NULL},
	/* x-amz-content-sha256 says what the framing is, if it is there. */
	{PLAIN AWS, "hello", "hello", NULL},
	{PLAIN AWS DECODED("5"), "hello", "hello", NULL},
	{PLAIN AWS CHUNKED DECODED("5"), "5\r\nhello\r\n0\r\n\r\n", "hello", NULL},
	{"x-amz-content-sha256: " HELLO_SHA256 "\r\n" AWS, "hello", "hello", NULL},
	{AWS DECODED("5"), HELLO_TRAIL, "hello", "NhCmhg=="}, /* botocore, without a signature */
	{STREAMING_TRAILER DECODED("5"), JAVA_SIGNED, "hello", "NhCmhg=="},
	{UNSIGNED DECODED("5"), MINIO, "hello", "NhCmhg=="},
	{UNSIGNED CHUNKED, "2f\r\n" MINIO "\r\n0\r\n\r\n", "hello", "NhCmhg=="},
	{STREAMING_TRAILER DECODED("5"), MINIO_SIGNED, "hello", "NhCmhg=="},
	/* A trailer of HTTP. */
	{CHUNKED, "5\r\nhello\r\n0\r\n" TRAILER "\r\n", "hello", "NhCmhg=="},
	{UNSIGNED CHUNKED, "f\r\n5\r\nhello\r\n0\r\n\r\n\r\n0\r\n" TRAILER "\r\n", "hello",
	 "NhCmhg=="},
	{STREAMING DECODED("0"), SIGNED_0 "\r\n", "", NULL},
	{UNSIGNED DECODED("5"), HELLO_TRAIL, "hello", "NhCmhg=="},
	{UNSIGNED CHUNKED DECODED("5"), "2e\r\n" HELLO_TRAIL "\r\n0\r\n\r\n", "hello", "NhCmhg=="},
	{UNSIGNED CHUNKED,
	 "4\r\n5\r\nh\r\n2a\r\nello\r\n0\r\n" TRAILER "\r\n"
	 "\r\n0\r\n\r\n",
	 "hello", "NhCmhg=="},
};

Test(body, bodies_in_every_cut)
{
	static const size_t rooms[] = {1, 3, 5, sizeof(out)};
	for (size_t i = 0; i < ARRAY_LEN(goods); i++) {
		const struct good *row = &goods[i];
		size_t len = strlen(row->raw), payload_len;
		char more[1024];
		/* A pipelined request behind it stays where it is. */
		int more_len = snprintf(more, sizeof(more), "%sGET / HTTP/1.1\r\n", row->raw);
		for (size_t first = 1; first <= (size_t)more_len; first++)
			for (size_t k = 0; k < ARRAY_LEN(rooms) * 2; k++) {
				size_t step = k % 2 == 0 ? 1 : (size_t)more_len;
				size_t room = rooms[k / 2] > sizeof(out) / 2 ? 1024 : rooms[k / 2];
				cr_assert_eq(begin(row->fields, len), 0, "row %zu", i);
				ssize_t n = feed(more, (size_t)more_len, first, step, room,
						 &payload_len);
				cr_assert_eq(n, (ssize_t)len, "row %zu first %zu: %zd", i, first,
					     n);
				cr_assert(body_is_done(&body));
				cr_assert_eq(payload_len, strlen(row->payload), "row %zu", i);
				cr_assert_arr_eq(out, row->payload, payload_len, "row %zu", i);
				struct slice sum = trailer("x-amz-checksum-crc32");
				cr_assert_eq(sum.at != NULL, row->crc32 != NULL, "row %zu", i);
				cr_assert(row->crc32 == NULL || slice_is(sum, row->crc32));
			}
	}
}

Test(body, cut_short_is_not_done)
{
	for (size_t i = 0; i < ARRAY_LEN(goods); i++) {
		size_t len = strlen(goods[i].raw), payload_len;
		for (size_t some = 1; some < len; some++) {
			cr_assert_eq(begin(goods[i].fields, len), 0);
			cr_assert_eq(feed(goods[i].raw, some, some, some, 1024, &payload_len),
				     (ssize_t)some, "row %zu at %zu", i, some);
			cr_assert_not(body_is_done(&body), "row %zu at %zu", i, some);
		}
	}
}

Test(body, malformed_at_every_cut)
{
	static const struct {
		const char *fields, *raw;
	} rows[] = {
		{STREAMING, "+5\r\nhello\r\n0\r\n\r\n"},
		{STREAMING, "-5\r\nhello\r\n0\r\n\r\n"},
		{STREAMING, "0x5\r\nhello\r\n0\r\n\r\n"},
		{STREAMING, "8000000000000000\r\nhello\r\n0\r\n\r\n"},
		{STREAMING, "5\r\nhello0\r\n\r\n"},
		{STREAMING, "5\nhello\r\n0\r\n\r\n"},
		{STREAMING, HELLO_AWS "x"},                      /* behind its end */
		{STREAMING, SIGNED_5 "hello\r\n"},               /* no last chunk */
		{STREAMING, SIGNED_5 "hello\r\n" SIGNED_0},      /* no empty line */
		{UNSIGNED, "5\r\nhello\r\n0\r\nx-amz-checksum"}, /* trailer cut */
		{UNSIGNED, "5\r\nhello\r\n0\r\nx y: z\r\n\r\n"},
		{UNSIGNED, "5\r\nhello\r\n0\r\n" MINIO_TRAILER "x"},
		{UNSIGNED, "5\r\nhello\r\n0\r\n" MINIO_TRAILER "\n"},
		{UNSIGNED, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n"},
		{UNSIGNED CHUNKED, "5\r\nhello\r\n0\r\nx-a: b\n\r\n"}, /* HTTP has no LF */
		{UNSIGNED DECODED("4"), HELLO_TRAIL},
		{UNSIGNED DECODED("6"), HELLO_TRAIL},
		{UNSIGNED CHUNKED DECODED("6"), "2e\r\n" HELLO_TRAIL "\r\n0\r\n\r\n"},
		{UNSIGNED CHUNKED, "5\r\nhello\r\n0\r\n\r\n"},
		{UNSIGNED CHUNKED, "2e\r\n" HELLO_TRAIL "X0\r\n\r\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].raw), payload_len;
		for (size_t first = 1; first <= len; first++) {
			cr_assert_eq(begin(rows[i].fields, len), 0, "row %zu", i);
			cr_assert_eq(feed(rows[i].raw, len, first, 1, 1024, &payload_len), -EBADMSG,
				     "row %zu cut at %zu", i, first);
		}
	}
}

Test(body, heads_that_contradict)
{
	static const char *const values[] = {"-1",
					     "+1",
					     "0x1",
					     "1 1",
					     "1,1",
					     "",
					     "1e3",
					     "18446744073709551616",
					     "9223372036854775808",
					     "999"};
	char fields[256];

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		snprintf(fields, sizeof(fields), "%sx-amz-decoded-content-length: %s\r\n",
			 STREAMING, values[i]);
		cr_expect_eq(begin(fields, 100), -EBADMSG, "\"%s\"", values[i]);
	}
	/* One of the two lengths is another's: bytes of a framing may not become the object. */
	cr_expect_eq(begin(PLAIN AWS DECODED("5"), 100), -EBADMSG);
}

/* A body that is said to be aws-chunked has at least a last chunk. */
Test(body, aws_chunked_of_no_bytes_is_not_done)
{
	int r = begin(STREAMING DECODED("0"), 0);
	cr_expect(r == -EBADMSG || !body_is_done(&body));
}

Test(body, plain_bytes_pass_it_by)
{
	size_t payload_len;

	cr_assert_eq(begin("", 10), 0);
	cr_expect_eq(body_plain_left(&body), 10);
	body_plain_account(&body, 4);
	cr_assert_eq(feed("hel", 3, 3, 3, 1024, &payload_len), 3);
	cr_expect_eq(body_plain_left(&body), 3);
	cr_expect_not(body_is_done(&body));
	body_plain_account(&body, 3);
	cr_expect(body_is_done(&body));
	cr_assert_eq(begin(CHUNKED, 0), 0);
	cr_expect_eq(body_plain_left(&body), 0);
	cr_assert_eq(begin(STREAMING, 200), 0);
	cr_expect_eq(body_plain_left(&body), 0);
}
