/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every row is parsed whole, from a buffer that ends and from one that begins at an untouchable
 * page, in two pieces at every cut, and a byte at a time; all must agree.
 */
#include "http/head.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/guard.h"

TestSuite(head, .timeout = 1200);

#define GET  "GET /b/k HTTP/1.1\r\n"
#define PUT  "PUT /b/k HTTP/1.1\r\n"
#define OLD  "PUT /b/k HTTP/1.0\r\n"
#define HOST "Host: s\r\n"
#define END  "\r\n"
#define SP8  "        "

/* What a row expects besides an enum http_head_error. */
enum { OK = -1, MORE = -2 };
#define ERR(id) HTTP_HEAD_ERROR_##id

struct row {
	const char *name;
	const char *text;
	size_t len; /* 0: strlen(text) */
	int outcome;
};

static const char *outcome_text(int outcome)
{
	if (outcome == OK)
		return "accepted";
	if (outcome == MORE)
		return "not whole yet";
	return http_head_error_text((enum http_head_error)outcome);
}

static int parse_once(const char *at, size_t len, size_t scanned, struct http_head *head,
		      int *head_bytes)
{
	enum http_head_error error = HTTP_HEAD_ERROR_COUNT;
	int r = http_head_parse(at, len, scanned, head, &error);

	*head_bytes = r;
	if (r > 0)
		return OK;
	if (r == -EAGAIN)
		return MORE;
	cr_assert_eq(r, -EBADMSG);
	cr_assert_lt(error, HTTP_HEAD_ERROR_COUNT);
	return (int)error;
}

/* A byte at a time: the first answer that is not "more". */
static int parse_dribbled(const char *at, size_t len)
{
	static struct http_head head;
	int outcome = MORE, head_bytes;

	for (size_t have = 1; have <= len && outcome == MORE; have++)
		outcome = parse_once(at, have, have - 1, &head, &head_bytes);
	return outcome;
}

/* Checks one text in all the ways; *head (may be NULL) is of the parse of the whole, and points
 * into text itself. Returns the head's length, or what http_head_parse returned. */
static int check(const char *name, const char *text, size_t len, int expected,
		 struct http_head *head)
{
	static struct http_head other;
	struct guard guard;
	int outcome, piece, head_bytes, bytes;
	char *before, *behind;

	head = head ? head : &other;
	guard_init(&guard, len);
	outcome = parse_once(guard_before(&guard, text, len), len, 0, head, &head_bytes);
	cr_expect_eq(outcome, expected, "%s: %s, expected: %s", name, outcome_text(outcome),
		     outcome_text(expected));
	outcome = parse_once(guard_behind(&guard, text, len), len, 0, head, &bytes);
	cr_expect_eq(outcome, expected, "%s: at the page's start: %s", name, outcome_text(outcome));
	cr_expect_eq(bytes, head_bytes, "%s: another length at the page's start", name);

	before = guard_before(&guard, text, len);
	for (size_t cut = 1; cut < len; cut++) {
		/* A copy of the first piece ends at the page; then the whole stands there. */
		behind = guard_before(&guard, text, cut);
		piece = parse_once(behind, cut, 0, head, &bytes);
		guard_before(&guard, text, len);
		if (piece == MORE)
			piece = parse_once(before, len, cut, head, &bytes);
		cr_expect_eq(piece, expected, "%s: cut at %zu: %s", name, cut, outcome_text(piece));
		if (piece == OK)
			cr_expect_eq(bytes, head_bytes, "%s: cut at %zu: length", name, cut);
	}
	piece = parse_dribbled(before, len);
	cr_expect_eq(piece, expected, "%s: byte by byte: %s", name, outcome_text(piece));
	guard_fini(&guard);
	parse_once(text, len, 0, head, &bytes);
	return head_bytes;
}

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check(rows[i].name, rows[i].text, rows[i].len ? rows[i].len : strlen(rows[i].text),
		      rows[i].outcome, NULL);
}

