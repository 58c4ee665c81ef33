/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that come again: their chain was verified before, and is not again as long as nothing of
 * it, and of whom the server trusts, has changed. */
#include "wire/wire.h"

#include <stdio.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "base/must.h"
#include "wire/wire_trust.h"

#define KNOWN_CHAINS "sluice_tls_known_chains_total"

TestSuite(trust_known, .timeout = WIRE_TIMEOUT);

/* A file of wire_certs.h. */
static FILE *certs_open(const struct wire_server *server, const char *name)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/certs/%s", server->env.dir, name);
	FILE *file = fopen(path, "r");
	must(file != NULL);
	return file;
}

static X509 *cert_read(const struct wire_server *server, const char *name)
{
	FILE *file = certs_open(server, name);
	X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
	must(cert != NULL && fclose(file) == 0);
	return cert;
}

static EVP_PKEY *key_read(const struct wire_server *server, const char *name)
{
	FILE *file = certs_open(server, name);
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	must(key != NULL && fclose(file) == 0);
	return key;
}

static void comes_and_goes(struct wire_server *server, enum wire_cert cert)
{
	struct wire_client client = {.cert = cert};
	wire_connect(&client, server);
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&client);
}

Test(trust_known, a_client_comes_again)
{
	struct wire_server server = {0};
	struct wire_client open = {0};

	wire_server_start(&server);
	comes_and_goes(&server, WIRE_CERT_GOOD);
	comes_and_goes(&server, WIRE_CERT_URI);
	cr_assert_eq(wire_metric(&server, KNOWN_CHAINS), 0);
	comes_and_goes(&server, WIRE_CERT_GOOD);
	cr_assert_eq(wire_metric(&server, KNOWN_CHAINS), 1);
	/* And while it has a connection. */
	wire_connect(&open, &server);
	comes_and_goes(&server, WIRE_CERT_GOOD);
	comes_and_goes(&server, WIRE_CERT_URI);
	cr_assert_eq(wire_metric(&server, KNOWN_CHAINS), 4);
	wire_disconnect(&open);
	wire_server_stop(&server);
}

/* Rules are about the same names. */
Test(trust_known, as_who_it_is)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_trust_write(&trust, "sluice.yml",
			 "access:\n  - identity: dns:good.clients.test\n    allow: [read]\n    on: "
			 "[\"**\"]\n");
	wire_trust_reloaded(&trust, 1);
	for (uint64_t times = 0; times < 2; times++) {
		struct wire_client good = {0}, other = {.cert = WIRE_CERT_URI};
		struct wire_response response;
		wire_connect(&good, &server);
		wire_connect(&other, &server);
		wire_get(&other, "/data/size-100", "", &response);
		cr_expect_eq(response.status, 403);
		wire_fetch(&good, "/data/size-100", 100, 100);
		wire_disconnect(&good);
		wire_disconnect(&other);
		cr_assert_eq(wire_metric(&server, KNOWN_CHAINS), 2 * times);
	}
	wire_server_stop(&server);
}

/* Public key of one, private key of another: it signs, but not as who it says it is. */
static EVP_PKEY *forged_key(const struct wire_server *server)
{
	EVP_PKEY *good = key_read(server, "good.key"), *uri = key_read(server, "uri.key");
	EVP_PKEY *forged = NULL;
	unsigned char *point;
	size_t len = EVP_PKEY_get1_encoded_public_key(good, &point);
	BIGNUM *number = NULL;
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);

	must(len > 0 && EVP_PKEY_get_bn_param(uri, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1);
	OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
	OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, len);
	OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, number);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	must(params != NULL && EVP_PKEY_fromdata_init(ctx) == 1);
	must(EVP_PKEY_fromdata(ctx, &forged, EVP_PKEY_KEYPAIR, params) == 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(ctx);
	OPENSSL_free(point);
	BN_clear_free(number);
	EVP_PKEY_free(good);
	EVP_PKEY_free(uri);
	return forged;
}

/* Certificates are no secret: who has one of a client that was here, and not its key. */
Test(trust_known, a_certificate_without_its_key)
{
	struct wire_server server = {0};
	struct wire_client thief = {0};

	wire_server_start(&server);
	comes_and_goes(&server, WIRE_CERT_GOOD);
	EVP_PKEY *forged = forged_key(&server);
	wire_prepare(&thief, &server);
	cr_assert_eq(SSL_use_PrivateKey(thief.ssl, forged), 1);
	wire_handshake_refused(&thief, SSL_AD_DECRYPT_ERROR);
	wire_disconnect(&thief);
	cr_assert_eq(wire_metric(&server, KNOWN_CHAINS), 1);
	EVP_PKEY_free(forged);
	wire_server_stop(&server);
}

/* The good client's, for so many seconds from now. */
static X509 *short_lived(const struct wire_server *server, int seconds)
{
	X509 *cert = cert_read(server, "good.crt");
	EVP_PKEY *ca_key = key_read(server, "ca.key");
	must(X509_gmtime_adj(X509_getm_notAfter(cert), seconds) != NULL);
	must(X509_sign(cert, ca_key, EVP_sha256()) > 0);
	EVP_PKEY_free(ca_key);
	return cert;
}

static void comes_with(struct wire_server *server, X509 *cert)
{
	struct wire_client client = {0};
	wire_prepare(&client, server);
	cr_assert_eq(SSL_use_certificate(client.ssl, cert), 1);
	cr_assert(wire_handshake(&client));
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&client);
}

Test(trust_known, a_certificate_that_ends)
{
	struct wire_server server = {0};
	struct wire_client late = {0};
	const struct timespec moment = {.tv_nsec = 100 * 1000 * 1000};

	wire_server_start(&server);
	X509 *cert = short_lived(&server, wire_limit_ms(&server.env, 3000) / 1000);
	comes_with(&server, cert);
	comes_with(&server, cert);
	cr_assert_eq(wire_metric(&server, KNOWN_CHAINS), 1);
	while (X509_cmp_current_time(X509_get0_notAfter(cert)) > 0)
		nanosleep(&moment, NULL);
	wire_prepare(&late, &server);
	cr_assert_eq(SSL_use_certificate(late.ssl, cert), 1);
	wire_handshake_refused(&late, SSL_AD_CERTIFICATE_EXPIRED);
	wire_disconnect(&late);
	cr_assert_eq(wire_metric(&server, KNOWN_CHAINS), 1);
	X509_free(cert);
	wire_server_stop(&server);
}
