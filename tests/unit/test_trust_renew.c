/* SPDX-License-Identifier: Apache-2.0 */
/* A reload beside what is in force: what is taken up, what stays, and who may vouch for what. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <openssl/x509v3.h>

#include "base/must.h"
#include "tls/tls_ctx_private.h"
#include "trust_fixture.h"

#define HOUR 3600

static char error[ERROR_TEXT_MAX];
static char dir[64];
static struct config *config;
static struct cert_pair ca, other, server;

static void setup(void)
{
	strcpy(dir, "/tmp/sluice-renew-XXXXXX");
	config = trust_files_begin(dir);
	ca = cert_pair_make("ca", EVP_EC_gen("P-256"), true, NULL);
	other = cert_pair_make("other", EVP_EC_gen("P-256"), true, NULL);
	server = cert_pair_make("server", EVP_EC_gen("P-256"), false, &ca);
	trust_write_certs(config->tls.cert_file, server.cert, NULL);
	trust_write_key(config->tls.key_file, server.key);
	trust_write_certs(config->tls.client_ca_file, ca.cert, NULL);
}

static void teardown(void)
{
	trust_files_remove(dir, config);
	cert_pair_fini(&ca);
	cert_pair_fini(&other);
	cert_pair_fini(&server);
}

TestSuite(trust_renew, .init = setup, .fini = teardown);

static struct tls_ctx *start(void)
{
	struct tls_ctx *ctx = tls_ctx_new(&config->tls, 1, error);
	cr_assert_not_null(ctx, "%s", error);
	return ctx;
}

/* Takes the place of *ctx. */
static void renew(struct tls_ctx **ctx, bool is_config_kept)
{
	struct tls_ctx *next =
		tls_ctx_renew(&config->tls, *ctx, is_config_kept, (*ctx)->generation + 1, error);
	cr_assert_not_null(next, "%s", error);
	tls_ctx_release(*ctx);
	*ctx = next;
}

static unsigned kept(const struct tls_ctx *ctx)
{
	unsigned count = 0;
	for (int kind = 0; kind < TLS_FLAW_KINDS; kind++)
		if (tls_flaw_row((enum tls_flaw_kind)kind)->is_kept)
			count += tls_ctx_flaws_of(ctx, (enum tls_flaw_kind)kind);
	return count;
}

static int verify(struct tls_ctx *ctx, const struct cert_pair *leaf, X509 *more,
		  struct tls_verdict *verdict)
{
	STACK_OF(X509) *rest = sk_X509_new_null();

	must(rest != NULL && (more == NULL || sk_X509_push(rest, more) > 0));
	const struct tls_chain chain = {.leaf = leaf->cert, .rest = rest, .at = time(NULL)};
	tls_trust_verify(ctx, &chain, verdict);
	sk_X509_free(rest);
	return verdict->error;
}

/* The certificate of a CA that has ended, beside its successor: the usual bundle of a renewal. */
Test(trust_renew, an_ended_ca_beside_its_successor)
{
	X509 *old = X509_dup(ca.cert);

	must(old != NULL && X509_gmtime_adj(X509_getm_notAfter(old), -HOUR) != NULL &&
	     X509_sign(old, ca.key, EVP_sha256()) > 0);
	trust_write_certs(config->tls.client_ca_file, old, ca.cert);
	struct tls_ctx *ctx = start();
	for (int i = 0; i < 2; i++) {
		renew(&ctx, false);
		cr_expect_eq(kept(ctx), 0);
		cr_expect_eq(tls_ctx_flaws_of(ctx, TLS_FLAW_CA_EXPIRED), 1);
	}
	/* Without it the one in force stays. */
	trust_write_certs(config->tls.client_ca_file, old, NULL);
	renew(&ctx, false);
	cr_expect_eq(tls_ctx_flaws_of(ctx, TLS_FLAW_CA_KEPT), 1);
	tls_ctx_release(ctx);
	X509_free(old);
}

