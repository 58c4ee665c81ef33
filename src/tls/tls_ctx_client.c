/* SPDX-License-Identifier: Apache-2.0 */
/* The context of a client: its own certificate, the CAs of servers, and the name that the server
 * must have. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls/pem.h"
#include "tls/tls_ctx_private.h"
#include "tls/tls_groups.h"
#include "tls/tls_library.h"

/* The order of `sluice serve`, so that servers that follow the client's choose the same. */
static const char ciphers[] =
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const unsigned char protocols[] = "\x08http/1.1";

static int take_name(struct tls_ctx *ctx, const char *name, char error[ERROR_TEXT_MAX])
{
	uint8_t address[sizeof(struct in6_addr)];

	if (name[0] == '\0' || strlen(name) > SERVER_NAME_BYTES_MAX) {
		snprintf(error, ERROR_TEXT_MAX, "\"%.100s\" is not the name of a server", name);
		return -EINVAL;
	}
	memcpy(ctx->server_name, name, strlen(name) + 1);
	ctx->is_address =
		inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
	return 0;
}

static int load_cas(struct tls_ctx *ctx, const char *file, char error[ERROR_TEXT_MAX])
{
	static const struct pem_wanted wanted = {PEM_CERT, "CA certificates", "--ca", NULL, NULL};
	STACK_OF(X509) *cas = pem_read_certs(file, &wanted, error);
	int r = cas != NULL ? 0 : -EINVAL;

	for (int i = 0; r == 0 && i < sk_X509_num(cas); i++) {
		if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx->ssl_ctx),
					sk_X509_value(cas, i)) == 1)
			continue;
		tls_explain(error, file, "no memory");
		r = -EINVAL;
	}
	sk_X509_pop_free(cas, X509_free);
	return r;
}

static int load(struct tls_ctx *ctx, const struct tls_client_files *files,
		char error[ERROR_TEXT_MAX])
{
	const struct tls_own own = {
		.cert_file = files->cert_file,
		.key_file = files->key_file,
		.cert_option = "--cert",
		.key_option = "--key",
		.purpose = X509_PURPOSE_SSL_CLIENT,
		.what = "the client certificate",
		.wrong_purpose =
			"this certificate is not for a client (extendedKeyUsage lacks clientAuth)"};

	if (tls_ctx_load_own(ctx->ssl_ctx, &own, error) < 0)
		return -EINVAL;
	if (load_cas(ctx, files->ca_file, error) < 0)
		return -EINVAL;
	return take_name(ctx, files->server_name, error);
}

struct tls_ctx *tls_ctx_new_client(const struct tls_client_files *files, char error[ERROR_TEXT_MAX])
{
	struct tls_ctx *ctx = calloc(1, sizeof(*ctx));
	unsigned lacking;

	if (ctx == NULL ||
	    (ctx->ssl_ctx = SSL_CTX_new_ex(tls_library(), NULL, TLS_client_method())) == NULL) {
		tls_explain(error, "TLS", "no memory");
		free(ctx);
		return NULL;
	}
	atomic_init(&ctx->refs, 1);
	ctx->is_client = true;
	tls_ctx_set_protocol(ctx->ssl_ctx);
	SSL_CTX_set_ciphersuites(ctx->ssl_ctx, ciphers);
	SSL_CTX_set_alpn_protos(ctx->ssl_ctx, protocols, sizeof(protocols) - 1);
	int r = tls_groups_allow(ctx->ssl_ctx, TLS_GROUPS_DEFAULT, true, &lacking);
	if (r < 0)
		tls_explain(error, "TLS", "the library has no group for the key exchange");
	else
		r = load(ctx, files, error);
	ERR_clear_error();
	if (r == 0)
		return ctx;
	tls_ctx_release(ctx);
	return NULL;
}
