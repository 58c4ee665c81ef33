/* SPDX-License-Identifier: Apache-2.0 */
/* The server's certificates: one, or several of which the name that the client asks for (SNI, RFC
 * 6066 section 3) chooses. Names are read when a certificate is loaded; a handshake compares text.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/must.h"
#include "tls/tls_ctx_private.h"
#include "tls/tls_library.h"

/* ---- Names ----------------------------------------------------------------------------------- */

/* Equal but for the case of ASCII letters, up to a dot at the end of host. lower has none. */
static bool is_equal(const char *lower, const char *host)
{
	while (*lower != '\0' && *lower == tolower((unsigned char)*host)) {
		lower++;
		host++;
	}
	return *lower == '\0' && (host[0] == '\0' || strcmp(host, ".") == 0);
}

bool tls_name_matches(const char *pattern, const char *host)
{
	if (strncmp(pattern, "*.", 2) != 0)
		return is_equal(pattern, host);
	/* The whole of the leftmost label, and of no other. */
	size_t label = strcspn(host, ".");
	return label > 0 && host[label] == '.' && is_equal(pattern + 2, host + label + 1);
}

/* One that cannot be asked for is none. */
static char *name_of(const GENERAL_NAME *general)
{
	int type;
	const ASN1_IA5STRING *value = GENERAL_NAME_get0_value(general, &type);

	if (type != GEN_DNS)
		return NULL;
	size_t len = (size_t)ASN1_STRING_length(value);
	const unsigned char *from = ASN1_STRING_get0_data(value);
	char *name = len > 0 && memchr(from, '\0', len) == NULL ? malloc(len + 1) : NULL;
	if (name == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++)
		name[i] = (char)tolower(from[i]);
	name[len - (from[len - 1] == '.')] = '\0';
	return name;
}

/* 0 or -ENOMEM. */
static int read_names(struct tls_certificate *own)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(SSL_CTX_get0_certificate(own->holder),
						NID_subject_alt_name, NULL, NULL);
	int count = sk_GENERAL_NAME_num(names); /* -1: there are none */

	own->names = (char **)calloc(count > 0 ? (size_t)count : 1, sizeof(*own->names));
	for (int i = 0; own->names != NULL && i < count; i++) {
		char *name = name_of(sk_GENERAL_NAME_value(names, i));
		if (name != NULL)
			own->names[own->name_count++] = name;
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return own->names != NULL ? 0 : -ENOMEM;
}

static bool has_name(const struct tls_certificate *own, const char *host, bool by_wildcard)
{
	for (unsigned i = 0; i < own->name_count; i++)
		if ((own->names[i][0] == '*') == by_wildcard &&
		    tls_name_matches(own->names[i], host))
			return true;
	return false;
}

const struct tls_certificate *tls_certificates_find(const struct tls_ctx *ctx, const char *name)
{
	/* A certificate of just this name says more than one of many. */
	for (int by_wildcard = 0; name != NULL && by_wildcard <= 1; by_wildcard++)
		for (unsigned i = 0; i < ctx->certificate_count; i++)
			if (has_name(ctx->certificate[i], name, by_wildcard == 1))
				return ctx->certificate[i];
	return ctx->certificate[0];
}

/* ---- Choosing -------------------------------------------------------------------------------- */

int tls_certificates_use(SSL *ssl, SSL_CTX *holder)
{
	STACK_OF(X509) *chain = NULL;

	SSL_set_cert_cb(ssl, NULL, NULL);
	SSL_CTX_get0_chain_certs(holder, (void *)&chain);
	SSL_certs_clear(ssl); /* else that of the default stays, if its key is of another kind */
	/* Not by SSL_use_cert_and_key: from 3.2 to 3.5.5 it crashes with keys of providers
	 * (ML-DSA). */
	bool is_used = SSL_use_certificate(ssl, SSL_CTX_get0_certificate(holder)) == 1 &&
		       SSL_use_PrivateKey(ssl, SSL_CTX_get0_privatekey(holder)) == 1 &&
		       SSL_set1_chain(ssl, chain) == 1;
	ERR_clear_error();
	return is_used ? 0 : -ENOMEM;
}

/* 1; 0: the handshake ends by internal_error. */
static int choose(SSL *ssl, void *unused)
{
	const struct tls_ctx *ctx = handshake_ctx_of(ssl); /* also of a side that was kept */
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct tls_certificate *own = tls_certificates_find(ctx, name);

	(void)unused;
	return own == ctx->certificate[0] || tls_certificates_use(ssl, own->holder) == 0;
}

/* ---- One of them ----------------------------------------------------------------------------- */

static void release(struct tls_certificate *own)
{
	if (own == NULL || atomic_fetch_sub(&own->refs, 1) > 1)
		return;
	for (unsigned n = 0; n < own->name_count; n++)
		free(own->names[n]);
	free((void *)own->names);
	SSL_CTX_free(own->holder);
	free(own);
}

static struct tls_certificate *certificate_new(const char *cert_file)
{
	struct tls_certificate *own = calloc(1, sizeof(*own));

