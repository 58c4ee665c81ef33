/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tls_ctx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/must.h"
#include "tls/tls_ctx_private.h"

/* "FILE: WHAT: the library's reason"; empties the error queue. */
static void explain(char error[ERROR_TEXT_MAX], const char *file, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
	/* A system error (no such file, permission) says more than the library's. */
	for (unsigned long c; (c = ERR_get_error()) != 0;)
		if (ERR_GET_LIB(c) == ERR_LIB_SYS)
			reason = strerror(ERR_GET_REASON(c));
	snprintf(error, ERROR_TEXT_MAX, "%s: %s%s%s", file, what, reason != NULL ? ": " : "",
		 reason != NULL ? reason : "");
}

static int set_ciphers(SSL_CTX *ssl_ctx, const struct config *config, char error[ERROR_TEXT_MAX])
{
	char list[256] = "";
	for (unsigned i = 0; i < config->cipher_count; i++) {
		size_t used = strlen(list);
		snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ":" : "",
			 tls_cipher_label(config->ciphers[i]));
	}
	if (SSL_CTX_set_ciphersuites(ssl_ctx, list) != 1) {
		explain(error, list, "the TLS library has none of these ciphers");
		return -EINVAL;
	}
	return 0;
}

static int load_own_certificate(SSL_CTX *ssl_ctx, const struct config *config,
				char error[ERROR_TEXT_MAX])
{
	if (SSL_CTX_use_certificate_chain_file(ssl_ctx, config->cert_file) != 1) {
		explain(error, config->cert_file,
			"cannot read the server certificate (PEM, --cert)");
		return -EINVAL;
	}
	if (SSL_CTX_use_PrivateKey_file(ssl_ctx, config->key_file, SSL_FILETYPE_PEM) != 1) {
		unsigned long code = ERR_peek_last_error();
		bool is_mismatch = ERR_GET_LIB(code) == ERR_LIB_X509;
		explain(error, config->key_file,
			is_mismatch
				? "this private key does not belong to the certificate of --cert"
				: "cannot read the private key (PEM without passphrase, --key)");
		return -EINVAL;
	}
	if (SSL_CTX_check_private_key(ssl_ctx) != 1) {
		explain(error, config->key_file,
			"this private key does not belong to the certificate of --cert");
		return -EINVAL;
	}
	X509 *cert = SSL_CTX_get0_certificate(ssl_ctx);
	if (X509_check_purpose(cert, X509_PURPOSE_SSL_SERVER, 0) != 1) {
		explain(error, config->cert_file,
			"this certificate is not for a server (extendedKeyUsage lacks serverAuth)");
		return -EINVAL;
	}
	return 0;
}

static int load_client_cas(SSL_CTX *ssl_ctx, const struct config *config,
			   char error[ERROR_TEXT_MAX])
{
	const char *file = config->client_ca_file;
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);
	if (names == NULL || SSL_CTX_load_verify_locations(ssl_ctx, file, NULL) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		explain(error, file, "cannot read CA certificates of clients (PEM, --client-ca)");
		return -EINVAL;
	}
	SSL_CTX_set_client_CA_list(ssl_ctx, names); /* takes names */
	return 0;
}

/* Every CRL of the file goes in the store; then the leaf must be covered by a current one. */
static int load_crl(SSL_CTX *ssl_ctx, const char *file, char error[ERROR_TEXT_MAX])
{
	X509_STORE *store = SSL_CTX_get_cert_store(ssl_ctx);
	BIO *bio = BIO_new_file(file, "r");
	X509_CRL *crl = NULL;
	unsigned count = 0;
	bool is_whole = bio != NULL;

	while (is_whole && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		is_whole = X509_STORE_add_crl(store, crl) == 1;
		X509_CRL_free(crl);
		count++;
	}
	/* The end of the file is an error too, the only good one. */
	if (crl == NULL && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		is_whole = false;
	BIO_free(bio);
	if (count == 0 || !is_whole) {
		explain(error, file,
			count <= 1 ? "cannot read a CRL (PEM, --crl)"
				   : "cannot read every CRL of this file (PEM, --crl)");
		return -EINVAL;
	}
	ERR_clear_error();
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
	return 0;
}

/* http/1.1 if the client offers it. Offering only others is not refused: the port speaks nothing
 * else, and clients that name no protocol are served too. */
static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		       const unsigned char *offered, unsigned offered_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;
	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, offered, offered_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static void set_protocol(SSL_CTX *ssl_ctx)
{
	SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_3_VERSION);
	SSL_CTX_set_max_proto_version(ssl_ctx, TLS1_3_VERSION);
	/* No resumption: a ticket would outlive the revocation of its certificate, and a ticket
	 * sent after Finished would use up sequence numbers of the key that we install. */
	SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_CIPHER_SERVER_PREFERENCE |
					     SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_num_tickets(ssl_ctx, 0);
	SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_early_data(ssl_ctx, 0);
	/* The library must not read past Finished: what follows is for the new record layer. */
	SSL_CTX_set_read_ahead(ssl_ctx, 0);
	SSL_CTX_set_mode(ssl_ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set1_groups_list(ssl_ctx, "X25519:P-256:P-384");
	SSL_CTX_set_verify(ssl_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   handshake_verify_callback);
	SSL_CTX_set_keylog_callback(ssl_ctx, handshake_keylog_callback);
	SSL_CTX_set_alpn_select_cb(ssl_ctx, select_alpn, NULL);
}

static int64_t not_after(SSL_CTX *ssl_ctx)
{
	struct tm tm;
	if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(ssl_ctx)), &tm) != 1)
		return 0;
	return timegm(&tm);
}

struct tls_ctx *tls_ctx_new(const struct config *config, char error[ERROR_TEXT_MAX])
{
	struct tls_ctx *ctx = calloc(1, sizeof(*ctx));
	if (ctx == NULL || (ctx->ssl_ctx = SSL_CTX_new(TLS_server_method())) == NULL) {
		explain(error, "TLS", "no memory");
		goto fail;
	}
	set_protocol(ctx->ssl_ctx);
	if (set_ciphers(ctx->ssl_ctx, config, error) < 0 ||
	    load_own_certificate(ctx->ssl_ctx, config, error) < 0 ||
	    load_client_cas(ctx->ssl_ctx, config, error) < 0)
		goto fail;
	if (config->crl_file[0] != '\0' && load_crl(ctx->ssl_ctx, config->crl_file, error) < 0)
		goto fail;
	ctx->allowed_sans = config->allowed_sans;
	ctx->allowed_san_count = config->allowed_san_count;
	ctx->not_after = not_after(ctx->ssl_ctx);
	if (ctx->not_after < time(NULL)) {
		explain(error, config->cert_file, "the server certificate has expired; renew it");
		goto fail;
	}
	return ctx;
fail:
	tls_ctx_free(ctx);
	return NULL;
}

void tls_ctx_free(struct tls_ctx *ctx)
{
	if (ctx == NULL)
		return;
	SSL_CTX_free(ctx->ssl_ctx);
	free(ctx);
}

int64_t tls_ctx_not_after(const struct tls_ctx *ctx)
{
	return ctx->not_after;
}
