/* SPDX-License-Identifier: Apache-2.0 */
#include "cert_fixture.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/must.h"

static void make_ca(X509 *cert)
{
	X509_EXTENSION *extension =
		X509V3_EXT_nconf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
	must(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

struct cert_pair cert_pair_make(const char *common_name, EVP_PKEY *key, bool is_ca,
				const struct cert_pair *issuer)
{
	struct cert_pair pair = {.cert = X509_new(), .key = key};
	const struct cert_pair *by = issuer != NULL ? issuer : &pair;
	X509_NAME *name = X509_get_subject_name(pair.cert);
	/* Ed25519 and Ed448 have theirs inside. */
	bool has_digest = !EVP_PKEY_is_a(by->key, "ED25519") && !EVP_PKEY_is_a(by->key, "ED448");

	must(key != NULL && X509_set_version(pair.cert, X509_VERSION_3) == 1);
	must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					(const unsigned char *)common_name, -1, -1, 0) == 1);
	must(X509_set_issuer_name(pair.cert, X509_get_subject_name(by->cert)) == 1);
	must(ASN1_INTEGER_set(X509_get_serialNumber(pair.cert), 1) == 1);
	must(X509_gmtime_adj(X509_getm_notBefore(pair.cert), -60) != NULL);
	must(X509_gmtime_adj(X509_getm_notAfter(pair.cert), 3600) != NULL);
	must(X509_set_pubkey(pair.cert, key) == 1);
	if (is_ca)
		make_ca(pair.cert);
	must(X509_sign(pair.cert, by->key, has_digest ? EVP_sha256() : NULL) > 0);
	return pair;
}

void cert_pair_fini(struct cert_pair *pair)
{
	X509_free(pair->cert);
	EVP_PKEY_free(pair->key);
}
