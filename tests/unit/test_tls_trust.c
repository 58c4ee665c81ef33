/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of files of trust that hold together, but not as their owner may think. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/must.h"
#include "cert_fixture.h"
#include "config/config.h"
#include "tls/tls_ctx.h"

TestSuite(tls_trust);

/* other NULL: one alone. */
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
static char *warning_of(const struct cert_pair *leaf, X509 *next, X509 *intermediate, X509 *root)
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
	struct cert_pair root = cert_pair_make("root", EVP_EC_gen("P-256"), true, NULL);
	struct cert_pair middle = cert_pair_make("middle", EVP_EC_gen("P-256"), true, &root);
	struct cert_pair leaf = cert_pair_make("leaf", EVP_EC_gen("P-256"), false, &middle);
	struct cert_pair other = cert_pair_make("other", EVP_EC_gen("P-256"), false, &root);

	char *lacking = warning_of(&leaf, NULL, middle.cert, root.cert);
	cr_expect(strstr(lacking, "/crt: the intermediate CA") != NULL, "%s", lacking);
	char *whole = warning_of(&leaf, middle.cert, middle.cert, root.cert);
	cr_expect_str_eq(whole, "");
	char *of_root = warning_of(&other, NULL, middle.cert, root.cert);
	cr_expect_str_eq(of_root, "", "the root need not be sent");
	free(lacking);
	free(whole);
	free(of_root);
	cert_pair_fini(&root);
	cert_pair_fini(&middle);
	cert_pair_fini(&leaf);
	cert_pair_fini(&other);
}
