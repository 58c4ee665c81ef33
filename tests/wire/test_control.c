/* SPDX-License-Identifier: Apache-2.0 */
/* Records that are not application data, and application data in unusual records. */
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

TestSuite(control, .timeout = WIRE_TIMEOUT);

#define GET_100 "GET /data/size-100 HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* Can this run follow a change of the key? Userspace always, the kernel from 6.14. */
static bool can_rekey(const struct wire_server *server)
{
	return !server->env.is_kernel || server->env.can_rekey;
}

static void expect_object(struct wire_client *client)
{
	struct wire_response response;

	wire_read_head(client, &response);
	cr_assert_eq(response.status, 200);
	wire_read_object(client, &response, 100, 0, 100);
}

/* ---- KeyUpdate ------------------------------------------------------------------------------ */

/* Served, and answered in kind when asked; or closed with a reason where the kernel cannot. */
static void keyupdate(const char *cipher, bool asks_peer)
{
	struct wire_server server = {0};
	struct wire_client client = {.ciphers = cipher};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_keyupdate(&client, asks_peer);
	if (!can_rekey(&server)) {
		wire_expect_gone(&client);
		wire_closed(&server, "keyupdate_unsupported", 1);
		wire_log_has(&server, "reason=keyupdate_unsupported ", "needs Linux 6.14");
	} else {
		for (unsigned round = 1; round <= 3; round++) {
			wire_fetch(&client, "/data/size-131073", 131073, 131073);
			cr_assert_eq(client.keyupdates_seen, asks_peer ? round : 0);
			wire_keyupdate(&client, asks_peer);
		}
		wire_fetch(&client, "/data/size-100", 100, 100);
		wire_metric_reaches(&server, "sluice_tls_keyupdates_received_total", 4);
		wire_metric_reaches(&server, "sluice_tls_rekeys_rx_total", 4);
		cr_assert_eq(wire_metric(&server, "sluice_tls_rekeys_tx_total"), asks_peer ? 4 : 0);
	}
	wire_disconnect(&client);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

Test(control, keyupdate_aes_128_gcm)
{
	keyupdate("TLS_AES_128_GCM_SHA256", false);
}

Test(control, keyupdate_aes_256_gcm)
{
	keyupdate("TLS_AES_256_GCM_SHA384", false);
}

Test(control, keyupdate_chacha20)
{
	keyupdate("TLS_CHACHA20_POLY1305_SHA256", false);
}

Test(control, keyupdate_requested_aes_128_gcm)
{
	keyupdate("TLS_AES_128_GCM_SHA256", true);
}

Test(control, keyupdate_requested_aes_256_gcm)
{
	keyupdate("TLS_AES_256_GCM_SHA384", true);
}

Test(control, keyupdate_requested_chacha20)
{
	keyupdate("TLS_CHACHA20_POLY1305_SHA256", true);
}

/* In the middle of a head, with requests of the old and of the new key in one segment. */
Test(control, keyupdate_inside_a_request)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_flight *flight = calloc(1, sizeof(*flight));

	must(flight != NULL);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_raw_begin(&client);
	wire_flight_text(flight, &client, GET_100 "GET /data/size-100 HT");
	wire_flight_keyupdate(flight, &client, false);
	wire_flight_text(flight, &client, "TP/1.1\r\nHost: localhost\r\n\r\n");
	wire_flight_keyupdate(flight, &client, true);
	wire_flight_text(flight, &client, GET_100);
	cr_assert(wire_flight_send(flight, &client));
	if (can_rekey(&server)) {
		for (int i = 0; i < 3; i++)
			expect_object(&client);
		/* RFC 8446 section 4.6.3: ours comes before the next byte of data. */
		cr_assert_eq(client.keyupdates_seen, 1, "%u KeyUpdates", client.keyupdates_seen);
		wire_fetch(&client, "/data/size-100", 100, 100);
	} else {
		expect_object(&client);
		wire_expect_gone(&client);
		wire_closed(&server, "keyupdate_unsupported", 1);
	}
	wire_disconnect(&client);
	free(flight);
	wire_server_stop(&server);
}

/* One that stands right behind a request, in its segment, and is received together with it: the
 * next request, in a segment of its own, must not be lost over it. */
Test(control, keyupdate_behind_a_request)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_flight *flight = calloc(1, sizeof(*flight));

	must(flight != NULL);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_raw_begin(&client);
	for (unsigned round = 0; round < 3; round++) {
		wire_flight_text(flight, &client, GET_100);
		wire_flight_keyupdate(flight, &client, round == 1);
		cr_assert(wire_flight_send(flight, &client));
		expect_object(&client);
		if (!can_rekey(&server)) {
			wire_expect_gone(&client);
			wire_closed(&server, "keyupdate_unsupported", 1);
			break;
		}
		wire_fetch(&client, "/data/size-100", 100, 100);
		cr_assert_eq(client.keyupdates_seen, round >= 1);
	}
	wire_disconnect(&client);
	free(flight);
	wire_server_stop(&server);
}

