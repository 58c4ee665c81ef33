/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that cannot be opened, behind good requests. What was asked is answered, then the alert
 * says what was wrong, and the log has the bytes that left: the same whoever opens the records and
 * whatever sends the answers. In kernel TLS the error comes out of whatever is sent next.
 */
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "wire/wire_put.h"

TestSuite(bad_records, .timeout = WIRE_TIMEOUT);

#define LARGE_SEED  77
#define LARGE_BYTES (24u << 20) /* more than the sockets on both sides hold */
#define READ_FIRST  (256u << 10)
#define HOST        " HTTP/1.1\r\nHost: localhost\r\n"
#define ANSWERS_MAX 5

/* What is wrong with the record, and how the server puts it. */
static const struct bad {
	const char *name;
	int alert;
	bool is_header; /* seen when it arrives, not when it is opened */
} bads[] = {
	{"a damaged one", 20, false},                 /* bad_record_mac */
	{"a damaged one before a good", 20, false},   /* what is behind it counts for nothing */
	{"one of another version", 50, true},         /* decode_error */
	{"one longer than a record may be", 22, true} /* record_overflow */
};

static void bad_add(struct wire_flight *flight, struct wire_client *client, size_t kind)
{
	uint8_t *record = flight->byte + flight->used;

	wire_flight_text(flight, client, "GET /data/size-1" HOST "\r\n");
	if (kind == 1)
		wire_flight_text(flight, client, "GET /data/size-1" HOST "\r\n");
	if (bads[kind].alert == 50)
		record[2] = 1;
	else if (bads[kind].alert == 22)
		record[3] = 0x42;
	else
		record[RECORD_HEADER] ^= 1;
}

/* Answers in their order: a whole object of this seed and length, or a text (0). */
struct answer {
	int status;
	uint64_t seed;
	const char *path; /* as the log has it */
};

struct scenario {
	const char *text;   /* requests; in one record */
	uint64_t put_bytes; /* of a body behind it; also the seed */
	unsigned times;     /* the same again; 0: once */
	bool says_close;    /* so the bad record is not looked at */
	bool is_head;
	bool has_interim; /* "100 Continue" is the first that comes */
	bool has_fin;     /* the client has closed its side behind the bad record */
	struct answer answer[ANSWERS_MAX];
};

static void server_start(struct wire_server *server)
{
	static const unsigned sizes[] = {1, 100, 16384, 131073, 1048577};
	const char *root = server->root != NULL ? server->root : wire_server_root(server);

	server->writable = true;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char name[64];
		snprintf(name, sizeof(name), "data/size-%u", sizes[i]);
		wire_pattern_write(root, name, sizes[i], sizes[i]);
	}
	wire_server_start(server);
}

static void requests_add(struct wire_flight *flight, struct wire_client *client,
			 const struct scenario *scenario)
{
	char body[RECORD_PLAIN_MAX], text[RECORD_PLAIN_MAX] = "";
	size_t len = strlen(scenario->text);

	for (unsigned i = 0; i == 0 || i < scenario->times; i++) {
		must((i + 1) * len < sizeof(text));
		memcpy(text + i * len, scenario->text, len + 1);
	}
	wire_flight_text(flight, client, text);
	for (uint64_t at = 0; at < scenario->put_bytes; at += sizeof(body)) {
		uint64_t left = scenario->put_bytes - at;
		size_t some = left < sizeof(body) ? (size_t)left : sizeof(body);
		wire_pattern_fill(scenario->put_bytes, at, body, some);
		wire_flight_add(flight, client, RECORD_DATA, body, some, 0);
	}
}

static void interim_read(struct wire_client *client)
{
	static const char wanted[] = "HTTP/1.1 100 Continue\r\n\r\n";
	char text[sizeof(wanted)] = "";
	size_t have = 0, n = 1;

	while (have < sizeof(wanted) - 1 && n > 0) {
		n = wire_read(client, text + have, sizeof(wanted) - 1 - have);
		have += n;
	}
	cr_assert_str_eq(text, wanted, "the connection ended %s", wire_end_text(client->end));
}

/* Returns how many, and the bytes of the bodies that came. */
static unsigned answers_read(struct wire_client *client, const struct scenario *scenario,
			     uint64_t bytes[ANSWERS_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i == 0 || i < scenario->times; i++) {
		for (unsigned j = 0; j < ANSWERS_MAX && scenario->answer[j].status != 0; j++) {
			const struct answer *answer = &scenario->answer[j];
			struct wire_response response = {.is_to_head = scenario->is_head};
			wire_read_head(client, &response);
			cr_assert_eq(response.status, answer->status, "%s", response.head);
			cr_assert_eq(response.says_close, scenario->says_close);
			if (answer->seed > 0 && !scenario->is_head)
				wire_read_object(client, &response, answer->seed, 0, answer->seed);
			else if (!scenario->is_head)
				wire_read_text(client, &response);
			bytes[j] = scenario->is_head ? 0 : response.content_length;
			count++;
		}
	}
	return count;
}

