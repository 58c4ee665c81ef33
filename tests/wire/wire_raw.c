/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_raw.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/must.h"

#define HANDSHAKE_KEY_UPDATE 24 /* RFC 8446 section 4 */

static void keys_derive(struct wire_client *client, struct traffic_key *tx, struct traffic_key *rx)
{
	must(traffic_key_derive(client->cipher, &client->tx_secret, tx) == 0);
	must(traffic_key_derive(client->cipher, &client->rx_secret, rx) == 0);
}

void wire_raw_begin(struct wire_client *client)
{
	struct traffic_key tx, rx;

	must(!client->is_raw && SSL_is_init_finished(client->ssl));
	must(!SSL_has_pending(client->ssl));
	keys_derive(client, &tx, &rx);
	client->tx_aead = aead_new(client->cipher, &tx, true);
	client->rx_aead = aead_new(client->cipher, &rx, false);
	must(client->tx_aead != NULL && client->rx_aead != NULL);
	client->is_raw = true;
}

void wire_raw_fini(struct wire_client *client)
{
	aead_free(client->tx_aead);
	aead_free(client->rx_aead);
	client->tx_aead = client->rx_aead = NULL;
	client->is_raw = false;
}

/* ---- Sending -------------------------------------------------------------------------------- */

void wire_flight_add(struct wire_flight *flight, struct wire_client *client, enum record_type type,
		     const void *data, size_t len, size_t pad_bytes)
{
	uint8_t *record = flight->byte + flight->used;

	must(flight->used + len + pad_bytes + RECORD_OVERHEAD <= sizeof(flight->byte));
	if (len > 0)
		memcpy(record + RECORD_HEADER, data, len);
	int n = aead_seal(client->tx_aead, record, len, type, pad_bytes);
	must(n > 0);
	flight->used += (size_t)n;
}

void wire_flight_text(struct wire_flight *flight, struct wire_client *client, const char *text)
{
	wire_flight_add(flight, client, RECORD_DATA, text, strlen(text), 0);
}

void wire_tx_rekey(struct wire_client *client)
{
	struct traffic_key tx, rx;

	must(traffic_secret_update(client->cipher, &client->tx_secret) == 0);
	keys_derive(client, &tx, &rx);
	must(aead_rekey(client->tx_aead, &tx) == 0);
}

static void rx_rekey(struct wire_client *client)
{
	struct traffic_key tx, rx;

	must(traffic_secret_update(client->cipher, &client->rx_secret) == 0);
	keys_derive(client, &tx, &rx);
	must(aead_rekey(client->rx_aead, &rx) == 0);
}

void wire_flight_keyupdate(struct wire_flight *flight, struct wire_client *client, bool asks_peer)
{
	const uint8_t data[] = {HANDSHAKE_KEY_UPDATE, 0, 0, 1, asks_peer};

	wire_flight_add(flight, client, RECORD_HANDSHAKE, data, sizeof(data), 0);
	wire_tx_rekey(client);
}

bool wire_flight_send(struct wire_flight *flight, struct wire_client *client)
{
	bool is_sent = wire_write_tcp(client, flight->byte, flight->used);
	flight->used = 0;
	return is_sent;
}

bool wire_raw_record(struct wire_client *client, enum record_type type, const void *data,
		     size_t len, size_t pad_bytes)
{
	struct wire_flight *flight = malloc(sizeof(*flight));

	must(flight != NULL);
	flight->used = 0;
	wire_flight_add(flight, client, type, data, len, pad_bytes);
	bool is_sent = wire_flight_send(flight, client);
	free(flight);
	return is_sent;
}

bool wire_raw_write(struct wire_client *client, const void *data, size_t len)
{
	for (size_t at = 0; at < len; at += RECORD_PLAIN_MAX) {
		size_t n = len - at < RECORD_PLAIN_MAX ? len - at : RECORD_PLAIN_MAX;
		if (!wire_raw_record(client, RECORD_DATA, (const char *)data + at, n, 0))
			return false;
	}
	return true;
}

void wire_shutdown(struct wire_client *client)
{
	static const uint8_t close_notify[] = {1, 0};

	if (client->is_raw)
		wire_raw_record(client, RECORD_ALERT, close_notify, sizeof(close_notify), 0);
	else
		SSL_shutdown(client->ssl);
}

/* ---- Receiving ------------------------------------------------------------------------------ */

static void take_alert(struct wire_client *client, const uint8_t *data, size_t len)
{
	cr_assert_eq(len, 2, "an alert of %zu bytes", len);
	client->alert = data[1];
	client->end = data[1] == 0 ? WIRE_END_CLOSE_NOTIFY : WIRE_END_ALERT;
	cr_assert_eq(data[0], data[1] == 0 ? 1 : 2, "an alert of level %d", data[0]);
}

static void take_handshake(struct wire_client *client, const uint8_t *data, size_t len)
{
	static const uint8_t head[] = {HANDSHAKE_KEY_UPDATE, 0, 0, 1};

	cr_assert(len == 5 && memcmp(data, head, sizeof(head)) == 0 && data[4] <= 1,
		  "the server sent a handshake message that is no KeyUpdate");
	client->keyupdates_seen++;
	rx_rekey(client);
}

/* One record, opened; its plaintext stands at record + RECORD_HEADER. False: the connection ended.
 */
static bool record_read(struct wire_client *client, uint8_t record[RECORD_SEALED_MAX],
			enum record_type *type, size_t *len)
{
	if (!wire_read_tcp(client, record, RECORD_HEADER))
		return false;
	size_t body = (size_t)record[3] << 8 | record[4];
	cr_assert(record[0] == RECORD_DATA && record[1] == 3 && record[2] == 3 &&
			  body <= RECORD_SEALED_MAX - RECORD_HEADER,
		  "the server sent a record head %02x %02x%02x %zu", record[0], record[1],
		  record[2], body);
	if (!wire_read_tcp(client, record + RECORD_HEADER, body))
		return false;
	int n = aead_open(client->rx_aead, record, RECORD_HEADER + body, type);
	if (n < 0) {
		client->end = WIRE_END_PROTOCOL;
		return false;
	}
	*len = (size_t)n;
	return true;
}

size_t wire_raw_receive(struct wire_client *client, void *data, size_t len)
{
	uint8_t record[RECORD_SEALED_MAX];
	enum record_type type;
	size_t have;

	while (client->end == WIRE_END_NONE && record_read(client, record, &type, &have)) {
		const uint8_t *plain = record + RECORD_HEADER;
		if (type == RECORD_ALERT) {
			take_alert(client, plain, have);
		} else if (type == RECORD_HANDSHAKE) {
			take_handshake(client, plain, have);
		} else {
			cr_assert_eq(type, RECORD_DATA, "a record of type %d", (int)type);
			size_t n = have < len ? have : len;
			memcpy(data, plain, n);
			memcpy(client->in, plain + n, have - n);
			client->in_at = 0;
			client->in_end = have - n;
			if (n > 0)
				return n;
		}
	}
	return 0;
}
