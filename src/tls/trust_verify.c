/* SPDX-License-Identifier: Apache-2.0 */
/* A client's chain against the CAs and lists of a context. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/must.h"
#include "tls/cert_identity.h"
#include "tls/tls_ctx_private.h"
#include "tls/tls_library.h"

/* ---- Whose it is ----------------------------------------------------------------------------- */

/* The first certificate of the chain that is a CA of ours, be it by another certificate of its name
 * and key: who has that key is to vouch for no more. INT_MAX: none is. */
static int first_anchor(const struct tls_ctx *ctx, const STACK_OF(X509) * chain)
{
	for (int i = 0; i < sk_X509_num(chain); i++)
		if (tls_group_with(ctx, sk_X509_value(chain, i)) != NULL)
			return i;
	return INT_MAX;
}

static const struct tls_ca_group *group_of(const struct tls_ctx *ctx, const STACK_OF(X509) * chain)
{
	int at = first_anchor(ctx, chain);
	return at != INT_MAX ? tls_group_with(ctx, sk_X509_value(chain, at)) : NULL;
}

/* ---- One look -------------------------------------------------------------------------------- */

static const struct tls_ctx *ctx_of(X509_STORE_CTX *store_ctx)
{
	return X509_STORE_CTX_get_app_data(store_ctx);
}

/*
 * The leaf must be covered by a CRL where its CA has a file of them; what stands above it is only
 * looked up where there is one. A list of leaves only is none for it: the verifier takes such a one
 * if it finds no better, and goes on to look the certificate up in it.
 */
static bool is_no_list_needed(X509_STORE_CTX *store_ctx)
{
	int error = X509_STORE_CTX_get_error(store_ctx);

	if (error != X509_V_ERR_UNABLE_TO_GET_CRL && error != X509_V_ERR_DIFFERENT_CRL_SCOPE)
		return false;
	if (X509_STORE_CTX_get_error_depth(store_ctx) > 0)
		return true;
	const struct tls_ca_group *group =
		group_of(ctx_of(store_ctx), X509_STORE_CTX_get0_chain(store_ctx));
	return group != NULL && group->from.crl_file[0] == '\0';
}

static int callback(int preverified, X509_STORE_CTX *store_ctx)
{
	if (preverified == 1)
		return 1;
	if (!is_no_list_needed(store_ctx))
		return 0;
	X509_STORE_CTX_set_error(store_ctx, X509_V_OK);
	return 1;
}

/* issuer NULL: it is not in the chain. A list that is held is signed by a CA of ours of that name.
 */
static bool is_on_list(X509_CRL *crl, X509 *cert, X509 *issuer)
{
	X509_REVOKED *entry;

	return X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(cert)) == 0 &&
	       X509_CRL_get0_by_cert(crl, &entry, cert) == 1 &&
	       (issuer == NULL || tls_is_list_of(crl, issuer));
}

/*
 * Is a certificate of the chain on a list that the verifier does not look at: one that has ended,
 * or begins later, beside a better one; or any, for the last of a chain that does not end in a
 * root?
 */
static bool is_on_other_list(const struct tls_ctx *ctx, const STACK_OF(X509) * chain)
{
	int count = sk_X509_num(chain);

	for (unsigned g = 0; g < ctx->group_count; g++) {
		for (int l = 0; l < sk_X509_CRL_num(ctx->group[g].crls); l++) {
			X509_CRL *crl = sk_X509_CRL_value(ctx->group[g].crls, l);
			for (int i = tls_is_list_in_force(crl) ? count - 1 : 0; i < count; i++)
				if (is_on_list(crl, sk_X509_value(chain, i),
					       sk_X509_value(chain, i + 1)))
					return true;
		}
	}
	return false;
}

/* It does not end in a CA that we have and that signed itself. */
static bool is_without_root(int error)
{
	switch (error) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		return true;
	default:
		return false;
	}
}

/* Has a certificate above the first one of the bundle ended? For Go that first one is an anchor. */
static bool is_above_anchor(const struct tls_ctx *ctx, X509_STORE_CTX *store_ctx)
{
	int error = X509_STORE_CTX_get_error(store_ctx);
	if (error != X509_V_ERR_CERT_HAS_EXPIRED && error != X509_V_ERR_CERT_NOT_YET_VALID)
		return false;
	return X509_STORE_CTX_get_error_depth(store_ctx) >
	       first_anchor(ctx, X509_STORE_CTX_get0_chain(store_ctx));
}

/* Returns an X509_V_ERR_*; X509_V_OK: *verdict has what is known of the chain. */
static int look(struct tls_ctx *ctx, const struct tls_chain *chain, unsigned long flags,
		struct tls_verdict *verdict)
{
	X509_STORE_CTX *store_ctx = X509_STORE_CTX_new_ex(tls_library(), NULL);
	int error = X509_V_ERR_OUT_OF_MEM;

