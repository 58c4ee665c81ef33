/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a request body with any framing, cut at any places and taken into buffers of any
 * size: the payload, verdict, length and trailer that a second reader finds, who takes the framing
 * off the whole, and then aws-chunked off what is left. (The grammar of chunks has a second decoder
 * of its own, in the target chunked.)
 *
 * Input: how the body is announced (SAYS_*), two bytes of Content-Length, two of
 * x-amz-decoded-content-length, four that seed the cuts, then the body.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/must.h"
#include "http/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	SAYS_CHUNKED = 1,
	SAYS_AWS_ENCODING = 2,
	SAYS_AWS_SHA256 = 4,
	SAYS_DECODED_LENGTH = 8,
	SAYS_ALL = 16 /* Content-Length is what comes */
};
#define PREFIX_BYTES 9

enum verdict { WHOLE, PARTIAL, REFUSED };

struct outcome {
	enum verdict verdict;
	size_t used; /* if WHOLE */
	size_t payload_bytes;
	char *payload;
	char trailer[2 * CHUNK_TRAILER_BYTES_MAX + 1];
	size_t trailer_bytes;
};

/* What the body's head says. */
struct input {
	struct http_head head;
	char decoded[8];
	bool is_aws;
	uint32_t seed;
	const char *in;
	size_t len;
};

static void add_field(struct http_head *head, const char *name, const char *value)
{
	head->field[head->field_count++] =
		(struct http_field){{name, strlen(name)}, {value, strlen(value)}};
}

static void input_init(struct input *input, const uint8_t *data, size_t size)
{
	unsigned says = data[0];

	memset(input, 0, sizeof(*input));
	input->in = (const char *)data + PREFIX_BYTES;
	input->len = size - PREFIX_BYTES;
	input->is_aws = (says & (SAYS_AWS_ENCODING | SAYS_AWS_SHA256)) != 0;
	input->head.chunked = (says & SAYS_CHUNKED) != 0;
	input->head.has_content_length = !input->head.chunked;
	if (input->head.has_content_length)
		input->head.content_length =
			says & SAYS_ALL ? input->len : (uint64_t)(data[1] << 8 | data[2]);
	if (says & SAYS_AWS_ENCODING)
		add_field(&input->head, "Content-Encoding", "aws-chunked, gzip");
	if (says & SAYS_AWS_SHA256)
		add_field(&input->head, "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256");
	snprintf(input->decoded, sizeof(input->decoded), "%d", data[3] << 8 | data[4]);
	if (says & SAYS_DECODED_LENGTH)
		add_field(&input->head, "x-amz-decoded-content-length", input->decoded);
	for (int i = 5; i < PREFIX_BYTES; i++)
		input->seed = input->seed << 8 | data[i];
}

static char *room(size_t bytes)
{
	char *at = malloc(bytes + 1);
	must(at != NULL);
	return at;
}

/* ---- The second reader ----------------------------------------------------------------------- */

/* A whole coding taken off. */
static struct outcome second_unchunk(const char *in, size_t len, bool is_aws)
{
	struct outcome outcome = {.verdict = PARTIAL, .payload = room(len)};
	struct chunked chunked = {.trailer = outcome.trailer, .is_aws = is_aws};

	while (outcome.used < len && (is_aws || !chunked_is_done(&chunked))) {
		struct slice payload;
		ssize_t n = chunked_take(&chunked, in + outcome.used, len - outcome.used, &payload);
		if (n < 0) {
			outcome.verdict = REFUSED;
			return outcome;
		}
		memcpy(outcome.payload + outcome.payload_bytes, payload.at, payload.len);
		outcome.payload_bytes += payload.len;
		outcome.used += (size_t)n;
	}
	if (chunked_is_done(&chunked))
		outcome.verdict = WHOLE;
	outcome.trailer_bytes = chunked.trailer_bytes;
	return outcome;
}

static struct outcome second_frame(const struct input *input)
{
	uint64_t length = input->head.content_length;
	struct outcome outcome = {.payload = room(input->len)};

	if (input->head.chunked) {
		free(outcome.payload);
		return second_unchunk(input->in, input->len, false);
	}
	outcome.verdict = input->len < length ? PARTIAL : WHOLE;
	outcome.used = outcome.payload_bytes = input->len < length ? input->len : (size_t)length;
	memcpy(outcome.payload, input->in, outcome.used);
	return outcome;
}

static struct outcome second_read(const struct input *input)
{
	struct outcome frame = second_frame(input);

