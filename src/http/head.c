/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request head parser: one pass from the first byte to the last, each byte judged where it
 * stands. So an error depends on nothing behind the byte that shows it, and a head that comes
 * in pieces is refused for the same reason as the same head in one piece.
 */
#include "http/head.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/must.h"

/* Where a byte may stand. */
enum { IN_TOKEN = 1, IN_TARGET = 2, IN_HOST = 4 };

/* RFC 9110 section 5.6.2 (token). A target: visible ASCII without '#' (RFC 9112 section 3.2; a
 * fragment is never sent). A host: "unreserved" of RFC 3986 section 2.3; of the sub-delims that
 * a reg-name might hold none stands in a DNS name, and ',' is how two Hosts look once merged. */
static const uint8_t byte_class[256] = {
	['!'] = IN_TOKEN | IN_TARGET,
	['"'] = IN_TARGET,
	['#'] = IN_TOKEN,
	['$' ... '\''] = IN_TOKEN | IN_TARGET,
	['(' ... ')'] = IN_TARGET,
	['*' ... '+'] = IN_TOKEN | IN_TARGET,
	[','] = IN_TARGET,
	['-' ... '.'] = IN_TOKEN | IN_TARGET | IN_HOST,
	['/'] = IN_TARGET,
	['0' ... '9'] = IN_TOKEN | IN_TARGET | IN_HOST,
	[':' ... '@'] = IN_TARGET,
	['A' ... 'Z'] = IN_TOKEN | IN_TARGET | IN_HOST,
	['[' ... ']'] = IN_TARGET,
	['^'] = IN_TOKEN | IN_TARGET,
	['_'] = IN_TOKEN | IN_TARGET | IN_HOST,
	['`'] = IN_TOKEN | IN_TARGET,
	['a' ... 'z'] = IN_TOKEN | IN_TARGET | IN_HOST,
	['{'] = IN_TARGET,
	['|'] = IN_TOKEN | IN_TARGET,
	['}'] = IN_TARGET,
	['~'] = IN_TOKEN | IN_TARGET | IN_HOST,
};

struct error_row {
	int status;
	const char *text;
};

#define ERROR_ROW(id, status, text) [HTTP_HEAD_ERROR_##id] = {status, text},
static const struct error_row error_rows[HTTP_HEAD_ERROR_COUNT] = {HTTP_HEAD_ERRORS(ERROR_ROW)};

struct field_row {
	const char *name;
	bool may_repeat;
};

#define FIELD_ROW(id, name, may_repeat) [HTTP_FIELD_##id] = {name, may_repeat},
static const struct field_row field_rows[HTTP_FIELD_COUNT] = {HTTP_FIELDS(FIELD_ROW)};

/* One call's state: at moves towards end, what it passes goes into head. */
struct parse {
	const char *at;
	const char *end;
	struct http_head *head;
	enum http_head_error error;
	struct slice authority; /* of an absolute form */
};

static bool is_in(char c, uint8_t class)
{
	return byte_class[(uint8_t)c] & class;
}

/* Without HT, which is white space in a field value. */
static bool is_control(char c)
{
	return ((uint8_t)c < 0x20 && c != '\t') || c == 0x7f;
}

static int refuse(struct parse *parse, enum http_head_error error)
{
	parse->error = error;
	return -EBADMSG;
}

/*
 * The byte at parse->at ends something before its time. What is wrong with the byte itself comes
 * first; error is the reason when it is a sound byte, or a sound CRLF, in a wrong place.
 */
static int refuse_byte(struct parse *parse, enum http_head_error error)
{
	char c = *parse->at;

	if (c == '\n')
		return refuse(parse, HTTP_HEAD_ERROR_BARE_LF);
	if (c == '\r') {
		if (parse->at + 1 == parse->end)
			return -EAGAIN;
		if (parse->at[1] != '\n')
			return refuse(parse, HTTP_HEAD_ERROR_BARE_LF);
		return refuse(parse, error);
	}
	return refuse(parse, is_control(c) ? HTTP_HEAD_ERROR_NUL : error);
}

/* Passes CRLF; anything else is refused, for error if it is a sound byte. */
static int take_crlf(struct parse *parse, enum http_head_error error)
{
	if (parse->at == parse->end)
		return -EAGAIN;
	if (parse->at[0] != '\r' || parse->end - parse->at < 2 || parse->at[1] != '\n')
		return refuse_byte(parse, error);
	parse->at += 2;
	return 0;
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "skip_text counts from the low end");

/* The first byte that is a control byte, or end. HT is text. Eight bytes a step: long values
 * (User-Agent, Authorization) are most of a head. */