#define CHECK_ROWS(rows) check_rows(rows, ARRAY_LEN(rows))
#define ROW(name, text, to)                                                                        \
	{                                                                                          \
		name, text, sizeof(text) - 1, to                                                   \
	}

Test(head, request_line)
{
	static const struct row rows[] = {
		ROW("plain", GET HOST END, OK),
		ROW("HEAD", "HEAD / HTTP/1.1\r\n" HOST END, OK),
		ROW("a method nobody knows", "M-SEARCH / HTTP/1.1\r\n" HOST END, OK),
		ROW("all token bytes as method", "!#$%&'*+-.^_`|~0aZ / HTTP/1.1\r\n" HOST END, OK),
		ROW("one empty line before", END GET HOST END, OK),
		ROW("two empty lines before", END END GET HOST END, OK),
		ROW("three empty lines before", END END END GET HOST END, ERR(REQUEST_LINE)),
		ROW("bare LF before", "\n" GET HOST END, ERR(BARE_LF)),
		ROW("CRLF, then bare LF before", "\r\n\n" GET HOST END, ERR(BARE_LF)),
		ROW("bare CR before", "\r" GET HOST END, ERR(BARE_LF)),
		ROW("only empty lines", END END, MORE),
		ROW("no method", " / HTTP/1.1\r\n" HOST END, ERR(REQUEST_LINE)),
		ROW("a tab first", "\tGET / HTTP/1.1\r\n" HOST END, ERR(REQUEST_LINE)),
		ROW("method in parentheses", "(GET) / HTTP/1.1\r\n" HOST END, ERR(METHOD)),
		ROW("method with a colon", "GET: / HTTP/1.1\r\n" HOST END, ERR(METHOD)),
		ROW("method with UTF-8", "G\xc3\x89T / HTTP/1.1\r\n" HOST END, ERR(METHOD)),
		ROW("a field as first line", "Host: s\r\n" END, ERR(METHOD)),
		ROW("NUL first", "\0GET / HTTP/1.1\r\n" HOST END, ERR(NUL)),
		ROW("NUL in the method", "G\0T / HTTP/1.1\r\n" HOST END, ERR(NUL)),
		ROW("TLS record", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ERR(NUL)),
		ROW("tab behind the method", "GET\t/ HTTP/1.1\r\n" HOST END, ERR(REQUEST_LINE)),
		ROW("tab behind the target", "GET /\tHTTP/1.1\r\n" HOST END, ERR(REQUEST_LINE)),
		ROW("two spaces, target", "GET  / HTTP/1.1\r\n" HOST END, ERR(REQUEST_LINE)),
		ROW("two spaces, version", "GET /  HTTP/1.1\r\n" HOST END, ERR(REQUEST_LINE)),
		ROW("vertical tab", "GET\v/ HTTP/1.1\r\n" HOST END, ERR(NUL)),
		ROW("space behind version", "GET / HTTP/1.1 \r\n" HOST END, ERR(REQUEST_LINE)),
		ROW("space in the target", "GET /a b HTTP/1.1\r\n" HOST END, ERR(REQUEST_LINE)),
		ROW("a fourth word", "GET / HTTP/1.1 x\r\n" HOST END, ERR(REQUEST_LINE)),
		ROW("method alone", "GET\r\n" END, ERR(REQUEST_LINE)),
		ROW("method and space", "GET \r\n" END, ERR(REQUEST_LINE)),
		ROW("HTTP/0.9 simple request", "GET /\r\n", ERR(REQUEST_LINE)),
		ROW("HTTP/0.9 simple request, LF", "GET /\n", ERR(BARE_LF)),
		ROW("no version", "GET / \r\n" HOST END, ERR(REQUEST_LINE)),
		ROW("bare LF", "GET / HTTP/1.1\nHost: s\r\n" END, ERR(BARE_LF)),
		ROW("bare CR", "GET / HTTP/1.1\rHost: s\r\n" END, ERR(BARE_LF)),
		ROW("CR CR LF", "GET / HTTP/1.1\r\r\nHost: s\r\n" END, ERR(BARE_LF)),
		ROW("LF in the method", "GE\nT / HTTP/1.1\r\n" HOST END, ERR(BARE_LF)),
		ROW("CR in the target", "GET /\ra HTTP/1.1\r\n" HOST END, ERR(BARE_LF)),
		ROW("CRLF in the target", "GET /\r\n/a HTTP/1.1\r\n" HOST END, ERR(REQUEST_LINE)),
		ROW("a space and no more", "GET / ", MORE),
		ROW("half a version", "GET / HTTP/1", MORE),
		ROW("nothing behind CR", "GET / HTTP/1.1\r", MORE),
	};

	CHECK_ROWS(rows);
}

