/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a chunked body, cut at any place: the same result as a second decoder gives, which
 * has all bytes at once and follows the grammar of RFC 9112 section 7.1 line by line.
 *
 * The first two bytes of the input say where it is cut.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "http/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum verdict { WHOLE, PARTIAL, REFUSED };

struct outcome {
	enum verdict verdict;
	size_t used; /* if WHOLE */
	size_t payload_bytes;
	char *payload;
};

/* ---- The second decoder ---------------------------------------------------------------------- */

/* The length of the line at `at` without its CRLF; -1: not whole. Anything else that ends it, or a
 * byte that may not stand in it, is refused (-2). */
static ssize_t line_of(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)at[i];
		if (c == '\r')
			return i + 1 == len ? -1 : at[i + 1] == '\n' ? (ssize_t)i : -2;
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return -2;
	}
	return -1;
}

/* Size line, data, CRLF. Returns the bytes of a whole chunk, 0: the last one's size line was taken;
 * -1 partial, -2 refused. */
static ssize_t chunk_of(const char *at, size_t len, struct outcome *outcome)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	size_t count = 0;
	while (count < len && at[count] != '\0' && strchr(digits, at[count]) != NULL)
		count++;
	char number[17] = "";
	if (count > 16 || (count < len && count == 0))
		return -2;
	memcpy(number, at, count);
	unsigned long long bytes = count > 0 ? strtoull(number, NULL, 16) : 0;
	if (bytes > INT64_MAX)
		return -2;
	if (count < len && at[count] != ';' && at[count] != '\r')
		return -2;
	ssize_t line = line_of(at, len);
	size_t seen = line >= 0 ? (size_t)line + 2 : len;
	if (line == -2 || seen > CHUNK_LINE_BYTES_MAX)
		return -2;
	if (line == -1)
		return -1;
	at += line + 2;
	len -= (size_t)line + 2;
	size_t here = len < bytes ? len : (size_t)bytes;
	memcpy(outcome->payload + outcome->payload_bytes, at, here);
	outcome->payload_bytes += here;
	if (here < bytes)
		return -1;
	if (bytes == 0)
		return 0;
	if ((len > here && at[here] != '\r') || (len > here + 1 && at[here + 1] != '\n'))
		return -2;
	return len > here + 1 ? line + 2 + (ssize_t)here + 2 : -1;
}

static bool is_field(const char *at, size_t len, bool is_whole)
{
	static const char tokens[] = "!#$%&'*+-.^_`|~0123456789"
				     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t name = 0;
	while (name < len && at[name] != '\0' && strchr(tokens, at[name]) != NULL)
		name++;
	if (name == len)
		return !is_whole;
	return name > 0 && at[name] == ':';
}

/* Returns the bytes of the trailer section; -1 partial, -2 refused. */
static ssize_t trailer_of(const char *at, size_t len)
{
	size_t used = 0;
	for (;;) {
		ssize_t line = line_of(at + used, len - used);
		size_t here = line >= 0 ? (size_t)line : len - used;
		bool is_cr = here > 0 && at[used + here - 1] == '\r'; /* the last byte there is */
		if (line == -2)
			return -2;
		if (here > (is_cr ? 1 : 0) &&
		    !is_field(at + used, here - is_cr, line >= 0 || is_cr))
			return -2;
		if (used + here + (line >= 0 ? 2 : 0) > CHUNK_TRAILER_BYTES_MAX)
			return -2;
		if (line == -1)
			return -1;
		used += here + 2;
		if (line == 0)
			return (ssize_t)used;
	}
}

static struct outcome decode_at_once(const char *in, size_t len)
{
	struct outcome outcome = {.verdict = PARTIAL, .payload = malloc(len + 1)};
	must(outcome.payload);
	while (outcome.used < len) {
		ssize_t n = chunk_of(in + outcome.used, len - outcome.used, &outcome);
		if (n > 0) {
			outcome.used += (size_t)n;
			continue;
		}
		if (n == 0) {
			ssize_t line = line_of(in + outcome.used, len - outcome.used);
			outcome.used += (size_t)line + 2;
			n = trailer_of(in + outcome.used, len - outcome.used);
			outcome.used += n > 0 ? (size_t)n : 0;
		}
		outcome.verdict = n == -2 ? REFUSED : n == -1 ? PARTIAL : WHOLE;
		return outcome;
	}
	return outcome;
}

/* ---- The one that is tested ------------------------------------------------------------------ */

static struct outcome decode_in_two(const char *in, size_t len, size_t cut)
{
	struct outcome outcome = {.verdict = PARTIAL, .payload = malloc(len + 1)};
	struct chunked chunked = {0};
	must(outcome.payload);
	while (outcome.used < len && !chunked_is_done(&chunked)) {
		size_t end = outcome.used < cut ? cut : len;
		struct slice payload;
		ssize_t n = chunked_take(&chunked, in + outcome.used, end - outcome.used, &payload);
		if (n < 0) {
			must(n == -EBADMSG);
			outcome.verdict = REFUSED;
			return outcome;
		}
		must((size_t)n <= end - outcome.used && (n > 0 || payload.len > 0));
		must(payload.len <= (size_t)n);
		memcpy(outcome.payload + outcome.payload_bytes, payload.at, payload.len);
		outcome.payload_bytes += payload.len;
		outcome.used += (size_t)n;
	}
	if (chunked_is_done(&chunked))
		outcome.verdict = WHOLE;
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	size_t len = size - 2, cut = (size_t)(data[0] << 8 | data[1]) % (len + 1);
	char *in = malloc(len);
	must(in);
	memcpy(in, data + 2, len);
	struct outcome one = decode_at_once(in, len), two = decode_in_two(in, len, cut);
	must(one.verdict == two.verdict);
	if (one.verdict == WHOLE)
		must(one.used == two.used);
	if (one.verdict != REFUSED) {
		must(one.payload_bytes == two.payload_bytes);
		must(memcmp(one.payload, two.payload, one.payload_bytes) == 0);
	}
	free(one.payload);
	free(two.payload);
	free(in);
	return 0;
}
