/* SPDX-License-Identifier: Apache-2.0 */
/* What tls_ctx.c, tls_trust.c, peer.c and handshake.c share. Nobody else includes this. */
#ifndef SLUICE_TLS_TLS_CTX_PRIVATE_H
#define SLUICE_TLS_TLS_CTX_PRIVATE_H

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "access/identity.h"
#include "base/reasons.h"
#include "tls/tls_ctx.h"

/* CAs that may vouch for the same clients: an entry of client_cas, or client_ca_file. */
struct tls_ca_group {
	struct client_ca from;     /* a copy */
	char *ca_text;             /* NULL, or in place of its ca_file, which is a name then */
	STACK_OF(X509) * cas;      /* each an anchor */
	STACK_OF(X509_CRL) * crls; /* each signed by one of cas, and complete */
};

/* A certificate of a server's; shared by the contexts that have it. */
struct tls_certificate {
	atomic_uint refs;
	SSL_CTX *holder; /* has it, its chain and its key; no handshake is made with it */
	char cert_file[PATH_MAX];
	char **names; /* DNS names of subjectAltName, lower case */
	unsigned name_count;
};

struct tls_ctx {
	atomic_uint refs;
	bool is_client;
	bool is_address;                             /* server_name is an IP address */
	char server_name[SERVER_NAME_BYTES_MAX + 1]; /* client: whom the server must be */
	uint64_t generation;
	SSL_CTX *ssl_ctx;
	char *allowed_sans[ALLOWED_SANS_MAX];
	unsigned allowed_san_count;
	struct tls_certificate *certificate[CERTIFICATES_MAX]; /* the default first */
	unsigned certificate_place[CERTIFICATES_MAX];          /* of each in the configuration */
	unsigned certificate_count;
	/* A server: whom it trusts. The store has the CAs and lists of all groups. */
	X509_STORE *clients;
	STACK_OF(X509_NAME) * ca_names;
	struct tls_ca_group group[CLIENT_CAS_MAX];
	unsigned group_count;
	bool has_kept_own; /* ssl_ctx is also that of an earlier one, whose ca_names it sends */
	unsigned flaw_count;
	struct tls_flaw flaw[TLS_FLAWS_MAX];
	unsigned flaws_of[TLS_FLAW_KINDS];
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
	const char *cert_text; /* NULL, or in place of the files, which are names then */
	const char *key_text;
	const char *cert_option; /* what names the files: "--cert" */
	const char *key_option;
	int purpose;      /* X509_PURPOSE_SSL_* */
	const char *what; /* "the server certificate" */
	const char *wrong_purpose;
	char *ignored; /* as of struct pem_wanted */
};
/* Certificate, chain and key into ssl_ctx; they must belong together and be for the purpose. 0 or
 * -EINVAL with one line in error. */
int tls_ctx_load_own(SSL_CTX *ssl_ctx, const struct tls_own *own, char error[ERROR_TEXT_MAX]);

/* A context with trust in clients alone: no server can use it. NULL: one line in error. */
struct tls_ctx *tls_ctx_new_for_clients(const struct tls_settings *settings,
					char error[ERROR_TEXT_MAX]);
/* "FILE: WHAT", and empties the error queue: what is words for what the library says. */
void tls_explain(char error[ERROR_TEXT_MAX], const char *file, const char *what);

/* ---- tls_trust.c ---- */

int64_t tls_seconds_of(const ASN1_TIME *time); /* since 1970; 0: it cannot be told */
bool tls_is_past(const ASN1_TIME *time);
/* As RFC 2253 writes it, without control bytes. */
void tls_name_text(const X509_NAME *name, char out[TLS_NAME_MAX]);
void tls_note_expiry(struct tls_ctx *ctx, enum tls_expiry_of of, const char *path,
		     const X509_NAME *name, const ASN1_TIME *at);
