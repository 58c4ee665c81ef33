/* SPDX-License-Identifier: Apache-2.0 */
/* Whom we trust, and whether our own chain can be trusted: files -> X509_STORE, with every check
 * that can be made before a client is there. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls/pem.h"
#include "tls/tls_ctx_private.h"

/* ---- Times and names ------------------------------------------------------------------------- */

static int64_t seconds_of(const ASN1_TIME *time)
{
	struct tm tm;
	return time != NULL && ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
}

static void name_text(const X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = -1;
	if (bio != NULL &&
	    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
		n = BIO_read(bio, out, (int)size - 1);
	out[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
	for (; *out != '\0'; out++)
		if ((unsigned char)*out < 0x20 || *out == 0x7f)
			*out = '?';
}

static void note_expiry(struct tls_ctx *ctx, enum tls_expiry_of of, const char *path,
			const X509_NAME *name, const ASN1_TIME *at)
{
	if (ctx->expiry_count == TLS_EXPIRIES_MAX)
		return;
	struct tls_expiry *expiry = &ctx->expiry[ctx->expiry_count++];
	*expiry = (struct tls_expiry){.of = of, .at = seconds_of(at), .path = path};
	name_text(name, expiry->subject, sizeof(expiry->subject));
}

static void note_cert(struct tls_ctx *ctx, enum tls_expiry_of of, const char *path,
		      const X509 *cert)
{
	unsigned before = ctx->expiry_count;
	note_expiry(ctx, of, path, X509_get_subject_name(cert), X509_get0_notAfter(cert));
	if (ctx->expiry_count == before)
		return;
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *hex = number != NULL ? BN_bn2hex(number) : NULL;
	if (hex != NULL)
		snprintf(ctx->expiry[before].serial, sizeof(ctx->expiry[before].serial), "%s", hex);
	OPENSSL_free(hex);
	BN_free(number);
}

static bool is_past(const ASN1_TIME *time)
{
	return X509_cmp_current_time(time) < 0;
}

/* ---- Our own chain --------------------------------------------------------------------------- */

static bool issued(X509 *issuer, X509 *cert)
{
	return X509_check_issued(issuer, cert) == X509_V_OK &&
	       X509_verify(cert, X509_get0_pubkey(issuer)) == 1;
}

int tls_trust_check_own(struct tls_ctx *ctx, char error[ERROR_TEXT_MAX])
{
	STACK_OF(X509) *chain = NULL;
	X509 *cert = SSL_CTX_get0_certificate(ctx->ssl_ctx);
	const char *what = NULL;

	SSL_CTX_get0_chain_certs(ctx->ssl_ctx, &chain);
	note_cert(ctx, TLS_EXPIRY_SERVER, ctx->cert_file, cert);
	if (is_past(X509_get0_notAfter(cert)))
		what = "the server certificate has expired; renew it";
	else if (!is_past(X509_get0_notBefore(cert)))
		what = "the server certificate is not valid yet; see the clock of this machine";
	for (int i = 0; what == NULL && i < sk_X509_num(chain); i++) {
		X509 *issuer = sk_X509_value(chain, i);
		if (!issued(issuer, cert))
			what = "a certificate of the chain did not issue the one before it; the "
			       "server's own "
			       "comes first, then that of its issuer, and so on";
		else if (is_past(X509_get0_notAfter(issuer)))
			what = "a certificate of the chain has expired; renew it";
		cert = issuer;
	}
	ERR_clear_error();
	if (what == NULL)
		return 0;
	tls_explain(error, ctx->cert_file, what);
	return -EINVAL;
}

/* ---- CAs of clients -------------------------------------------------------------------------- */

static int add_ca(struct tls_ctx *ctx, X509 *cert, STACK_OF(X509_NAME) * names,
		  char error[ERROR_TEXT_MAX])
{
	char subject[128];
	name_text(X509_get_subject_name(cert), subject, sizeof(subject));
	if (X509_check_ca(cert) == 0) {
		snprintf(
			error, ERROR_TEXT_MAX,
			"%.200s: the certificate of %s is not one of a CA; --client-ca names those "
			"that issue clients' certificates",
			ctx->client_ca_file, subject);
		return -EINVAL;
	}
	if (X509_get0_pubkey(cert) == NULL) {
		snprintf(error, ERROR_TEXT_MAX,
			 "%.200s: the key of the CA %s is of a kind that cannot be used here",
			 ctx->client_ca_file, subject);
		ERR_clear_error();
		return -EINVAL;
	}
	X509_NAME *name = X509_NAME_dup(X509_get_subject_name(cert));
	if (name == NULL || sk_X509_NAME_push(names, name) <= 0 ||
	    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx->ssl_ctx), cert) != 1) {
		tls_explain(error, ctx->client_ca_file, "no memory");
		return -EINVAL;
	}
	note_cert(ctx, TLS_EXPIRY_CLIENT_CA, ctx->client_ca_file, cert);
	if (is_past(X509_get0_notAfter(cert)))
		snprintf(ctx->warning, sizeof(ctx->warning),
			 "%.200s: the CA %s has expired; its clients are refused",
			 ctx->client_ca_file, subject);
	return 0;
}

