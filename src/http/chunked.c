/* SPDX-License-Identifier: Apache-2.0 */
#include "http/chunked.h"

#include <errno.h>

#include "base/hex.h"
#include "base/limits.h"
#include "base/must.h"

/* Digits of a size below 2^63; leading zeros count. */
#define SIZE_DIGITS_MAX 16

/* tchar of RFC 9110 section 5.6.2 */
static bool is_token(char c)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return true;
	for (const char *other = others; *other != '\0'; other++)
		if (c == *other)
			return true;
	return false;
}

/* A byte of an extension or of a field's value: no control but the tabulator. */
static bool is_text(char c)
{
	return (unsigned char)c >= ' ' ? c != 0x7f : c == '\t';
}

static int take_size(struct chunked *chunked, char c)
{
	int value = hex_value(c);
	if (value >= 0) {
		if (++chunked->digits > SIZE_DIGITS_MAX || chunked->left >> 59 != 0)
			return -EBADMSG;
		chunked->left = chunked->left << 4 | (unsigned)value;
		return 0;
	}
	if (chunked->digits == 0 || (c != '\r' && c != ';'))
		return -EBADMSG;
	chunked->state = c == '\r' ? CHUNKED_SIZE_LF : CHUNKED_EXTENSION;
	return 0;
}

static void line_begin(struct chunked *chunked, enum chunked_state state)
{
	chunked->state = state;
	chunked->line_bytes = 0;
}

static int expect(struct chunked *chunked, char c, char wanted, enum chunked_state next)
{
	if (c != wanted)
		return -EBADMSG;
	line_begin(chunked, next);
	return 0;
}

static int take_trailer_name(struct chunked *chunked, char c)
{
	if (chunked->line_bytes == 1 && c == '\r') {
		chunked->state = CHUNKED_END_LF;
		return 0;
	}
	if (c == ':' && chunked->line_bytes > 1) {
		chunked->state = CHUNKED_TRAILER_VALUE;
		return 0;
	}
	return is_token(c) ? 0 : -EBADMSG;
}

static int take_trailer_value(struct chunked *chunked, char c)
{
	if (c == '\n' && chunked->is_aws)
		line_begin(chunked, CHUNKED_TRAILER_NAME);
	else if (c == '\r')
		chunked->state = CHUNKED_TRAILER_LF;
	else if (!is_text(c))
		return -EBADMSG;
	return 0;
}

/* One byte of the framing. */
static int take_byte(struct chunked *chunked, char c)
{
	if (chunked->state == CHUNKED_DONE)
		line_begin(chunked, CHUNKED_TRAILER_NAME);
	bool is_trailer = chunked->state >= CHUNKED_TRAILER_NAME;
	chunked->line_bytes++;
	if (is_trailer && chunked->trailer_bytes == CHUNK_TRAILER_BYTES_MAX)
		return -EBADMSG;
	if (is_trailer && chunked->trailer != NULL)
		chunked->trailer[chunked->trailer_bytes] = c;
	chunked->trailer_bytes += is_trailer;
	if (!is_trailer && chunked->line_bytes > CHUNK_LINE_BYTES_MAX)
		return -EBADMSG;

	switch (chunked->state) {
	case CHUNKED_SIZE:
		return take_size(chunked, c);
	case CHUNKED_EXTENSION:
		if (c == '\r')
			chunked->state = CHUNKED_SIZE_LF;
		return c == '\r' || is_text(c) ? 0 : -EBADMSG;
	case CHUNKED_SIZE_LF:
		return expect(chunked, c, '\n',
			      chunked->left > 0 ? CHUNKED_DATA : CHUNKED_TRAILER_NAME);
	case CHUNKED_DATA_CR:
		return expect(chunked, c, '\r', CHUNKED_DATA_LF);
	case CHUNKED_DATA_LF:
		chunked->digits = 0;
		return expect(chunked, c, '\n', CHUNKED_SIZE);
	case CHUNKED_TRAILER_NAME:
		return take_trailer_name(chunked, c);
	case CHUNKED_TRAILER_VALUE:
		return take_trailer_value(chunked, c);
	case CHUNKED_TRAILER_LF:
		return expect(chunked, c, '\n', CHUNKED_TRAILER_NAME);
	case CHUNKED_END_LF:
		return expect(chunked, c, '\n', CHUNKED_DONE);
	case CHUNKED_DATA:
	case CHUNKED_DONE:
		break;
	}
	must(!"a byte of the framing");
	return -EBADMSG;
}

ssize_t chunked_take(struct chunked *chunked, const char *in, size_t len, struct slice *payload)
{
	size_t used = 0;

	*payload = (struct slice){in, 0};
	while (used < len && (chunked->is_aws || chunked->state != CHUNKED_DONE)) {
		if (chunked->state == CHUNKED_DATA) {
			size_t left = len - used;
			payload->at = in + used;
			payload->len = left < chunked->left ? left : (size_t)chunked->left;
			chunked->left -= payload->len;
			if (chunked->left == 0)
				line_begin(chunked, CHUNKED_DATA_CR);
			return (ssize_t)(used + payload->len);
		}
		int r = take_byte(chunked, in[used]);
		if (r < 0)
			return r;
		used++;
	}
	return (ssize_t)used;
}