void tls_note_cert(struct tls_ctx *ctx, enum tls_expiry_of of, const char *path, const X509 *cert);
void tls_flaw(struct tls_ctx *ctx, enum tls_flaw_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A server's ssl_ctx has its certificate and chain: are they whole and current? NULL: yes; else
 * what is wrong. */
const char *tls_trust_flaw_of_own(SSL_CTX *ssl_ctx);
/* A flaw for each certificate whose chain lacks an intermediate that is among ctx's CAs of clients.
 */
void tls_trust_note_lacking_chain(struct tls_ctx *ctx);

/* ---- tls_certificates.c ---- */

/* Reads all that settings name, and gives the default to ctx->ssl_ctx; where they are several, a
 * handshake chooses. 0 or -EINVAL. before: as of tls_ctx_new. */
int tls_certificates_load(struct tls_ctx *ctx, const struct tls_settings *settings,
			  const struct tls_ctx *before, char error[ERROR_TEXT_MAX]);
/* Those of before in the place of ctx's. */
void tls_certificates_keep(struct tls_ctx *ctx, const struct tls_ctx *before);
/* Notes, anew, when they end. */
void tls_certificates_note_ends(struct tls_ctx *ctx);
void tls_certificates_fini(struct tls_ctx *ctx);
/* The one for a client that asks for this name; NULL: for no name. */
const struct tls_certificate *tls_certificates_find(const struct tls_ctx *ctx, const char *name);
/* What the holder has is shown by ssl, whatever else it had or the client asks for. 0, or -ENOMEM.
 */
int tls_certificates_use(SSL *ssl, SSL_CTX *holder);
/* Does a DNS name of a certificate, in lower case, match a host's name? RFC 9525 section 6.3. */
bool tls_name_matches(const char *pattern, const char *host);

/* ---- trust_clients.c ---- */

/* Reads the files of ctx's groups: 0 or -EINVAL. The others: as of tls_ctx_renew. */
int tls_clients_load(struct tls_ctx *ctx, const struct tls_ctx *before, bool is_config_kept,
		     char error[ERROR_TEXT_MAX]);
/* The same name and key: one CA, be it by two certificates. */
bool tls_is_same_ca(const X509 *a, const X509 *b);
void tls_clients_fini(struct tls_ctx *ctx);
/* Has the group this CA, be it by another certificate of its name and key? */
bool tls_group_has(const struct tls_ca_group *group, const X509 *ca);
/* The first that has it; NULL: none. */
const struct tls_ca_group *tls_group_with(const struct tls_ctx *ctx, const X509 *ca);
bool tls_is_list_in_force(const X509_CRL *crl);
/* Is the list one of this CA, signed by it? */
bool tls_is_list_of(X509_CRL *crl, X509 *ca);

/* ---- trust_verify.c ---- */

/* What a client has shown: borrowed. */
struct tls_chain {
	X509 *leaf;
	STACK_OF(X509) * rest; /* may hold the leaf, too */
	int64_t at; /* verified as of then, seconds since 1970; 0: times are not looked at */
};

struct tls_verdict {
	int error;           /* X509_V_OK: let in; else an X509_V_ERR_* */
	bool may_end_before; /* inside: a shorter chain may do */
	/* If let in: */
	int64_t until; /* tls_trust_holds_until; 0 without a time */
	const struct tls_ca_group
		*group; /* of the first certificate of the chain that is a CA of ours */
};

/* Would the client with this chain be let in? Its names are not looked at. */
void tls_trust_verify(struct tls_ctx *ctx, const struct tls_chain *chain,
		      struct tls_verdict *verdict);
/* Who is the client with this leaf, that a CA of the group has issued? 0 and *identity, the
 * caller's: its names that count. Else -EACCES, -EINVAL, -E2BIG, -ENOMEM; *failure says which, and
 * *identity is NULL. */
int tls_trust_identify(const struct tls_ctx *ctx, X509 *leaf, const struct tls_ca_group *group,
		       struct identity **identity, enum handshake_failure *failure);
/* Is a subject alternative name of the client's among client_allowed_sans, if there are any? */
bool tls_trust_allows_names(const struct tls_ctx *ctx, const struct identity *identity);
/* Until when does it hold that ctx trusts this chain, verified as of now (both seconds since 1970),
 * if only time passes? Until anything of the chain, or a CA or a CRL of ctx, ends or begins: the
 * first instant when it may be otherwise. 0: it cannot be told. */
int64_t tls_trust_holds_until(const struct tls_ctx *ctx, const STACK_OF(X509) * chain, int64_t now);
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
SSL *handshake_ssl(struct handshake *handshake);
/* The context of the handshake that the SSL belongs to. */
struct tls_ctx *handshake_ctx_of(const SSL *ssl);

#endif