Test(head, version)
{
	static const struct {
		const char *version;
		int outcome;
	} rows[] = {
		{"HTTP/1.1", OK},
		{"HTTP/1.0", OK},
		{"HTTP/0.9", ERR(VERSION)},
		{"HTTP/1.2", OK},
		{"HTTP/1.9", OK},
		{"HTTP/2.0", ERR(VERSION)},
		{"HTTP/3.0", ERR(VERSION)},
		{"HTTP/0.0", ERR(VERSION)},
		{"HTTP/9.1", ERR(VERSION)},
		{"HTTP/2", ERR(REQUEST_LINE)},
		{"HTTP/1", ERR(REQUEST_LINE)},
		{"HTTP/1.", ERR(REQUEST_LINE)},
		{"HTTP/.1", ERR(REQUEST_LINE)},
		{"HTTP/1.10", ERR(REQUEST_LINE)},
		{"HTTP/1.01", ERR(REQUEST_LINE)},
		{"HTTP/01.1", ERR(REQUEST_LINE)},
		{"HTTP/11.1", ERR(REQUEST_LINE)},
		{"HTTP/1,1", ERR(REQUEST_LINE)},
		{"HTTP/1.x", ERR(REQUEST_LINE)},
		{"HTTP/+1.1", ERR(REQUEST_LINE)},
		{"HTTP/ 1.1", ERR(REQUEST_LINE)},
		{"HTTP 1.1", ERR(REQUEST_LINE)},
		{"HTTP/1.1.1", ERR(REQUEST_LINE)},
		{"HTTP/1.1;x", ERR(REQUEST_LINE)},
		{"http/1.1", ERR(REQUEST_LINE)},
		{"Http/1.1", ERR(REQUEST_LINE)},
		{"HTTPS/1.1", ERR(REQUEST_LINE)},
		{"ICY/1.1", ERR(REQUEST_LINE)},
		{"FTP/1.1", ERR(REQUEST_LINE)},
		{"1.1", ERR(REQUEST_LINE)},
		{"HTTP/\xb9.1", ERR(REQUEST_LINE)},
	};
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int len = snprintf(text, sizeof(text), "GET / %s\r\n" HOST END, rows[i].version);

		check(rows[i].version, text, (size_t)len, rows[i].outcome, NULL);
	}
	check("the preface of HTTP/2", preface, strlen(preface), ERR(VERSION), NULL);
}

