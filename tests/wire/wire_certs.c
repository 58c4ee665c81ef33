/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_certs.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/must.h"

#define DAY           86400
#define MIDDLE_SERIAL 50

struct issuer {
	X509 *cert;
	EVP_PKEY *key;
};

struct cert_row {
	const char *name;
	const char *purposes;
	const char *sans;
	int from_days;
	int until_days;
	int flags;
};

#define CERT_ROW(id, ...) [WIRE_CERT_##id] = {__VA_ARGS__},
static const struct cert_row rows[WIRE_CERT_COUNT] = {WIRE_CERTS(CERT_ROW)};

const char *wire_cert_name(enum wire_cert cert)
{
	must(cert < WIRE_CERT_COUNT);
	return rows[cert].name;
}

static FILE *file_open(const char *dir, const char *name, const char *suffix)
{
	char path[PATH_MAX];
	FILE *file;

	must(snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix) < (int)sizeof(path));
	file = fopen(path, "w");
	must(file != NULL);
	return file;
}

static void extension_add(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(extension != NULL);
	must(X509_add_ext(cert, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

/* A certificate without extensions and signature. */
static X509 *cert_begin(const char *common_name, EVP_PKEY *key, long serial,
			const struct cert_row *row)
{
	X509 *cert = X509_new();
	X509_NAME *name;

	must(cert != NULL);
	must(X509_set_version(cert, X509_VERSION_3) == 1);
	must(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial) == 1);
	must(X509_gmtime_adj(X509_getm_notBefore(cert), row->from_days * DAY) != NULL);
	must(X509_gmtime_adj(X509_getm_notAfter(cert), row->until_days * DAY) != NULL);
	name = X509_get_subject_name(cert);
	must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					(const unsigned char *)common_name, -1, -1, 0) == 1);
	must(X509_set_pubkey(cert, key) == 1);
	return cert;
}

static void cert_write(const char *dir, const char *name, X509 *cert, EVP_PKEY *key)
{
	FILE *file = file_open(dir, name, ".crt");

	must(PEM_write_X509(file, cert) == 1);
	must(fclose(file) == 0);
	file = file_open(dir, name, ".key");
	must(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
	must(fclose(file) == 0);
}

/* by NULL: a root. */
static struct issuer ca_make(const char *dir, const char *name, long serial,
			     const struct issuer *by)
{
	static const struct cert_row row = {.from_days = -60, .until_days = 60};
	struct issuer ca = {.key = EVP_EC_gen("P-256")};

	must(ca.key != NULL);
	ca.cert = cert_begin(name, ca.key, serial, &row);
	must(X509_set_issuer_name(ca.cert,
				  X509_get_subject_name(by != NULL ? by->cert : ca.cert)) == 1);
	extension_add(ca.cert, ca.cert, NID_basic_constraints, "critical,CA:TRUE");
	extension_add(ca.cert, ca.cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	extension_add(ca.cert, ca.cert, NID_subject_key_identifier, "hash");
	must(X509_sign(ca.cert, by != NULL ? by->key : ca.key, EVP_sha256()) > 0);
	cert_write(dir, name, ca.cert, ca.key);
	return ca;
}

static void issuer_fini(struct issuer *issuer)
{
	X509_free(issuer->cert);
	EVP_PKEY_free(issuer->key);
}

static void leaf_make(const char *dir, const struct cert_row *row, long serial,
		      const struct issuer *ca)
{
	EVP_PKEY *key = row->flags & CERT_IS_WEAK ? EVP_RSA_gen(768) : EVP_EC_gen("P-256");
	X509 *cert;

	must(key != NULL);
	cert = cert_begin(row->name, key, serial, row);
	struct issuer issuer = row->flags & CERT_BY_ITSELF ? (struct issuer){cert, key} : *ca;
	must(X509_set_issuer_name(cert, X509_get_subject_name(issuer.cert)) == 1);
	extension_add(cert, issuer.cert, NID_basic_constraints, "critical,CA:FALSE");
	extension_add(cert, issuer.cert, NID_key_usage, "critical,digitalSignature");
	extension_add(cert, issuer.cert, NID_ext_key_usage, row->purposes);
	if (row->sans[0] != '\0')
		extension_add(cert, issuer.cert, NID_subject_alt_name, row->sans);
	must(X509_sign(cert, issuer.key, EVP_sha256()) > 0);
	cert_write(dir, row->name, cert, key);
	X509_free(cert);
	EVP_PKEY_free(key);
}

struct crl_row {
	const char *name;
	int until_days; /* from now, negative: it is out of date */
	bool is_empty;  /* revokes nobody of the table of certificates; else what it says */
	int extension;  /* NID, 0: none */
	const char *extension_hex;
	long serial; /* revokes this, too; 0: none */
};

static void crl_extend(X509_CRL *crl, int nid, const char *hex)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	long len;
	unsigned char *bytes = OPENSSL_hexstr2buf(hex, &len);
	must(value != NULL && bytes != NULL && ASN1_OCTET_STRING_set(value, bytes, (int)len) == 1);
	X509_EXTENSION *extension = X509_EXTENSION_create_by_NID(NULL, nid, 1, value);
	must(extension != NULL && X509_CRL_add_ext(crl, extension, -1) == 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	OPENSSL_free(bytes);
}

static void crl_add(X509_CRL *crl, long number, ASN1_TIME *when)
{
	X509_REVOKED *revoked = X509_REVOKED_new();
	ASN1_INTEGER *serial = ASN1_INTEGER_new();

	must(revoked != NULL && ASN1_INTEGER_set(serial, number) == 1);
	must(X509_REVOKED_set_serialNumber(revoked, serial) == 1);
	must(X509_REVOKED_set_revocationDate(revoked, when) == 1);
	must(X509_CRL_add0_revoked(crl, revoked) == 1);
	ASN1_INTEGER_free(serial);
}

static void crl_make(const char *dir, const struct issuer *ca, const struct crl_row *row)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *when = X509_gmtime_adj(NULL, -2 * DAY);
	FILE *file;

	must(crl != NULL && when != NULL);
	must(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1);
	must(X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert)) == 1);
	must(X509_CRL_set1_lastUpdate(crl, when) == 1);
	must(X509_gmtime_adj(when, row->until_days * DAY) != NULL);
	must(X509_CRL_set1_nextUpdate(crl, when) == 1);
	must(X509_gmtime_adj(when, -DAY) != NULL);
	for (long i = 0; i < WIRE_CERT_COUNT; i++)
		if (!row->is_empty && (rows[i].flags & CERT_IS_REVOKED))
			crl_add(crl, 100 + i, when);
	if (row->serial != 0)
		crl_add(crl, row->serial, when);
	must(X509_CRL_sort(crl) == 1);
	if (row->extension != 0)
		crl_extend(crl, row->extension, row->extension_hex);
	must(X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0);
	file = file_open(dir, row->name, ".crl");
	must(PEM_write_X509_CRL(file, crl) == 1);
	must(fclose(file) == 0);
	ASN1_TIME_free(when);
	X509_CRL_free(crl);
}

