/* SPDX-License-Identifier: Apache-2.0 */
/* Between peer.c and handshake.c: it names OpenSSL's types. */
#ifndef SLUICE_TLS_PEER_PRIVATE_H
#define SLUICE_TLS_PEER_PRIVATE_H

#include <openssl/ssl.h>

#include "tls/peer.h"

/*
 * The peer whose certificate ssl has just verified by ctx; identity is that certificate's and is
 * taken over, whatever comes of it. 0 and *peer with a reference; -ENOMEM; -E2BIG: the chain is
 * longer than PEER_CERTS_MAX or PEER_DER_BYTES_MAX.
 */
int peers_take(struct peers *peers, const SSL *ssl, const struct tls_ctx *ctx,
	       struct identity *identity, struct peer **peer);

#endif