/* Another file that cannot be read, and rules for it, perhaps: what was is not put in its place. */
Test(trust_renew, another_bundle_that_cannot_be_read)
{
	struct tls_ctx *ctx = start();

	must(unlink(config->tls.client_ca_file) == 0);
	renew(&ctx, false);
	cr_expect_eq(tls_ctx_flaws_of(ctx, TLS_FLAW_CA_KEPT), 1, "the same file that is gone");
	snprintf(config->tls.client_ca_file, sizeof(config->tls.client_ca_file), "%s/new", dir);
	cr_expect_null(tls_ctx_renew(&config->tls, ctx, false, 9, error));
	cr_expect(strstr(error, "/new: cannot read") != NULL, "%s", error);
	tls_ctx_release(ctx);
}

/* A list is to be asked for from now on, and cannot be read. */
Test(trust_renew, lists_that_cannot_be_read_and_are_new)
{
	struct tls_ctx *ctx = start();

	snprintf(config->tls.crl_file, sizeof(config->tls.crl_file), "%s/crl", dir);
	cr_expect_null(tls_ctx_renew(&config->tls, ctx, false, 9, error));
	tls_ctx_release(ctx);
}

/* The rules in force are not about a CA that comes while the new ones cannot be read. */
Test(trust_renew, a_new_ca_while_the_configuration_is_kept)
{
	struct cert_pair leaf = cert_pair_make("leaf", EVP_EC_gen("P-256"), false, &other);
	struct tls_ctx *ctx = start();
	struct tls_verdict verdict;

	trust_write_certs(config->tls.client_ca_file, ca.cert, other.cert);
	renew(&ctx, true);
	cr_expect_neq(verify(ctx, &leaf, NULL, &verdict), X509_V_OK);
	cr_expect_eq(tls_ctx_flaws_of(ctx, TLS_FLAW_CA_KEPT), 1);
	renew(&ctx, false);
	cr_expect_eq(verify(ctx, &leaf, NULL, &verdict), X509_V_OK);
	trust_write_certs(config->tls.client_ca_file, ca.cert, NULL);
	renew(&ctx, true);
	cr_expect_neq(verify(ctx, &leaf, NULL, &verdict), X509_V_OK, "one that is gone is gone");
	tls_ctx_release(ctx);
	cert_pair_fini(&leaf);
}

static void write_lists(const X509 *of_ended, const X509 *of_current)
{
	FILE *file = fopen(config->tls.crl_file, "w");

	must(file != NULL);
	trust_write_crl(file, &ca, time(NULL) - 3 * HOUR, time(NULL) - HOUR, of_ended);
	if (of_current != NULL)
		trust_write_crl(file, &ca, time(NULL) - 2 * HOUR, time(NULL) + HOUR, of_current);
	must(fclose(file) == 0);
}

/* Whom a list has revoked, be it one that has ended, comes in by no file that is damaged later. */
Test(trust_renew, revoked_stays_revoked)
{
	struct cert_pair one = cert_pair_make("one", EVP_EC_gen("P-256"), false, &ca);
	struct cert_pair two = cert_pair_make("two", EVP_EC_gen("P-256"), false, &ca);
	struct cert_pair good = cert_pair_make("good", EVP_EC_gen("P-256"), false, &ca);
	struct tls_verdict verdict;

	must(ASN1_INTEGER_set(X509_get_serialNumber(one.cert), 101) == 1 &&
	     X509_sign(one.cert, ca.key, EVP_sha256()) > 0);
	must(ASN1_INTEGER_set(X509_get_serialNumber(two.cert), 102) == 1 &&
	     X509_sign(two.cert, ca.key, EVP_sha256()) > 0);
	must(ASN1_INTEGER_set(X509_get_serialNumber(good.cert), 103) == 1 &&
	     X509_sign(good.cert, ca.key, EVP_sha256()) > 0);
	snprintf(config->tls.crl_file, sizeof(config->tls.crl_file), "%s/crl", dir);
	write_lists(one.cert, two.cert);
	struct tls_ctx *ctx = start();
	for (int i = 0; i < 4; i++) {
		cr_expect_eq(verify(ctx, &one, NULL, &verdict), X509_V_ERR_CERT_REVOKED, "%d", i);
		cr_expect_eq(verify(ctx, &two, NULL, &verdict), X509_V_ERR_CERT_REVOKED, "%d", i);
		cr_expect_eq(verify(ctx, &good, NULL, &verdict), X509_V_OK, "%d", i);
		if (i == 0)
			write_lists(one.cert, NULL); /* only the one that has ended */
		else if (i == 1)
			must(truncate(config->tls.crl_file, 40) == 0);
		else
			unlink(config->tls.crl_file);
		renew(&ctx, false);
		cr_expect_gt(tls_ctx_flaws_of(ctx, TLS_FLAW_CRL_KEPT), 0);
	}
	tls_ctx_release(ctx);
	cert_pair_fini(&one);
	cert_pair_fini(&two);
	cert_pair_fini(&good);
}

