/* SPDX-License-Identifier: Apache-2.0 */
/* What tls_ctx.c, tls_trust.c, peer.c and handshake.c share. Nobody else includes this. */
#ifndef SLUICE_TLS_TLS_CTX_PRIVATE_H
#define SLUICE_TLS_TLS_CTX_PRIVATE_H

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "base/reasons.h"
#include "config/identity.h"
#include "tls/tls_ctx.h"

struct tls_ctx {
	atomic_uint refs;
	bool is_client;
	bool is_address;                             /* server_name is an IP address */
	char server_name[SERVER_NAME_BYTES_MAX + 1]; /* client: whom the server must be */
	uint64_t generation;
	SSL_CTX *ssl_ctx;
	char *allowed_sans[ALLOWED_SANS_MAX];
	unsigned allowed_san_count;
	char cert_file[PATH_MAX]; /* what expiry[] names */
	char client_ca_file[PATH_MAX];
	char crl_file[PATH_MAX];
	char stale[ERROR_TEXT_MAX];
	char warning[ERROR_TEXT_MAX];
	unsigned expiry_count;
	struct tls_expiry expiry[TLS_EXPIRIES_MAX];
};

/* ---- tls_ctx.c ---- */

/* What clients and servers have in common: TLS 1.3 alone, no resumption, no read-ahead, and the
 * callbacks of handshake.c. */
void tls_ctx_set_protocol(SSL_CTX *ssl_ctx);

/* One side's own certificate, in the words of who named the files. */
struct tls_own {
	const char *cert_file;
	const char *key_file;
	int purpose;      /* X509_PURPOSE_SSL_* */
	const char *what; /* "the server certificate" */
	const char *wrong_purpose;
};
/* Certificate, chain and key into ssl_ctx; they must belong together and be for the purpose. 0 or
 * -EINVAL with one line in error. */
int tls_ctx_load_own(SSL_CTX *ssl_ctx, const struct tls_own *own, char error[ERROR_TEXT_MAX]);

/* A context with trust in clients alone: no server can use it. NULL: one line in error. */
struct tls_ctx *tls_ctx_new_for_clients(const struct config *config, char error[ERROR_TEXT_MAX]);
/* "FILE: WHAT", and empties the error queue: what is words for what the library says. */
void tls_explain(char error[ERROR_TEXT_MAX], const char *file, const char *what);

/* ---- tls_trust.c ---- */

/* A server's ctx->ssl_ctx has its certificate and chain: are they whole and current? 0 or -EINVAL.
 */
int tls_trust_check_own(struct tls_ctx *ctx, char error[ERROR_TEXT_MAX]);
/* Reads the files of client CAs and CRLs into ctx. 0 or -EINVAL. */
int tls_trust_load_clients(struct tls_ctx *ctx, char error[ERROR_TEXT_MAX]);
/* One error of verifying a chain, from a verify callback. True: it is none of ours, go on; the
 * error is cleared then. */
bool tls_trust_ignores(X509_STORE_CTX *store_ctx);
/* Is a subject alternative name of the client's among client_allowed_sans, if there are any? */
bool tls_trust_allows_names(const struct tls_ctx *ctx, const struct identity *identity);
/* Would the client with this chain be let in? flags: X509_V_FLAG_*, beside those of the store.
 * HANDSHAKE_FAILURE_COUNT: yes; else why not, HANDSHAKE_INTERNAL: no memory. */
enum handshake_failure tls_trust_verify(struct tls_ctx *ctx, X509 *leaf, STACK_OF(X509) * rest,
					const struct identity *identity, unsigned long flags);
/* Until when does it hold that ctx trusts this chain, verified as of now (both seconds since 1970),
 * if only time passes? Until anything of the chain, or a CA or a CRL of ctx, ends or begins: the
 * first instant when it may be otherwise. 0: it cannot be told. */
int64_t tls_trust_holds_until(struct tls_ctx *ctx, const STACK_OF(X509) * chain, int64_t now);
/* Sorts an X509_V_ERR_*. */
enum handshake_failure tls_trust_failure_of(int verify_error);

/* ---- handshake.c ---- */

/* Installed by tls_ctx_new, answered by the handshake that the SSL belongs to. */
void handshake_keylog_callback(const SSL *ssl, const char *line);
void handshake_message_callback(int is_sent, int version, int type, const void *data, size_t len,
				SSL *ssl, void *unused);
int handshake_verify_client(X509_STORE_CTX *store_ctx, void *unused);
int handshake_verify_callback(int preverified, X509_STORE_CTX *store_ctx);
/* The slot of SSL's ex_data that holds the struct handshake. */
int handshake_ex_index(void);
struct handshake;
struct handshake_plan;
/* For handshake_trial.c: by a BIO, which is taken over also on failure, and never to be finished.
 * NULL: no memory. */
struct handshake *handshake_new_in_memory(struct tls_ctx *ctx, const struct handshake_plan *plan,
					  BIO *bio);

#endif
