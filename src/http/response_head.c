/* SPDX-License-Identifier: Apache-2.0 */
#include "http/response_head.h"

#include <errno.h>
#include <string.h>

/* "HTTP/1.1 200 OK": minor version and status. The reason may be empty, its space too. */
static int take_status_line(struct slice line, struct http_response_head *head)
{
	const char *at = line.at;

	if (line.len < 12 || memcmp(at, "HTTP/1.", 7) != 0 || (at[7] != '0' && at[7] != '1') ||
	    at[8] != ' ' || !is_digit(at[9]) || !is_digit(at[10]) || !is_digit(at[11]) ||
	    (line.len > 12 && at[12] != ' '))
		return -EBADMSG;
	head->keep_alive = at[7] == '1';
	head->status = (at[9] - '0') * 100 + (at[10] - '0') * 10 + (at[11] - '0');
	return head->status >= 100 && head->status <= 599 ? 0 : -EBADMSG;
}

static int take_length(struct slice value, struct http_response_head *head)
{
	uint64_t length = 0;

	if (head->has_content_length || value.len == 0)
		return -EBADMSG;
	for (size_t i = 0; i < value.len; i++) {
		if (!is_digit(value.at[i]) || length > (INT64_MAX - 9) / 10)
			return -EBADMSG;
		length = length * 10 + (uint64_t)(value.at[i] - '0');
	}
	head->has_content_length = true;
	head->content_length = length;
	return 0;
}

static int take_field(struct slice name, struct slice value, struct http_response_head *head)
{
	if (slice_is(name, "content-length"))
		return take_length(value, head);
	if (slice_is(name, "transfer-encoding")) {
		if (head->is_chunked || !slice_is(value, "chunked"))
			return -EBADMSG;
		head->is_chunked = true;
	} else if (slice_is(name, "connection")) {
		if (slice_list_has(value, "close"))
			head->keep_alive = false;
		else if (slice_list_has(value, "keep-alive"))
			head->keep_alive = true;
	} else if (slice_is(name, "x-amz-checksum-sha256")) {
		head->checksum_sha256 = value;
	}
	return 0;
}

static int take_field_line(struct slice line, struct http_response_head *head)
{
	const char *colon = memchr(line.at, ':', line.len);

	if (colon == NULL || colon == line.at)
		return -EBADMSG;
	struct slice name = {line.at, (size_t)(colon - line.at)};
	struct slice value = {colon + 1, line.len - name.len - 1};
	/* White space in a name: a folded line, or one that programs read in different ways. */
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.at[i] <= ' ' || name.at[i] == 0x7f)
			return -EBADMSG;
	return take_field(name, slice_trim(value), head);
}

/* A line ends in CRLF; other control bytes have no place in it. */
static int take_line(const char **at, const char *end, struct slice *line)
{
	const char *cr = memchr(*at, '\r', (size_t)(end - *at));

	if (cr == NULL || cr + 1 == end || cr[1] != '\n')
		return -EBADMSG;
	*line = (struct slice){*at, (size_t)(cr - *at)};
	for (size_t i = 0; i < line->len; i++)
		if ((unsigned char)line->at[i] < ' ' && line->at[i] != '\t')
			return -EBADMSG;
	*at = cr + 2;
	return 0;
}

ssize_t http_response_head_parse(const char *buf, size_t len, struct http_response_head *head)
{
	static const char empty_line[] = "\r\n\r\n";
	const char *at = buf, *end = memmem(buf, len, empty_line, sizeof(empty_line) - 1);
	struct slice line;

	*head = (struct http_response_head){0};
	if (end == NULL)
		return len >= HEAD_BYTES_MAX ? -EBADMSG : -EAGAIN;
	end += sizeof(empty_line) - 1;
	if (end - buf > HEAD_BYTES_MAX)
		return -EBADMSG;
	int r = take_line(&at, end, &line);
	if (r == 0)
		r = take_status_line(line, head);
	while (r == 0) {
		r = take_line(&at, end, &line);
		if (r == 0 && line.len == 0)
			break;
		if (r == 0)
			r = take_field_line(line, head);
	}
	if (r < 0 || (head->is_chunked && head->has_content_length))
		return -EBADMSG;
	return end - buf;
}
