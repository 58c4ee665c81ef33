/* SPDX-License-Identifier: Apache-2.0 */
/* Between peer.c and handshake.c: it names OpenSSL's types. */
#ifndef SLUICE_TLS_PEER_PRIVATE_H
#define SLUICE_TLS_PEER_PRIVATE_H

#include <openssl/ssl.h>

#include "tls/peer.h"

/* Is what a client sent, its leaf first, within PEER_CERTS_MAX and PEER_DER_BYTES_MAX? To be asked
 * before it is let in. */
bool peer_chain_fits(const STACK_OF(X509) * certs);

/*
 * The peer whose certificate ssl has just verified by ctx; identity is that certificate's and is
 * taken over, whatever comes of it. 0 and *peer with a reference; -ENOMEM.
 */
int peers_take(struct peers *peers, const SSL *ssl, const struct tls_ctx *ctx,
	       struct identity *identity, struct peer **peer);

#endif
