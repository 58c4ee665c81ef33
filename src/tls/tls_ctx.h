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
#include "base/log.h"
#include "config/tls_settings.h"

struct tls_ctx;

/*
 * Reads certificate (chain), key, client CA bundle and CRLs as settings name them, and checks that
 * they belong together: the key to the certificate, the certificate to a server, the chain's
 * certificates to each other, nothing of them expired; every CA may issue certificates, one at
 * least is valid; every CRL in the name of a CA is complete and signed by it. Returns the context
 * with one reference, or NULL with one line in error: file, what, what to do (exit code 5 for the
 * caller).
 *
 * generation: greater than that of every earlier one. settings need not outlive the call.
 */
struct tls_ctx *tls_ctx_new(const struct tls_settings *settings, uint64_t generation,
			    char error[ERROR_TEXT_MAX]);
/*
 * The same for a reload; before is in force. Each part (our pair and ciphers; a bundle of CAs; a
 * CA; the lists of a CA) counts by itself, and what would be worse than its like in before is left
 * out, with that in its place; flaws say so (tls_flaw_row's is_kept). is_config_kept: settings are
 * those of before, because the new one cannot be read; then no CA counts that does not in before.
 *
 * NULL, with one line in error: no memory; or settings are others, and what they name cannot be
 * read: before has nothing that could take its place. Go by the configuration of before then.
 */
struct tls_ctx *tls_ctx_renew(const struct tls_settings *settings, const struct tls_ctx *before,
			      bool is_config_kept, uint64_t generation, char error[ERROR_TEXT_MAX]);
/* Our own side of before, in the place of ctx's; why goes into the flaw. Before ctx is used. */
void tls_ctx_keep_own(struct tls_ctx *ctx, const struct tls_ctx *before, const char *why);

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

/*
 * What is not as it should be, and does not keep a server from serving. One row makes the enum, the
 * label of the metric and the level of the log.
 * F(ID, label, log level, whether it says that something was not taken up)
 */
#define TLS_FLAWS(F)                                                                               \
	F(CERT_KEPT, "certificate_kept", ERROR, true)                                              \
	F(CA_KEPT, "ca_kept", ERROR, true)                                                         \
	F(CRL_KEPT, "crl_kept", ERROR, true)                                                       \
	F(CA_UNUSABLE, "ca_unusable", ERROR, true)                                                 \
	F(CRL_UNUSABLE, "crl_unusable", ERROR, true)                                               \
	F(CERT_UNUSABLE, "certificate_unusable", ERROR, true)                                      \
	F(CERT_INVALID, "certificate_invalid", ERROR, false)                                       \
	F(CRL_EXPIRED, "crl_expired", ERROR, false)                                                \
	F(CRL_NOT_YET_VALID, "crl_not_yet_valid", ERROR, false)                                    \
	F(CRL_MISSING, "crl_missing", WARN, false)                                                 \
	F(CRL_FOREIGN, "crl_foreign", WARN, false)                                                 \
	F(CA_EXPIRED, "ca_expired", WARN, false)                                                   \
	F(CA_AMBIGUOUS, "ca_ambiguous", WARN, false)                                               \
	F(CHAIN_LACKING, "chain_lacking", WARN, false)                                             \
	F(PEM_IGNORED, "pem_ignored", WARN, false)                                                 \
	F(GROUP_LACKING, "group_lacking", WARN, false)                                             \
	F(CERT_UNUSED, "certificate_unused", WARN, false)

#define TLS_FLAW_ENUM(id, ...) TLS_FLAW_##id,
enum tls_flaw_kind { TLS_FLAWS(TLS_FLAW_ENUM) TLS_FLAW_KINDS };

struct tls_flaw_row {
	const char *label;
	int level; /* enum log_level */
	bool is_kept;
};
#define TLS_FLAW_ROW(id, label, level, is_kept) {label, LOG_LEVEL_##level, is_kept},
const struct tls_flaw_row *tls_flaw_row(enum tls_flaw_kind kind);

struct tls_flaw {
	enum tls_flaw_kind kind;
	char text[ERROR_TEXT_MAX]; /* one line: file, what, what to do */
};

/* The first TLS_FLAWS_MAX of them. They live as long as ctx. */
unsigned tls_ctx_flaws(const struct tls_ctx *ctx, const struct tls_flaw **flaws);
/* How many there are of a kind. */
unsigned tls_ctx_flaws_of(const struct tls_ctx *ctx, enum tls_flaw_kind kind);
/* Do both trust the same CAs, lists and names? Then they let the same clients in. */
bool tls_ctx_trusts_the_same(const struct tls_ctx *a, const struct tls_ctx *b);
/* Do both have the same certificates of their own, with their chains, in the same order? */
bool tls_ctx_shows_the_same(const struct tls_ctx *a, const struct tls_ctx *b);

enum tls_expiry_of { TLS_EXPIRY_SERVER, TLS_EXPIRY_CLIENT_CA, TLS_EXPIRY_CRL };

/* When something ends that was read from a file. */
struct tls_expiry {
	int64_t at;       /* seconds since 1970; 0: never */
	const char *path; /* the file */
	enum tls_expiry_of of;
	/* Of the certificate, or issuer of the CRL; as RFC 2253 writes it, cut. */
	char subject[TLS_NAME_MAX];
	char serial[TLS_SERIAL_MAX]; /* of the certificate, hex; "": a CRL */
};

/* The server's own certificates first, as they are listed. Returns their number; they live as long
 * as ctx. */
unsigned tls_ctx_expiries(const struct tls_ctx *ctx, const struct tls_expiry **expiries);

#endif
