/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that seals its own records, so that it can send any: empty, padded, damaged, of every
 * type, and many in one segment. It begins as an ordinary client; after the handshake
 * wire_raw_begin takes the traffic secrets and leaves the library behind.
 */
#ifndef SLUICE_TESTS_WIRE_RAW_H
#define SLUICE_TESTS_WIRE_RAW_H

#include "wire/wire_client.h"

/* Once, after wire_connect and before anything else was received. wire_read, wire_write and what is
 * built on them go on as before. */
void wire_raw_begin(struct wire_client *client);

/* Sealed records that are gathered to be sent by one call. */
struct wire_flight {
	size_t used;
	uint8_t byte[512 * 1024];
};

/* Appends a record; pad_bytes of zeros follow the type. */
void wire_flight_add(struct wire_flight *flight, struct wire_client *client, enum record_type type,
		     const void *data, size_t len, size_t pad_bytes);
void wire_flight_text(struct wire_flight *flight, struct wire_client *client, const char *text);
/* Appends a KeyUpdate and goes on with the next sending key. */
void wire_flight_keyupdate(struct wire_flight *flight, struct wire_client *client, bool asks_peer);
/* Goes on with the next sending key, of which the server has been told. */
void wire_tx_rekey(struct wire_client *client);
/* Sends it in one call and empties it. False: the server has closed. */
bool wire_flight_send(struct wire_flight *flight, struct wire_client *client);

/* One record at once. */
bool wire_raw_record(struct wire_client *client, enum record_type type, const void *data,
		     size_t len, size_t pad_bytes);

#endif
