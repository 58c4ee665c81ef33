/* SPDX-License-Identifier: Apache-2.0 */
/* The lean library context: every kind of key that a certificate may have, and every cipher and
 * group, in a whole mutual handshake with a peer that uses the library's default one. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>

#include "base/must.h"
#include "cert_fixture.h"
#include "tls/tls_library.h"

TestSuite(tls_library);

static const struct {
	const char *kind;
	const char *group; /* of EC */
	const char *groups, *cipher;
} rows[] = {
	{"EC", "P-256", "X25519", "TLS_AES_128_GCM_SHA256"},
	{"EC", "P-384", "P-256", "TLS_AES_256_GCM_SHA384"},
	{"EC", "P-521", "P-384", "TLS_CHACHA20_POLY1305_SHA256"},
	{"RSA", NULL, "X25519", "TLS_AES_128_GCM_SHA256"},
	{"RSA-PSS", NULL, "X25519", "TLS_AES_256_GCM_SHA384"},
	{"ED25519", NULL, "X25519", "TLS_AES_128_GCM_SHA256"},
	{"ED448", NULL, "X25519", "TLS_CHACHA20_POLY1305_SHA256"},
};

static EVP_PKEY *key_of(size_t row)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, rows[row].kind, NULL);
	EVP_PKEY *key = NULL;

	must(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1);
	if (rows[row].group != NULL)
		must(EVP_PKEY_CTX_set_group_name(ctx, rows[row].group) == 1);
	must(EVP_PKEY_keygen(ctx, &key) == 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static SSL *side_of(OSSL_LIB_CTX *library, const SSL_METHOD *method, size_t row, X509 *ca,
		    const struct cert_pair *pair)
{
	SSL_CTX *ctx = SSL_CTX_new_ex(library, NULL, method);

	cr_assert_not_null(ctx);
	cr_assert_eq(SSL_CTX_use_certificate(ctx, pair->cert), 1);
	cr_assert_eq(SSL_CTX_use_PrivateKey(ctx, pair->key), 1);
	cr_assert_eq(SSL_CTX_check_private_key(ctx), 1);
	must(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca) == 1);
	must(SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1);
	cr_assert_eq(SSL_CTX_set_ciphersuites(ctx, rows[row].cipher), 1);
	cr_assert_eq(SSL_CTX_set1_groups_list(ctx, rows[row].groups), 1, "%s", rows[row].groups);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_num_tickets(ctx, 0); /* as tls_ctx.c: sealing one would take AES-256-CBC */
	SSL *ssl = SSL_new(ctx);
	must(ssl != NULL);
	SSL_CTX_free(ctx);
	return ssl;
}

static void shake_hands(SSL *client, SSL *server)
{
	BIO *one, *other;

	must(BIO_new_bio_pair(&one, 65536, &other, 65536) == 1);
	SSL_set_bio(client, one, one);
	SSL_set_bio(server, other, other);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (int turn = 0; turn < 8; turn++) {
		SSL_do_handshake(client);
		SSL_do_handshake(server);
	}
}

/* In ours the CA's key, too, is one of the lean context. */
static X509 *again_in(OSSL_LIB_CTX *library, X509 *cert)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);
	const unsigned char *at = der;
	X509 *again = X509_new_ex(library, NULL);

	must(len > 0 && again != NULL && d2i_X509(&again, &at, len) != NULL);
	OPENSSL_free(der);
	return again;
}

static void run_row(size_t row, bool is_server)
{
	const SSL_METHOD *us = is_server ? TLS_server_method() : TLS_client_method();
	const SSL_METHOD *them = is_server ? TLS_client_method() : TLS_server_method();
	struct cert_pair ca = cert_pair_make("ca", key_of(row), true, NULL);
	struct cert_pair leaf = cert_pair_make("leaf", key_of(row), false, &ca);
	X509 *our_ca = again_in(tls_library(), ca.cert);
	SSL *ours = side_of(tls_library(), us, row, our_ca, &leaf);
	SSL *theirs = side_of(NULL, them, row, ca.cert, &leaf);
	char said[256] = "";

	shake_hands(is_server ? theirs : ours, is_server ? ours : theirs);
	if (ERR_peek_error() != 0)
		ERR_error_string_n(ERR_peek_error(), said, sizeof(said));
	cr_expect(SSL_is_init_finished(ours) && SSL_is_init_finished(theirs), "%s %s: %s",
		  rows[row].kind, is_server ? "server" : "client", said);
	cr_expect_eq(SSL_get_verify_result(ours), X509_V_OK);
	ERR_clear_error();
	SSL_free(ours);
	SSL_free(theirs);
	X509_free(our_ca);
	cert_pair_fini(&leaf);
	cert_pair_fini(&ca);
}

/* Skipped nowhere: this machine's configuration adds no provider. */
Test(tls_library, is_there)
{
	cr_assert_not_null(tls_library());
	cr_assert_eq(tls_library(), tls_library());
}

Test(tls_library, has_what_a_server_needs)
{
	for (size_t row = 0; row < ARRAY_LEN(rows); row++)
		run_row(row, true);
}

Test(tls_library, has_what_a_client_needs)
{
	for (size_t row = 0; row < ARRAY_LEN(rows); row++)
		run_row(row, false);
}

Test(tls_library, has_no_more)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(tls_library(), "AES-128-CBC", NULL);
	EVP_MD *digest = EVP_MD_fetch(tls_library(), "MD5", NULL);

	cr_expect_null(cipher);
	cr_expect_null(digest);
	EVP_CIPHER_free(cipher);
	EVP_MD_free(digest);
	ERR_clear_error();
}
