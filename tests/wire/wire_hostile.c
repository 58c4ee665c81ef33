/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_hostile.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define GUEST_STRIDE 32
#define WRONG_MAX    12 /* then the rest is not asked: something fundamental is broken */
#define GOOD_REQUEST "GET /data/size-100 HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* What came back, as far as rows are about it. */
struct got {
	int status;
	bool says_close;
	char code[64]; /* "": none, "-": the body was left out */
	char head[WIRE_HEAD_MAX];
	char body[WIRE_TEXT_MAX];
	const char *fault; /* why it is no answer; NULL: it is one */
};

/* ---- One answer ------------------------------------------------------------------------- */

/* Is there a byte, or the end, within the deadline? */
static bool something_comes(struct hostile *hostile)
{
	struct wire_client *client = &hostile->client;
	struct pollfd wait = {.fd = client->sock_fd, .events = POLLIN};

	return client->in_at < client->in_end || client->end != WIRE_END_NONE ||
	       SSL_pending(client->ssl) > 0 ||
	       poll(&wait, 1, wire_patience_ms(&hostile->server.env)) == 1;
}

/* Up to len bytes that are kept in client.in until they are wanted. */
static size_t take(struct hostile *hostile, char *out, size_t len)
{
	struct wire_client *client = &hostile->client;
	char data[WIRE_IN_BYTES];

	if (client->in_at == client->in_end) {
		if (!something_comes(hostile))
			return 0;
		size_t n = wire_read(client, data, sizeof(data));
		memcpy(client->in, data, n);
		client->in_at = 0;
		client->in_end = n;
	}
	size_t have = client->in_end - client->in_at;
	size_t n = len < have ? len : have;
	memcpy(out, client->in + client->in_at, n);
	client->in_at += n;
	return n;
}

static bool take_all(struct hostile *hostile, char *out, size_t len)
{
	for (size_t have = 0; have < len;) {
		size_t n = take(hostile, out + have, len - have);
		if (n == 0)
			return false;
		have += n;
	}
	return true;
}

/* The value of a field in the head; "": it is not there. */
static void field_of(const char *head, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);

	out[0] = '\0';
	for (const char *line = head; (line = strstr(line, "\r\n")) != NULL;) {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			snprintf(out, size, "%.*s", (int)strcspn(line + len + 2, "\r"),
				 line + len + 2);
	}
}

/* Every line of the head is a field with a name and without a control byte. */
static bool is_sound(const char *head)
{
	const char *line = strstr(head, "\r\n") + 2;

	for (const char *end; (end = strstr(line, "\r\n")) != line; line = end + 2) {
		size_t name = strcspn(line, ": \t\r");
		if (name == 0 || line[name] != ':')
			return false;
		for (; line < end; line++)
			if ((unsigned char)*line < ' ' || *line == 0x7f)
				return false;
	}
	return line[2] == '\0';
}

static void read_head(struct hostile *hostile, struct got *got)
{
	size_t used = 0;

	do {
		if (used == sizeof(got->head) - 1 || take(hostile, got->head + used, 1) == 0) {
			got->head[used] = '\0';
			got->fault = used == 0 ? "no answer" : "half a head";
			return;
		}
		used++;
	} while (used < 4 || memcmp(got->head + used - 4, "\r\n\r\n", 4) != 0);
	got->head[used] = '\0';
	if (sscanf(got->head, "HTTP/1.1 %3d ", &got->status) != 1 || strlen(got->head) != used ||
	    !is_sound(got->head))
		got->fault = "a malformed head";
}

