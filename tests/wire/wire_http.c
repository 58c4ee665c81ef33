/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_http.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "wire/wire_pattern.h"

#define CHUNK_BYTES   (64 * 1024)
/* An answer may have waited for its reader. */
#define ANSWER_AGE_MS 15000
#define KEPT_OBJECT   "/data/size-100"
#define KEPT_SEED     100
#define HEX_DIGITS    "0123456789ABCDEF"

/* ---- Sending -------------------------------------------------------------------------------- */

bool wire_send(struct wire_client *client, const char *format, ...)
{
	char *text;
	va_list values;

	va_start(values, format);
	int len = vasprintf(&text, format, values);
	va_end(values);
	must(len > 0);
	bool is_sent = wire_write(client, text, (size_t)len);
	free(text);
	return is_sent;
}

/* ---- Response heads ------------------------------------------------------------------------- */

const char *wire_field(const struct wire_response *response, const char *name,
		       char out[WIRE_VALUE_MAX])
{
	size_t name_len = strlen(name);

	for (const char *line = strstr(response->head, "\r\n"); line != NULL;
	     line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
			continue;
		const char *value = line + name_len + 1;
		value += strspn(value, " ");
		size_t len = strcspn(value, "\r");
		must(len < WIRE_VALUE_MAX);
		memcpy(out, value, len);
		out[len] = '\0';
		return out;
	}
	return NULL;
}

void wire_field_is(const struct wire_response *response, const char *name, const char *value)
{
	char found[WIRE_VALUE_MAX];

	cr_assert_not_null(wire_field(response, name, found), "no %s in\n%s", name, response->head);
	cr_assert_str_eq(found, value, "%s: %s, not %s", name, found, value);
}

/* Every line is NAME ": " VALUE CRLF, and no name stands twice. */
static void lines_check(const struct wire_response *response)
{
	const char *line = strstr(response->head, "\r\n") + 2;

	while (strncmp(line, "\r\n", 2) != 0) {
		size_t name_len =
			strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-");
		const char *end = strstr(line, "\r\n");
		cr_assert(name_len > 0 && line[name_len] == ':' && line[name_len + 1] == ' ',
			  "a malformed line: %.40s", line);
		for (const char *at = line; at < end; at++)
			cr_assert(((unsigned char)*at >= ' ' && *at != 0x7f) || *at == '\t',
				  "a control byte in the head: %.40s", line);
		for (const char *other = end + 2; strncmp(other, "\r\n", 2) != 0;
		     other = strstr(other, "\r\n") + 2)
			cr_assert(strncasecmp(line, other, name_len + 1) != 0, "twice: %.*s",
				  (int)name_len, line);
		line = end + 2;
	}
	cr_assert_eq(line[2], '\0');
}

/* An HTTP date in its only form; seconds since 1970. */
static time_t date_read(const char *text)
{
	struct tm tm = {0};
	char again[64];
	const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);

	cr_assert(end != NULL && *end == '\0', "a date \"%s\"", text);
	time_t seconds = timegm(&tm);
	strftime(again, sizeof(again), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	cr_assert_str_eq(text, again);
	return seconds;
}

static void fields_check(const struct wire_env *env, struct wire_response *response)
{
	char value[WIRE_VALUE_MAX];
	char *end;
	time_t now = time(NULL);

	cr_assert_not_null(wire_field(response, "Date", value), "no Date");
	time_t date = date_read(value);
	cr_assert(date <= now + 1 && date >= now - wire_ms(env, ANSWER_AGE_MS) / 1000,
		  "Date: %s, and it is %ld", value, (long)now);
	cr_assert_not_null(wire_field(response, "x-amz-request-id", value), "no request id");
	cr_assert(strlen(value) == 16 && strspn(value, HEX_DIGITS) == 16, "request id %s", value);
	cr_assert_null(wire_field(response, "Transfer-Encoding", value));
	cr_assert_null(wire_field(response, "Location", value));

	response->says_close = wire_field(response, "Connection", value) != NULL &&
			       strcasecmp(value, "close") == 0;
	response->content_length = 0;
	if (wire_field(response, "Content-Length", value) != NULL) {
		response->content_length = strtoull(value, &end, 10);
		cr_assert(isdigit((unsigned char)value[0]) && *end == '\0', "Content-Length: %s",
			  value);
	} else {
		cr_assert(response->status == 304 || response->status == 204,
			  "status %d without Content-Length", response->status);
	}
	response->etag[0] = '\0';
	if (wire_field(response, "ETag", value) != NULL) {
		size_t len = strlen(value);
		cr_assert(len > 2 && value[0] == '"' && value[len - 1] == '"', "ETag: %s", value);
		strcpy(response->etag, value);
	}
	bool is_xml = wire_field(response, "Content-Type", value) != NULL &&
		      strcmp(value, "application/xml") == 0;
	if ((response->status == 200 || response->status == 206) && !is_xml)
		cr_assert(response->etag[0] != '\0' || response->content_length == 0, "no ETag");
	if (wire_field(response, "Last-Modified", value) != NULL)
		cr_assert_leq(date_read(value), date + 1, "Last-Modified: %s", value);
}

static bool in_fill(struct wire_client *client)
{
	char data[WIRE_IN_BYTES];
	size_t n = wire_read(client, data, sizeof(data));

	memcpy(client->in, data, n);
	client->in_at = 0;
	client->in_end = n;
	return n > 0;
}