static void entry(unsigned at, const char *name, const char *file, enum identity_kind kind,
		  const char *pattern)
{
	struct client_ca *one = &config->tls.client_ca[at];

	strcpy(one->name, name);
	snprintf(one->ca_file, sizeof(one->ca_file), "%s/%s", dir, file);
	one->vouches_for[0] = (struct identity_pattern){kind, strdup(pattern)};
	one->vouch_count = 1;
}

/* An intermediate CA of another entry than its root: a second certificate of it, by the root too,
 * leads past no entry. */
Test(trust_renew, an_entry_is_of_a_key)
{
	struct cert_pair middle = cert_pair_make("middle", EVP_EC_gen("P-256"), true, &ca);
	struct cert_pair leaf = cert_pair_make("leaf", EVP_EC_gen("P-256"), false, &middle);
	X509 *again = X509_dup(middle.cert);
	char path[PATH_MAX];
	struct tls_verdict verdict;

	must(again != NULL && ASN1_INTEGER_set(X509_get_serialNumber(again), 77) == 1 &&
	     X509_sign(again, ca.key, EVP_sha256()) > 0);
	config->tls.client_ca_file[0] = '\0';
	config->tls.client_ca = calloc(2, sizeof(*config->tls.client_ca));
	config->tls.client_ca_count = 2;
	entry(0, "ours", "ours", IDENTITY_KIND_COUNT, "**");
	entry(1, "partner", "partner", IDENTITY_DNS, "*.partner");
	trust_write_certs(config->tls.client_ca[0].ca_file, ca.cert, NULL);
	trust_write_certs(config->tls.client_ca[1].ca_file, middle.cert, NULL);
	struct tls_ctx *ctx = start();
	cr_expect_eq(verify(ctx, &leaf, again, &verdict), X509_V_OK);
	cr_expect_str_eq(verdict.group->from.name, "partner");
	/* Nor may the same key stand in both by two certificates. */
	trust_write_certs(config->tls.client_ca[0].ca_file, ca.cert, again);
	cr_expect_null(tls_ctx_new(&config->tls, 2, error));
	cr_expect(strstr(error, "is in both entries") != NULL, "%s", error);
	renew(&ctx, false);
	cr_expect_eq(verify(ctx, &leaf, again, &verdict), X509_V_OK);
	cr_expect_str_eq(verdict.group->from.name, "partner", "where it counted before");
	tls_ctx_release(ctx);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s", config->tls.client_ca[i].ca_file);
		unlink(path);
	}
	snprintf(config->tls.client_ca_file, sizeof(config->tls.client_ca_file), "%s/ca", dir);
	for (int i = 0; i < 2; i++)
		client_ca_fini(&config->tls.client_ca[i]);
	free(config->tls.client_ca);
	X509_free(again);
	cert_pair_fini(&middle);
	cert_pair_fini(&leaf);
}
