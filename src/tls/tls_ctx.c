/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tls_ctx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/must.h"
#include "tls/pem.h"
#include "tls/tls_ctx_private.h"
#include "tls/tls_groups.h"
#include "tls/tls_library.h"
#include "tls/version.h"

void tls_explain(char error[ERROR_TEXT_MAX], const char *file, const char *what)
{
	snprintf(error, ERROR_TEXT_MAX, "%.200s: %s", file, what);
	ERR_clear_error();
}

static int set_ciphers(SSL_CTX *ssl_ctx, const struct tls_settings *settings,
		       char error[ERROR_TEXT_MAX])
{
	char list[256] = "";
	for (unsigned i = 0; i < settings->cipher_count; i++) {
		size_t used = strlen(list);
		snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ":" : "",
			 tls_cipher_label(settings->ciphers[i]));
	}
	if (SSL_CTX_set_ciphersuites(ssl_ctx, list) != 1) {
		tls_explain(error, list, "the TLS library has none of these ciphers");
		return -EINVAL;
	}
	return 0;
}

/* One that is named and that the library lacks is worth a warning while another is left. */
static int set_groups(struct tls_ctx *ctx, const struct tls_settings *settings,
		      char error[ERROR_TEXT_MAX])
{
	unsigned wanted = settings->groups != 0 ? settings->groups : TLS_GROUPS_DEFAULT, lacking;
	char names[128];

	int r = tls_groups_allow(ctx->ssl_ctx, wanted, false, &lacking);
	tls_groups_format(lacking, names, sizeof(names));
	if (r < 0) {
		snprintf(error, ERROR_TEXT_MAX,
			 "curve_preferences: %s lacks %s, and no other is allowed",
			 tls_library_version(), names);
		return -EINVAL;
	}
	if (settings->groups != 0 && lacking != 0)
		tls_flaw(ctx, TLS_FLAW_GROUP_LACKING,
			 "curve_preferences: %s lacks %s; clients are not offered it",
			 tls_library_version(), names);
	return 0;
}

/* Why the library does not take a certificate or key that it could read. */
static const char *refusal_of(unsigned long code)
{
	switch (ERR_GET_REASON(code)) {
	case SSL_R_EE_KEY_TOO_SMALL:
	case SSL_R_CA_KEY_TOO_SMALL:
		return "its key is too small for OpenSSL's security level; use RSA of 2048 bits or "
		       "more, or P-256";
	case SSL_R_CA_MD_TOO_WEAK:
		return "its signature uses a digest that is too weak (MD5, SHA-1); have it issued "
		       "anew with SHA-256";
	case ERR_R_MALLOC_FAILURE:
		return "no memory";
	default:
		return "its key is of a kind that cannot be used here; use P-256, P-384, Ed25519 "
		       "or RSA";
	}
}

static int refuse(char error[ERROR_TEXT_MAX], const char *file, const char *what)
{
	tls_explain(error, file, what);
	return -EINVAL;
}

/* The first is the own one, the others are its chain. */
static int use_certs(SSL_CTX *ssl_ctx, STACK_OF(X509) * certs)
{
	if (SSL_CTX_use_certificate(ssl_ctx, sk_X509_value(certs, 0)) != 1 ||
	    SSL_CTX_clear_chain_certs(ssl_ctx) != 1)
		return -EINVAL;
	for (int i = 1; i < sk_X509_num(certs); i++)
		if (SSL_CTX_add1_chain_cert(ssl_ctx, sk_X509_value(certs, i)) != 1)
			return -EINVAL;
	return 0;
}

static int load_certs(SSL_CTX *ssl_ctx, const struct tls_own *own, char error[ERROR_TEXT_MAX])
{
	const struct pem_wanted wanted = {PEM_CERT, own->what, own->cert_option, own->ignored,
					  own->cert_text};
	STACK_OF(X509) *certs = pem_read_certs(own->cert_file, &wanted, error);

	if (certs == NULL)
		return -EINVAL;
	int r = use_certs(ssl_ctx, certs);
	sk_X509_pop_free(certs, X509_free);
	return r < 0 ? refuse(error, own->cert_file, refusal_of(ERR_peek_last_error())) : 0;
}