void wire_read_head(struct wire_client *client, struct wire_response *response)
{
	size_t used = 0;

	response->is_to_head = false;
	response->head[0] = '\0';
	while (used < 4 || memcmp(response->head + used - 4, "\r\n\r\n", 4) != 0) {
		if (client->in_at == client->in_end && !in_fill(client))
			cr_assert_fail("the connection ended %s (alert %d) in a response head: %s",
				       wire_end_text(client->end), client->alert, response->head);
		cr_assert_lt(used, WIRE_HEAD_MAX - 1, "the response head is too long: %.200s",
			     response->head);
		response->head[used++] = client->in[client->in_at++];
		response->head[used] = '\0';
	}
	cr_assert_eq(strlen(response->head), used, "a NUL in the head");
	int read = 0;
	cr_assert(sscanf(response->head, "HTTP/1.1 %3d %*[A-Za-z ]\r\n%n", &response->status,
			 &read) == 1 &&
			  read > 0,
		  "a status line: %.60s", response->head);
	lines_check(response);
	fields_check(&client->server->env, response);
}

/* ---- Bodies --------------------------------------------------------------------------------- */

uint64_t wire_read_some(struct wire_client *client, uint64_t seed, uint64_t offset, uint64_t bytes)
{
	char chunk[CHUNK_BYTES];
	uint64_t have = 0;

	while (have < bytes) {
		uint64_t left = bytes - have;
		size_t n = wire_read(client, chunk,
				     left < sizeof(chunk) ? (size_t)left : sizeof(chunk));
		if (n == 0)
			break;
		size_t right = wire_pattern_match(seed, offset + have, chunk, n);
		cr_assert_eq(right, n, "byte %" PRIu64 " of the object is wrong",
			     offset + have + right);
		have += n;
	}
	return have;
}

void wire_read_object(struct wire_client *client, const struct wire_response *response,
		      uint64_t seed, uint64_t offset, uint64_t bytes)
{
	cr_assert_eq(response->content_length, bytes, "Content-Length: %" PRIu64 ", not %" PRIu64,
		     response->content_length, bytes);
	if (response->is_to_head)
		return;
	uint64_t have = wire_read_some(client, seed, offset, bytes);
	cr_assert_eq(have, bytes, "the connection ended %s after %" PRIu64 " of %" PRIu64 " bytes",
		     wire_end_text(client->end), have, bytes);
}

void wire_read_text(struct wire_client *client, struct wire_response *response)
{
	size_t have = 0, bytes = (size_t)response->content_length;

	if (response->is_to_head || response->status == 304)
		bytes = 0;
	cr_assert_lt(bytes, WIRE_TEXT_MAX);
	while (have < bytes) {
		size_t n = wire_read(client, response->text + have, bytes - have);
		cr_assert_gt(n, 0, "the connection ended %s in a body", wire_end_text(client->end));
		have += n;
	}
	response->text[have] = '\0';
	cr_assert_eq(strlen(response->text), have, "a NUL in the text");
}

void wire_read_error(struct wire_client *client, struct wire_response *response, int status,
		     const char *code)
{
	char wanted[64], id[WIRE_VALUE_MAX], id_element[WIRE_VALUE_MAX + 32];

	wire_read_text(client, response);
	cr_assert_eq(response->status, status, "status %d, not %d: %s", response->status, status,
		     response->text);
	wire_field_is(response, "Content-Type", "application/xml");
	if (response->is_to_head)
		return;
	snprintf(wanted, sizeof(wanted), "<Error><Code>%s</Code><Message>", code);
	cr_assert_not_null(strstr(response->text, wanted), "no %s in %s", wanted, response->text);
	cr_assert_eq(strncmp(response->text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", 38), 0);
	wire_field(response, "x-amz-request-id", id);
	snprintf(id_element, sizeof(id_element), "<RequestId>%s</RequestId></Error>", id);
	cr_assert_not_null(strstr(response->text, id_element), "no %s in %s", id_element,
			   response->text);
}

/* ---- Whole exchanges ------------------------------------------------------------------------ */

void wire_ask(struct wire_client *client, const char *method, const char *target,
	      const char *fields, struct wire_response *response)
{
	wire_send(client, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, target, fields);
	wire_read_head(client, response);
	response->is_to_head = strcmp(method, "HEAD") == 0;
}

void wire_get(struct wire_client *client, const char *target, const char *fields,
	      struct wire_response *response)
{
	wire_ask(client, "GET", target, fields, response);
}

void wire_fetch(struct wire_client *client, const char *target, uint64_t seed, uint64_t bytes)
{
	struct wire_response response;

	wire_get(client, target, "", &response);
	cr_assert_eq(response.status, 200, "GET %s: status %d", target, response.status);
	wire_read_object(client, &response, seed, 0, bytes);
}

void wire_ask_refused(struct wire_client *client, const char *method, const char *target,
		      const char *fields, int status, const char *code)
{
	struct wire_response response;

	wire_ask(client, method, target, fields, &response);
	wire_read_error(client, &response, status, code);
	cr_assert(!response.says_close, "%s %s: Connection: close", method, target);
	wire_fetch(client, KEPT_OBJECT, KEPT_SEED, KEPT_SEED);
}

void wire_serves_others(const struct wire_server *server)
{
	struct wire_client *client = calloc(1, sizeof(*client));

	must(client != NULL);
	wire_connect(client, server);
	wire_fetch(client, KEPT_OBJECT, KEPT_SEED, KEPT_SEED);
	wire_disconnect(client);
	free(client);
}