static const char *skip_text(const char *at, const char *end)
{
	const uint64_t ones = UINT64_MAX / 255;

	while (end - at >= 8) {
		uint64_t eight, del, found;

		memcpy(&eight, at, sizeof(eight));
		del = eight ^ ones * 0x7f;
		/* The top bit of each byte below 0x20, and of each zero byte in del; never of
		 * one >= 0x80. A borrow may mark bytes above a found one, so only the lowest
		 * counts. */
		found = (((eight - ones * 0x20) & ~eight) | ((del - ones) & ~del)) & ones * 0x80;
		if (!found) {
			at += 8;
			continue;
		}
		at += __builtin_ctzll(found) / 8;
		if (*at != '\t')
			return at;
		at++;
	}
	while (at < end && !is_control(*at))
		at++;
	return at;
}

static enum http_method method_of(struct slice text)
{
	static const struct {
		const char *text;
		enum http_method method;
	} methods[] = {
		{"GET", HTTP_GET},   {"HEAD", HTTP_HEAD},     {"PUT", HTTP_PUT},
		{"POST", HTTP_POST}, {"DELETE", HTTP_DELETE},
	};

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (text.len == strlen(methods[i].text) &&
		    memcmp(text.at, methods[i].text, text.len) == 0)
			return methods[i].method;
	}
	return HTTP_OTHER;
}

/* The bytes of class up to one SP, which is passed too. error: of an empty or broken one. */
static int take_word(struct parse *parse, uint8_t class, struct slice *word,
		     enum http_head_error error)
{
	const char *start = parse->at;

	while (parse->at < parse->end && is_in(*parse->at, class))
		parse->at++;
	if (parse->at == parse->end)
		return -EAGAIN;
	if (parse->at > start && *parse->at == ' ') {
		*word = (struct slice){start, (size_t)(parse->at - start)};
		parse->at++;
		return 0;
	}
	/* A second space, a tab or the line's end where a word or a space should be. */
	if (is_blank(*parse->at) || *parse->at == '\r')
		error = HTTP_HEAD_ERROR_REQUEST_LINE;
	return refuse_byte(parse, error);
}

static int take_version(struct parse *parse)
{
	const char *at = parse->at;
	int r;

	if (parse->end - at < 8)
		return skip_text(at, parse->end) == parse->end
			       ? -EAGAIN
			       : refuse(parse, HTTP_HEAD_ERROR_REQUEST_LINE);
	if (memcmp(at, "HTTP/", 5) != 0 || !is_digit(at[5]) || at[6] != '.' || !is_digit(at[7]))
		return refuse(parse, HTTP_HEAD_ERROR_REQUEST_LINE);
	parse->at += 8;
	r = take_crlf(parse, HTTP_HEAD_ERROR_REQUEST_LINE);
	if (r < 0)
		return r;
	if (at[5] != '1')
		return refuse(parse, HTTP_HEAD_ERROR_VERSION);
	/* RFC 9110 section 2.5: of a higher minor version, as of the highest one known here. */
	parse->head->minor = at[7] > '0';
	return 0;
}

static bool is_port(const char *at, const char *end)
{
	unsigned port = 0;

	if (end - at > 5)
		return false;
	for (; at < end; at++) {
		if (!is_digit(*at))
			return false;
		port = port * 10 + (unsigned)(*at - '0');
	}
	return port <= 65535;
}

static bool is_ipv6(const char *at, const char *end)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	size_t len = (size_t)(end - at);

	if (len >= sizeof(text))
		return false;
	memcpy(text, at, len);
	text[len] = '\0';
	return inet_pton(AF_INET6, text, &addr) == 1;
}

/* uri-host [":" port] of RFC 9110 section 7.2, never empty, no userinfo. */
static bool is_host(struct slice host)
{
	const char *at = host.at, *end = host.at + host.len;

	if (host.len == 0)
		return false;
	if (*at == '[') {
		const char *start = ++at;

		at = memchr(start, ']', (size_t)(end - start));
		if (!at || !is_ipv6(start, at))
			return false;
		at++;
	} else {
		while (at < end && is_in(*at, IN_HOST))
			at++;
		if (at == host.at)
			return false;
	}
	return at == end || (*at == ':' && is_port(at + 1, end));
}

static bool starts_with(struct slice slice, const char *text)
{
	size_t len = strlen(text);

	return slice.len >= len && slice_is((struct slice){slice.at, len}, text);
}

/* Origin form stays; of absolute form the path is left. Authority form and "*" have no resource
 * here, whatever the method (OPTIONS and CONNECT are not served). */
