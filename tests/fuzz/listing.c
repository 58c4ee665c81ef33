/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any query of a listing, over a bucket with some awkward keys: the objects and common prefixes,
 * the order, the end of the page and where the next begins are what a second reader finds, who has
 * all keys in an array; or both refuse the query.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/hex.h"
#include "base/must.h"
#include "s3/call.h"
#include "s3/op.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUERY_BYTES_MAX 4096
#define VALUE_BYTES     (OBJECT_KEY_BYTES_MAX + 2)

/* In byte order. */
static const char *const keys[] = {
	"B/1", "B0",  "a",    "b+1",       "b-/1", "b/1",  "b/2/x", "b/2/y/z",
	"b0",  "c d", "d%2F", "d&<e>/\"'", "f/g",  "f/g0", "z/z/z", "\xc3\xa9/\xc3\xbc"};
static char root[] = "/tmp/sluice-fuzz-XXXXXX";
static int root_fd = -1;

/* ---- The bucket ------------------------------------------------------------------------------ */

/* Files first, then their folders from the innermost. */
static void remove_bucket(void)
{
	char path[64];

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		snprintf(path, sizeof(path), "bucket/%s", keys[i]);
		unlinkat(root_fd, path, 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		snprintf(path, sizeof(path), "bucket/%s", keys[i]);
		for (char *slash; (slash = strrchr(path, '/')) != NULL;) {
			*slash = '\0';
			unlinkat(root_fd, path, AT_REMOVEDIR); /* fails while others are in it */
		}
	}
	rmdir(root);
}

static void make_bucket(void)
{
	char path[64];

	must(mkdtemp(root) != NULL);
	root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(root_fd >= 0 && atexit(remove_bucket) == 0);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		snprintf(path, sizeof(path), "bucket/%s", keys[i]);
		for (char *slash = path; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
			*slash = '\0';
			must(mkdirat(root_fd, path, 0700) == 0 || errno == EEXIST);
		}
		int fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		must(fd >= 0 && write(fd, path, i) == (ssize_t)i);
		close(fd);
	}
}

/* ---- The second reader ----------------------------------------------------------------------- */

struct page {
	char entry[ARRAY_LEN(keys)][VALUE_BYTES];
	bool is_prefix[ARRAY_LEN(keys)];
	size_t count;
	bool is_truncated;
};

struct query {
	const char *text; /* NUL-terminated */
	bool is_refused;
	bool is_v2, is_versions, is_url;
	bool is_after_told; /* a page has ended there */
	char prefix[VALUE_BYTES], delimiter[VALUE_BYTES], after[VALUE_BYTES];
	size_t max;
};

/* The value of the first parameter of this name, as it stands. NULL: there is none. */
static const char *second_raw(const char *text, const char *name, size_t *len)
{
	size_t name_len = strlen(name);

	for (;;) {
		*len = strcspn(text, "&");
		if (strncmp(text, name, name_len) == 0 && name_len == *len) {
			*len = 0;
			return text + name_len;
		}
		if (strncmp(text, name, name_len) == 0 && text[name_len] == '=') {
			*len -= name_len + 1;
			return text + name_len + 1;
		}
		text += *len;
		if (*text++ == '\0')
			return NULL;
	}
}

static bool second_is(const char *text, const char *name, const char *value)
{
	size_t len;
	const char *at = second_raw(text, name, &len);
	return at != NULL && len == strlen(value) && strncasecmp(at, value, len) == 0;
}

/* Decoded into out, which holds "" if it is absent. */
static void second_text(struct query *query, const char *name, char *out, size_t size)
{
	size_t len, used = 0;
	const char *at = second_raw(query->text, name, &len);

	out[0] = '\0';
	query->is_refused |= at != NULL && len > (size_t)3 * OBJECT_KEY_BYTES_MAX;
	for (size_t i = 0; at != NULL && i < len && !query->is_refused; i++) {
		int c = at[i] == '+' ? ' ' : (unsigned char)at[i];
		if (at[i] == '%') {
			int high = hex_value(at[i + 1]), low = high < 0 ? -1 : hex_value(at[i + 2]);
			c = low < 0 ? 0 : high << 4 | low;
			i += 2;
		}
		query->is_refused |= c == 0 || used + 1 >= size;
		if (!query->is_refused)
			out[used++] = (char)c;
	}
	out[used] = '\0';
}