Test(head, target)
{
	static const struct {
		const char *target;
		const char *path; /* NULL: refused */
		const char *host;
	} rows[] = {
		{"/", "/", "s"},
		{"/b/k?x=1&y", "/b/k?x=1&y", "s"},
		{"//", "//", "s"},
		{"//evil/x", "//evil/x", "s"},
		{"/a/../b", "/a/../b", "s"},
		{"/a%00b%zz%", "/a%00b%zz%", "s"},
		{"/\"<>\\^`{|}[]@:;,", "/\"<>\\^`{|}[]@:;,", "s"},
		{"https://h/b/k", "/b/k", "h"},
		{"HTTPS://h/b/k", "/b/k", "h"},
		{"http://h:80/b/k?q", "/b/k?q", "h:80"},
		{"https://[::1]:8443/x", "/x", "[::1]:8443"},
		{"https://h//x", "//x", "h"},
		{"https://h/", "/", "h"},
		{"https://h", "/", "h"},
		{"https://h:8443", "/", "h:8443"},
		{"https://h/http://g/", "/http://g/", "h"},
		{"https://h?q", NULL, NULL},
		{"https://h?q=/x", NULL, NULL},
		{"https:///x", NULL, NULL},
		{"https://", NULL, NULL},
		{"https://user@h/x", NULL, NULL},
		{"https://user:word@h/x", NULL, NULL},
		{"https://h:x/", NULL, NULL},
		{"https://:443/x", NULL, NULL},
		{"https://h%2fx/y", NULL, NULL},
		{"https://h\\@g/x", NULL, NULL},
		{"https:/h/x", NULL, NULL},
		{"https:h/x", NULL, NULL},
		{"ftp://h/x", NULL, NULL},
		{"file:///etc/passwd", NULL, NULL},
		{"*", NULL, NULL},
		{"*/x", NULL, NULL},
		{"h:443", NULL, NULL},
		{"h", NULL, NULL},
		{"b/k", NULL, NULL},
		{"../x", NULL, NULL},
		{"?q", NULL, NULL},
		{"\\x", NULL, NULL},
		{"%2fx", NULL, NULL},
		{"/a#b", NULL, NULL},
		{"/#", NULL, NULL},
		{"#", NULL, NULL},
		{"/caf\xc3\xa9", NULL, NULL},
		{"/\x80", NULL, NULL},
		{"/\xff", NULL, NULL},
	};
	static const char *const methods[] = {"GET", "OPTIONS", "CONNECT"};
	static struct http_head head;
	char text[128];

	for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(methods); i++) {
		const char *target = rows[i / ARRAY_LEN(methods)].target;
		const char *path = rows[i / ARRAY_LEN(methods)].path;
		const char *host = rows[i / ARRAY_LEN(methods)].host;
		int len = snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\n" HOST END,
				   methods[i % ARRAY_LEN(methods)], target);

		check(target, text, (size_t)len, path ? OK : (int)ERR(TARGET), &head);
		if (path) {
			cr_expect_eq(head.target.len, strlen(path), "%s", target);
			cr_expect_eq(memcmp(head.target.at, path, strlen(path)), 0, "%s", target);
			cr_expect(slice_is(head.known[HTTP_FIELD_HOST], host), "%s", target);
			cr_expect(slice_is(head.field[0].value, "s"), "%s: the field itself",
				  target);
		}
	}
}

