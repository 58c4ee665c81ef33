/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of files of trust that hold together, but not as their owner may think. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/must.h"
#include "config/config.h"
#include "tls/tls_ctx_private.h"
#include "trust_fixture.h"

TestSuite(tls_trust);

/* The warning of a server with this in its --cert; the caller's to free. */
static char *warning_of(const struct cert_pair *leaf, X509 *next, X509 *intermediate, X509 *root)
{
	char dir[] = "/tmp/sluice-trust-XXXXXX", error[ERROR_TEXT_MAX] = "";
	struct config *config = trust_files_begin(dir);

	trust_write_certs(config->tls.cert_file, leaf->cert, next);
	trust_write_key(config->tls.key_file, leaf->key);
	trust_write_certs(config->tls.client_ca_file, intermediate, root);
	struct tls_ctx *ctx = tls_ctx_new(&config->tls, 1, error);
	cr_assert_not_null(ctx, "%s", error);
	const struct tls_flaw *flaws;
	unsigned count = tls_ctx_flaws(ctx, &flaws);
	cr_assert_leq(count, 1);
	char *warning = strdup(count > 0 ? flaws[0].text : "");
	must(warning != NULL);
	tls_ctx_release(ctx);
	trust_files_remove(dir, config);
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

/* Of a server whose file of CAs has this text in it, and no more to be told; the caller's to free.
 */
static char *flaw_of_cas(X509 *one, X509 *other, const char *text, enum tls_flaw_kind kind)
{
	struct cert_pair leaf = cert_pair_make("leaf", EVP_EC_gen("P-256"), false, NULL);
	char dir[] = "/tmp/sluice-trust-XXXXXX", error[ERROR_TEXT_MAX] = "";
	struct config *config = trust_files_begin(dir);
	const struct tls_flaw *flaws;

	trust_write_certs(config->tls.cert_file, leaf.cert, NULL);
	trust_write_key(config->tls.key_file, leaf.key);
	trust_write_certs(config->tls.client_ca_file, one, other);
	FILE *file = fopen(config->tls.client_ca_file, "a");
	must(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
	struct tls_ctx *ctx = tls_ctx_new(&config->tls, 1, error);
	cr_assert_not_null(ctx, "%s", error);
	unsigned count = tls_ctx_flaws(ctx, &flaws);
	cr_assert_leq(count, 1);
	cr_assert_eq(tls_ctx_flaws_of(ctx, kind), count);
	char *said = strdup(count > 0 ? flaws[0].text : "");
	must(said != NULL);
	tls_ctx_release(ctx);
	trust_files_remove(dir, config);
	cert_pair_fini(&leaf);
	return said;
}

Test(tls_trust, blocks_that_are_not_read)
{
	static const struct {
		const char *label;
		bool is_told;
	} rows[] = {{"X509 CRL", true},     {"CERTIFICATE REQUEST", true}, {"PKCS7", true},
		    {"CMS", true},          {"EC PARAMETERS", false},      {"DH PARAMETERS", false},
		    {"PRIVATE KEY", false}, {"PUBLIC KEY", false}};
	struct cert_pair ca = cert_pair_make("ca", EVP_EC_gen("P-256"), true, NULL);
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(text, sizeof(text), "-----BEGIN %s-----\nMAMCAQU=\n-----END %s-----\n",
			 rows[i].label, rows[i].label);
		char *said = flaw_of_cas(ca.cert, NULL, text, TLS_FLAW_PEM_IGNORED);
		cr_expect_eq(said[0] != '\0', rows[i].is_told, "%s: %s", rows[i].label, said);
		cr_expect(!rows[i].is_told ||
				  (strstr(said, rows[i].label) && strstr(said, "/ca: ")),
			  "%s", said);
		free(said);
	}
	cert_pair_fini(&ca);
}

Test(tls_trust, two_cas_of_one_subject)
{
	struct cert_pair one = cert_pair_make("ca", EVP_EC_gen("P-256"), true, NULL);
	struct cert_pair other = cert_pair_make("ca", EVP_EC_gen("P-256"), true, NULL);

	char *twins = flaw_of_cas(one.cert, other.cert, "", TLS_FLAW_CA_AMBIGUOUS);
	cr_expect(strstr(twins, "/ca: two CAs have the subject CN=ca and no key identifiers") !=
			  NULL,
		  "%s", twins);
	char *same = flaw_of_cas(one.cert, one.cert, "", TLS_FLAW_CA_AMBIGUOUS);
	cr_expect_str_eq(same, "");
	free(twins);
	free(same);
	cert_pair_fini(&one);
	cert_pair_fini(&other);
}

/* ---- Our own, on a reload -------------------------------------------------------------------- */

static void end(struct tls_ctx *ctx)
{
	X509 *cert = SSL_CTX_get0_certificate(ctx->ssl_ctx);
	must(X509_gmtime_adj(X509_getm_notAfter(cert), -60) != NULL);
}

/* One that has ended is put in the place of one that has, too, but not of one that has not. */
Test(tls_trust, a_certificate_that_has_ended_and_another)
{
	struct cert_pair ca = cert_pair_make("ca", EVP_EC_gen("P-256"), true, NULL);
	struct cert_pair leaf = cert_pair_make("leaf", EVP_EC_gen("P-256"), false, &ca);
	char dir[] = "/tmp/sluice-trust-XXXXXX", error[ERROR_TEXT_MAX] = "";
	struct config *config = trust_files_begin(dir);

	trust_write_certs(config->tls.cert_file, leaf.cert, NULL);
	trust_write_key(config->tls.key_file, leaf.key);
	trust_write_certs(config->tls.client_ca_file, ca.cert, NULL);
	struct tls_ctx *before = tls_ctx_new(&config->tls, 1, error);
	must(before != NULL && X509_gmtime_adj(X509_getm_notAfter(leaf.cert), -60) != NULL);
	must(X509_sign(leaf.cert, ca.key, EVP_sha256()) > 0);
	trust_write_certs(config->tls.cert_file, leaf.cert, NULL);

	struct tls_ctx *start = tls_ctx_new(&config->tls, 2, error);
	cr_expect_null(start, "no start with it");
	cr_expect(strstr(error, "has expired") != NULL, "%s", error);
	struct tls_ctx *kept = tls_ctx_renew(&config->tls, before, false, 2, error);
	must(kept != NULL);
	cr_expect_eq(kept->certificate[0], before->certificate[0]);
	cr_expect_eq(tls_ctx_flaws_of(kept, TLS_FLAW_CERT_KEPT), 1);
	end(before);
	struct tls_ctx *taken = tls_ctx_renew(&config->tls, before, false, 3, error);
	must(taken != NULL);
	cr_expect_neq(taken->certificate[0], before->certificate[0]);
	cr_expect_eq(tls_ctx_flaws_of(taken, TLS_FLAW_CERT_INVALID), 1);
	tls_ctx_release(before);
	tls_ctx_release(kept);
	tls_ctx_release(taken);
	trust_files_remove(dir, config);
	cert_pair_fini(&leaf);
	cert_pair_fini(&ca);
}

/* ---- Groups ---------------------------------------------------------------------------------- */

/* The files of one certificate that is its own CA, and those groups; error or warning. */
static bool has_groups(unsigned groups, char warning[ERROR_TEXT_MAX], char error[ERROR_TEXT_MAX])
{
	char dir[] = "/tmp/sluice-trust-XXXXXX";
	struct config *config = trust_files_begin(dir);
	struct cert_pair pair = cert_pair_make("server", EVP_EC_gen("P-256"), true, NULL);

	trust_write_certs(config->tls.cert_file, pair.cert, NULL);
	trust_write_key(config->tls.key_file, pair.key);
	trust_write_certs(config->tls.client_ca_file, pair.cert, NULL);
	config->tls.groups = groups;
	const struct tls_flaw *flaws;
	struct tls_ctx *ctx = tls_ctx_new(&config->tls, 1, error);
	if (ctx != NULL)
		snprintf(warning, ERROR_TEXT_MAX, "%s",
			 tls_ctx_flaws(ctx, &flaws) > 0 ? flaws[0].text : "");
	bool is_made = ctx != NULL;
	tls_ctx_release(ctx);
	cert_pair_fini(&pair);
	trust_files_remove(dir, config);
	return is_made;
}

/* A warning while another is left; without one there is no key exchange to be had. */
Test(tls_trust, group_that_the_library_lacks)
{
	const unsigned mlkem = 1u << TLS_GROUP_X25519MLKEM768, p384 = 1u << TLS_GROUP_P384;
	bool has_mlkem = OpenSSL_version_num() >= 0x30500000ul;
	char warning[ERROR_TEXT_MAX] = "", error[ERROR_TEXT_MAX] = "";

	cr_assert(has_groups(0, warning, error), "%s", error);
	cr_expect_str_empty(warning, "nobody has named it: %s", warning);
	cr_assert(has_groups(p384, warning, error), "%s", error);
	cr_expect_str_empty(warning);
	cr_assert(has_groups(mlkem | p384, warning, error), "%s", error);
	cr_expect_eq(strstr(warning, "curve_preferences: ") == NULL, has_mlkem, "%s", warning);
	cr_expect_eq(strstr(warning, "lacks X25519MLKEM768") == NULL, has_mlkem, "%s", warning);
	cr_assert_eq(has_groups(mlkem, warning, error), has_mlkem);
	if (!has_mlkem)
		cr_expect_not_null(strstr(error, "lacks X25519MLKEM768"), "%s", error);
}

/* ---- Until when a verdict holds -------------------------------------------------------------- */

#define NOW     1000000 /* seconds since 1970 */
#define FOREVER 9000000

/* Not signed again: of what was verified only the times are looked at. */
static void set_times(X509 *cert, int64_t from, int64_t until)
{
	must(ASN1_TIME_set(X509_getm_notBefore(cert), from) != NULL);
	must(ASN1_TIME_set(X509_getm_notAfter(cert), until) != NULL);
}

/* Trust in the CA, with a list that is in force for ever and, if from is not 0, another. */
static struct tls_ctx *trust_in(const struct cert_pair *ca, int64_t from, int64_t until)
{
	char dir[] = "/tmp/sluice-trust-XXXXXX", error[ERROR_TEXT_MAX] = "";
	struct config *config = trust_files_begin(dir);

	snprintf(config->tls.crl_file, sizeof(config->tls.crl_file), "%s/crl", dir);
	trust_write_certs(config->tls.client_ca_file, ca->cert, NULL);
	FILE *file = fopen(config->tls.crl_file, "w");
	must(file != NULL);
	trust_write_crl(file, ca, 1, FOREVER, NULL);
	if (from != 0)
		trust_write_crl(file, ca, from, until, NULL);
	must(fclose(file) == 0);
	struct tls_ctx *ctx = tls_ctx_new_for_clients(&config->tls, error);
	cr_assert_not_null(ctx, "%s", error);
	trust_files_remove(dir, config);
	return ctx;
}

static const struct {
	const char *what;
	int64_t leaf_until, ca_until, crl_from, crl_until;
	int64_t until;
} times[] = {
	{"the leaf ends first", NOW + 10, NOW + 20, 0, 0, NOW + 10},
	{"the CA", NOW + 20, NOW + 10, 0, 0, NOW + 10},
	{"a list that is in force", NOW + 20, NOW + 20, 1, NOW + 10, NOW + 10},
	/* It may revoke. */
	{"a list begins to be in force", NOW + 20, NOW + 20, NOW + 10, NOW + 20, NOW + 10},
	/* What the clock was when it was read does not matter: all of this is long ago. */
	{"what has ended does not change", NOW + 20, NOW + 20, 1, NOW - 10, NOW + 20},
	{"what ends now has ended", NOW + 20, NOW + 20, 1, NOW, NOW + 20},
	{"nothing but the list for ever", FOREVER + 1, FOREVER + 2, 0, 0, FOREVER},
};

Test(tls_trust, holds_until_something_ends_or_begins)
{
	struct cert_pair ca = cert_pair_make("ca", EVP_EC_gen("P-256"), true, NULL);
	struct cert_pair leaf = cert_pair_make("leaf", EVP_EC_gen("P-256"), false, &ca);
	STACK_OF(X509) *chain = sk_X509_new_null();

	set_times(leaf.cert, 1, FOREVER);
	must(sk_X509_push(chain, leaf.cert) > 0 && sk_X509_push(chain, ca.cert) > 0);
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct tls_ctx *ctx = trust_in(&ca, times[i].crl_from, times[i].crl_until);
		set_times(leaf.cert, 1, times[i].leaf_until);
		set_times(ca.cert, 1, times[i].ca_until);
		cr_expect_eq(tls_trust_holds_until(ctx, chain, NOW), times[i].until, "%s",
			     times[i].what);
		tls_ctx_release(ctx);
		/* The CA that is read by the next one is to be current. */
		set_times(ca.cert, 1, time(NULL) + 3600);
	}
	struct tls_ctx *ctx = trust_in(&ca, 0, 0);
	cr_expect_eq(tls_trust_holds_until(ctx, NULL, NOW), 0, "no chain, no verdict");
	tls_ctx_release(ctx);
	sk_X509_free(chain);
	cert_pair_fini(&leaf);
	cert_pair_fini(&ca);
}
