/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_speed.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include <openssl/ssl.h>

#include "base/must.h"

/* The times of the tests are for machines that take no longer for both sides of a mutual handshake:
 * a second is a hundred of them. (On two cores of a Xeon of 2021: 1.4 ms; in the guest of
 * tests/vm: 30.) */
#define HANDSHAKE_MS 10.0
/* The slowest counts: the test may meet the same delay. */
#define HANDSHAKES   4
#define SLOWNESS_MAX 30.0

static SSL *side_new(const char *certs, const SSL_METHOD *method, const char *name)
{
	char path[PATH_MAX];
	SSL_CTX *ctx = SSL_CTX_new(method);

	must(ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1);
	snprintf(path, sizeof(path), "%s/%s.crt", certs, name);
	must(SSL_CTX_use_certificate_file(ctx, path, SSL_FILETYPE_PEM) == 1);
	snprintf(path, sizeof(path), "%s/%s.key", certs, name);
	must(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) == 1);
	snprintf(path, sizeof(path), "%s/ca.crt", certs);
	must(SSL_CTX_load_verify_locations(ctx, path, NULL) == 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL *ssl = SSL_new(ctx);
	must(ssl != NULL);
	SSL_CTX_free(ctx); /* the SSL keeps it */
	return ssl;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* In memory, both sides by turns. */
static void handshake(SSL *client, SSL *server)
{
	BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());

	must(SSL_clear(client) == 1 && SSL_clear(server) == 1);
	must(up != NULL && down != NULL && BIO_up_ref(up) == 1 && BIO_up_ref(down) == 1);
	SSL_set_bio(client, down, up);
	SSL_set_bio(server, up, down);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	bool is_done = false;
	for (int turns = 0; !is_done; turns++) {
		must(turns < 10);
		int c = SSL_do_handshake(client), s = SSL_do_handshake(server);
		is_done = c == 1 && s == 1;
	}
}

double wire_slowness(const char *certs)
{
	SSL *client = side_new(certs, TLS_client_method(), "good");
	SSL *server = side_new(certs, TLS_server_method(), "server");
	double slowest_ms = 0;

	handshake(client, server); /* the library loads what it needs */
	for (int i = 0; i < HANDSHAKES; i++) {
		double since_ms = now_ms();
		handshake(client, server);
		double took_ms = now_ms() - since_ms;
		slowest_ms = took_ms > slowest_ms ? took_ms : slowest_ms;
	}
	SSL_free(client);
	SSL_free(server);
	double slowness = slowest_ms / HANDSHAKE_MS;
	return slowness < 1 ? 1 : slowness > SLOWNESS_MAX ? SLOWNESS_MAX : slowness;
}