Test(head, fields)
{
	static const struct row rows[] = {
		ROW("empty value", GET HOST "X:\r\n" END, OK),
		ROW("a value of spaces", GET HOST "X:" SP8 "\r\n" END, OK),
		ROW("no space behind the colon", GET "Host:s\r\n" END, OK),
		ROW("tabs around the value", GET "Host:\ts\t \r\n" END, OK),
		ROW("tab inside a value", GET HOST "X: a\tb\r\n" END, OK),
		ROW("obs-text in a value", GET HOST "X: caf\xe9 \xff\x80\r\n" END, OK),
		ROW("colons in a value", GET HOST "X: a:b::\r\n" END, OK),
		ROW("the same unknown field twice", GET HOST "X: 1\r\nX: 1\r\n" END, OK),
		ROW("all token bytes as name", GET HOST "!#$%&'*+-.^_`|~0aZ: x\r\n" END, OK),
		ROW("no field, HTTP/1.0", "GET / HTTP/1.0\r\n" END, OK),
		ROW("empty name", GET HOST ": x\r\n" END, ERR(FIELD_NAME)),
		ROW("colon alone", GET HOST ":\r\n" END, ERR(FIELD_NAME)),
		ROW("no colon", GET HOST "Foo\r\n" END, ERR(FIELD_NAME)),
		ROW("no colon in the first field", GET "Foo\r\n" HOST END, ERR(FIELD_NAME)),
		ROW("name in quotes", GET HOST "\"X\": x\r\n" END, ERR(FIELD_NAME)),
		ROW("name in brackets", GET HOST "[X]: x\r\n" END, ERR(FIELD_NAME)),
		ROW("name with UTF-8", GET HOST "\xc3\x89: x\r\n" END, ERR(FIELD_NAME)),
		ROW("name with a slash", GET HOST "a/b: x\r\n" END, ERR(FIELD_NAME)),
		ROW("name with NUL", GET HOST "a\0b: x\r\n" END, ERR(NUL)),
		ROW("name with a backspace", GET HOST "a\bb: x\r\n" END, ERR(NUL)),
		ROW("name with DEL", GET HOST "a\x7f: x\r\n" END, ERR(NUL)),
		ROW("space before the colon", GET "Host : s\r\n" END, ERR(FIELD_SPACE)),
		ROW("tab before the colon", GET "Host\t: s\r\n" END, ERR(FIELD_SPACE)),
		ROW("space in the name", GET HOST "X Y: s\r\n" END, ERR(FIELD_SPACE)),
		ROW("Content-Length :", PUT HOST "Content-Length : 1\r\n" END, ERR(FIELD_SPACE)),
		ROW("obs-fold, space", GET HOST "X: a\r\n b\r\n" END, ERR(OBS_FOLD)),
		ROW("obs-fold, tab", GET HOST "X: a\r\n\tb\r\n" END, ERR(OBS_FOLD)),
		ROW("obs-fold of nothing", GET HOST "X: a\r\n \r\n" END, ERR(OBS_FOLD)),
		ROW("space before the first field", GET " Host: s\r\n" END, ERR(OBS_FOLD)),
		ROW("a line of one space first", GET " \r\n" HOST END, ERR(OBS_FOLD)),
		ROW("folded encoding", PUT HOST "Transfer-Encoding:\r\n chunked\r\n" END,
		    ERR(ENCODING_LENGTH)),
		ROW("folded length", PUT HOST "Content-Length: 1\r\n 2\r\n" END, ERR(OBS_FOLD)),
		ROW("bare LF in a value", GET "Host: s\nX: y\r\n" END, ERR(BARE_LF)),
		ROW("bare LF behind a name", GET HOST "X\n: y\r\n" END, ERR(BARE_LF)),
		ROW("bare CR in a value", GET HOST "X: a\rb\r\n" END, ERR(BARE_LF)),
		ROW("bare CR behind a name", GET HOST "X\r: y\r\n" END, ERR(BARE_LF)),
		ROW("CR CR LF", GET HOST "X: a\r\r\n" END, ERR(BARE_LF)),
		ROW("a hidden field behind a CR", GET HOST "X: a\rContent-Length: 9\r\n" END,
		    ERR(BARE_LF)),
		ROW("the end by bare LF", GET HOST "\n", ERR(BARE_LF)),
		ROW("the end by CR and a letter", GET HOST "\rX", ERR(BARE_LF)),
		ROW("LF LF", GET "Host: s\n\n", ERR(BARE_LF)),
		ROW("NUL in a value", GET HOST "X: a\0b\r\n" END, ERR(NUL)),
		ROW("NUL as the value", GET HOST "X: \0\r\n" END, ERR(NUL)),
		ROW("NUL behind the value", GET HOST "X: chunked\0\r\n" END, ERR(NUL)),
		ROW("vertical tab in a value", GET HOST "X: a\vb\r\n" END, ERR(NUL)),
		ROW("escape in a value", GET HOST "X: \x1b[2J\r\n" END, ERR(NUL)),
		ROW("DEL in a value", GET HOST "X: a\x7f\r\n" END, ERR(NUL)),
		ROW("form feed before a value", GET HOST "X:\fa\r\n" END, ERR(NUL)),
		ROW("nothing behind the last field", GET HOST, MORE),
		ROW("half an end", GET HOST "\r", MORE),
		ROW("half a name", GET HOST "X-Am", MORE),
		ROW("half a value", GET HOST "X: a", MORE),
	};

	CHECK_ROWS(rows);
}

