/* SPDX-License-Identifier: Apache-2.0 */
/* Between peer.c and handshake.c: it names OpenSSL's types. */
#ifndef SLUICE_TLS_PEER_PRIVATE_H
#define SLUICE_TLS_PEER_PRIVATE_H

#include <openssl/ssl.h>

#include "tls/peer.h"

#define PEER_FINGERPRINT_BYTES 32 /* SHA-256 */

/* What one handshake found of its client's chain. */
struct peer_finding {
	const struct tls_ctx *ctx; /* by which it is trusted */
	uint8_t fingerprint[PEER_FINGERPRINT_BYTES];
	/* Seconds since 1970: by ctx it is trusted from then until before then, whatever else
	 * happens. until not after from: nothing is known of another time. */
	int64_t from, until;
};

/* Of what a client sent, its leaf first: certs and their order. 0; -E2BIG: it is beyond
 * PEER_CERTS_MAX or PEER_DER_BYTES_MAX, and not to be let in; -ENOMEM. */
int peer_fingerprint(const STACK_OF(X509) * certs, uint8_t fingerprint[PEER_FINGERPRINT_BYTES]);

/*
 * The client that a finished handshake has shown this same chain of, if ctx trusted it then and
 * still does now; with a reference. NULL: verify it. That who shows the chain has its key is
 * another question, to be answered each time.
 */
struct peer *peers_find_trusted(struct peers *peers,
				const uint8_t fingerprint[PEER_FINGERPRINT_BYTES],
				const struct tls_ctx *ctx, int64_t now);

/*
 * The peer of the client that ssl, at the end of its handshake, is with; identity is that of its
 * certificate and is taken over, whatever comes of it. 0 and *peer with a reference; -ENOMEM.
 */
int peers_take(struct peers *peers, const SSL *ssl, const struct peer_finding *finding,
	       struct identity *identity, struct peer **peer);

#endif