	if (own == NULL)
		return NULL;
	atomic_init(&own->refs, 1);
	memcpy(own->cert_file, cert_file, strlen(cert_file) + 1);
	own->holder = SSL_CTX_new_ex(tls_library(), NULL, TLS_server_method());
	if (own->holder != NULL)
		return own;
	free(own);
	return NULL;
}

/* Certificate i of settings, under the name of cert_file. NULL: one line in error. */
static struct tls_certificate *load_one(struct tls_ctx *ctx, const struct tls_settings *settings,
					unsigned i, const char *cert_file,
					char error[ERROR_TEXT_MAX])
{
	const bool is_listed = settings->certificate_count > 0;
	char key_place[PATH_MAX];
	const char *key_file = tls_settings_key_file(settings, i);
	bool is_key_text = key_file[0] == '\0' && settings->key_text != NULL;
	char ignored[ERROR_TEXT_MAX] = "";
	const struct tls_own files = {
		.cert_file = cert_file,
		.key_file = is_key_text ? key_place : key_file,
		.cert_text =
			tls_settings_cert_file(settings, i)[0] == '\0' ? settings->cert_text : NULL,
		.key_text = is_key_text ? settings->key_text : NULL,
		.cert_option = is_listed ? "tls_server_config.certificates" : "--cert",
		.key_option = is_listed ? "tls_server_config.certificates" : "--key",
		.purpose = X509_PURPOSE_SSL_SERVER,
		.what = "the server certificate",
		.wrong_purpose =
			"this certificate is not for a server (extendedKeyUsage lacks serverAuth)",
		.ignored = ignored};
	tls_settings_text_place(settings, "key", key_place);
	struct tls_certificate *own = certificate_new(cert_file);

	if (own == NULL)
		tls_explain(error, files.cert_file, "no memory");
	else if (tls_ctx_load_own(own->holder, &files, error) < 0)
		goto fail;
	else if (read_names(own) < 0)
		tls_explain(error, files.cert_file, "no memory");
	else {
		if (ignored[0] != '\0')
			tls_flaw(ctx, TLS_FLAW_PEM_IGNORED, "%s", ignored);
		return own;
	}
fail:
	release(own);
	return NULL;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static bool is_named(const struct tls_settings *settings, const char *cert_file)
{
	for (unsigned i = 0; i < tls_settings_certificate_count(settings); i++)
		if (strcmp(tls_settings_cert_file(settings, i), cert_file) == 0)
			return true;
	return false;
}

/* What is in force in the place of certificate i: that of the same file, or else that of its place
 * whose file is named no more; NULL: nothing. There is always a default. */
static struct tls_certificate *like_of(const struct tls_ctx *before,
				       const struct tls_settings *settings, const char *cert_file,
				       unsigned i)
{
	for (unsigned n = 0; before != NULL && n < before->certificate_count; n++)
		if (strcmp(before->certificate[n]->cert_file, cert_file) == 0)
			return before->certificate[n];
	for (unsigned n = 0; before != NULL && n < before->certificate_count; n++)
		if (before->certificate_place[n] == i &&
		    (i == 0 || !is_named(settings, before->certificate[n]->cert_file)))
			return before->certificate[n];
	return before != NULL && i == 0 ? before->certificate[0] : NULL;
}

/* place: in the list of the configuration. */
static void add(struct tls_ctx *ctx, struct tls_certificate *own, unsigned place)
{
	ctx->certificate_place[ctx->certificate_count] = place;
	ctx->certificate[ctx->certificate_count++] = own;
}

static void add_ref(struct tls_ctx *ctx, struct tls_certificate *own, unsigned place)
{
	atomic_fetch_add(&own->refs, 1);
	add(ctx, own, place);
}

/* 0; -EINVAL, of a start alone. On a reload what is worse than its like in before is not taken. */
static int take_one(struct tls_ctx *ctx, const struct tls_settings *settings, unsigned i,
		    const struct tls_ctx *before, char error[ERROR_TEXT_MAX])
{
	const char *cert_file = tls_settings_cert_file(settings, i);
	char place[PATH_MAX];
	if (cert_file[0] == '\0') {
		tls_settings_text_place(settings, "cert", place);
		cert_file = place;
	}
	struct tls_certificate *own = load_one(ctx, settings, i, cert_file, error);
	struct tls_certificate *like = like_of(before, settings, cert_file, i);
	const char *flaw = own != NULL ? tls_trust_flaw_of_own(own->holder) : NULL;

	if (flaw != NULL) {
		tls_explain(error, cert_file, flaw);
		if (like != NULL && tls_trust_flaw_of_own(like->holder) != NULL) {
			tls_flaw(ctx, TLS_FLAW_CERT_INVALID, "%s", error);
		} else {
			release(own);
			own = NULL;
		}
	}
	if (own != NULL) {
		add(ctx, own, i);
	} else if (before == NULL) {
		return -EINVAL;
	} else if (like != NULL) {
		tls_flaw(ctx, TLS_FLAW_CERT_KEPT,
			 "%s; the certificate and key that are in force stay", error);
		add_ref(ctx, like, i);
	} else {
		tls_flaw(ctx, TLS_FLAW_CERT_UNUSABLE, "%s; no client is shown it", error);
	}
	return 0;
}

/* What is of no use beside those before it. */
static void note_unused(struct tls_ctx *ctx, unsigned at)
{
	const struct tls_certificate *own = ctx->certificate[at];
	unsigned taken = 0;

	for (unsigned n = 0; n < own->name_count; n++) {
		bool is_taken = false;
		for (unsigned i = 0; i < at; i++)
			for (unsigned m = 0; m < ctx->certificate[i]->name_count; m++)
				is_taken |=
					strcmp(ctx->certificate[i]->names[m], own->names[n]) == 0;
		taken += is_taken;
	}
	if (taken == own->name_count)
		tls_flaw(ctx, TLS_FLAW_CERT_UNUSED,
			 "%.200s: no client is shown this certificate: %s", own->cert_file,
			 own->name_count == 0
				 ? "it has no DNS name in its subjectAltName"
				 : "those before it in the list have all of its DNS names");
}

static int use_default(struct tls_ctx *ctx, char error[ERROR_TEXT_MAX])
{
	SSL_CTX *holder = ctx->certificate[0]->holder;
	STACK_OF(X509) *chain = NULL;

	SSL_CTX_get0_chain_certs(holder, (void *)&chain);
	if (SSL_CTX_use_cert_and_key(ctx->ssl_ctx, SSL_CTX_get0_certificate(holder),
				     SSL_CTX_get0_privatekey(holder), chain, 1) == 1)
		return 0;
	tls_explain(error, ctx->certificate[0]->cert_file, "no memory");
	return -EINVAL;
}

int tls_certificates_load(struct tls_ctx *ctx, const struct tls_settings *settings,
			  const struct tls_ctx *before, char error[ERROR_TEXT_MAX])
{
	const unsigned count = tls_settings_certificate_count(settings);

	must(count > 0 && count <= CERTIFICATES_MAX);
	for (unsigned i = 0; i < count; i++)
		if (take_one(ctx, settings, i, before, error) < 0)
			return -EINVAL;
	for (unsigned i = 1; i < ctx->certificate_count; i++)
		note_unused(ctx, i);
	if (ctx->certificate_count > 1)
		SSL_CTX_set_cert_cb(ctx->ssl_ctx, choose, NULL);
	return use_default(ctx, error);
}

void tls_certificates_keep(struct tls_ctx *ctx, const struct tls_ctx *before)
{
	tls_certificates_fini(ctx);
	for (unsigned i = 0; i < before->certificate_count; i++)
		add_ref(ctx, before->certificate[i], before->certificate_place[i]);
	if (ctx->expiry_count > 0)
		tls_certificates_note_ends(ctx);
}

static bool is_same(const struct tls_certificate *a, const struct tls_certificate *b)
{
	STACK_OF(X509) *of_a = NULL, *of_b = NULL;

	SSL_CTX_get0_chain_certs(a->holder, (void *)&of_a);
	SSL_CTX_get0_chain_certs(b->holder, (void *)&of_b);
	if (strcmp(a->cert_file, b->cert_file) != 0 || sk_X509_num(of_a) != sk_X509_num(of_b) ||
	    X509_cmp(SSL_CTX_get0_certificate(a->holder), SSL_CTX_get0_certificate(b->holder)) != 0)
		return false;
	for (int i = 0; i < sk_X509_num(of_a); i++)
		if (X509_cmp(sk_X509_value(of_a, i), sk_X509_value(of_b, i)) != 0)
			return false;
	return true;
}

bool tls_ctx_shows_the_same(const struct tls_ctx *a, const struct tls_ctx *b)
{
	if (a->certificate_count != b->certificate_count)
		return false;
	for (unsigned i = 0; i < a->certificate_count; i++)
		if (!is_same(a->certificate[i], b->certificate[i]))
			return false;
	return true;
}

/* They are the first of all. */
void tls_certificates_note_ends(struct tls_ctx *ctx)
{
	struct tls_expiry others[TLS_EXPIRIES_MAX];
	unsigned own = 0, count;

	while (own < ctx->expiry_count && ctx->expiry[own].of == TLS_EXPIRY_SERVER)
		own++;
	count = ctx->expiry_count - own;
	memcpy(others, ctx->expiry + own, count * sizeof(others[0]));
	ctx->expiry_count = 0;
	for (unsigned i = 0; i < ctx->certificate_count; i++)
		tls_note_cert(ctx, TLS_EXPIRY_SERVER, ctx->certificate[i]->cert_file,
			      SSL_CTX_get0_certificate(ctx->certificate[i]->holder));
	for (unsigned i = 0; i < count && ctx->expiry_count < TLS_EXPIRIES_MAX; i++)
		ctx->expiry[ctx->expiry_count++] = others[i];
}

void tls_certificates_fini(struct tls_ctx *ctx)
{
	while (ctx->certificate_count > 0)
		release(ctx->certificate[--ctx->certificate_count]);
}