Test(head, framing)
{
	static const struct row rows[] = {
		ROW("length", PUT HOST "Content-Length: 5\r\n" END, OK),
		ROW("chunked", PUT HOST "Transfer-Encoding: chunked\r\n" END, OK),
		ROW("Chunked", PUT HOST "TRANSFER-ENCODING: Chunked\r\n" END, OK),
		ROW("chunked and tabs", PUT HOST "Transfer-Encoding:\t chunked \t\r\n" END, OK),
		ROW("two equal lengths", PUT HOST "Content-Length: 5\r\nContent-Length: 5\r\n" END,
		    ERR(DUPLICATE)),
		ROW("two lengths", PUT HOST "Content-Length: 5\r\ncontent-length: 6\r\n" END,
		    ERR(DUPLICATE)),
		ROW("length and chunked",
		    PUT HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END,
		    ERR(LENGTH_AND_ENCODING)),
		ROW("chunked and length",
		    PUT HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END,
		    ERR(LENGTH_AND_ENCODING)),
		ROW("chunked and length 0",
		    PUT HOST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n" END,
		    ERR(LENGTH_AND_ENCODING)),
		ROW("chunked in 1.0", OLD "Transfer-Encoding: chunked\r\n" END, ERR(ENCODING_1_0)),
		ROW("gzip in 1.0", OLD "Transfer-Encoding: gzip\r\n" END, ERR(ENCODING_1_0)),
		ROW("length in 1.0", OLD "Content-Length: 5\r\n" END, OK),
		ROW("chunked twice",
		    PUT HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END,
		    ERR(DUPLICATE)),
		ROW("gzip behind chunked",
		    PUT HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n" END,
		    ERR(DUPLICATE)),
		ROW("two hosts", GET HOST "Host: t\r\n" END, ERR(DUPLICATE)),
		ROW("the same host twice", GET HOST "hOST: s\r\n" END, ERR(DUPLICATE)),
		ROW("two ranges", GET HOST "Range: bytes=0-1\r\nRange: bytes=0-1\r\n" END,
		    ERR(DUPLICATE)),
		ROW("two empty lengths", PUT HOST "Content-Length:\r\nContent-Length: 5\r\n" END,
		    ERR(CONTENT_LENGTH)),
		ROW("two empty user agents", PUT HOST "User-Agent:\r\nUser-Agent:\r\n" END,
		    ERR(DUPLICATE)),
		ROW("lookalike names",
		    PUT HOST
		    "Content_Length: 9\r\nContent-Lengthx: x\r\nxContent-Length: x\r\n" END,
		    OK),
		ROW("Transfer_Encoding is another field",
		    PUT HOST "Transfer_Encoding: gzip\r\n" END, OK),
		ROW("a body behind", PUT HOST "Content-Length: 5\r\n" END "\0\n\r\x80 ", OK),
		ROW("a request behind", GET HOST END GET HOST END, OK),
	};
	static const char *const encodings[] = {
		"",
		"identity",
		"gzip",
		"chunked, gzip",
		"chunked, identity",
		",chunked",
		"chunked,",
		"chunked;",
		"chunked;q=1",
		"\"chunked\"",
		"'chunked'",
		"xchunked",
		"chunkedx",
		"chunke",
		"chunked\t,",
		"chu nked",
		"trailers",
		"chun\xc2\xadked",
		"\240chunked",
		"chunKed\xe2\x84\xaa",
	};
	static const char *const before_chunked[] = {
		"gzip, chunked",  "gzip,chunked",   "chunked, chunked",
		"x , y, CHUNKED", "x;q=1, chunked",
	};
	char text[128];

	CHECK_ROWS(rows);
	for (size_t i = 0; i < ARRAY_LEN(encodings); i++) {
		int len = snprintf(text, sizeof(text), PUT HOST "Transfer-Encoding: %s\r\n" END,
				   encodings[i]);

		check(encodings[i], text, (size_t)len, ERR(ENCODING_LENGTH), NULL);
	}
	for (size_t i = 0; i < ARRAY_LEN(before_chunked); i++) {
		int len = snprintf(text, sizeof(text), PUT HOST "Transfer-Encoding: %s\r\n" END,
				   before_chunked[i]);

		check(before_chunked[i], text, (size_t)len, ERR(TRANSFER_ENCODING), NULL);
	}
}

