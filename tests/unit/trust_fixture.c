/* SPDX-License-Identifier: Apache-2.0 */
#include "trust_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/must.h"

void trust_write_certs(const char *path, X509 *one, X509 *other)
{
	FILE *file = fopen(path, "w");
	must(file != NULL && PEM_write_X509(file, one) == 1);
	must(other == NULL || PEM_write_X509(file, other) == 1);
	must(fclose(file) == 0);
}

void trust_write_key(const char *path, EVP_PKEY *key)
{
	FILE *file = fopen(path, "w");
	must(file != NULL && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
	must(fclose(file) == 0);
}

/* Names of files in a new folder, which files_remove removes with what of them is there. */
struct config *trust_files_begin(char dir[])
{
	struct config *config = malloc(sizeof(*config));

	must(config != NULL && mkdtemp(dir) != NULL);
	config_init(config);
	snprintf(config->tls.cert_file, sizeof(config->tls.cert_file), "%s/crt", dir);
	snprintf(config->tls.key_file, sizeof(config->tls.key_file), "%s/key", dir);
	snprintf(config->tls.client_ca_file, sizeof(config->tls.client_ca_file), "%s/ca", dir);
	return config;
}

void trust_files_remove(const char *dir, struct config *config)
{
	unlink(config->tls.cert_file);
	unlink(config->tls.key_file);
	unlink(config->tls.client_ca_file);
	unlink(config->tls.crl_file);
	rmdir(dir);
	free(config);
}

void trust_write_crl(FILE *file, const struct cert_pair *ca, int64_t from, int64_t until,
		     const X509 *revoked)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *last = ASN1_TIME_set(NULL, from), *next = ASN1_TIME_set(NULL, until);

	must(crl != NULL && last != NULL && next != NULL && X509_CRL_set_version(crl, 1) == 1);
	must(X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert)) == 1);
	must(X509_CRL_set1_lastUpdate(crl, last) == 1 && X509_CRL_set1_nextUpdate(crl, next) == 1);
	if (revoked != NULL) {
		X509_REVOKED *entry = X509_REVOKED_new();
		must(entry != NULL &&
		     X509_REVOKED_set_serialNumber(
			     entry, (ASN1_INTEGER *)(uintptr_t)X509_get0_serialNumber(revoked)) ==
			     1 &&
		     X509_REVOKED_set_revocationDate(entry, last) == 1 &&
		     X509_CRL_add0_revoked(crl, entry) == 1 && X509_CRL_sort(crl) == 1);
	}
	must(X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0);
	must(PEM_write_X509_CRL(file, crl) == 1);
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
}