/* Each answer has its line, with the bytes that the client has had. */
static void log_check(struct wire_server *server, const struct scenario *scenario,
		      const uint64_t bytes[ANSWERS_MAX], unsigned lines)
{
	for (unsigned j = 0; j < ANSWERS_MAX && scenario->answer[j].status != 0; j++) {
		const struct answer *answer = &scenario->answer[j];
		char path[128], sent[64];
		snprintf(path, sizeof(path), "path=%s ", answer->path);
		snprintf(sent, sizeof(sent), "status=%d bytes=%llu ", answer->status,
			 (unsigned long long)bytes[j]);
		wire_log_has(server, "msg=request ", path, sent);
	}
	wire_log_counts(server, "msg=request ", lines);
	cr_assert_eq(wire_log_count(server, " cut="), scenario->has_interim ? lines : 0);
}

/* A server, and one client for each kind of bad record. */
struct trial {
	struct wire_server server;
	struct wire_client client;
	struct wire_flight *flight; /* what the client is to send in one segment */
	size_t kind;
};

static void trial_begin(struct trial *trial)
{
	trial->flight = calloc(1, sizeof(*trial->flight));
	must(trial->flight != NULL);
	server_start(&trial->server);
}

/* The next client. False: every kind has had its own. */
static bool trial_next(struct trial *trial, int receive_buffer_bytes)
{
	if (trial->kind == ARRAY_LEN(bads))
		return false;
	trial->client = (struct wire_client){.receive_buffer_bytes = receive_buffer_bytes};
	wire_connect(&trial->client, &trial->server);
	wire_raw_begin(&trial->client);
	return true;
}

/* The flight, and behind it the bad record. */
static void trial_send(struct trial *trial)
{
	bad_add(trial->flight, &trial->client, trial->kind);
	cr_assert(wire_flight_send(trial->flight, &trial->client));
}

/* The connection, which has ended; why: the reason that the server counts. */
static void trial_closed(struct trial *trial, const char *why)
{
	wire_disconnect(&trial->client);
	wire_closed(&trial->server, why, ++trial->kind);
}

static void trial_ends_by_alert(struct trial *trial)
{
	wire_expect_alert(&trial->client, bads[trial->kind].alert);
	trial_closed(trial, "record_bad");
}

static void trial_end(struct trial *trial)
{
	free(trial->flight);
	wire_server_stop(&trial->server);
}

/* One row of the table: every kind of bad record behind these requests, in one segment. */
static void run(const struct scenario *scenario)
{
	struct trial trial = {0};
	uint64_t bytes[ANSWERS_MAX];
	unsigned lines = 0;

	trial_begin(&trial);
	while (trial_next(&trial, 0)) {
		requests_add(trial.flight, &trial.client, scenario);
		trial_send(&trial);
		if (scenario->has_fin)
			shutdown(trial.client.sock_fd, SHUT_WR);
		if (scenario->has_interim)
			interim_read(&trial.client);
		lines += answers_read(&trial.client, scenario, bytes) + scenario->has_interim;
		if (scenario->says_close) {
			wire_expect_end(&trial.client, WIRE_END_CLOSE_NOTIFY);
			trial_closed(&trial, "response_close");
		} else {
			trial_ends_by_alert(&trial);
		}
	}
	log_check(&trial.server, scenario, bytes, lines);
	wire_serves_others(&trial.server);
	trial_end(&trial);
}

#define ROW(test, ...)                                                                             \
	Test(bad_records, test)                                                                    \
	{                                                                                          \
		static const struct scenario scenario = {__VA_ARGS__};                             \
		run(&scenario);                                                                    \
	}

ROW(behind_a_get, .text = "GET /data/size-100" HOST "\r\n",
    .answer = {{200, 100, "/data/size-100"}})

ROW(behind_a_get_of_a_record, .text = "GET /data/size-16384" HOST "\r\n",
    .answer = {{200, 16384, "/data/size-16384"}})

ROW(behind_a_get_of_many_records, .text = "GET /data/size-1048577" HOST "\r\n",
    .answer = {{200, 1048577, "/data/size-1048577"}})

ROW(behind_a_head, .text = "HEAD /data/size-100" HOST "\r\n", .is_head = true,
    .answer = {{200, 100, "/data/size-100"}})

ROW(behind_a_get_of_nothing, .text = "GET /data/none" HOST "\r\n",
    .answer = {{404, 0, "/data/none"}})

ROW(behind_a_listing, .text = "GET /data?list-type=2" HOST "\r\n",
    .answer = {{200, 0, "\"/data?list-type=2\""}})

ROW(behind_the_last_request, .text = "GET /data/size-100" HOST "Connection: close\r\n\r\n",
    .says_close = true, .answer = {{200, 100, "/data/size-100"}})

ROW(behind_a_large_last_request, .text = "GET /data/size-1048577" HOST "Connection: close\r\n\r\n",
    .says_close = true, .answer = {{200, 1048577, "/data/size-1048577"}})