Test(head, content_length)
{
	static const struct {
		const char *value;
		bool ok;
		uint64_t number;
	} rows[] = {
		{"0", true, 0},
		{"1", true, 1},
		{"10", true, 10},
		{"007", true, 7}, /* RFC 9110 section 8.6: 1*DIGIT, decimal */
		{"00000000000000000000000000000000000000009", true, 9},
		{" 12\t", true, 12},
		{"4294967296", true, 4294967296},
		{"9223372036854775807", true, INT64_MAX},
		{"9223372036854775808", false, 0},
		{"9223372036854775810", false, 0},
		{"18446744073709551615", false, 0},
		{"18446744073709551616", false, 0},
		{"18446744073709551621", false, 0},
		{"99999999999999999999999999", false, 0},
		{"", false, 0},
		{"+1", false, 0},
		{"-1", false, 0},
		{"-0", false, 0},
		{"1 2", false, 0},
		{"1\t2", false, 0},
		{"1,1", false, 0},
		{"1, 1", false, 0},
		{",1", false, 0},
		{"1,", false, 0},
		{"0x1", false, 0},
		{"0X1F", false, 0},
		{"1f", false, 0},
		{"1e3", false, 0},
		{"1.0", false, 0},
		{"1_000", false, 0},
		{"1;", false, 0},
		{"\"1\"", false, 0},
		{"one", false, 0},
		{"\xc2\xb2", false, 0},
		{"\xd9\xa1", false, 0},
		{"1\xa0", false, 0},
	};
	static struct http_head head;
	char text[128];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int len = snprintf(text, sizeof(text), PUT HOST "Content-Length:%s\r\n" END,
				   rows[i].value);

		check(rows[i].value, text, (size_t)len, rows[i].ok ? OK : (int)ERR(CONTENT_LENGTH),
		      &head);
		if (rows[i].ok) {
			cr_expect(head.has_content_length, "%s", rows[i].value);
			cr_expect_eq(head.content_length, rows[i].number, "%s", rows[i].value);
		}
	}
}

Test(head, host)
{
	static const struct {
		const char *value;
		bool ok;
	} rows[] = {
		{"s", true},
		{"localhost:8443", true},
		{"a.b-c_d~e.example.", true},
		{"192.0.2.1", true},
		{"192.0.2.1:65535", true},
		{"[::1]", true},
		{"[::]:1", true},
		{"[2001:DB8::a]:8443", true},
		{"[::ffff:192.0.2.1]", true},
		{"UPPER", true},
		{"s:", true}, /* RFC 3986 section 3.2.3: port = *DIGIT */
		{"s:0", true},
		{"", false},
		{":", false},
		{":443", false},
		{"s:65536", false},
		{"s:123456", false},
		{"s:000080", false},
		{"s:-1", false},
		{"s:x", false},
		{"s:4 3", false},
		{"s:1:2", false},
		{"a b", false},
		{"a\tb", false},
		{"a,b", false},
		{"a, b", false},
		{"a/b", false},
		{"a/", false},
		{"a?b", false},
		{"a#b", false},
		{"a\\b", false},
		{"u@s", false},
		{"u:p@s", false},
		{"https://s", false},
		{"a%2fb", false},
		{"s\xc3\xa9", false},
		{"\"s\"", false},
		{"<s>", false},
		{"::1", false},
		{"[", false},
		{"[]", false},
		{"[:]", false},
		{"[::1", false},
		{"::1]", false},
		{"[::1]]", false},
		{"[::1]x", false},
		{"[::1]:", true},
		{"[::1]:x", false},
		{"[::g]", false},
		{"[:::]", false},
		{"[1.2.3.4]", false},
		{"[....]", false},
		{"[1:2:3:4:5:6:7]", false},
		{"[1:2:3:4:5:6:7:8]", true},
		{"[1:2:3:4:5:6:7:8:9]", false},
		{"[12345::]", false},
		{"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]", true},
		{"[00000000000000000000000000000000000000000000000000::]", false},
		{"[fe80::1%25eth0]", false},
		{"[v1.x]", false},
	};
	char text[128];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int minor = 0; minor < 2; minor++) {
			int len =
				snprintf(text, sizeof(text), "GET / HTTP/1.%d\r\nHost: %s\r\n" END,
					 minor, rows[i].value);

			check(rows[i].value, text, (size_t)len, rows[i].ok ? OK : (int)ERR(HOST),
			      NULL);
		}
	}
	check("none, 1.0", "GET / HTTP/1.0\r\n" END, 18, OK, NULL);
	check("none, 1.1", "GET / HTTP/1.1\r\n" END, 18, ERR(HOST), NULL);
	check("none, 1.1, absolute", "GET https://s/ HTTP/1.1\r\n" END, 27, ERR(HOST), NULL);
}