static int check_target(struct parse *parse)
{
	struct slice *target = &parse->head->target, authority;
	const char *path, *end = target->at + target->len;

	if (target->at[0] == '/')
		return 0;
	if (starts_with(*target, "https://"))
		authority.at = target->at + 8;
	else if (starts_with(*target, "http://"))
		authority.at = target->at + 7;
	else
		return refuse(parse, HTTP_HEAD_ERROR_TARGET);
	path = memchr(authority.at, '/', (size_t)(end - authority.at));
	authority.len = (size_t)((path ? path : end) - authority.at);
	if (!is_host(authority))
		return refuse(parse, HTTP_HEAD_ERROR_TARGET);
	parse->authority = authority;
	/* No path means "/" (RFC 9110 section 4.2.3): the scheme's last slash stands for it. */
	if (path)
		*target = (struct slice){path, (size_t)(end - path)};
	else
		*target = (struct slice){authority.at - 1, 1};
	return 0;
}

static int take_request_line(struct parse *parse)
{
	struct http_head *head = parse->head;
	int r;

	/* RFC 9112 section 2.2: an empty line or two may be left of an earlier body. */
	for (int i = 0; parse->at < parse->end && *parse->at == '\r'; i++) {
		r = i < 2 ? take_crlf(parse, HTTP_HEAD_ERROR_REQUEST_LINE)
			  : refuse_byte(parse, HTTP_HEAD_ERROR_REQUEST_LINE);
		if (r < 0)
			return r;
	}
	r = take_word(parse, IN_TOKEN, &head->method_text, HTTP_HEAD_ERROR_METHOD);
	if (r < 0)
		return r;
	head->method = method_of(head->method_text);
	r = take_word(parse, IN_TARGET, &head->target, HTTP_HEAD_ERROR_TARGET);
	if (r < 0)
		return r;
	r = take_version(parse);
	if (r < 0)
		return r;
	return check_target(parse);
}

/* name is a token and text lower-case letters and '-'. Then OR 0x20 maps to a letter of text only
 * its two cases, and to '-' only '-' (and CR, which no token holds). */
static bool name_is(struct slice name, const char *text)
{
	for (size_t i = 0; i < name.len; i++) {
		if ((name.at[i] | 0x20) != text[i])
			return false;
	}
	return true;
}

/* HTTP_FIELD_COUNT: not one of HTTP_FIELDS. The length and the first byte leave one candidate
 * (or two); a row of HTTP_FIELDS that is missing here fails its unit test. */
static enum http_field_id field_id_of(struct slice name)
{
	enum http_field_id id = HTTP_FIELD_COUNT;
	char first = (char)(name.at[0] | 0x20);

	switch (name.len) {
	case 4:
		id = HTTP_FIELD_HOST;
		break;
	case 5:
		id = HTTP_FIELD_RANGE;
		break;
	case 6:
		id = HTTP_FIELD_EXPECT;
		break;
	case 8:
		id = (name.at[3] | 0x20) == 'm' ? HTTP_FIELD_IF_MATCH : HTTP_FIELD_IF_RANGE;
		break;
	case 10:
		id = first == 'c' ? HTTP_FIELD_CONNECTION : HTTP_FIELD_USER_AGENT;
		break;
	case 13:
		id = HTTP_FIELD_IF_NONE_MATCH;
		break;
	case 14:
		id = HTTP_FIELD_CONTENT_LENGTH;
		break;
	case 17:
		id = first == 't' ? HTTP_FIELD_TRANSFER_ENCODING : HTTP_FIELD_IF_MODIFIED_SINCE;
		break;
	case 19:
		id = HTTP_FIELD_IF_UNMODIFIED_SINCE;
		break;
	default:
		return HTTP_FIELD_COUNT;
	}
	return name_is(name, field_rows[id].name) ? id : HTTP_FIELD_COUNT;
}

static int take_content_length(struct parse *parse, struct slice value)
{
	if (!slice_number(value, INT64_MAX, &parse->head->content_length))
		return refuse(parse, HTTP_HEAD_ERROR_CONTENT_LENGTH);
	parse->head->has_content_length = true;
	return 0;
}

/* RFC 9112 section 6.3: where chunked is not the last coding, no length can be told, and that is
 * 400; a coding before it is only unknown. Empty members and parameters are refused, too: nobody
 * sends them, and the next to read this message might see something else. */
