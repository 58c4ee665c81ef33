/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS client that a test holds by the hand: OpenSSL's (TLS 1.3, or raw after the handshake), with
 * deadlines, and with every way of ending told apart.
 *
 *	struct wire_client client = {0};
 *	wire_connect(&client, &server);
 *	wire_get(&client, "/data/size-100", "", &response);
 *	wire_read_object(&client, &response, 100, 0, 100);
 *	wire_disconnect(&client);
 *
 * Functions that cannot do what they say fail the test, unless their contract names the outcome.
 */
#ifndef SLUICE_TESTS_WIRE_CLIENT_H
#define SLUICE_TESTS_WIRE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "tls/aead.h"
#include "tls/traffic_key.h"
#include "wire/wire_certs.h"
#include "wire/wire_server.h"

/* How the server ended the connection. */
enum wire_end {
	WIRE_END_NONE,
	WIRE_END_CLOSE_NOTIFY,
	WIRE_END_FIN, /* without close_notify */
	WIRE_END_RESET,
	WIRE_END_ALERT,   /* fatal; its number is in client.alert */
	WIRE_END_PROTOCOL /* what came could not be understood */
};

#define WIRE_IN_BYTES RECORD_PLAIN_MAX

struct wire_client {
	/* Set by the test before wire_connect. */
	enum wire_cert cert;
	const char *ciphers;      /* TLS 1.3 suites, NULL: AES-128-GCM */
	int version_max;          /* 0: TLS 1.3 */
	int receive_buffer_bytes; /* SO_RCVBUF; 0: the kernel's */
	int segment_bytes; /* TCP_MAXSEG, by which the server's send buffer is measured; 0: as it
			      comes */
	int padding_block; /* pad every record to a multiple of this */
	const char *alpn;  /* in wire format, NULL: none */

	const struct wire_server *server;
	int sock_fd;
	SSL_CTX *ssl_ctx;
	SSL *ssl;
	enum wire_end end;
	int alert;
	unsigned keyupdates_seen; /* of the server */

	/* Plaintext that has been received and not yet taken. */
	char in[WIRE_IN_BYTES];
	size_t in_at;
	size_t in_end;

	/* wire_raw.h */
	bool is_raw;
	enum tls_cipher cipher;
	struct traffic_secret tx_secret;
	struct traffic_secret rx_secret;
	struct aead *tx_aead;
	struct aead *rx_aead;
};

/* TCP alone: for what is no TLS, or not yet. */
void wire_connect_tcp(struct wire_client *client, const struct wire_server *server);
/* TCP and an SSL object that has done nothing yet. */
void wire_prepare(struct wire_client *client, const struct wire_server *server);
/* Sends the ClientHello and reads nothing. */
void wire_client_hello(struct wire_client *client);
/* All of the handshake, or the rest. False: it failed, client.end says how the server put it. */
bool wire_handshake(struct wire_client *client);
/* After wire_prepare: the server ends the handshake by this alert. In TLS 1.3 the client is done
 * before the server has seen its certificate. */
void wire_handshake_refused(struct wire_client *client, int alert);
/* All of the above; the handshake must succeed. */
void wire_connect(struct wire_client *client, const struct wire_server *server);
/* The other side: takes a client of this listening socket, with the server's certificate, and asks
 * for none. Raw from then on (wire_raw.h); server: of its environment. */
void wire_accept(struct wire_client *client, const struct wire_server *server, int listen_fd);
/* Frees everything; sends close_notify first if the connection is still open. At any time. */
void wire_disconnect(struct wire_client *client);
/* Closes the TCP connection by RST, and frees everything. */
void wire_reset(struct wire_client *client);

/* As send(2) of all bytes. False: the server has closed. */
bool wire_write(struct wire_client *client, const void *data, size_t len);
/* The same as bytes of TCP, whatever TLS thinks. */
bool wire_write_tcp(struct wire_client *client, const void *data, size_t len);
/* At least one byte, at most len; 0: the connection has ended, client.end says how. A deadline that
 * passes fails the test. */
size_t wire_read(struct wire_client *client, void *data, size_t len);
/* For a client that must not hear anything: watches for ms, stretched; false: something came or it
 * ended. True says nothing about what the server has done. */
bool wire_is_silent(struct wire_client *client, int ms);
/* Waits until all that was sent is in the server's socket, read or not. */
void wire_await_delivery(const struct wire_client *client);
/* close_notify, leaving the receiving side open. */
void wire_shutdown(struct wire_client *client);
/* KeyUpdate, sent at once. */
void wire_keyupdate(struct wire_client *client, bool asks_peer);

/* Nothing more comes, and the connection ends in this way. */
void wire_expect_end(struct wire_client *client, enum wire_end end);
void wire_expect_alert(struct wire_client *client, int alert);
/* The server closes in one way or another, without sending data. */
void wire_expect_gone(struct wire_client *client);
const char *wire_end_text(enum wire_end end);

/* For wire_raw.c: fills client.in with what comes next. As wire_read. */
size_t wire_raw_receive(struct wire_client *client, void *data, size_t len);
bool wire_raw_write(struct wire_client *client, const void *data, size_t len);
void wire_raw_fini(struct wire_client *client);
/* Exactly len bytes of TCP. False: the connection ended before, client.end says how. */
bool wire_read_tcp(struct wire_client *client, void *data, size_t len);

#endif