Test(head, keep_alive)
{
	static const struct {
		const char *fields;
		bool kept[2]; /* by minor version */
	} rows[] = {
		{"", {false, true}},
		{"Connection: close\r\n", {false, false}},
		{"Connection: CLOSE\r\n", {false, false}},
		{"Connection: keep-alive\r\n", {true, true}},
		{"Connection: Keep-Alive\r\n", {true, true}},
		{"Connection: keep-alive, close\r\n", {false, false}},
		{"Connection: close, keep-alive\r\n", {false, false}},
		{"Connection: te,\tclose\t,x\r\n", {false, false}},
		{"Connection: ,,close\r\n", {false, false}},
		{"Connection: keep-alive\r\nConnection: close\r\n", {false, false}},
		{"Connection: close\r\nconnection: keep-alive\r\n", {false, false}},
		{"Connection: x\r\nX: y\r\ncONNECTION: keep-alive\r\n", {true, true}},
		{"Connection: closed\r\n", {false, true}},
		{"Connection: clos\r\n", {false, true}},
		{"Connection: close keep-alive\r\n", {false, true}},
		{"Connection: \"close\"\r\n", {false, true}},
		{"Connection:\r\n", {false, true}},
		{"Connection: ,\r\n", {false, true}},
		{"Connection: Upgrade, HTTP2-Settings\r\n", {false, true}},
		{"Proxy-Connection: close\r\n", {false, true}},
		{"Keep-Alive: timeout=5\r\n", {false, true}},
	};
	static struct http_head head;
	char text[128];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int minor = 0; minor < 2; minor++) {
			int len = snprintf(text, sizeof(text), "GET / HTTP/1.%d\r\n" HOST "%s" END,
					   minor, rows[i].fields);

			check(rows[i].fields, text, (size_t)len, OK, &head);
			cr_expect_eq((int)head.minor, minor);
			cr_expect_eq(head.keep_alive, rows[i].kept[minor], "HTTP/1.%d, %s", minor,
				     rows[i].fields);
		}
	}
}

Test(head, expect)
{
	static struct http_head head;
	static const char new[] = PUT HOST "Expect: 100-Continue\r\n" END;
	static const char old[] = OLD "Expect: 100-continue\r\n" END;
	static const char none[] = PUT HOST END;
	static const struct row rows[] = {
		ROW("empty", PUT HOST "Expect:\r\n" END, ERR(EXPECT)),
		ROW("another", PUT HOST "Expect: 200-ok\r\n" END, ERR(EXPECT)),
		ROW("two in a list", PUT HOST "Expect: 100-continue, x\r\n" END, ERR(EXPECT)),
		ROW("with a value", PUT HOST "Expect: 100-continue=1\r\n" END, ERR(EXPECT)),
		ROW("two fields", PUT HOST "Expect: 100-continue\r\nExpect: 100-continue\r\n" END,
		    ERR(DUPLICATE)),
	};

	check("asked for", new, strlen(new), OK, &head);
	cr_expect(head.expect_continue);
	check("of a 1.0 client", old, strlen(old), OK, &head);
	cr_expect_not(head.expect_continue);
	check("not asked for", none, strlen(none), OK, &head);
	cr_expect_not(head.expect_continue);
	CHECK_ROWS(rows);
}
