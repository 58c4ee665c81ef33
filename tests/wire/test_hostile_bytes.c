/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every byte, 0 to 255, in every place of a request: what must become of it is said by the grammar,
 * which is written here from the RFCs, and knows nothing of the server's parser.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/wire_hostile.h"

TestSuite(hostile_bytes, .timeout = WIRE_TIMEOUT);

/* ---- The grammar ------------------------------------------------------------------------ */

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_one_of(const char *set, unsigned byte)
{
	return byte != 0 && strchr(set, (int)byte) != NULL;
}

/* RFC 9110 section 5.6.2 */
static bool is_tchar(unsigned byte)
{
	return is_one_of("!#$%&'*+-.^_`|~" DIGITS LETTERS, byte);
}

/* RFC 9110 section 5.5: field-vchar, SP, HTAB */
static bool is_value(unsigned byte)
{
	return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

/* RFC 3986 appendix A: pchar, '/', '?'. And what it has no place for, but S3's clients send as it
 * is: the delimiters that RFC 1738 called unsafe. */
static bool is_target(unsigned byte)
{
	return is_one_of("-._~!$&'()*+,;=:@%/?" DIGITS LETTERS, byte) ||
	       is_one_of("\"<>[\\]^`{|}", byte);
}

/* RFC 3986 section 2.3: unreserved; a reg-name's sub-delims and "%" are refused here on purpose. */
static bool is_host(unsigned byte)
{
	return is_one_of("-._~" DIGITS LETTERS, byte);
}

static int hex_of(unsigned byte)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF";
	return is_one_of(digits, byte) ? (int)(strchr(digits, (int)byte) - digits) % 16 : -1;
}

/* XML 1.0 section 2.2: Char, below 0x80; and what is markup. A byte above is no UTF-8. */
static bool is_xml_text(unsigned byte)
{
	return (byte >= 0x20 || is_one_of("\t\n\r", byte)) && byte < 0x80 && !is_one_of("<&", byte);
}

/* ---- The places ------------------------------------------------------------------------- */

#define GET   "GET /data/size-1 HTTP/1.1\r\nHost: h\r\n"
#define PUT   "PUT /data/bytes HTTP/1.1\r\nHost: h\r\n"
#define END   "\r\n"
#define CODED PUT "Transfer-Encoding: chunked\r\n" END

#define OK    "200 keep"
#define BAD   "400 BadRequest close"
#define GONE  "404 NoSuchKey keep"
#define NONE  "501 NotImplemented keep"
#define BODY  "400 IncompleteBody close"
#define WRONG "400 InvalidArgument keep"

/* Text before and behind the byte, and what must come of which byte; NULL: not asked. In comments
 * '@' is where it stands. */
struct place {
	const char *name;
	const char *before;
	const char *behind;
	const char *(*outcome)(unsigned byte);
};

/* An empty line before a request is ignored, CR and LF; what else is no tchar is refused. */
static const char *of_first_of_all(unsigned byte)
{
	return is_tchar(byte) ? NONE : BAD;
}

static const char *of_method(unsigned byte)
{
	return is_tchar(byte) ? NONE : BAD;
}

/* "/data/k@z" */
static const char *of_target(unsigned byte)
{
	if (byte == '%')
		return "400 InvalidURI keep";
	return is_target(byte) ? GONE : BAD;
}

/* "/data/%@1z": a hex digit makes one of 0x01 to 0xf1, and those from 0x81 on are no UTF-8. */
static const char *of_percent(unsigned byte)
{
	int high = hex_of(byte);
	if (high >= 0)
		return high < 8 ? GONE : WRONG;
	return is_target(byte) ? "400 InvalidURI keep" : BAD;
}

/* "/data?prefix=@" */
static const char *of_query(unsigned byte)
{
	if (byte == '%')
		return WRONG;
	return is_target(byte) ? OK : BAD;
}

/* "HTTP/@.1", "HTTP/1.@" */
static const char *of_major(unsigned byte)
{
	if (byte == '1')
		return OK;
	return is_one_of(DIGITS, byte) ? "505 HttpVersionNotSupported close" : BAD;
}

static const char *of_minor(unsigned byte)
{
	if (byte == '0')
		return "200 close";
	return is_one_of(DIGITS, byte) ? OK : BAD;
}

/* "HTTP@1.1" */
static const char *of_slash(unsigned byte)
{
	return byte == '/' ? OK : BAD;
}

static const char *of_host(unsigned byte)
{
	return is_host(byte) ? OK : BAD;
}

/* "X@Y: z" and "@X: z"; in the middle a colon ends the name, and before it there is none. */
static const char *of_name(unsigned byte)
{
	return is_tchar(byte) || byte == ':' ? OK : BAD;
}

static const char *of_first(unsigned byte)
{
	return is_tchar(byte) ? OK : BAD;
}

static const char *of_value(unsigned byte)
{
	return is_value(byte) ? OK : BAD;
}