/* Strict: written again it is the same. */
static void read_token(struct query *query)
{
	char token[BASE64_TEXT_BYTES(VALUE_BYTES)], again[BASE64_TEXT_BYTES(VALUE_BYTES)];
	char decoded[VALUE_BYTES] = "";

	second_text(query, "continuation-token", token, sizeof(token));
	if (token[0] == '\0' || query->is_refused)
		return;
	ssize_t n = base64_decode(token, strlen(token), decoded, sizeof(decoded) - 1);
	query->is_refused = n < 0 || memchr(decoded, '\0', (size_t)n) != NULL;
	if (query->is_refused)
		return;
	base64_encode(decoded, (size_t)n, again);
	must(strcmp(again, token) == 0);
	decoded[n] = '\0';
	memcpy(query->after, decoded, sizeof(decoded));
	query->is_after_told = true;
}

static void read_query(struct query *query, const char *text)
{
	char number[16];
	size_t len;

	*query = (struct query){.text = text, .max = LIST_PAGE_MAX};
	query->is_versions = second_raw(text, "versions", &len) != NULL;
	query->is_v2 = !query->is_versions && second_raw(text, "list-type", &len) != NULL;
	query->is_refused = query->is_v2 && !second_is(text, "list-type", "2");
	query->is_url = second_raw(text, "encoding-type", &len) != NULL && len > 0;
	query->is_refused |= query->is_url && !second_is(text, "encoding-type", "url");
	second_text(query, "prefix", query->prefix, VALUE_BYTES);
	second_text(query, "delimiter", query->delimiter, VALUE_BYTES);
	second_text(query, "max-keys", number, sizeof(number));
	query->is_refused |= number[strspn(number, "0123456789")] != '\0';
	if (number[0] != '\0') {
		unsigned long long max = strtoull(number, NULL, 10);
		query->is_refused |= max > INT32_MAX;
		query->max = max < LIST_PAGE_MAX ? (size_t)max : LIST_PAGE_MAX;
	}
	second_text(query,
		    query->is_versions ? "key-marker"
		    : query->is_v2     ? "start-after"
				       : "marker",
		    query->after, VALUE_BYTES);
	query->is_after_told = !query->is_v2;
	if (query->is_v2)
		read_token(query);
}

static void second_list(const struct query *query, struct page *page)
{
	size_t prefix = strlen(query->prefix), delimiter = strlen(query->delimiter);

	memset(page, 0, sizeof(*page));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		char entry[VALUE_BYTES];
		if (strncmp(keys[i], query->prefix, prefix) != 0 ||
		    strcmp(keys[i], query->after) <= 0)
			continue;
		strcpy(entry, keys[i]);
		char *end = delimiter > 0 ? strstr(entry + prefix, query->delimiter) : NULL;
		if (end != NULL)
			end[delimiter] = '\0';
		if ((query->is_after_told && strcmp(entry, query->after) == 0) ||
		    (page->count > 0 && strcmp(entry, page->entry[page->count - 1]) == 0))
			continue;
		if (page->count == query->max) {
			page->is_truncated = page->count > 0;
			break;
		}
		page->is_prefix[page->count] = end != NULL;
		strcpy(page->entry[page->count++], entry);
	}
}

/* ---- The answer ------------------------------------------------------------------------------ */