/* is_bare: without its body, as the answer to HEAD is. */
static void read_answer(struct hostile *hostile, struct got *got, bool is_bare)
{
	char value[WIRE_VALUE_MAX];
	const char *code;

	*got = (struct got){0};
	read_head(hostile, got);
	if (got->fault != NULL || got->status == 100)
		return;
	field_of(got->head, "Connection", value, sizeof(value));
	got->says_close = strcasecmp(value, "close") == 0;
	field_of(got->head, "Content-Length", value, sizeof(value));
	if (value[0] == '\0' && got->status != 204 && got->status != 304)
		got->fault = "no Content-Length";
	size_t bytes = strtoul(value, NULL, 10);
	if (is_bare || got->status == 204 || got->status == 304) {
		strcpy(got->code, is_bare ? "-" : "");
		return;
	}
	if (bytes >= sizeof(got->body) || !take_all(hostile, got->body, bytes)) {
		got->fault = "not the whole body";
		return;
	}
	field_of(got->head, "Content-Type", value, sizeof(value));
	if (strcmp(value, "application/xml") == 0 &&
	    (code = strstr(got->body, "<Error><Code>")) != NULL)
		snprintf(got->code, sizeof(got->code), "%.*s", (int)strcspn(code + 13, "<"),
			 code + 13);
}

/* ---- One row ---------------------------------------------------------------------------- */

static void wrong(struct hostile *hostile, const char *where, const char *outcome,
		  const struct got *got, const char *fault)
{
	hostile->wrong++;
	cr_expect(false, "%s: %s; got %d %s %s, wanted %s", where, fault, got->status, got->code,
		  got->says_close ? "close" : "keep", outcome);
}

static void disconnect(struct hostile *hostile)
{
	if (hostile->is_connected)
		wire_disconnect(&hostile->client);
	hostile->client = (struct wire_client){0};
	hostile->is_connected = false;
}

static void send_split(struct wire_client *client, const struct text *request, size_t split)
{
	size_t first = split < request->len ? split : request->len;

	if (split == SPLIT_EVERY_BYTE) {
		for (size_t i = 0; i < request->len; i++)
			wire_write(client, request->at + i, 1);
		return;
	}
	if (first > 0)
		wire_write(client, request->at, first);
	if (first < request->len)
		wire_write(client, request->at + first, request->len - first);
}

/* One answer against one item of the outcome, "STATUS [CODE]". NULL: it is right. */
static const char *compare(const struct got *got, int status, const char *code)
{
	if (got->fault != NULL)
		return got->fault;
	if (got->status != status)
		return "another status";
	return strcmp(got->code, code) == 0 ? NULL : "another code";
}

/* The good request, to see that nothing of the row is left in the connection. */
static const char *check_kept(struct hostile *hostile, struct got *got)
{
	wire_write(&hostile->client, GOOD_REQUEST, strlen(GOOD_REQUEST));
	read_answer(hostile, got, false);
	if (got->fault != NULL)
		return "the connection is no longer good";
	return got->status == 200 && wire_pattern_match(100, 0, got->body, 100) == 100
		       ? NULL
		       : "the next request got another's answer";
}

/* close_notify, and nothing before it. */
static const char *check_closed(struct hostile *hostile)
{
	char more;

	if (take(hostile, &more, 1) > 0)
		return "bytes behind the last answer";
	return hostile->client.end == WIRE_END_CLOSE_NOTIFY ? NULL : "no close_notify";
}

static const char *check_end(struct hostile *hostile, const char *end, struct got *got)
{
	const char *fault;

	if (strcmp(end, "gone") == 0) {
		wire_shutdown(&hostile->client);
		fault = check_closed(hostile);
		disconnect(hostile);
		return fault;
	}
	bool is_kept = strcmp(end, "keep") == 0;
	must(is_kept || strcmp(end, "close") == 0);
	if (is_kept == got->says_close)
		return is_kept ? "it says close" : "it does not say close";
	fault = is_kept ? check_kept(hostile, got) : check_closed(hostile);
	if (!is_kept || fault != NULL)
		disconnect(hostile);
	return fault;
}

