/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates, trust and ciphers of the object port: built whole from files,
 * checked, then never changed. What replaces it is another one, of a later
 * generation; handshakes that have begun keep theirs until they end.
 */
#ifndef SLUICE_TLS_TLS_CTX_H
#define SLUICE_TLS_TLS_CTX_H

#include <stdint.h>

#include "base/limits.h"
#include "config/config.h"

struct tls_ctx;

/*
 * Reads certificate (chain), key, client CA bundle and CRLs as config names them, and checks that
 * they belong together: the key to the certificate, the certificate to a server, the chain's
 * certificates to each other, nothing of them expired; every CA may issue certificates, one at
 * least is valid; every CRL is signed by a CA of the bundle. Returns the context with one
 * reference, or NULL with one line in error: file, what, what to do (exit code 5 for the caller).
 *
 * generation: greater than that of every earlier one. config need not outlive the call.
 */
struct tls_ctx *tls_ctx_new(const struct config *config, uint64_t generation,
			    char error[ERROR_TEXT_MAX]);

/* What a client needs; borrowed for the call. */
struct tls_client_files {
	const char *cert_file; /* and its chain */
	const char *key_file;
	const char *ca_file;     /* who may have issued the server's certificate */
	const char *server_name; /* a DNS name or an IP address, which that certificate must have */
};

/*
 * The context of a client that shows a certificate. As above, NULL with one line in error when the
 * files cannot be read, do not belong together, are not for a client, or when the name is none.
 */
struct tls_ctx *tls_ctx_new_client(const struct tls_client_files *files,
				   char error[ERROR_TEXT_MAX]);

/* From any thread. */
struct tls_ctx *tls_ctx_ref(struct tls_ctx *ctx);
/* Gives one reference back; the last frees. NULL is fine. */
void tls_ctx_release(struct tls_ctx *ctx);

/* A CRL that is past its next update, or not valid yet, so that the clients of its CA are refused:
 * one line that says so; "": there is none. A server may start so, and take up a current list
 * later, but does not put it in the place of a better one. */
const char *tls_ctx_stale(const struct tls_ctx *ctx);
/* What is allowed and worth a word, "": nothing: a CA that has expired, or that has no CRL beside
 * others that do, or our own certificate without the intermediate CA that issued it. */
const char *tls_ctx_warning(const struct tls_ctx *ctx);

enum tls_expiry_of { TLS_EXPIRY_SERVER, TLS_EXPIRY_CLIENT_CA, TLS_EXPIRY_CRL };

/* When something ends that was read from a file. */
struct tls_expiry {
	enum tls_expiry_of of;
	int64_t at;        /* seconds since 1970; 0: never */
	const char *path;  /* the file */
	char subject[128]; /* of the certificate, or issuer of the CRL; as RFC 2253 writes it, cut
			    */
	char serial[41];   /* of the certificate, hex; "": a CRL */
};

/* The server's own certificate first. Returns their number; they live as long as ctx. */
unsigned tls_ctx_expiries(const struct tls_ctx *ctx, const struct tls_expiry **expiries);

#endif
