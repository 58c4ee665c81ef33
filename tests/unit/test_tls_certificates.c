/* SPDX-License-Identifier: Apache-2.0 */
/* Several certificates of a server: which one a client is shown, and what is said of those that are
 * never shown. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/must.h"
#include "cert_fixture.h"
#include "config/config.h"
#include "tls/handshake.h"
#include "tls/handshake_trial.h"
#include "tls/tls_ctx_private.h"

TestSuite(tls_certificates);

/* RFC 9525 section 6.3: the wildcard is the whole of the leftmost label, and of one. */
Test(tls_certificates, names)
{
	static const struct {
		const char *pattern, *host;
		bool matches;
	} rows[] = {{"a.example", "a.example", true},
		    {"a.example", "A.eXample", true},
		    {"a.example", "a.example.", true},
		    {"a.example", "a.example..", false},
		    {"a.example", "b.example", false},
		    {"a.example", "a.example.org", false},
		    {"a.example", "xa.example", false},
		    {"a.example", "", false},
		    {"a.example", ".", false},
		    {"*.example", "a.example", true},
		    {"*.example", "A.EXAMPLE.", true},
		    {"*.example", "b.a.example", false},
		    {"*.example", "example", false},
		    {"*.example", ".example", false},
		    {"*.example", "*.example", true},
		    {"a*.example", "ab.example", false},
		    {"*a.example", "ba.example", false},
		    {"b.*.example", "b.a.example", false},
		    {"*", "example", false},
		    {"*.", "a", false},
		    {"*.a.example", "b.a.example", true},
		    {"*.a.example", "a.example", false},
		    {"*.*.example", "b.a.example", false}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(tls_name_matches(rows[i].pattern, rows[i].host), rows[i].matches,
			     "%s, %s", rows[i].pattern, rows[i].host);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static char dir[] = "/tmp/sluice-certificates-XXXXXX";
static struct config config;
static char error[ERROR_TEXT_MAX];

static FILE *file_open(char path[PATH_MAX], const char *name, const char *suffix)
{
	snprintf(path, PATH_MAX, "%s/%s%s", dir, name, suffix);
	FILE *file = fopen(path, "w");
	must(file != NULL);
	return file;
}

/* The next of the list, signed by itself. sans: of X509V3_EXT_conf_nid, NULL: none. */
static void certificate_add(const char *name, EVP_PKEY *key, const char *sans)
{
	struct tls_certificate_files *files =
		&config.tls.certificates[config.tls.certificate_count++];
	struct cert_pair pair = cert_pair_make(name, key, true, NULL);

	if (sans != NULL) {
		X509_EXTENSION *extension =
			X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, sans);
		must(extension != NULL && X509_add_ext(pair.cert, extension, -1) == 1);
		X509_EXTENSION_free(extension);
		must(X509_sign(pair.cert, key, EVP_sha256()) > 0);
	}
	FILE *file = file_open(files->cert_file, name, ".crt");
	must(PEM_write_X509(file, pair.cert) == 1 && fclose(file) == 0);
	file = file_open(files->key_file, name, ".key");
	must(PEM_write_PrivateKey(file, pair.key, NULL, NULL, 0, NULL, NULL) == 1);
	must(fclose(file) == 0);
	cert_pair_fini(&pair);
}

static void begin(void)
{
	must(mkdtemp(dir) != NULL);
	config_init(&config);
	config.tls.certificates = calloc(CERTIFICATES_MAX, sizeof(*config.tls.certificates));
	must(config.tls.certificates != NULL);
	certificate_add("first", EVP_RSA_gen(2048), "DNS:first.example");
	certificate_add("second", EVP_EC_gen("P-256"),
			"DNS:second.example,DNS:*.wild.example,DNS:b.other.example");
	certificate_add("third", EVP_EC_gen("P-384"), "DNS:a.wild.example,DNS:*.other.example");
	memcpy(config.tls.client_ca_file, config.tls.certificates[0].cert_file, PATH_MAX);
}

static void end(void)
{
	char command[64];

	config_fini(&config);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	must(system(command) == 0);
}

/* ---- Choosing -------------------------------------------------------------------------------- */

/* The common name of what a client is shown that asks for name; NULL: it asks for none. In memory,
 * until the client has it. */
static const char *shown(struct tls_ctx *ctx, const char *name, char out[64])
{
	static const struct ktls_caps no_caps = {0};
	const struct handshake_plan plan = {
		.tls_path = TLS_PATH_USER, .caps = &no_caps, .sys = &ktls_sys_kernel};
	SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(client_ctx);
	BIO *one, *other;

	must(client != NULL && BIO_new_bio_pair(&one, 65536, &other, 65536) == 1);
	struct handshake *server = handshake_new_in_memory(ctx, &plan, other);
	must(server != NULL);
	SSL_set_bio(client, one, one);
	SSL_set_connect_state(client);
	if (name != NULL)
		must(SSL_set_tlsext_host_name(client, name) == 1);
	for (int turn = 0; turn < 4; turn++) {
		SSL_do_handshake(client);
		handshake_step(server);
	}
	X509 *cert = SSL_get0_peer_certificate(client);
	cr_assert_not_null(cert, "%s: no certificate came", name != NULL ? name : "no name");
	X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, out, 64);
	ERR_clear_error();
	SSL_free(client);
	SSL_CTX_free(client_ctx);
	handshake_free(server);
	return out;
}

