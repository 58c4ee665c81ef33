/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of files of trust that hold together, but not as their owner may think. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/must.h"
#include "config/config.h"
#include "tls/tls_ctx.h"

TestSuite(tls_trust);

struct issued {
	EVP_PKEY *key;
	X509 *cert;
};

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, NULL, nid, value);
	must(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

/* by NULL: by itself. */
static struct issued issue(const char *common_name, bool is_ca, const struct issued *by)
{
	struct issued new = {.key = EVP_EC_gen("P-256"), .cert = X509_new()};
	const struct issued *issuer = by != NULL ? by : &new;
	X509_NAME *name = X509_get_subject_name(new.cert);

	must(new.key != NULL &&X509_set_version(new.cert, X509_VERSION_3) == 1);
	must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)common_name, -1,
					-1, 0) == 1);
	must(X509_set_issuer_name(new.cert, X509_get_subject_name(issuer->cert)) == 1);
	must(X509_set_pubkey(new.cert, new.key) == 1);
	must(ASN1_INTEGER_set(X509_get_serialNumber(new.cert), 1) == 1);
	must(X509_gmtime_adj(X509_getm_notBefore(new.cert), -60) != NULL &&
	     X509_gmtime_adj(X509_getm_notAfter(new.cert), 3600) != NULL);
	add_extension(new.cert, NID_basic_constraints,
		      is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	must(X509_sign(new.cert, issuer->key, EVP_sha256()) > 0);
	return new;
}

static void issued_free(struct issued *issued)
{
	EVP_PKEY_free(issued->key);
	X509_free(issued->cert);
}

/* certs: as many as are not NULL. */
static void write_certs(const char *path, X509 *one, X509 *other)
{
	FILE *file = fopen(path, "w");
	must(file != NULL && PEM_write_X509(file, one) == 1);
	must(other == NULL || PEM_write_X509(file, other) == 1);
	must(fclose(file) == 0);
}

static void write_key(const char *path, EVP_PKEY *key)
{
	FILE *file = fopen(path, "w");
	must(file != NULL && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
	must(fclose(file) == 0);
}

/* The warning of a server with this in its --cert; the caller's to free. */
static char *warning_of(const struct issued *leaf, X509 *next, X509 *intermediate, X509 *root)
{
	char dir[] = "/tmp/sluice-trust-XXXXXX", error[ERROR_TEXT_MAX] = "";
	struct config *config = malloc(sizeof(*config));

	must(config != NULL && mkdtemp(dir) != NULL);
	config_init(config);
	snprintf(config->cert_file, sizeof(config->cert_file), "%s/crt", dir);
	snprintf(config->key_file, sizeof(config->key_file), "%s/key", dir);
	snprintf(config->client_ca_file, sizeof(config->client_ca_file), "%s/ca", dir);
	write_certs(config->cert_file, leaf->cert, next);
	write_key(config->key_file, leaf->key);
	write_certs(config->client_ca_file, intermediate, root);
	struct tls_ctx *ctx = tls_ctx_new(config, 1, error);
	cr_assert_not_null(ctx, "%s", error);
	char *warning = strdup(tls_ctx_warning(ctx));
	must(warning != NULL);
	tls_ctx_release(ctx);
	unlink(config->cert_file);
	unlink(config->key_file);
	unlink(config->client_ca_file);
	rmdir(dir);
	free(config);
	return warning;
}

Test(tls_trust, a_chain_that_lacks_its_intermediate)
{
	struct issued root = issue("root", true, NULL);
	struct issued middle = issue("middle", true, &root);
	struct issued leaf = issue("leaf", false, &middle), other = issue("other", false, &root);

	char *lacking = warning_of(&leaf, NULL, middle.cert, root.cert);
	cr_expect(strstr(lacking, "/crt: the intermediate CA") != NULL, "%s", lacking);
	char *whole = warning_of(&leaf, middle.cert, middle.cert, root.cert);
	cr_expect_str_eq(whole, "");
	char *of_root = warning_of(&other, NULL, middle.cert, root.cert);
	cr_expect_str_eq(of_root, "", "the root need not be sent");
	free(lacking);
	free(whole);
	free(of_root);
	issued_free(&root);
	issued_free(&middle);
	issued_free(&leaf);
	issued_free(&other);
}