static int take_transfer_encoding(struct parse *parse, struct slice value)
{
	struct slice list = value, member = {0};
	bool is_last = false;

	if (parse->head->minor == 0)
		return refuse(parse, HTTP_HEAD_ERROR_ENCODING_1_0);
	parse->head->chunked = slice_is(value, "chunked");
	if (parse->head->chunked)
		return 0;
	if (value.len == 0 || *value.at == ',' || value.at[value.len - 1] == ',')
		return refuse(parse, HTTP_HEAD_ERROR_ENCODING_LENGTH);
	while (slice_list_next(&list, &member))
		is_last = slice_is(member, "chunked");
	return refuse(parse, is_last ? HTTP_HEAD_ERROR_TRANSFER_ENCODING
				     : HTTP_HEAD_ERROR_ENCODING_LENGTH);
}

/* A field of HTTP_FIELDS: what it says about the message is checked as soon as it stands there. */
static int take_known(struct parse *parse, enum http_field_id id, struct slice value)
{
	struct http_head *head = parse->head;

	if (head->known[id].at && !field_rows[id].may_repeat)
		return refuse(parse, HTTP_HEAD_ERROR_DUPLICATE);
	if (!head->known[id].at)
		head->known[id] = value;
	switch (id) {
	case HTTP_FIELD_HOST:
		return is_host(value) ? 0 : refuse(parse, HTTP_HEAD_ERROR_HOST);
	case HTTP_FIELD_CONTENT_LENGTH:
		return take_content_length(parse, value);
	case HTTP_FIELD_TRANSFER_ENCODING:
		return take_transfer_encoding(parse, value);
	case HTTP_FIELD_EXPECT:
		if (!slice_is(value, "100-continue"))
			return refuse(parse, HTTP_HEAD_ERROR_EXPECT);
		/* RFC 9110 section 10.1.1: of a 1.0 client it is ignored. */
		head->expect_continue = head->minor > 0;
		return 0;
	case HTTP_FIELD_CONNECTION:
	case HTTP_FIELD_RANGE:
	case HTTP_FIELD_IF_MATCH:
	case HTTP_FIELD_IF_NONE_MATCH:
	case HTTP_FIELD_IF_MODIFIED_SINCE:
	case HTTP_FIELD_IF_UNMODIFIED_SINCE:
	case HTTP_FIELD_IF_RANGE:
	case HTTP_FIELD_USER_AGENT:
	case HTTP_FIELD_COUNT:
		return 0;
	}
	return 0;
}

static int take_field_name(struct parse *parse, struct slice *name)
{
	const char *start = parse->at;

	while (parse->at < parse->end && is_in(*parse->at, IN_TOKEN))
		parse->at++;
	if (parse->at == parse->end)
		return -EAGAIN;
	if (is_blank(*parse->at))
		return refuse(parse, parse->at == start ? HTTP_HEAD_ERROR_OBS_FOLD
							: HTTP_HEAD_ERROR_FIELD_SPACE);
	if (*parse->at != ':' || parse->at == start)
		return refuse_byte(parse, HTTP_HEAD_ERROR_FIELD_NAME);
	*name = (struct slice){start, (size_t)(parse->at - start)};
	parse->at++;
	return 0;
}

static int take_field(struct parse *parse)
{
	struct http_head *head = parse->head;
	struct http_field *field = &head->field[head->field_count];
	enum http_field_id id;
	const char *end;
	int r;

	if (head->field_count == HEAD_FIELDS_MAX)
		return refuse(parse, HTTP_HEAD_ERROR_TOO_MANY_FIELDS);
	r = take_field_name(parse, &field->name);
	if (r < 0)
		return r;
	while (parse->at < parse->end && is_blank(*parse->at))
		parse->at++;
	field->value.at = parse->at;
	parse->at = end = skip_text(parse->at, parse->end);
	r = take_crlf(parse, HTTP_HEAD_ERROR_NUL);
	if (r < 0)
		return r;
	while (end > field->value.at && is_blank(end[-1]))
		end--;
	field->value.len = (size_t)(end - field->value.at);
	head->field_count++;
	id = field_id_of(field->name);
	return id == HTTP_FIELD_COUNT ? 0 : take_known(parse, id, field->value);
}

/* All Connection fields count; "close" beats "keep-alive" (RFC 9112 section 9.3). */
static bool is_kept_alive(const struct http_head *head)
{
	bool keep_alive = head->minor > 0;

	if (!head->known[HTTP_FIELD_CONNECTION].at)
		return keep_alive;
	for (unsigned i = 0; i < head->field_count; i++) {
		if (!slice_is(head->field[i].name, "connection"))
			continue;
		if (slice_list_has(head->field[i].value, "close"))
			return false;
		if (slice_list_has(head->field[i].value, "keep-alive"))
			keep_alive = true;
	}
	return keep_alive;
}

