/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of the key exchange (RFC 8446 section 4.2.7), as OpenSSL has them: which of those that are
 * allowed does this library have, and which was agreed on. Visible inside tls/ only.
 *
 * The order is ours (enum tls_group), whatever the order of the configuration: the list says what
 * is allowed, as in Go. All are of equal rank to a client's key shares: one that came with the
 * ClientHello is taken, and no HelloRetryRequest asks for another. (OpenSSL 3.5 goes by the
 * client's order instead where SSL_OP_CIPHER_SERVER_PREFERENCE is off, that is with
 * prefer_server_cipher_suites: false.)
 */
#ifndef SLUICE_TLS_TLS_GROUPS_H
#define SLUICE_TLS_TLS_GROUPS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "base/groups.h"

/*
 * Allows those of wanted (1 << enum tls_group, or-ed) that the library has; *lacking is the rest.
 * A client sends key shares for X25519MLKEM768 and X25519, if it has both, as Go's do. 0; -ENOENT:
 * the library has none of them.
 */
int tls_groups_allow(SSL_CTX *ssl_ctx, unsigned wanted, bool is_client, unsigned *lacking);

/* The labels of a set, with commas between. */
void tls_groups_format(unsigned groups, char *out, size_t size);

/* What a handshake that is done has agreed on. TLS_GROUP_OTHER: none of ours. */
enum tls_group tls_groups_agreed(SSL *ssl);

#endif