/* "Content-Length: 0@": white space is none of the value; a digit promises a body, which does not
 * come: not asked. */
static const char *of_length(unsigned byte)
{
	if (is_one_of("123456789", byte))
		return NULL;
	return is_one_of(" \t0", byte) ? OK : BAD;
}

/* "Transfer-Encoding: chunked@" */
static const char *of_coding(unsigned byte)
{
	return is_one_of(" \t", byte) ? OK : BAD;
}

/* "Range: bytes=0@5": no range but with '-'. */
static const char *of_range(unsigned byte)
{
	if (byte == '-')
		return "206 keep";
	return is_value(byte) ? OK : BAD;
}

/* "Expect: 100@continue" */
static const char *of_expect(unsigned byte)
{
	if (byte == '-')
		return "100, 200 keep";
	/* A control byte ends the value before it is known what it was. */
	return is_value(byte) ? "417 ExpectationFailed close" : BAD;
}

/* "5@CRLF hello": only an extension may follow a size; a digit makes another size, 0x50 and more,
 * which does not come: not asked. */
static const char *of_chunk_size(unsigned byte)
{
	if (hex_of(byte) >= 0)
		return NULL;
	return byte == ';' ? OK : BODY;
}

static const char *of_extension(unsigned byte)
{
	return is_value(byte) ? OK : BODY;
}

static const char *of_chunk_end(unsigned byte)
{
	return byte == '\r' ? OK : BODY;
}

static const char *of_trailer_name(unsigned byte)
{
	return is_tchar(byte) || byte == ':' ? OK : BODY;
}

static const char *of_trailer_value(unsigned byte)
{
	return is_value(byte) ? OK : BODY;
}

/* A byte between two requests begins the second one's method. */
static const char *of_between(unsigned byte)
{
	return is_tchar(byte) ? "200, 501 NotImplemented keep" : "200, " BAD;
}

/* "/data/k@z" in x-amz-copy-source: as in a target, or not encoded. */
static const char *of_source(unsigned byte)
{
	if (!is_value(byte))
		return BAD;
	bool is_plain = is_target(byte) || byte == ' ' || byte == '#';
	return byte != '%' && is_plain ? GONE : WRONG;
}

/* "<Key>none@</Key>": a key that is none is an Error inside the answer. */
static const char *of_xml(unsigned byte)
{
	return is_xml_text(byte) ? OK : "400 MalformedXML keep";
}

static const char *of_upload_id(unsigned byte)
{
	return is_target(byte) ? "404 NoSuchUpload keep" : BAD;
}

static const struct place places[] = {
	{"method", "GE", "T /data/size-1 HTTP/1.1\r\nHost: h\r\n" END, of_method},
	{"first of all", "", "GET /data/size-1 HTTP/1.1\r\nHost: h\r\n" END, of_first_of_all},
	{"target", "GET /data/k", "z HTTP/1.1\r\nHost: h\r\n" END, of_target},
	{"percent", "GET /data/%", "1z HTTP/1.1\r\nHost: h\r\n" END, of_percent},
	{"query", "GET /data?max-keys=1&prefix=", " HTTP/1.1\r\nHost: h\r\n" END, of_query},
	{"HTTP/1", "GET /data/size-1 HTTP", "1.1\r\nHost: h\r\n" END, of_slash},
	{"major version", "GET /data/size-1 HTTP/", ".1\r\nHost: h\r\n" END, of_major},
	{"minor version", "GET /data/size-1 HTTP/1.", "\r\nHost: h\r\n" END, of_minor},
	{"Host", "GET /data/size-1 HTTP/1.1\r\nHost: a", "b\r\n" END, of_host},
	{"name", GET "X", "Y: z\r\n" END, of_name},
	{"first of a name", GET, "X: y\r\n" END, of_first},
	{"before a colon", GET "X", ": y\r\n" END, of_name},
	{"value", GET "X: y", "z\r\n" END, of_value},
	{"last of a value", GET "X: y", "\r\n" END, of_value},
	{"Content-Length", PUT "Content-Length: 0", "\r\n" END, of_length},
	{"before Content-Length", PUT "Content-Length:", "0\r\n" END, of_length},
	{"Transfer-Encoding", PUT "Transfer-Encoding: chunked", "\r\n" END "0\r\n\r\n", of_coding},
	{"before chunked", PUT "Transfer-Encoding:", "chunked\r\n" END "0\r\n\r\n", of_coding},
	{"Range", GET "Range: bytes=0", "5\r\n" END, of_range},
	{"Expect", PUT "Content-Length: 0\r\nExpect: 100", "continue\r\n" END, of_expect},
	{"chunk size", CODED "5", "\r\nhello\r\n0\r\n\r\n", of_chunk_size},
	{"extension", CODED "5;a=b", "c\r\nhello\r\n0\r\n\r\n", of_extension},
	{"end of a chunk", CODED "5\r\nhello", "\n0\r\n\r\n", of_chunk_end},
	{"trailer name", CODED "0\r\nX", "Y: z\r\n\r\n", of_trailer_name},
	{"trailer value", CODED "0\r\nX: y", "z\r\n\r\n", of_trailer_value},
	{"between requests", GET END, GET END, of_between},
	{"copy source", "PUT /data/to HTTP/1.1\r\nHost: h\r\nx-amz-copy-source: /data/k",
	 "z\r\nContent-Length: 0\r\n" END, of_source},
	{"XML",
	 "POST /data?delete HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\n"
	 "<Delete><Object><Key>none",
	 "</Key></Object></Delete>", of_xml},
	{"upload id", "GET /data/x?uploadId=a", "b HTTP/1.1\r\nHost: h\r\n" END, of_upload_id},
};

