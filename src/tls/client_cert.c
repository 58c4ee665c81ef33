/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/client_cert.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <openssl/x509.h>

#include "tls/cert_identity.h"
#include "tls/pem.h"
#include "tls/tls_ctx_private.h"

/* 0 and *identity, or -EINVAL or -EACCES with error. */
static int judge(const struct tls_settings *settings, const char *file, STACK_OF(X509) * chain,
		 struct identity **identity, char error[ERROR_TEXT_MAX])
{
	const struct tls_chain shown = {
		.leaf = sk_X509_value(chain, 0), .rest = chain, .at = time(NULL)};
	struct tls_ctx *ctx = tls_ctx_new_for_clients(settings, error);
	enum handshake_failure failure;
	struct tls_verdict verdict;
	int r = -EACCES;

	if (ctx == NULL)
		return -EINVAL;
	tls_trust_verify(ctx, &shown, &verdict);
	if (verdict.error != X509_V_OK)
		failure = tls_trust_failure_of(verdict.error);
	else
		r = tls_trust_identify(ctx, shown.leaf, verdict.group, identity, &failure);
	tls_ctx_release(ctx);
	if (r < 0)
		snprintf(error, ERROR_TEXT_MAX, "%.200s: it would not be let in: %s", file,
			 handshake_failure_row(failure)->sentence);
	return r < 0 ? -EACCES : 0;
}

int client_cert_identity(const struct tls_settings *settings, const char *file,
			 struct identity **identity, char error[ERROR_TEXT_MAX])
{
	static const struct pem_wanted wanted = {PEM_CERT, "a client's certificate",
						 "--identity-cert", NULL, NULL};
	STACK_OF(X509) *chain = pem_read_certs(file, &wanted, error);
	bool has_cas = settings->client_ca_file[0] != '\0' || settings->client_ca_text != NULL ||
		       settings->client_ca_count > 0;

	*identity = NULL;
	if (chain == NULL)
		return -EINVAL;
	int r = has_cas ? judge(settings, file, chain, identity, error)
			: cert_identity(sk_X509_value(chain, 0), identity);
	if (r < 0 && !has_cas)
		snprintf(error, ERROR_TEXT_MAX, "%.200s: %s", file,
			 handshake_failure_row(HANDSHAKE_IDENTITY_BAD)->sentence);
	sk_X509_pop_free(chain, X509_free);
	return r < 0 && r != -EACCES ? -EINVAL : r;
}
