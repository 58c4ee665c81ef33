/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/client_cert.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <openssl/x509.h>

#include "tls/cert_identity.h"
#include "tls/pem.h"
#include "tls/tls_ctx_private.h"

/* 0, or -EINVAL or -EACCES with error. */
static int judge(const struct config *config, const char *file, STACK_OF(X509) * chain,
		 const struct identity *identity, char error[ERROR_TEXT_MAX])
{
	struct tls_ctx *ctx = tls_ctx_new_for_clients(config, error);
	if (ctx == NULL)
		return -EINVAL;
	const struct tls_chain shown = {
		.leaf = sk_X509_value(chain, 0), .rest = chain, .at = time(NULL)};
	struct tls_verdict verdict;
	enum handshake_failure failure;

	tls_trust_verify(ctx, &shown, &verdict);
	bool is_trusted = verdict.error == X509_V_OK;
	bool is_named = tls_trust_allows_names(ctx, identity);
	tls_ctx_release(ctx);
	if (is_trusted && is_named)
		return 0;
	failure = is_trusted ? HANDSHAKE_SAN_NOT_ALLOWED : tls_trust_failure_of(verdict.error);
	snprintf(error, ERROR_TEXT_MAX, "%.200s: it would not be let in: %s", file,
		 handshake_failure_row(failure)->sentence);
	return -EACCES;
}

int client_cert_identity(const struct config *config, const char *file, struct identity **identity,
			 char error[ERROR_TEXT_MAX])
{
	static const struct pem_wanted wanted = {PEM_CERT, "a client's certificate",
						 "--identity-cert", NULL};
	STACK_OF(X509) *chain = pem_read_certs(file, &wanted, error);
	if (chain == NULL)
		return -EINVAL;
	int r = cert_identity(sk_X509_value(chain, 0), identity);
	if (r < 0)
		snprintf(error, ERROR_TEXT_MAX, "%.200s: %s", file,
			 handshake_failure_row(HANDSHAKE_IDENTITY_BAD)->sentence);
	else if (config->client_ca_file[0] != '\0')
		r = judge(config, file, chain, *identity, error);
	if (r < 0 && r != -EACCES)
		r = -EINVAL;
	if (r < 0) {
		identity_free(*identity);
		*identity = NULL;
	}
	sk_X509_pop_free(chain, X509_free);
	return r;
}