static int load_key(SSL_CTX *ssl_ctx, const struct tls_own *own, char error[ERROR_TEXT_MAX])
{
	const struct pem_wanted wanted = {PEM_KEY, "the private key", own->key_option, NULL,
					  own->key_text};
	EVP_PKEY *key = pem_read_key(own->key_file, &wanted, error);

	if (key == NULL)
		return -EINVAL;
	bool is_its_own = X509_check_private_key(SSL_CTX_get0_certificate(ssl_ctx), key) == 1;
	bool is_right = is_its_own && SSL_CTX_use_PrivateKey(ssl_ctx, key) == 1 &&
			SSL_CTX_check_private_key(ssl_ctx) == 1;
	EVP_PKEY_free(key);
	if (is_right)
		return 0;
	if (is_its_own)
		return refuse(error, own->key_file, refusal_of(ERR_peek_last_error()));
	bool is_flag = strncmp(own->cert_option, "--", 2) == 0;
	char what[ERROR_TEXT_MAX / 2];
	snprintf(what, sizeof(what),
		 "this private key does not belong to the certificate of %.200s",
		 is_flag ? own->cert_option : own->cert_file);
	return refuse(error, own->key_file, what);
}

int tls_ctx_load_own(SSL_CTX *ssl_ctx, const struct tls_own *own, char error[ERROR_TEXT_MAX])
{
	if (load_certs(ssl_ctx, own, error) < 0 || load_key(ssl_ctx, own, error) < 0)
		return -EINVAL;
	if (X509_check_purpose(SSL_CTX_get0_certificate(ssl_ctx), own->purpose, 0) != 1)
		return refuse(error, own->cert_file, own->wrong_purpose);
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

void tls_ctx_set_protocol(SSL_CTX *ssl_ctx)
{
	SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_3_VERSION);
	SSL_CTX_set_max_proto_version(ssl_ctx, TLS1_3_VERSION);
	/* No resumption: a ticket would outlive the revocation of its certificate, and a ticket
	 * sent after Finished would use up sequence numbers of the key that we install. */
	SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_OFF);
	/* The library must not read past Finished: what follows is for the new record layer. */
	SSL_CTX_set_read_ahead(ssl_ctx, 0);
	/* The chain is what its file says. Else the library builds one from the CAs that the peer
	 * is verified with, anew and with its signatures checked for each handshake, and sends the
	 * root, which the peer has or does not trust. */
	SSL_CTX_set_mode(ssl_ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(ssl_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   handshake_verify_callback);
	SSL_CTX_set_keylog_callback(ssl_ctx, handshake_keylog_callback);
	SSL_CTX_set_msg_callback(ssl_ctx, handshake_message_callback);
}

