/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/handshake_trial.h"

#include <errno.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls/handshake.h"
#include "tls/tls_ctx_private.h"
#include "tls/tls_groups.h"

/* Each side has its turn so often at most; it takes two. */
#define TURNS_MAX 16

/* A client as they come: every algorithm that the library has, no certificate of its own, and no
 * opinion of the server's. NULL: no memory. */
static SSL *client_new(SSL_CTX *ssl_ctx, BIO *bio)
{
	unsigned lacking;

	/* Whatever this machine's OpenSSL configuration says: clients have their own. */
	SSL_CTX_set_security_level(ssl_ctx, 0);
	SSL_CTX_set_max_proto_version(ssl_ctx, 0);
	SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_3_VERSION);
	SSL_CTX_set_ciphersuites(ssl_ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
					  "TLS_CHACHA20_POLY1305_SHA256");
	tls_groups_allow(ssl_ctx, TLS_GROUPS_ALL, true, &lacking);
	SSL_CTX_set_verify(ssl_ctx, SSL_VERIFY_NONE, NULL);
	SSL *ssl = SSL_new(ssl_ctx);
	if (ssl == NULL) {
		BIO_free(bio);
		return NULL;
	}
	SSL_set_bio(ssl, bio, bio);
	SSL_set_connect_state(ssl);
	return ssl;
}

/* 0: the client has the server's certificate and the proof of its key. */
static int shake_hands(const struct tls_certificate *own, struct handshake *server, SSL *client,
		       char error[ERROR_TEXT_MAX])
{
	for (int turn = 0; turn < TURNS_MAX; turn++) {
		ERR_clear_error();
		if (SSL_do_handshake(client) == 1)
			return 0;
		ERR_clear_error();
		if (handshake_step(server) != -EPROTO)
			continue;
		snprintf(error, ERROR_TEXT_MAX,
			 "%.200s: no TLS 1.3 handshake is possible with this certificate: %s; use "
			 "a key "
			 "of P-256, P-384, Ed25519 or RSA, and ciphers that the library has",
			 own->cert_file, handshake_failure_text(server));
		return -EPROTO;
	}
	snprintf(error, ERROR_TEXT_MAX, "%.200s: a TLS 1.3 handshake in memory does not end",
		 own->cert_file);
	return -EPROTO;
}

/* With this certificate. */
static int try_one(struct tls_ctx *ctx, const struct tls_certificate *own,
		   char error[ERROR_TEXT_MAX])
{
	static const struct ktls_caps no_caps = {0};
	const struct handshake_plan plan = {
		.tls_path = TLS_PATH_USER, .caps = &no_caps, .sys = &ktls_sys_kernel};
	BIO *client_bio = NULL, *server_bio = NULL;
	struct handshake *server = NULL;
	SSL *client = NULL;
	int r = -ENOMEM;

	snprintf(error, ERROR_TEXT_MAX, "no memory for a handshake");
	SSL_CTX *ssl_ctx = SSL_CTX_new(TLS_client_method());
	/* No sockets: a server that reloads is in its sandbox and can make none. */
	if (ssl_ctx != NULL && BIO_new_bio_pair(&client_bio, 0, &server_bio, 0) == 1) {
		client = client_new(ssl_ctx, client_bio);
		server = handshake_new_in_memory(ctx, &plan, server_bio);
	}
	if (client != NULL && server != NULL &&
	    tls_certificates_use(handshake_ssl(server), own->holder) == 0)
		r = shake_hands(own, server, client, error);
	SSL_free(client);
	SSL_CTX_free(ssl_ctx);
	handshake_free(server);
	ERR_clear_error();
	return r;
}

int handshake_trial(struct tls_ctx *ctx, char error[ERROR_TEXT_MAX])
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < ctx->certificate_count; i++)
		r = try_one(ctx, ctx->certificate[i], error);
	return r;
}
