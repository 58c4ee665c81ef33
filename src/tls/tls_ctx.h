/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates, trust and ciphers of the object port: built whole from files,
 * checked, then never changed.
 */
#ifndef SLUICE_TLS_TLS_CTX_H
#define SLUICE_TLS_TLS_CTX_H

#include "base/limits.h"
#include "config/config.h"

struct tls_ctx;

/*
 * Reads certificate (chain), key, client CA bundle and CRL as config names them, and checks that
 * the key fits and the certificate is for a server. Returns the context, or NULL with one line in
 * error: file, what, what to do (exit code 5 for the caller).
 */
struct tls_ctx *tls_ctx_new(const struct config *config, char error[ERROR_TEXT_MAX]);
void tls_ctx_free(struct tls_ctx *ctx);

/* When the server's certificate ends, seconds since 1970. */
int64_t tls_ctx_not_after(const struct tls_ctx *ctx);

#endif
