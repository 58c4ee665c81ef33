/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a request head: no read outside of them (each parse has a copy of exactly its
 * bytes), a result that keeps the contract of http/head.h, and the same result however the bytes
 * were cut into pieces. What comes out is fed to the functions that get it in the server.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "http/conditions.h"
#include "http/date.h"
#include "http/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	int r;
	enum http_head_error error;
	struct http_head head;
	char *copy; /* what head points into */
	size_t len;
};

static void parse_copy(struct result *result, const uint8_t *data, size_t len, size_t scanned)
{
	result->copy = malloc(len);
	must(result->copy || len == 0);
	if (len > 0)
		memcpy(result->copy, data, len);
	result->len = len;
	result->error = HTTP_HEAD_ERROR_COUNT;
	result->r = http_head_parse(result->copy ? result->copy : "", len, scanned, &result->head,
				    &result->error);
	must(result->r > 0 || result->r == -EAGAIN || result->r == -EBADMSG);
	must((result->r == -EBADMSG) == (result->error < HTTP_HEAD_ERROR_COUNT));
}

static void check_slice(const struct result *result, struct slice slice)
{
	size_t end = result->r > 0 ? (size_t)result->r : result->len;

	if (!slice.at) {
		must(slice.len == 0);
		return;
	}
	must(slice.at >= result->copy && slice.len <= end);
	must((size_t)(slice.at - result->copy) <= end - slice.len);
	for (size_t i = 0; i < slice.len; i++)
		must(slice.at[i] != '\0' && slice.at[i] != '\r' && slice.at[i] != '\n');
}

static void check_fields(const struct result *result)
{
	const struct http_head *head = &result->head;

	must(head->field_count <= HEAD_FIELDS_MAX);
	check_slice(result, head->method_text);
	check_slice(result, head->target);
	for (int id = 0; id < HTTP_FIELD_COUNT; id++)
		check_slice(result, head->known[id]);
	for (unsigned i = 0; i < head->field_count; i++) {
		must(head->field[i].name.len > 0 && head->field[i].value.at);
		must(!memchr(head->field[i].name.at, ' ', head->field[i].name.len));
		check_slice(result, head->field[i].name);
		check_slice(result, head->field[i].value);
	}
}

/* What must hold of a head that was let through, whatever stands in it. */
static void check_accepted(const struct result *result)
{
	const struct http_head *head = &result->head;
	unsigned lengths = 0, encodings = 0, hosts = 0;

	must(result->r <= HEAD_BYTES_MAX && (size_t)result->r <= result->len);
	must(memcmp(result->copy + result->r - 4, "\r\n\r\n", 4) == 0);
	must(head->minor <= 1 && head->method_text.len > 0);
	must(head->target.len > 0 && head->target.at[0] == '/');
	for (unsigned i = 0; i < head->field_count; i++) {
		lengths += slice_is(head->field[i].name, "content-length");
		encodings += slice_is(head->field[i].name, "transfer-encoding");
		hosts += slice_is(head->field[i].name, "host");
	}
	must(lengths + encodings <= 1 && hosts <= 1);
	must(head->has_content_length == (lengths == 1) && head->chunked == (encodings == 1));
	must(head->content_length <= INT64_MAX && (lengths == 1 || head->content_length == 0));
	must(head->minor == 1 || (!head->chunked && !head->expect_continue));
	must(head->minor == 0 || hosts == 1);
}

static void use_accepted(const struct http_head *head)
{
	const struct http_validators validators = {"\"1f-2\"", 784111777};
	struct http_range range;
	bool range_applies;
	int status = http_conditions_check(head, &validators, &range_applies);

	must(status == 0 || status == 304 || status == 412);
	for (uint64_t size = 0; size <= 1000; size += 100) {
		if (http_range_parse(head->known[HTTP_FIELD_RANGE], size, &range) == HTTP_RANGE_OK)
			must(range.bytes > 0 && range.bytes <= size &&
			     range.first <= size - range.bytes);
	}
	if (head->known[HTTP_FIELD_IF_RANGE].at) {
		char date[HTTP_DATE_BYTES];
		time_t first, second;

		if (http_date_parse(head->known[HTTP_FIELD_IF_RANGE], &first) < 0)
			return;
		http_date_format(first, date);
		must(http_date_parse((struct slice){date, strlen(date)}, &second) == 0);
		must(first == second);
	}
}

/* The bytes up to cut came first and the rest after them. */
static void check_cut(const struct result *whole, const uint8_t *data, size_t cut)
{
	static struct result first, both; /* 2 KiB each: not on a sanitizer's stack */

	parse_copy(&first, data, cut, 0);
	if (first.r == -EAGAIN) {
		parse_copy(&both, data, whole->len, cut);
		/* A line that is not whole may be refused sooner in one piece, never later. */
		if (both.r == -EAGAIN)
			must(whole->r == -EAGAIN ||
			     (whole->r == -EBADMSG && whole->len < HEAD_BYTES_MAX &&
			      !memchr(data + cut, '\n', whole->len - cut)));
		else
			must(both.r == whole->r && both.error == whole->error);
		if (both.r > 0) {
			check_fields(&both);
			must(both.head.field_count == whole->head.field_count);
			must(both.head.target.len == whole->head.target.len);
		}
		free(both.copy);
	} else {
		must(first.r == whole->r && first.error == whole->error);
	}
	free(first.copy);
}

/* A byte at a time, as the slowest client sends it. */
static void check_dribble(const struct result *whole, const uint8_t *data)
{
	static struct result piece;
	size_t scanned = 0;

	for (size_t len = 1; len <= whole->len; len++) {
		parse_copy(&piece, data, len, scanned);
		free(piece.copy);
		if (piece.r != -EAGAIN) {
			must(piece.r == whole->r && piece.error == whole->error);
			return;
		}
		scanned = len;
	}
	must(whole->r < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct result whole;

	parse_copy(&whole, data, size, 0);
	if (whole.r != -EAGAIN)
		check_fields(&whole);
	if (whole.r > 0) {
		check_accepted(&whole);
		use_accepted(&whole.head);
	}
	for (size_t cut = 1; cut < size && cut < HEAD_BYTES_MAX; cut += 1 + size / 16)
		check_cut(&whole, data, cut);
	if (size <= 512)
		check_dribble(&whole, data);
	free(whole.copy);
	return 0;
}