/* The contents of the next element <name> in [*at, end), decoded; *at passes it. */
static bool take_element(const char **at, const char *name, bool is_url, char out[VALUE_BYTES])
{
	static const struct {
		const char *escape;
		char c;
	} escapes[] = {{"&amp;", '&'},   {"&lt;", '<'},   {"&gt;", '>'}, {"&quot;", '"'},
		       {"&apos;", '\''}, {"&#39;", '\''}, {"&#34;", '"'}};
	char open[64];
	size_t used = 0;

	snprintf(open, sizeof(open), "<%s>", name);
	const char *text = strstr(*at, open);
	if (text == NULL)
		return false;
	for (text += strlen(open); *text != '<'; text++) {
		must(*text != '\0' && used < VALUE_BYTES - 1);
		out[used] = *text;
		for (size_t i = 0; *text == '&' && i < ARRAY_LEN(escapes); i++) {
			if (strncmp(text, escapes[i].escape, strlen(escapes[i].escape)) != 0)
				continue;
			out[used] = escapes[i].c;
			text += strlen(escapes[i].escape) - 1;
			break;
		}
		if (is_url && *text == '%') {
			out[used] = (char)(hex_value(text[1]) << 4 | hex_value(text[2]));
			text += 2;
		}
		used++;
	}
	out[used] = '\0';
	*at = text;
	return true;
}

static void check_next(const struct query *query, const struct page *page, const char *xml)
{
	const char *name = query->is_v2         ? "NextContinuationToken"
			   : query->is_versions ? "NextKeyMarker"
						: "NextMarker";
	char text[VALUE_BYTES], token[BASE64_TEXT_BYTES(VALUE_BYTES)];

	bool has_next = take_element(&xml, name, query->is_url && !query->is_v2, text);
	must(has_next == page->is_truncated);
	if (!has_next)
		return;
	const char *last = page->entry[page->count - 1];
	base64_encode(last, strlen(last), token);
	must(strcmp(text, query->is_v2 ? token : last) == 0);
}

static void check_answer(const struct query *query, const struct page *page, const char *xml)
{
	char text[VALUE_BYTES];
	const char *at = xml;

	must(take_element(&at, "IsTruncated", false, text));
	must(strcmp(text, page->is_truncated ? "true" : "false") == 0);
	check_next(query, page, xml);
	for (int is_prefix = 0; is_prefix < 2; is_prefix++) {
		const char *name = is_prefix ? "CommonPrefixes><Prefix" : "Key";
		at = xml;
		for (size_t i = 0; i < page->count; i++) {
			if (page->is_prefix[i] != is_prefix)
				continue;
			must(take_element(&at, name, query->is_url, text));
			must(strcmp(text, page->entry[i]) == 0);
		}
		must(!take_element(&at, name, query->is_url, text));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char bucket[] = "/bucket?";
	static struct s3_target target;
	static struct query query;
	static struct page page;
	char text[sizeof(bucket) + QUERY_BYTES_MAX];
	enum s3_target_error target_error;

	if (root_fd < 0)
		make_bucket();
	if (size >= QUERY_BYTES_MAX)
		return 0;
	memcpy(text, bucket, sizeof(bucket) - 1);
	memcpy(text + sizeof(bucket) - 1, data, size);
	size += sizeof(bucket) - 1;
	text[size] = '\0';
	if (s3_target_parse((struct slice){text, size}, &target, &target_error) < 0)
		return 0;

	const struct s3_store store = {.sys = &store_sys_kernel, .root_fd = root_fd};
	const struct http_head head = {.method = HTTP_GET};
	const struct s3_route route = {.operation = S3_LIST_OBJECTS};
	struct s3_call call;
	s3_call_init(&call, &store, &head, &target, &route);
	op_list_objects(&call);
	read_query(&query, text + sizeof(bucket) - 1);
	must(s3_call_has_failed(&call) == query.is_refused);
	if (query.is_refused) {
		must(call.error == S3_ERROR_INVALID_ARGUMENT);
	} else {
		second_list(&query, &page);
		text_add(&call.text, "", 1);
		must(call.text.error == 0);
		check_answer(&query, &page, call.text.at);
	}
	s3_call_fini(&call);
	return 0;
}