/* ---- The same, percent-encoded ---------------------------------------------------------- */

/* "/data/keys/k%XX": a key has no NUL and is UTF-8; a '/' at its end makes it the marker of a
 * folder. */
static const char *of_key(unsigned byte)
{
	return byte == 0 || byte >= 0x80 ? WRONG : OK;
}

/* "/da%XXta/x" */
static const char *of_bucket(unsigned byte)
{
	if (byte == 0)
		return WRONG;
	return is_one_of("-_." DIGITS LETTERS, byte) ? "404 NoSuchBucket keep"
						     : "400 InvalidBucketName keep";
}

static const char *of_text(unsigned byte)
{
	return byte == 0 ? WRONG : OK;
}

static const char *of_number(unsigned byte)
{
	return is_one_of(DIGITS, byte) ? OK : WRONG;
}

/* It decodes to no base64 with anything but its alphabet; with that, to some position. */
static const char *of_token(unsigned byte)
{
	return is_one_of("+/" DIGITS LETTERS, byte) ? OK : WRONG;
}

static const struct place encoded_places[] = {
	{"key", "PUT /data/keys/k%", " HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n" END, of_key},
	{"bucket", "GET /da%", "ta/x HTTP/1.1\r\nHost: h\r\n" END, of_bucket},
	{"prefix", "GET /data?max-keys=1&prefix=%", "x HTTP/1.1\r\nHost: h\r\n" END, of_text},
	{"marker", "GET /data?max-keys=1&marker=%", "x HTTP/1.1\r\nHost: h\r\n" END, of_text},
	{"delimiter", "GET /data?max-keys=1&delimiter=%", " HTTP/1.1\r\nHost: h\r\n" END, of_text},
	{"max-keys", "GET /data?prefix=x&max-keys=%", " HTTP/1.1\r\nHost: h\r\n" END, of_number},
	{"continuation-token", "GET /data?list-type=2&continuation-token=c2l6ZS0x%",
	 "nN6&max-keys=1 HTTP/1.1\r\nHost: h\r\n" END, of_token},
};

/* ---- All of them ------------------------------------------------------------------------ */

/* What ends the connection costs a handshake. All of those are asked with WIRE_SLOW=1; otherwise
 * the bytes that mean something, and of the others one in eight, another one in each place. */
static bool is_worth_a_handshake(const struct hostile *hostile, unsigned byte)
{
	static const char edges[] = "\t\n\r \x1f:;,/\x7f\x80\xff";

	return hostile->server.env.is_slow || memchr(edges, (int)byte, sizeof(edges)) != NULL ||
	       (byte + hostile->rows / 256) % 8 == 0;
}

static void place_ask(struct hostile *hostile, const struct place *place, unsigned byte,
		      bool is_encoded)
{
	const char *outcome = place->outcome(byte);
	struct text request;
	char where[64], one = (char)byte;

	if (outcome == NULL)
		return;
	if (!is_worth_a_handshake(hostile, byte) && strstr(outcome, "close") != NULL) {
		hostile_pass(hostile);
		return;
	}
	snprintf(where, sizeof(where), "%s, byte 0x%02x", place->name, byte);
	text_init(&request, 4096);
	text_put(&request, place->before);
	if (is_encoded)
		text_printf(&request, byte % 2 == 0 ? "%02X" : "%02x", byte);
	else
		text_add(&request, &one, 1);
	text_put(&request, place->behind);
	hostile_ask(hostile, where, &request, 0, outcome);
	text_fini(&request);
}

static void places_ask(const struct place *first, size_t count, bool are_encoded)
{
	struct hostile hostile = {0};

	hostile_begin(&hostile);
	for (size_t i = 0; i < count; i++)
		for (unsigned byte = 0; byte < 256; byte++)
			place_ask(&hostile, &first[i], byte, are_encoded);
	hostile_end(&hostile);
}

#define HALF (ARRAY_LEN(places) / 2)

/* In two tests, for two processors. */
Test(hostile_bytes, raw)
{
	places_ask(places, HALF, false);
}

Test(hostile_bytes, raw_too)
{
	places_ask(places + HALF, ARRAY_LEN(places) - HALF, false);
}

Test(hostile_bytes, percent_encoded)
{
	places_ask(encoded_places, ARRAY_LEN(encoded_places), true);
}