ROW(behind_a_large_last_request_before_a_fin,
    .text = "GET /data/size-1048577" HOST "Connection: close\r\n\r\n", .says_close = true,
    .has_fin = true, .answer = {{200, 1048577, "/data/size-1048577"}})

ROW(behind_five_requests,
    .text = "GET /data/size-100" HOST "\r\nGET /data/size-131073" HOST "\r\nGET /data/none" HOST
	    "\r\nGET /data/size-1" HOST "\r\nGET /data/size-16384" HOST "\r\n",
    .answer = {{200, 100, "/data/size-100"},
	       {200, 131073, "/data/size-131073"},
	       {404, 0, "/data/none"},
	       {200, 1, "/data/size-1"},
	       {200, 16384, "/data/size-16384"}})

/* More than are served in one turn. */
ROW(behind_fifty_requests, .text = "GET /data/size-100" HOST "\r\n", .times = 50,
    .answer = {{200, 100, "/data/size-100"}})

ROW(behind_a_put, .text = "PUT /data/put" HOST "Content-Length: 1000\r\n\r\n", .put_bytes = 1000,
    .answer = {{200, 0, "/data/put"}})

ROW(behind_a_large_put, .text = "PUT /data/put" HOST "Content-Length: 300000\r\n\r\n",
    .put_bytes = 300000, .answer = {{200, 0, "/data/put"}})

/* The body was asked for, and what comes is none: nothing is stored. */
ROW(in_place_of_a_body,
    .text = "PUT /data/put" HOST "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
    .has_interim = true)

ROW(before_a_fin, .text = "GET /data/size-100" HOST "\r\nGET /data/size-131073" HOST "\r\n",
    .has_fin = true, .answer = {{200, 100, "/data/size-100"}, {200, 131073, "/data/size-131073"}})

/* While a body is on its way to the client: all of it comes. */
Test(bad_records, inside_a_response)
{
	struct trial trial = {0};
	struct wire_client *client = &trial.client;
	const uint64_t rest = LARGE_BYTES - READ_FIRST;

	wire_pattern_write(wire_server_root(&trial.server), "data/large", LARGE_SEED, LARGE_BYTES);
	trial_begin(&trial);
	while (trial_next(&trial, 64 * 1024)) {
		struct wire_response response;
		wire_get(client, "/data/large", "", &response);
		cr_assert_eq(wire_read_some(client, LARGE_SEED, 0, READ_FIRST), READ_FIRST);
		trial_send(&trial);
		wire_await_delivery(client);
		cr_assert_eq(wire_read_some(client, LARGE_SEED, READ_FIRST, rest), rest,
			     "%s: the connection ended %s", bads[trial.kind].name,
			     wire_end_text(client->end));
		trial_ends_by_alert(&trial);
	}
	wire_log_counts(&trial.server, "path=/data/large status=200 bytes=25165824 ",
			ARRAY_LEN(bads));
	cr_assert_eq(wire_log_count(&trial.server, " cut="), 0);
	trial_end(&trial);
}

/* While nothing is asked. */
Test(bad_records, on_an_idle_connection)
{
	struct trial trial = {0};

	trial_begin(&trial);
	while (trial_next(&trial, 0)) {
		wire_fetch(&trial.client, "/data/size-100", 100, 100);
		trial_send(&trial);
		trial_ends_by_alert(&trial);
	}
	trial_end(&trial);
}

static void object_read(struct wire_client *client, uint64_t bytes)
{
	struct wire_response response;

	wire_read_head(client, &response);
	wire_read_object(client, &response, bytes, 0, bytes);
}

/* Half of a request is none. */
Test(bad_records, inside_a_request)
{
	struct trial trial = {0};

	trial_begin(&trial);
	while (trial_next(&trial, 0)) {
		wire_flight_text(trial.flight, &trial.client,
				 "GET /data/size-1" HOST "\r\nGET /data/si");
		trial_send(&trial);
		object_read(&trial.client, 1);
		trial_ends_by_alert(&trial);
	}
	wire_log_counts(&trial.server, "msg=request ", ARRAY_LEN(bads));
	trial_end(&trial);
}

/* Our KeyUpdate is what the error comes out of: it is sent, and the answer under the new key. */
Test(bad_records, behind_a_keyupdate_that_asks)
{
	struct trial trial = {0};
	const struct wire_env *env = &trial.server.env;

	trial_begin(&trial);
	while (trial_next(&trial, 0)) {
		wire_flight_text(trial.flight, &trial.client, "GET /data/size-1" HOST "\r\n");
		wire_flight_keyupdate(trial.flight, &trial.client, true);
		wire_flight_text(trial.flight, &trial.client, "GET /data/size-131073" HOST "\r\n");
		trial_send(&trial);
		object_read(&trial.client, 1);
		if (env->is_kernel && !env->can_rekey) {
			wire_expect_gone(&trial.client);
			trial_closed(&trial, "keyupdate_unsupported");
		} else {
			object_read(&trial.client, 131073);
			cr_assert_eq(trial.client.keyupdates_seen, 1);
			trial_ends_by_alert(&trial);
		}
	}
	trial_end(&trial);
}