	if (store_ctx == NULL ||
	    X509_STORE_CTX_init(store_ctx, ctx->clients, chain->leaf, chain->rest) != 1 ||
	    X509_STORE_CTX_set_default(store_ctx, "ssl_client") != 1)
		goto out;
	X509_STORE_CTX_set_app_data(store_ctx, ctx);
	X509_STORE_CTX_set_verify_cb(store_ctx, callback);
	X509_STORE_CTX_set_flags(store_ctx,
				 flags | (chain->at == 0 ? X509_V_FLAG_NO_CHECK_TIME : 0));
	if (chain->at != 0)
		X509_STORE_CTX_set_time(store_ctx, 0, chain->at);
	/* As SSL_accept does: keys and digests that are too weak are refused. */
	X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(store_ctx),
					 SSL_CTX_get_security_level(ctx->ssl_ctx));
	if (X509_verify_cert(store_ctx) != 1) {
		error = X509_STORE_CTX_get_error(store_ctx);
		if (error == X509_V_OK) /* the library had no memory to find one */
			error = X509_V_ERR_OUT_OF_MEM;
		verdict->may_end_before = is_without_root(error) || is_above_anchor(ctx, store_ctx);
		goto out;
	}
	const STACK_OF(X509) *verified = X509_STORE_CTX_get0_chain(store_ctx);
	verdict->group = group_of(ctx, verified);
	verdict->until = chain->at != 0 ? tls_trust_holds_until(ctx, verified, chain->at) : 0;
	error = verdict->group == NULL            ? X509_V_ERR_CERT_UNTRUSTED
		: is_on_other_list(ctx, verified) ? X509_V_ERR_CERT_REVOKED
						  : X509_V_OK;
out:
	X509_STORE_CTX_free(store_ctx);
	ERR_clear_error();
	return error;
}

void tls_trust_verify(struct tls_ctx *ctx, const struct tls_chain *chain,
		      struct tls_verdict *verdict)
{
	*verdict = (struct tls_verdict){0};
	verdict->error = look(ctx, chain, 0, verdict);
	/* Each certificate of the bundle is an anchor, as in Go; but one that has its root there is
	 * looked at up to that, whose list may revoke it: a partial chain ends before. */
	if (verdict->error != X509_V_OK && verdict->may_end_before)
		verdict->error = look(ctx, chain, X509_V_FLAG_PARTIAL_CHAIN, verdict);
}

/* ---- How long it holds ----------------------------------------------------------------------- */

/* NULL: never. A time that cannot be read is no time to come; what has it is in force at none. */
static void note_change(const ASN1_TIME *time, int64_t now, int64_t *until)
{
	int64_t at = tls_seconds_of(time);
	if (at > now && at < *until)
		*until = at;
}

static void note_cert_changes(const X509 *cert, int64_t now, int64_t *until)
{
	note_change(X509_get0_notBefore(cert), now, until);
	note_change(X509_get0_notAfter(cert), now, until);
}

int64_t tls_trust_holds_until(const struct tls_ctx *ctx, const STACK_OF(X509) * chain, int64_t now)
{
	int64_t until = INT64_MAX;

	if (sk_X509_num(chain) < 1)
		return 0;
	for (int i = 0; i < sk_X509_num(chain); i++)
		note_cert_changes(sk_X509_value(chain, i), now, &until);
	for (unsigned g = 0; g < ctx->group_count; g++) {
		const struct tls_ca_group *group = &ctx->group[g];
		for (int i = 0; i < sk_X509_num(group->cas); i++)
			note_cert_changes(sk_X509_value(group->cas, i), now, &until);
		for (int i = 0; i < sk_X509_CRL_num(group->crls); i++) {
			const X509_CRL *crl = sk_X509_CRL_value(group->crls, i);
			note_change(X509_CRL_get0_lastUpdate(crl), now, &until);
			note_change(X509_CRL_get0_nextUpdate(crl), now, &until);
		}
	}
	return until;
}

/* ---- Names and reasons ----------------------------------------------------------------------- */

int tls_trust_identify(const struct tls_ctx *ctx, X509 *leaf, const struct tls_ca_group *group,
		       struct identity **identity, enum handshake_failure *failure)
{
	*identity = NULL;
	int r = cert_identity(leaf, identity);

	*failure = r == -ENOMEM ? HANDSHAKE_INTERNAL : HANDSHAKE_IDENTITY_BAD;
	if (r == 0 && (r = client_ca_vouch(&group->from, identity)) < 0)
		*failure = r == -ENOMEM ? HANDSHAKE_INTERNAL : HANDSHAKE_NAME_NOT_VOUCHED;
	if (r == 0 && !tls_trust_allows_names(ctx, *identity)) {
		*failure = HANDSHAKE_SAN_NOT_ALLOWED;
		r = -EACCES;
	}
	if (r < 0) {
		identity_free(*identity);
		*identity = NULL;
	}
	return r;
}

bool tls_trust_allows_names(const struct tls_ctx *ctx, const struct identity *identity)
{
	if (ctx->allowed_san_count == 0)
		return true;
	for (unsigned n = 0; n < identity->count; n++) {
		const struct identity_name *name = &identity->name[n];
		if (name->kind > IDENTITY_IP) /* not a subject alternative name */
			continue;
		for (unsigned i = 0; i < ctx->allowed_san_count; i++)
			if (strlen(ctx->allowed_sans[i]) == name->len &&
			    memcmp(ctx->allowed_sans[i], identity_name_text(identity, n),
				   name->len) == 0)
				return true;
	}
	return false;
}

enum handshake_failure tls_trust_failure_of(int verify_error)
{
	switch (verify_error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return HANDSHAKE_CERT_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return HANDSHAKE_CERT_NOT_YET_VALID;
	case X509_V_ERR_INVALID_PURPOSE:
		return HANDSHAKE_CERT_WRONG_PURPOSE;
	case X509_V_ERR_CERT_REVOKED:
		return HANDSHAKE_CERT_REVOKED;
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_DIFFERENT_CRL_SCOPE:
		return HANDSHAKE_CRL_UNUSABLE;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return HANDSHAKE_CERT_UNKNOWN_CA;
	case X509_V_ERR_OUT_OF_MEM: /* says nothing of the certificate, and is not remembered */
		return HANDSHAKE_INTERNAL;
	default:
		return HANDSHAKE_CERT_BAD;
	}
}