static void set_server_protocol(SSL_CTX *ssl_ctx, const struct tls_settings *settings)
{
	tls_ctx_set_protocol(ssl_ctx);
	SSL_CTX_set_cert_verify_callback(ssl_ctx, handshake_verify_client, NULL);
	if (settings->prefers_own_ciphers)
		SSL_CTX_set_options(ssl_ctx,
				    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_num_tickets(ssl_ctx, 0);
	SSL_CTX_set_max_early_data(ssl_ctx, 0);
	SSL_CTX_set_alpn_select_cb(ssl_ctx, select_alpn, NULL);
}

static void free_whole(struct tls_ctx *ctx)
{
	if (ctx == NULL)
		return;
	SSL_CTX_free(ctx->ssl_ctx);
	tls_certificates_fini(ctx);
	tls_clients_fini(ctx);
	for (unsigned i = 0; i < ctx->allowed_san_count; i++)
		free(ctx->allowed_sans[i]);
	free(ctx);
}

static int copy_names(struct tls_ctx *ctx, const struct tls_settings *settings)
{
	for (unsigned i = 0; i < settings->allowed_san_count; i++) {
		ctx->allowed_sans[i] = strdup(settings->allowed_sans[i]);
		if (ctx->allowed_sans[i] == NULL)
			return -ENOMEM;
		ctx->allowed_san_count++;
	}
	for (unsigned i = 0; i < settings->client_ca_count; i++) {
		if (client_ca_copy(&ctx->group[i].from, &settings->client_ca[i]) < 0)
			return -ENOMEM;
		ctx->group_count++;
	}
	if (settings->client_ca_count > 0)
		return 0;
	struct tls_ca_group *group = &ctx->group[ctx->group_count++];
	struct client_ca *one = &group->from;
	memcpy(one->ca_file, settings->client_ca_file, PATH_MAX);
	memcpy(one->crl_file, settings->crl_file, PATH_MAX);
	if (one->ca_file[0] == '\0' && settings->client_ca_text != NULL) {
		tls_settings_text_place(settings, "client_ca", one->ca_file);
		group->ca_text = strdup(settings->client_ca_text);
		return group->ca_text != NULL ? 0 : -ENOMEM;
	}
	return 0;
}

/* With one reference, nothing read yet. */
static struct tls_ctx *begin(const struct tls_settings *settings, uint64_t generation,
			     char error[ERROR_TEXT_MAX])
{
	struct tls_ctx *ctx = calloc(1, sizeof(*ctx));
	if (ctx == NULL ||
	    (ctx->ssl_ctx = SSL_CTX_new_ex(tls_library(), NULL, TLS_server_method())) == NULL ||
	    copy_names(ctx, settings) < 0) {
		tls_explain(error, "TLS", "no memory");
		free_whole(ctx);
		return NULL;
	}
	atomic_init(&ctx->refs, 1);
	ctx->generation = generation;
	return ctx;
}

/* ---- Our own side: pair, chain, ciphers ------------------------------------------------------ */

void tls_ctx_keep_own(struct tls_ctx *ctx, const struct tls_ctx *before, const char *why)
{
	must(SSL_CTX_up_ref(before->ssl_ctx) == 1);
	SSL_CTX_free(ctx->ssl_ctx);
	ctx->ssl_ctx = before->ssl_ctx;
	ctx->has_kept_own = true;
	tls_certificates_keep(ctx, before);
	tls_flaw(ctx, TLS_FLAW_CERT_KEPT, "%s; the certificate and key that are in force stay",
		 why);
}

/* 0; -EINVAL: it cannot be used. */
static int load_own(struct tls_ctx *ctx, const struct tls_settings *settings,
		    const struct tls_ctx *before, char error[ERROR_TEXT_MAX])
{
	if (set_ciphers(ctx->ssl_ctx, settings, error) < 0 || set_groups(ctx, settings, error) < 0)
		return -EINVAL;
	return tls_certificates_load(ctx, settings, before, error);
}

/* Names for the CertificateRequest; those of a kept side are its own. */
static int set_ca_names(struct tls_ctx *ctx, char error[ERROR_TEXT_MAX])
{
	STACK_OF(X509_NAME) *names = SSL_dup_CA_list(ctx->ca_names);
	if (names == NULL)
		return refuse(error, "CAs of clients", "no memory");
	SSL_CTX_set_client_CA_list(ctx->ssl_ctx, names); /* takes names */
	return 0;
}

struct tls_ctx *tls_ctx_new(const struct tls_settings *settings, uint64_t generation,
			    char error[ERROR_TEXT_MAX])
{
	return tls_ctx_renew(settings, NULL, false, generation, error);
}

struct tls_ctx *tls_ctx_renew(const struct tls_settings *settings, const struct tls_ctx *before,
			      bool is_config_kept, uint64_t generation, char error[ERROR_TEXT_MAX])
{
	struct tls_ctx *ctx = begin(settings, generation, error);
	if (ctx == NULL)
		return NULL;
	set_server_protocol(ctx->ssl_ctx, settings);
	int r = load_own(ctx, settings, before, error);
	if (r < 0 && before != NULL) {
		tls_ctx_keep_own(ctx, before, error);
		r = 0;
	}
	if (r == 0)
		tls_certificates_note_ends(ctx);
	if (r == 0)
		r = tls_clients_load(ctx, before, is_config_kept, error);
	if (r == 0 && !ctx->has_kept_own)
		r = set_ca_names(ctx, error);
	if (r < 0) {
		free_whole(ctx);
		return NULL;
	}
	tls_trust_note_lacking_chain(ctx);
	return ctx;
}

struct tls_ctx *tls_ctx_new_for_clients(const struct tls_settings *settings,
					char error[ERROR_TEXT_MAX])
{
	struct tls_ctx *ctx = begin(settings, 0, error);
	if (ctx != NULL && tls_clients_load(ctx, NULL, false, error) == 0)
		return ctx;
	free_whole(ctx);
	return NULL;
}

struct tls_ctx *tls_ctx_ref(struct tls_ctx *ctx)
{
	atomic_fetch_add(&ctx->refs, 1);
	return ctx;
}

void tls_ctx_release(struct tls_ctx *ctx)
{
	if (ctx != NULL && atomic_fetch_sub(&ctx->refs, 1) == 1)
		free_whole(ctx);
}

unsigned tls_ctx_expiries(const struct tls_ctx *ctx, const struct tls_expiry **expiries)
{
	*expiries = ctx->expiry;
	return ctx->expiry_count;
}