/* Of the CA "ca". The values of extensions are DER. */
static const struct crl_row crls[] = {
	{"ca", 30, false, 0, NULL, 0},
	{"none", 30, true, 0, NULL, 0},
	{"stale", -1, true, 0, NULL, 0},
	{"delta", 30, false, NID_delta_crl, "020101", 0},
	{"some-reasons", 30, false, NID_issuing_distribution_point, "300483020640", 0},
	{"indirect", 30, false, NID_issuing_distribution_point, "30038401FF", 0},
	{"of-users", 30, false, NID_issuing_distribution_point, "30038101FF", 0},
	/* An identifier of a key that is not the CA's. */
	{"of-another-key", 30, false, NID_authority_key_identifier, "30068004DEADBEEF", 0},
	{"no-middle", 30, true, 0, NULL, MIDDLE_SERIAL},
};
static const struct crl_row crls_of_other[] = {{"other-ca", 30, true, 0, NULL, 0},
					       {"other-stale", -1, true, 0, NULL, 0}};
static const struct crl_row crl_of_middle = {"middle", 30, true, 0, NULL, 0};

void wire_certs_make(const char *dir)
{
	struct issuer ca = ca_make(dir, "ca", 1, NULL);
	struct issuer other = ca_make(dir, "other-ca", 1, NULL);
	struct issuer middle = ca_make(dir, "middle", MIDDLE_SERIAL, &ca);
	struct issuer sibling = ca_make(dir, "sibling", MIDDLE_SERIAL + 1, &ca);

	for (long i = 0; i < WIRE_CERT_COUNT; i++)
		leaf_make(dir, &rows[i], 100 + i,
			  rows[i].flags & CERT_BY_OTHER_CA  ? &other
			  : rows[i].flags & CERT_BY_MIDDLE  ? &middle
			  : rows[i].flags & CERT_BY_SIBLING ? &sibling
							    : &ca);
	for (size_t i = 0; i < ARRAY_LEN(crls); i++)
		crl_make(dir, &ca, &crls[i]);
	for (size_t i = 0; i < ARRAY_LEN(crls_of_other); i++)
		crl_make(dir, &other, &crls_of_other[i]);
	crl_make(dir, &middle, &crl_of_middle);
	issuer_fini(&ca);
	issuer_fini(&other);
	issuer_fini(&middle);
	issuer_fini(&sibling);
}
