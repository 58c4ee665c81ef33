/* SPDX-License-Identifier: Apache-2.0 */
/* What tls_ctx.c and handshake.c share. Nobody else includes this. */
#ifndef SLUICE_TLS_TLS_CTX_PRIVATE_H
#define SLUICE_TLS_TLS_CTX_PRIVATE_H

#include <openssl/ssl.h>

#include "tls/tls_ctx.h"

struct tls_ctx {
	SSL_CTX *ssl_ctx;
	int64_t not_after;
	char *const *allowed_sans; /* of the config, which outlives the context */
	unsigned allowed_san_count;
};

/* Installed by tls_ctx_new, answered by the handshake that the SSL belongs to. */
void handshake_keylog_callback(const SSL *ssl, const char *line);
int handshake_verify_callback(int preverified, X509_STORE_CTX *store_ctx);
/* The slot of SSL's ex_data that holds the struct handshake. */
int handshake_ex_index(void);

#endif