Test(tls_certificates, chosen_by_name, .init = begin, .fini = end)
{
	static const struct {
		const char *name, *shown;
	} rows[] = {{NULL, "first"},
		    {"first.example", "first"},
		    {"second.example", "second"},
		    {"SECOND.example", "second"},
		    {"b.wild.example", "second"},
		    {"a.wild.example", "third"}, /* its own name before a wildcard */
		    {"b.other.example", "second"},
		    {"c.other.example", "third"},
		    {"c.b.other.example", "first"},
		    {"other.example", "first"},
		    {"unknown.example", "first"},
		    {"second", "first"}}; /* a common name is no DNS name */
	const struct tls_flaw *flaws;
	char name[64];

	struct tls_ctx *ctx = tls_ctx_new(&config.tls, 1, error);
	cr_assert_not_null(ctx, "%s", error);
	cr_expect_eq(tls_ctx_flaws(ctx, &flaws), 0, "%s", flaws[0].text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_str_eq(shown(ctx, rows[i].name, name), rows[i].shown, "%s: %s",
				 rows[i].name != NULL ? rows[i].name : "no name", name);
	tls_ctx_release(ctx);
}

/* Each ends some day. */
Test(tls_certificates, expiries, .init = begin, .fini = end)
{
	const struct tls_expiry *expiries;
	struct tls_ctx *ctx = tls_ctx_new(&config.tls, 1, error);

	cr_assert_not_null(ctx, "%s", error);
	cr_assert_eq(tls_ctx_expiries(ctx, &expiries), 4);
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(expiries[i].of, TLS_EXPIRY_SERVER);
		cr_expect_str_eq(expiries[i].path, config.tls.certificates[i].cert_file);
	}
	cr_expect_str_eq(expiries[2].subject, "CN=third");
	tls_ctx_release(ctx);
}

/* ---- What is refused, or worth a word -------------------------------------------------------- */

Test(tls_certificates, never_shown, .init = begin, .fini = end)
{
	certificate_add("nameless", EVP_EC_gen("P-256"), NULL);
	certificate_add("again", EVP_EC_gen("P-256"), "DNS:FIRST.example,DNS:second.example");
	certificate_add("partly", EVP_EC_gen("P-256"), "DNS:first.example,DNS:new.example");
	struct tls_ctx *ctx = tls_ctx_new(&config.tls, 1, error);

	const struct tls_flaw *flaws;

	cr_assert_not_null(ctx, "%s", error);
	cr_assert_eq(tls_ctx_flaws(ctx, &flaws), 2);
	cr_expect_not_null(strstr(flaws[0].text, "nameless.crt: no client is shown"), "%s",
			   flaws[0].text);
	cr_expect_not_null(strstr(flaws[0].text, "no DNS name"));
	cr_expect_not_null(strstr(flaws[1].text, "again.crt: no client is shown"), "%s",
			   flaws[1].text);
	cr_expect_eq(tls_ctx_flaws_of(ctx, TLS_FLAW_CERT_UNUSED), 2);
	tls_ctx_release(ctx);
}

/* The key of another, in the middle of the list: its files are named. */
Test(tls_certificates, key_of_another, .init = begin, .fini = end)
{
	memcpy(config.tls.certificates[1].key_file, config.tls.certificates[2].key_file, PATH_MAX);
	cr_assert_null(tls_ctx_new(&config.tls, 1, error));
	cr_expect_not_null(strstr(error, "third.key: "), "%s", error);
	cr_expect_not_null(strstr(error, "second.crt"), "%s", error);
}

/* Each is tried, not the default alone: the library signs nothing with a key of this curve. */
Test(tls_certificates, each_is_tried, .init = begin, .fini = end)
{
	struct tls_ctx *ctx = tls_ctx_new(&config.tls, 1, error);
	cr_assert_not_null(ctx, "%s", error);
	cr_expect_eq(handshake_trial(ctx, error), 0, "%s", error);
	tls_ctx_release(ctx);

	certificate_add("odd", EVP_EC_gen("secp256k1"), "DNS:odd.example");
	ctx = tls_ctx_new(&config.tls, 1, error);
	cr_assert_not_null(ctx, "%s", error);
	cr_expect_eq(handshake_trial(ctx, error), -EPROTO);
	cr_expect_not_null(strstr(error, "odd.crt: "), "%s", error);
	tls_ctx_release(ctx);
}