/* Walks through the outcome, word by word. */
static const char *check(struct hostile *hostile, const char *outcome, struct got *got)
{
	char words[256], *rest = words;
	const char *word = NULL;

	must(strlen(outcome) < sizeof(words));
	strcpy(words, outcome);
	for (char *item; (item = strsep(&rest, ",")) != NULL;) {
		char *status = strsep(&item, " ");
		if (*status == '\0') /* behind a comma */
			status = strsep(&item, " ");
		if (strcmp(status, "gone") == 0)
			return check_end(hostile, status, got);
		const char *code = "", *end = rest == NULL ? NULL : "";
		while (item != NULL && (word = strsep(&item, " ")) != NULL) {
			if (strcmp(word, "keep") == 0 || strcmp(word, "close") == 0)
				end = word;
			else
				code = word;
		}
		must(end != NULL);
		read_answer(hostile, got, strcmp(code, "-") == 0);
		const char *fault = compare(got, atoi(status), code);
		if (fault != NULL || *end != '\0')
			return fault != NULL ? fault : check_end(hostile, end, got);
	}
	must(!"an outcome without an end");
	return NULL;
}

void hostile_ask(struct hostile *hostile, const char *where, const struct text *request,
		 size_t split, const char *outcome)
{
	struct got got = {0};

	must(request->error == 0);
	if (hostile->rows++ % hostile->stride != 0)
		return;
	cr_assert_lt(hostile->wrong, WRONG_MAX, "too many are wrong: the rest is not asked");
	hostile->asked++;
	if (!hostile->is_connected)
		wire_connect(&hostile->client, &hostile->server);
	hostile->is_connected = true;
	send_split(&hostile->client, request, split);
	const char *fault = check(hostile, outcome, &got);
	if (fault != NULL) {
		wrong(hostile, where, outcome, &got, fault);
		disconnect(hostile);
	}
}

void hostile_pass(struct hostile *hostile)
{
	hostile->rows++;
}

/* ---- All of them ------------------------------------------------------------------------ */

/* The text between <NAME> and what follows. */
static void element_of(const char *text, const char *name, char *out, size_t size)
{
	const char *at = strstr(text, name);

	cr_assert_not_null(at, "no %s in %s", name, text);
	at += strlen(name);
	snprintf(out, size, "%.*s", (int)strcspn(at, "<"), at);
}

static void upload_make(struct hostile *hostile)
{
	struct wire_client *client = &hostile->client;
	struct wire_response response;

	wire_ask(client, "POST", "/data/upload?uploads", "", &response);
	wire_read_text(client, &response);
	element_of(response.text, "<UploadId>", hostile->upload_id, sizeof(hostile->upload_id));
	wire_send(client,
		  "PUT /data/upload?partNumber=1&uploadId=%s HTTP/1.1\r\nHost: h\r\n"
		  "Content-Length: 4\r\n\r\npart",
		  hostile->upload_id);
	wire_read_head(client, &response);
	cr_assert_eq(response.status, 200);
	strcpy(hostile->part_etag, response.etag);
}

void hostile_begin(struct hostile *hostile)
{
	struct wire_server *server = &hostile->server;
	const char *root = wire_server_root(server);

	server->writable = true;
	server->option[0] = "--durability=relaxed";
	server->option[1] = "--log.level=info";
	wire_pattern_write(root, "data/size-1", 1, 1);
	wire_pattern_write(root, "data/size-100", 100, 100);
	wire_pattern_write(root, "data/a/b", 7, 10);
	wire_server_start(server);
	hostile->stride = server->env.is_guest ? GUEST_STRIDE : 1;
	wire_connect(&hostile->client, server);
	hostile->is_connected = true;
	upload_make(hostile);
}

void hostile_end(struct hostile *hostile)
{
	disconnect(hostile);
	wire_serves_others(&hostile->server);
	wire_report("%u hostile requests, %u asked, %u wrong", hostile->rows, hostile->asked,
		    hostile->wrong);
	wire_server_stop(&hostile->server);
	cr_assert_gt(hostile->asked, 0);
	cr_assert_eq(hostile->wrong, 0, "%u of %u rows", hostile->wrong, hostile->asked);
}