/* While a response is on its way: it goes on, and then the new key is used. */
Test(control, keyupdate_inside_a_response)
{
	struct wire_server server = {0};
	struct wire_client client = {.receive_buffer_bytes = 65536};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_get(&client, "/data/big", "", &response);
	uint64_t first = 1 << 20, rest = server.env.big_bytes - first;
	cr_assert_eq(wire_read_some(&client, WIRE_BIG_SEED, 0, first), first);
	wire_keyupdate(&client, true);
	cr_assert_eq(wire_read_some(&client, WIRE_BIG_SEED, first, rest), rest,
		     "the connection ended %s", wire_end_text(client.end));
	if (can_rekey(&server)) {
		wire_fetch(&client, "/data/size-100", 100, 100);
		cr_assert_eq(client.keyupdates_seen, 1);
	} else {
		wire_expect_gone(&client);
		wire_closed(&server, "keyupdate_unsupported", 1);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The limit is per second: three times as many at once pass it wherever the second begins. */
Test(control, keyupdate_flood)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_flight *flight = calloc(1, sizeof(*flight));

	must(flight != NULL);
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_raw_begin(&client);
	for (int i = 0; i < 3 * KEYUPDATES_PER_SECOND_MAX; i++)
		wire_flight_keyupdate(flight, &client, false);
	wire_flight_send(flight, &client);
	if (can_rekey(&server)) {
		wire_expect_alert(&client, 10);
		wire_closed(&server, "keyupdate_flood", 1);
	} else {
		wire_expect_gone(&client);
		wire_closed(&server, "keyupdate_unsupported", 1);
	}
	wire_disconnect(&client);
	free(flight);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* Handshake messages that have no place here, KeyUpdates that are not well made. */
Test(control, other_handshake_messages)
{
	static const struct {
		uint8_t data[8];
		size_t len;
		int alert;
		const char *name;
	} rows[] = {
		{{24, 0, 0, 1, 2}, 5, 47, "illegal_parameter"}, /* neither asked for nor not */
		{{24, 0, 0, 2, 0, 0}, 6, 50, "decode_error"}, /* of a length that it cannot have */
		{{24, 0, 0, 0}, 4, 50, "decode_error"},       /* empty */
		{{24, 1, 0, 1, 0}, 5, 50, "decode_error"},    /* 65,537 bytes to come */
		{{24, 0, 0, 1, 0, 24}, 6, 10, "unexpected_message"}, /* not the end of its record */
		{{24, 0, 0, 1, 0, 24, 0, 0}, 8, 10, "unexpected_message"},
		{{1, 0, 0, 0}, 4, 10, "unexpected_message"},     /* ClientHello: renegotiation */
		{{20, 0, 0, 1, 0}, 5, 10, "unexpected_message"}, /* Finished */
		{{11, 0, 0, 1, 0}, 5, 10, "unexpected_message"}, /* Certificate */
		{{4, 0, 0, 1, 0}, 5, 10, "unexpected_message"},  /* a ticket, of a client */
		{{0}, 0, 10, "unexpected_message"},              /* no fragment at all */
	};
	struct wire_server server = {0};

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire_client client = {0};
		char sent[64];
		wire_connect(&client, &server);
		wire_raw_begin(&client);
		wire_raw_record(&client, RECORD_HANDSHAKE, rows[i].data, rows[i].len, 0);
		wire_expect_alert(&client, rows[i].alert);
		wire_disconnect(&client);
		snprintf(sent, sizeof(sent), "alert_sent=%s ", rows[i].name);
		wire_log_has(&server, "reason=unexpected_record ", sent);
	}
	wire_closed(&server, "unexpected_record", ARRAY_LEN(rows));
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* A KeyUpdate in pieces: one to a record, of these lengths, and in one segment or in several. */
static void cut_send(struct wire_flight *flight, struct wire_client *client, const size_t *cuts,
		     size_t count, bool asks_peer, bool is_slow)
{
	const uint8_t message[] = {24, 0, 0, 1, asks_peer};
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		wire_flight_add(flight, client, RECORD_HANDSHAKE, message + at, cuts[i], 0);
		at += cuts[i];
		if (is_slow) {
			wire_flight_send(flight, client);
			wire_is_silent(client, 20);
		}
	}
	must(at == sizeof(message));
	wire_tx_rekey(client);
}

/* RFC 8446 section 5.1: a handshake message may be cut over records, wherever. */
Test(control, keyupdate_over_several_records)
{
	static const size_t cuts[][5] = {{1, 4}, {2, 3},          {3, 2},
					 {4, 1}, {1, 1, 1, 1, 1}, {2, 2, 1}};
	struct wire_server server = {0};
	struct wire_flight *flight = calloc(1, sizeof(*flight));
	unsigned closed = 0;

	must(flight != NULL);
	wire_server_start(&server);
	for (size_t i = 0; i < 4 * ARRAY_LEN(cuts); i++) {
		const size_t *row = cuts[i / 4];
		struct wire_client client = {0};
		bool asks_peer = i % 2 == 1, is_slow = i % 4 >= 2;
		size_t count = 0;
		while (count < 5 && row[count] > 0)
			count++;
		wire_connect(&client, &server);
		wire_raw_begin(&client);
		wire_flight_text(flight, &client, GET_100);
		for (int round = 0; round < (can_rekey(&server) ? 2 : 1); round++) {
			cut_send(flight, &client, row, count, asks_peer, is_slow);
			wire_flight_text(flight, &client, GET_100);
		}
		cr_assert(wire_flight_send(flight, &client) || !can_rekey(&server));
		expect_object(&client);
		if (can_rekey(&server)) {
			expect_object(&client);
			expect_object(&client);
			wire_fetch(&client, "/data/size-16385", 16385, 16385);
			cr_assert_eq(client.keyupdates_seen > 0, asks_peer);
		} else {
			wire_expect_gone(&client);
			wire_closed(&server, "keyupdate_unsupported", ++closed);
		}
		wire_disconnect(&client);
	}
	free(flight);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* ... with nothing between its records, and it is no message before it is whole. */
Test(control, half_a_keyupdate)
{
	struct wire_server server = {0};
	struct wire_flight *flight = calloc(1, sizeof(*flight));
	const uint8_t message[] = {24, 0, 0, 1, 0};

	must(flight != NULL);
	wire_server_start(&server);
	for (size_t have = 1; have < sizeof(message); have++) {
		struct wire_client client = {0};
		wire_connect(&client, &server);
		wire_raw_begin(&client);
		wire_flight_text(flight, &client, GET_100);
		wire_flight_add(flight, &client, RECORD_HANDSHAKE, message, have, 0);
		wire_flight_text(flight, &client, GET_100);
		cr_assert(wire_flight_send(flight, &client));
		expect_object(&client);
		wire_expect_alert(&client, 10);
		wire_disconnect(&client);
		wire_closed(&server, "unexpected_record", have);
	}
	cr_assert_eq(wire_metric(&server, "sluice_tls_keyupdates_received_total"), 0);
	free(flight);
	wire_server_stop(&server);
}

/* ---- The record limit ----------------------------------------------------------------------- */

/* The response is whole whatever the limit; then a new key, or a close that says why. */
Test(control, record_limit)
{
	struct wire_server server = {.option = {"--records-per-key=32"}};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/big", WIRE_BIG_SEED, server.env.big_bytes);
	if (can_rekey(&server)) {
		wire_fetch(&client, "/data/size-100", 100, 100);
		cr_assert_gt(client.keyupdates_seen, 0);
		wire_metric_reaches(&server, "sluice_tls_rekeys_tx_total", client.keyupdates_seen);
	} else {
		wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
		wire_closed(&server, "record_limit", 1);
	}
	wire_disconnect(&client);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* A request, and the first bytes of its answer. False: the server has ended the connection instead,
 * after an answer that did not say so. */
static bool is_asked(struct wire_client *client)
{
	char data[WIRE_IN_BYTES];

	wire_send(client, GET_100);
	size_t n = wire_read(client, data, sizeof(data));
	memcpy(client->in, data, n);
	client->in_at = 0;
	client->in_end = n;
	return n > 0;
}

/* Small responses use records up as large ones do. */
Test(control, record_limit_by_small_responses)
{
	struct wire_server server = {.option = {"--records-per-key=32"}};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	if (can_rekey(&server)) {
		for (int i = 0; i < 100; i++)
			wire_fetch(&client, "/data/size-100", 100, 100);
		cr_assert_geq(client.keyupdates_seen, 2);
	} else {
		int served = 0;
		while (served < 40 && is_asked(&client)) {
			expect_object(&client);
			served++;
		}
		cr_assert(served > 10 && served < 40, "closed after %d requests", served);
		cr_assert_eq(client.end, WIRE_END_CLOSE_NOTIFY, "ended %s",
			     wire_end_text(client.end));
		wire_closed(&server, "record_limit", 1);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* RFC 8446 section 5.5: no limit that matters for ChaCha20-Poly1305. */
Test(control, no_record_limit_for_chacha20)
{
	struct wire_server server = {.option = {"--records-per-key=32"}};
	struct wire_client client = {.ciphers = "TLS_CHACHA20_POLY1305_SHA256"};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-1048577", 1048577, 1048577);
	wire_fetch(&client, "/data/size-100", 100, 100);
	cr_assert_eq(client.keyupdates_seen, 0);
	wire_disconnect(&client);
	wire_server_stop(&server);
}