	if (!input->is_aws || frame.verdict == REFUSED)
		return frame;
	struct outcome aws = second_unchunk(frame.payload, frame.payload_bytes, true);
	if (aws.trailer_bytes + frame.trailer_bytes > CHUNK_TRAILER_BYTES_MAX)
		aws.verdict = REFUSED; /* one bound for both */
	memcpy(aws.trailer + aws.trailer_bytes, frame.trailer, frame.trailer_bytes);
	if (frame.verdict == WHOLE && aws.verdict == PARTIAL)
		aws.verdict = REFUSED;
	if (frame.verdict == PARTIAL && aws.verdict == WHOLE)
		aws.verdict = PARTIAL;
	size_t expected = (size_t)atoi(input->decoded);
	bool is_known = http_head_find(&input->head, "x-amz-decoded-content-length").at != NULL;
	if (is_known && (aws.payload_bytes > expected ||
			 (aws.verdict == WHOLE && aws.payload_bytes != expected)))
		aws.verdict = REFUSED;
	aws.used = frame.used;
	free(frame.payload);
	return aws;
}

/* The value on line number index that has one, by the lines of a text. at NULL: there is none. */
static struct slice second_trailer(const char *text, unsigned index)
{
	for (; *text != '\0'; text += strcspn(text, "\n") + 1) {
		const char *at = text + strcspn(text, ":\n"), *end = text + strcspn(text, "\n");
		if (*at != ':' || index-- > 0)
			continue;
		at += 1 + strspn(at + 1, " \t\r");
		if (at > end)
			at = end;
		while (end > at && strchr(" \t\r", end[-1]) != NULL)
			end--;
		return (struct slice){at, (size_t)(end - at)};
	}
	return (struct slice){0};
}

/* ---- The one that is tested ------------------------------------------------------------------ */

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

/* Pieces of the input, mostly small, in memory of their size, into buffers of any size. */
static struct outcome read_in_pieces(struct body *body, const struct input *input)
{
	struct outcome outcome = {.verdict = PARTIAL, .payload = room(input->len)};
	uint32_t seed = input->seed;
	bool is_one = seed == 0; /* the whole at once */

	while (outcome.used < input->len && !body_is_done(body)) {
		size_t left = input->len - outcome.used, taken;
		size_t some = is_one ? left : 1 + next_random(&seed) % (seed & 1 ? 8 : 5000);
		size_t out_size = is_one ? input->len : 1 + next_random(&seed) % 64;
		if (some > left)
			some = left;
		char *piece = room(some), *out = room(out_size);
		memcpy(piece, input->in + outcome.used, some);
		uint64_t plain = body_plain_left(body);
		ssize_t n;
		if (plain > 0 && !is_one && (next_random(&seed) & 1) != 0) {
			taken = some < plain ? some : (size_t)plain;
			n = (ssize_t)taken;
			memcpy(outcome.payload + outcome.payload_bytes, piece, taken);
			body_plain_account(body, taken);
		} else {
			n = body_take(body, piece, some, out, out_size, &taken);
			must(n == -EBADMSG || (n > 0 && (size_t)n <= some && taken <= (size_t)n));
			must(taken <= out_size);
			if (n > 0)
				memcpy(outcome.payload + outcome.payload_bytes, out, taken);
		}
		free(piece);
		free(out);
		if (n < 0) {
			outcome.verdict = REFUSED;
			return outcome;
		}
		outcome.payload_bytes += taken;
		outcome.used += (size_t)n;
		must(body->payload == outcome.payload_bytes);
	}
	if (body_is_done(body))
		outcome.verdict = WHOLE;
	return outcome;
}

static void check_trailers(const struct body *body, const struct outcome *two)
{
	struct http_field is;
	unsigned count = 0;

	for (size_t at = 0; body_trailer_next(body, &at, &is); count++) {
		struct slice expected = second_trailer(two->trailer, count);
		must(expected.at != NULL && is.value.len == expected.len);
		must(memcmp(is.value.at, expected.at, expected.len) == 0);
	}
	must(second_trailer(two->trailer, count).at == NULL);
}

/* A head that contradicts itself is refused before the first byte. */
static bool is_head_refused(const struct input *input)
{
	bool is_known = http_head_find(&input->head, "x-amz-decoded-content-length").at != NULL;
	uint64_t length = input->head.content_length;

	if (input->head.chunked)
		return false; /* else there is a length */
	if (!input->is_aws)
		return is_known && (uint64_t)atoi(input->decoded) != length;
	return length == 0 || (is_known && (uint64_t)atoi(input->decoded) > length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct input input;
	static struct body body;

	if (size < PREFIX_BYTES)
		return 0;
	input_init(&input, data, size);
	int r = body_begin(&body, &input.head);
	must(r == (is_head_refused(&input) ? -EBADMSG : 0));
	if (r < 0)
		return 0;
	struct outcome one = read_in_pieces(&body, &input), two = second_read(&input);
	must(one.verdict == two.verdict);
	if (one.verdict == WHOLE)
		must(one.used == two.used);
	if (one.verdict != REFUSED) {
		must(one.payload_bytes == two.payload_bytes);
		must(memcmp(one.payload, two.payload, one.payload_bytes) == 0);
	}
	if (one.verdict == WHOLE)
		check_trailers(&body, &two);
	free(one.payload);
	free(two.payload);
	return 0;
}