static int load_cas(struct tls_ctx *ctx, STACK_OF(X509) * cas, char error[ERROR_TEXT_MAX])
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
	bool is_one_current = false;
	int r = names != NULL ? 0 : -EINVAL;

	for (int i = 0; r == 0 && i < sk_X509_num(cas); i++) {
		r = add_ca(ctx, sk_X509_value(cas, i), names, error);
		is_one_current |= !is_past(X509_get0_notAfter(sk_X509_value(cas, i)));
	}
	if (r == 0 && !is_one_current) {
		tls_explain(error, ctx->client_ca_file, "every CA of this file has expired");
		r = -EINVAL;
	}
	if (r < 0) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return r;
	}
	SSL_CTX_set_client_CA_list(ctx->ssl_ctx, names); /* takes names */
	return 0;
}

/* ---- Revocation lists ------------------------------------------------------------------------ */

/* As the verifier will look for a list of this CA: by name and key identifier, then the CA's right
 * to sign lists, then the signature. */
static bool is_list_of(X509_CRL *crl, X509 *ca)
{
	AUTHORITY_KEYID *key_id =
		X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
	bool is_meant = X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(ca)) == 0 &&
			(X509_get_key_usage(ca) & KU_CRL_SIGN) != 0 &&
			X509_check_akid(ca, key_id) == X509_V_OK;
	AUTHORITY_KEYID_free(key_id);
	return is_meant && X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1;
}

/* Delta lists, and those for some reasons or of other issuers' certificates, are passed over by the
 * verifier without a word: whom they revoke would be let in. */
static bool is_complete(const X509_CRL *crl)
{
	int found;
	ISSUING_DIST_POINT *scope =
		X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &found, NULL);
	bool is_limited = scope != NULL && (scope->indirectCRL > 0 || scope->onlyattr > 0 ||
					    scope->onlysomereasons != NULL);
	bool is_broken = scope == NULL && found != -1;
	ISSUING_DIST_POINT_free(scope);
	return !is_limited && !is_broken && X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) < 0;
}

static int add_crl(struct tls_ctx *ctx, X509_CRL *crl, STACK_OF(X509) * cas,
		   char error[ERROR_TEXT_MAX])
{
	char issuer[128];
	bool is_ours = false;

	name_text(X509_CRL_get_issuer(crl), issuer, sizeof(issuer));
	for (int i = 0; !is_ours && i < sk_X509_num(cas); i++)
		is_ours = is_list_of(crl, sk_X509_value(cas, i));
	ERR_clear_error();
	if (!is_ours) {
		snprintf(error, ERROR_TEXT_MAX,
			 "%.200s: the CRL of %s is not signed by a CA of --client-ca (of its name "
			 "and key identifier, and with keyUsage cRLSign); leave it out, or add its "
			 "CA",
			 ctx->crl_file, issuer);
		return -EINVAL;
	}
	if (!is_complete(crl)) {
		snprintf(error, ERROR_TEXT_MAX,
			 "%.200s: the CRL of %s is not a complete one, but a delta, or for some "
			 "reasons or other issuers' certificates only; bring a complete one",
			 ctx->crl_file, issuer);
		return -EINVAL;
	}
	note_expiry(ctx, TLS_EXPIRY_CRL, ctx->crl_file, X509_CRL_get_issuer(crl),
		    X509_CRL_get0_nextUpdate(crl));
	if (X509_STORE_add_crl(SSL_CTX_get_cert_store(ctx->ssl_ctx), crl) != 1) {
		tls_explain(error, ctx->crl_file, "no memory");
		return -EINVAL;
	}
	return 0;
}

