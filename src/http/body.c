/* SPDX-License-Identifier: Apache-2.0 */
#include "http/body.h"

#include <errno.h>
#include <string.h>

#include "base/must.h"

/* Of x-amz-decoded-content-length. */
#define LENGTH_DIGITS_MAX 18

static bool says_aws_chunked(const struct http_head *head)
{
	static const char streaming[] = "STREAMING-";
	struct slice sha256 = http_head_find(head, "x-amz-content-sha256");

	if (sha256.at != NULL) /* minio-go 7.0.93 says it nowhere else */
		return sha256.len >= sizeof(streaming) - 1 &&
		       memcmp(sha256.at, streaming, sizeof(streaming) - 1) == 0;
	return http_head_list_has(head, "content-encoding", "aws-chunked");
}

int body_begin(struct body *body, const struct http_head *head)
{
	struct slice decoded = http_head_find(head, "x-amz-decoded-content-length");

	body->is_chunked = head->chunked;
	body->is_aws_chunked = says_aws_chunked(head);
	body->left = head->has_content_length ? head->content_length : 0;
	body->payload = 0;
	body->expected = BODY_LENGTH_UNKNOWN;
	body->framing = (struct chunked){.trailer = body->trailer};
	body->aws = (struct chunked){.trailer = body->trailer, .is_aws = true};
	if (!body->is_chunked && !body->is_aws_chunked)
		body->expected = body->left;
	if (body->is_aws_chunked && !body->is_chunked && body->left == 0)
		return -EBADMSG; /* there is a last chunk at least */
	if (decoded.at == NULL)
		return 0;
	if (decoded.len > LENGTH_DIGITS_MAX || !slice_number(decoded, INT64_MAX, &body->expected))
		return -EBADMSG;
	if (body->is_chunked || !head->has_content_length)
		return 0;
	return body->is_aws_chunked ? (body->expected <= body->left ? 0 : -EBADMSG)
				    : (body->expected == body->left ? 0 : -EBADMSG);
}

static bool is_framing_done(const struct body *body)
{
	return body->is_chunked ? chunked_is_done(&body->framing) : body->left == 0;
}

/* Part of the framing's payload, whose size the caller has bounded by the room in out. */
static int take_payload(struct body *body, struct slice piece, char *out, size_t *out_len)
{
	while (piece.len > 0) {
		struct slice payload = piece;
		ssize_t n = (ssize_t)piece.len;
		if (body->is_aws_chunked) {
			n = chunked_take(&body->aws, piece.at, piece.len, &payload);
			if (n < 0)
				return (int)n;
		}
		memcpy(out + *out_len, payload.at, payload.len);
		*out_len += payload.len;
		body->payload += payload.len;
		piece.at += n;
		piece.len -= (size_t)n;
		body->framing.trailer_bytes = body->aws.trailer_bytes; /* its own come later */
	}
	return 0;
}

/* Is what has come so far of the length that was said? */
static int check_length(const struct body *body)
{
	bool is_known = body->expected != BODY_LENGTH_UNKNOWN;

	if (is_known && body->payload > body->expected)
		return -EBADMSG;
	if (!is_framing_done(body))
		return 0;
	if (body->is_aws_chunked && !chunked_is_done(&body->aws))
		return -EBADMSG;
	return is_known && body->payload < body->expected ? -EBADMSG : 0;
}

ssize_t body_take(struct body *body, const char *in, size_t len, char *out, size_t out_size,
		  size_t *out_len)
{
	size_t used = 0;

	*out_len = 0;
	while (used < len && *out_len < out_size && !is_framing_done(body)) {
		size_t room = out_size - *out_len, some = len - used;
		if (some > room)
			some = room; /* no byte in makes more than one byte out */
		struct slice piece = {in + used, 0};
		ssize_t n;
		if (body->is_chunked) {
			n = chunked_take(&body->framing, in + used, some, &piece);
			if (n < 0)
				return n;
		} else {
			piece.len = some < body->left ? some : (size_t)body->left;
			body->left -= piece.len;
			n = (ssize_t)piece.len;
		}
		used += (size_t)n;
		int r = take_payload(body, piece, out, out_len);
		if (r < 0)
			return r;
	}
	int r = check_length(body);
	return r < 0 ? r : (ssize_t)used;
}

uint64_t body_plain_left(const struct body *body)
{
	return body->is_chunked || body->is_aws_chunked ? 0 : body->left;
}

void body_plain_account(struct body *body, size_t bytes)
{
	must(bytes <= body_plain_left(body));
	body->left -= bytes;
	body->payload += bytes;
}

uint64_t body_framed_left(const struct body *body)
{
	return body->is_chunked ? 0 : body->left;
}

bool body_is_done(const struct body *body)
{
	return is_framing_done(body);
}

static size_t trailer_bytes(const struct body *body)
{
	return body->is_chunked ? body->framing.trailer_bytes : body->aws.trailer_bytes;
}

static bool is_blank_or_cr(char c)
{
	return is_blank(c) || c == '\r';
}

bool body_trailer_next(const struct body *body, size_t *at, struct http_field *field)
{
	const char *end = body->trailer + trailer_bytes(body);

	while (*at < trailer_bytes(body)) {
		const char *line = body->trailer + *at;
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		if (stop == NULL)
			return false;
		*at += (size_t)(stop - line) + 1;
		const char *colon = memchr(line, ':', (size_t)(stop - line));
		if (colon == NULL)
			continue; /* an empty line */
		struct slice value = {colon + 1, (size_t)(stop - colon - 1)};
		for (; value.len > 0 && is_blank_or_cr(*value.at); value.len--)
			value.at++;
		while (value.len > 0 && is_blank_or_cr(value.at[value.len - 1]))
			value.len--;
		*field =
			(struct http_field){.name = {line, (size_t)(colon - line)}, .value = value};
		return true;
	}
	return false;
}