/* ---- A reload -------------------------------------------------------------------------------- */

static bool has_flaw(const struct tls_ctx *ctx, enum tls_flaw_kind kind, const char *word)
{
	const struct tls_flaw *flaws;
	unsigned count = tls_ctx_flaws(ctx, &flaws);

	for (unsigned i = 0; i < count; i++)
		if (flaws[i].kind == kind && strstr(flaws[i].text, word) != NULL)
			return true;
	return false;
}

static void file_break(const char *path)
{
	FILE *file = fopen(path, "w");
	must(file != NULL && fputs("nothing\n", file) >= 0 && fclose(file) == 0);
}

/* Each pair counts by itself: what is broken stays as it was, or is left out if it is new. */
Test(tls_certificates, each_is_kept_by_itself, .init = begin, .fini = end)
{
	char name[64];
	const struct tls_expiry *expiries;
	struct tls_ctx *before = tls_ctx_new(&config.tls, 1, error);

	cr_assert_not_null(before, "%s", error);
	config.tls.certificate_count = 0;
	certificate_add("first", EVP_EC_gen("P-256"), "DNS:new-first.example");
	config.tls.certificate_count = 3;
	file_break(config.tls.certificates[1].key_file);
	certificate_add("fourth", EVP_EC_gen("P-256"), "DNS:fourth.example");
	file_break(config.tls.certificates[3].cert_file);
	struct tls_ctx *ctx = tls_ctx_renew(&config.tls, before, false, 2, error);
	cr_assert_not_null(ctx, "%s", error);
	cr_expect(has_flaw(ctx, TLS_FLAW_CERT_KEPT, "second.key"));
	cr_expect(has_flaw(ctx, TLS_FLAW_CERT_UNUSABLE, "fourth.crt"));
	cr_expect_eq(ctx->certificate_count, 3);
	cr_expect_eq(ctx->certificate[1], before->certificate[1]);
	cr_expect_neq(ctx->certificate[0], before->certificate[0]);
	tls_ctx_release(before);
	cr_expect_str_eq(shown(ctx, "second.example", name), "second");
	cr_expect_str_eq(shown(ctx, "new-first.example", name), "first");
	cr_expect_str_eq(shown(ctx, "fourth.example", name), "first");

	/* the default, too; and of another file if it was not in force */
	file_break(config.tls.certificates[0].cert_file);
	snprintf(config.tls.certificates[0].cert_file, PATH_MAX, "%s/elsewhere.crt", dir);
	struct tls_ctx *next = tls_ctx_renew(&config.tls, ctx, false, 3, error);
	cr_assert_not_null(next, "%s", error);
	cr_expect_eq(next->certificate[0], ctx->certificate[0]);
	cr_assert_eq(tls_ctx_expiries(next, &expiries), 4);
	cr_expect_str_eq(expiries[1].subject, "CN=second");
	/* as a whole */
	tls_ctx_keep_own(next, before = ctx, "why");
	tls_ctx_release(before);
	cr_assert_eq(tls_ctx_expiries(next, &expiries), 4);
	cr_expect_str_eq(shown(next, "second.example", name), "second");
	tls_ctx_release(next);
}

/* ---- Text in the configuration --------------------------------------------------------------- */

static char *text_of(const char *path)
{
	char *text = calloc(1, 16384);
	FILE *file = fopen(path, "r");

	must(text != NULL && file != NULL && fread(text, 1, 16383, file) > 0);
	fclose(file);
	return text;
}

Test(tls_certificates, text_in_place_of_files, .init = begin, .fini = end)
{
	const struct tls_expiry *expiries;
	char name[64];

	config.tls.cert_text = text_of(config.tls.certificates[1].cert_file);
	config.tls.key_text = text_of(config.tls.certificates[1].key_file);
	config.tls.client_ca_text = text_of(config.tls.client_ca_file);
	config.tls.certificate_count = 0;
	config.tls.client_ca_file[0] = '\0';
	strcpy(config.tls.text_file, "sluice.yml");
	struct tls_ctx *ctx = tls_ctx_new(&config.tls, 1, error);
	cr_assert_not_null(ctx, "%s", error);
	cr_expect_str_eq(shown(ctx, NULL, name), "second");
	cr_assert_eq(tls_ctx_expiries(ctx, &expiries), 2);
	cr_expect_str_eq(expiries[0].path, "sluice.yml: tls_server_config.cert");
	cr_expect_str_eq(expiries[1].path, "sluice.yml: tls_server_config.client_ca");
	tls_ctx_release(ctx);
	config.tls.client_ca_text[30] = '!';
	cr_expect_null(tls_ctx_new(&config.tls, 1, error));
	cr_expect_not_null(strstr(error, "sluice.yml: tls_server_config.client_ca: "), "%s", error);
}