static bool has_ended(const X509_CRL *crl)
{
	const ASN1_TIME *next_update = X509_CRL_get0_nextUpdate(crl);
	return next_update != NULL && is_past(next_update);
}

/* Are there lists of this CA, and is one of them in force? If not: none of its clients gets in. */
static void note_coverage(struct tls_ctx *ctx, X509 *ca, STACK_OF(X509_CRL) * crls)
{
	X509_CRL *last = NULL;
	bool is_current = false;
	char subject[128];

	for (int i = 0; !is_current && i < sk_X509_CRL_num(crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(crls, i);
		if (!is_list_of(crl, ca))
			continue;
		last = crl;
		is_current = !has_ended(crl) && is_past(X509_CRL_get0_lastUpdate(crl));
	}
	ERR_clear_error();
	if (is_current)
		return;
	name_text(X509_get_subject_name(ca), subject, sizeof(subject));
	if (last == NULL)
		snprintf(ctx->warning, sizeof(ctx->warning),
			 "%.200s: there is no CRL of the CA %s; certificates that it issued itself "
			 "are refused",
			 ctx->crl_file, subject);
	else if (has_ended(last))
		snprintf(ctx->stale, sizeof(ctx->stale),
			 "%.200s: the CRL of %s is past its next update, so its clients are "
			 "refused; bring a current one",
			 ctx->crl_file, subject);
	else
		snprintf(ctx->stale, sizeof(ctx->stale),
			 "%.200s: the CRL of %s is not valid yet, so its clients are refused; see "
			 "the clock of this machine",
			 ctx->crl_file, subject);
}

/* Every CRL of the file goes into the store; then each leaf must be covered by a current one. */
static int load_crls(struct tls_ctx *ctx, STACK_OF(X509) * cas, char error[ERROR_TEXT_MAX])
{
	static const struct pem_wanted wanted = {PEM_CRL, "a CRL", "--crl"};
	STACK_OF(X509_CRL) *crls = pem_read_crls(ctx->crl_file, &wanted, error);
	int r = crls != NULL ? 0 : -EINVAL;

	for (int i = 0; r == 0 && i < sk_X509_CRL_num(crls); i++)
		r = add_crl(ctx, sk_X509_CRL_value(crls, i), cas, error);
	if (r == 0) {
		for (int i = 0; i < sk_X509_num(cas); i++)
			note_coverage(ctx, sk_X509_value(cas, i), crls);
		X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx->ssl_ctx),
				     X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	}
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	return r;
}

/* Our own certificate comes from an intermediate CA that is known here, but not sent: clients that
 * have only the root would refuse it. */
static void note_lacking_chain(struct tls_ctx *ctx, STACK_OF(X509) * cas)
{
	STACK_OF(X509) *chain = NULL;
	X509 *cert = SSL_CTX_get0_certificate(ctx->ssl_ctx);

	SSL_CTX_get0_chain_certs(ctx->ssl_ctx, &chain);
	if (cert == NULL || sk_X509_num(chain) > 0 || ctx->warning[0] != '\0')
		return;
	for (int i = 0; i < sk_X509_num(cas); i++) {
		X509 *ca = sk_X509_value(cas, i);
		if ((X509_get_extension_flags(ca) & EXFLAG_SS) == 0 && issued(ca, cert))
			snprintf(ctx->warning, sizeof(ctx->warning),
				 "%.200s: the intermediate CA that issued this certificate is not "
				 "in the file, and is not sent; clients that do not have it refuse "
				 "the server: add it below the certificate",
				 ctx->cert_file);
	}
	ERR_clear_error();
}