/* What only the whole head can tell. */
static int check_head(struct parse *parse)
{
	struct http_head *head = parse->head;

	if (head->chunked && head->has_content_length)
		return refuse(parse, HTTP_HEAD_ERROR_LENGTH_AND_ENCODING);
	if (head->minor > 0 && !head->known[HTTP_FIELD_HOST].at)
		return refuse(parse, HTTP_HEAD_ERROR_HOST);
	/* RFC 9112 section 3.2.2: the authority of an absolute form replaces Host. */
	if (parse->authority.at)
		head->known[HTTP_FIELD_HOST] = parse->authority;
	head->keep_alive = is_kept_alive(head);
	return 0;
}

static int take_head(struct parse *parse)
{
	int r = take_request_line(parse);

	while (r == 0) {
		if (parse->at == parse->end)
			return -EAGAIN;
		if (*parse->at == '\r') {
			r = take_crlf(parse, HTTP_HEAD_ERROR_FIELD_NAME);
			return r < 0 ? r : check_head(parse);
		}
		r = take_field(parse);
	}
	return r;
}

/*
 * Is there a reason to parse again, after scanned bytes were not a whole head? A line must have
 * ended, or a byte have come that no head holds: two parses for each line at most (by its CR and
 * by its LF; there are few lines, HEAD_FIELDS_MAX), whatever the size of the pieces.
 */
static bool has_news(const char *buf, size_t len, size_t scanned)
{
	const char *end = buf + len;

	return skip_text(buf + scanned - (buf[scanned - 1] == '\r'), end) < end;
}

/* What did not end within HEAD_BYTES_MAX. RFC 9112 section 3 has an answer of its own for each part
 * of the request line. */
static enum http_head_error too_long(const struct http_head *head)
{
	if (!head->method_text.at)
		return HTTP_HEAD_ERROR_METHOD_TOO_LONG;
	return head->target.at ? HTTP_HEAD_ERROR_TOO_LARGE : HTTP_HEAD_ERROR_TARGET_TOO_LONG;
}

int http_head_parse(const char *buf, size_t len, size_t scanned, struct http_head *head,
		    enum http_head_error *error)
{
	size_t looked_at = len < HEAD_BYTES_MAX ? len : HEAD_BYTES_MAX;
	struct parse parse = {.at = buf, .end = buf + looked_at, .head = head};
	int r;

	must(buf && head && error);
	must(scanned <= len && scanned < HEAD_BYTES_MAX);

	if (scanned > 0 && len < HEAD_BYTES_MAX && !has_news(buf, len, scanned))
		return -EAGAIN;

	/* field[] is 2 KiB and is valid up to field_count only. */
	head->method = HTTP_OTHER;
	head->method_text = head->target = (struct slice){0};
	head->minor = 0;
	memset(head->known, 0, sizeof(head->known));
	head->field_count = 0;
	head->keep_alive = head->expect_continue = head->chunked = false;
	head->has_content_length = false;
	head->content_length = 0;

	r = take_head(&parse);
	if (r == -EAGAIN && looked_at == HEAD_BYTES_MAX)
		r = refuse(&parse, too_long(head));
	if (r == -EBADMSG)
		*error = parse.error;
	return r < 0 ? r : (int)(parse.at - buf);
}

int http_head_error_status(enum http_head_error error)
{
	must(error < HTTP_HEAD_ERROR_COUNT);
	return error_rows[error].status;
}

const char *http_head_error_text(enum http_head_error error)
{
	must(error < HTTP_HEAD_ERROR_COUNT);
	return error_rows[error].text;
}

struct slice http_head_find(const struct http_head *head, const char *name)
{
	for (unsigned i = 0; i < head->field_count; i++)
		if (slice_is(head->field[i].name, name))
			return head->field[i].value;
	return (struct slice){0};
}

bool http_head_list_next(const struct http_head *head, const char *name, struct http_list *at,
			 struct slice *member)
{
	while (!slice_list_next(&at->rest, member)) {
		while (at->next < head->field_count && !slice_is(head->field[at->next].name, name))
			at->next++;
		if (at->next == head->field_count)
			return false;
		at->rest = head->field[at->next++].value;
	}
	return true;
}

bool http_head_list_has(const struct http_head *head, const char *name, const char *token)
{
	struct http_list at = {0};
	struct slice member;

	while (http_head_list_next(head, name, &at, &member))
		if (slice_is(member, token))
			return true;
	return false;
}