int tls_trust_load_clients(struct tls_ctx *ctx, char error[ERROR_TEXT_MAX])
{
	static const struct pem_wanted wanted = {PEM_CERT, "CA certificates of clients",
						 "--client-ca"};
	STACK_OF(X509) *cas = pem_read_certs(ctx->client_ca_file, &wanted, error);
	if (cas == NULL)
		return -EINVAL;
	int r = load_cas(ctx, cas, error);
	if (r == 0 && ctx->crl_file[0] != '\0')
		r = load_crls(ctx, cas, error);
	if (r == 0)
		note_lacking_chain(ctx, cas);
	sk_X509_pop_free(cas, X509_free);
	return r;
}

/* ---- Verifying ------------------------------------------------------------------------------- */

/* The leaf must be covered by a CRL; what stands above it is only looked up where there is one. A
 * list of leaves only is none for it: the verifier takes such a one if it finds no better, and goes
 * on to look the certificate up in it. */
bool tls_trust_ignores(X509_STORE_CTX *store_ctx)
{
	int error = X509_STORE_CTX_get_error(store_ctx);
	bool is_without_list =
		error == X509_V_ERR_UNABLE_TO_GET_CRL || error == X509_V_ERR_DIFFERENT_CRL_SCOPE;
	if (!is_without_list || X509_STORE_CTX_get_error_depth(store_ctx) == 0)
		return false;
	X509_STORE_CTX_set_error(store_ctx, X509_V_OK);
	return true;
}

/* NULL: never. A time that cannot be read is no time to come; what has it is in force at none. */
static void note_change(const ASN1_TIME *time, int64_t now, int64_t *until)
{
	int64_t at = seconds_of(time);
	if (at > now && at < *until)
		*until = at;
}

static void note_cert_changes(const X509 *cert, int64_t now, int64_t *until)
{
	note_change(X509_get0_notBefore(cert), now, until);
	note_change(X509_get0_notAfter(cert), now, until);
}

int64_t tls_trust_holds_until(struct tls_ctx *ctx, const STACK_OF(X509) * chain, int64_t now)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx->ssl_ctx);
	int64_t until = INT64_MAX;

	if (sk_X509_num(chain) < 1)
		return 0;
	for (int i = 0; i < sk_X509_num(chain); i++)
		note_cert_changes(sk_X509_value(chain, i), now, &until);
	/* Verifying sorts it. */
	X509_STORE_lock(store);
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		const X509_OBJECT *object = sk_X509_OBJECT_value(objects, i);
		const X509_CRL *crl = X509_OBJECT_get0_X509_CRL(object);
		const X509 *ca = X509_OBJECT_get0_X509(object);
		if (crl != NULL) {
			note_change(X509_CRL_get0_lastUpdate(crl), now, &until);
			note_change(X509_CRL_get0_nextUpdate(crl), now, &until);
		}
		if (ca != NULL)
			note_cert_changes(ca, now, &until);
	}
	X509_STORE_unlock(store);
	return until;
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

static int verify_callback(int preverified, X509_STORE_CTX *store_ctx)
{
	return preverified == 1 || tls_trust_ignores(store_ctx);
}

enum handshake_failure tls_trust_verify(struct tls_ctx *ctx, X509 *leaf, STACK_OF(X509) * rest,
					const struct identity *identity, unsigned long flags)
{
	enum handshake_failure failure = HANDSHAKE_INTERNAL;
	X509_STORE_CTX *store_ctx = X509_STORE_CTX_new();

	if (store_ctx == NULL ||
	    X509_STORE_CTX_init(store_ctx, SSL_CTX_get_cert_store(ctx->ssl_ctx), leaf, rest) != 1 ||
	    X509_STORE_CTX_set_default(store_ctx, "ssl_client") != 1)
		goto out;
	X509_STORE_CTX_set_verify_cb(store_ctx, verify_callback);
	X509_STORE_CTX_set_flags(store_ctx, flags);
	/* As SSL_accept does: keys and digests that are too weak are refused. */
	X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(store_ctx),
					 SSL_CTX_get_security_level(ctx->ssl_ctx));
	if (X509_verify_cert(store_ctx) != 1)
		failure = tls_trust_failure_of(X509_STORE_CTX_get_error(store_ctx));
	else if (!tls_trust_allows_names(ctx, identity))
		failure = HANDSHAKE_SAN_NOT_ALLOWED;
	else
		failure = HANDSHAKE_FAILURE_COUNT;
out:
	X509_STORE_CTX_free(store_ctx);
	ERR_clear_error();
	return failure;
}
