/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/cert_text.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

void cert_text_serial(const X509 *cert, char *out, size_t size)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *hex = number != NULL ? BN_bn2hex(number) : NULL;

	snprintf(out, size, "%s", hex != NULL ? hex : "");
	OPENSSL_free(hex);
	BN_free(number);
}

void cert_text_key(const X509 *cert, char *out, size_t size)
{
	const EVP_PKEY *key = X509_get0_pubkey(cert);
	const char *type = key != NULL ? EVP_PKEY_get0_type_name(key) : NULL;
	char group[32];

	if (type == NULL) {
		snprintf(out, size, "of an unknown kind");
	} else if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group,
						  sizeof(group), NULL) == 1) {
		const char *nist = EC_curve_nid2nist(OBJ_txt2nid(group));
		snprintf(out, size, "%s %s", type, nist != NULL ? nist : group);
	} else if (strncmp(type, "RSA", 3) == 0) {
		snprintf(out, size, "%s %d", type, EVP_PKEY_get_bits(key));
	} else {
		snprintf(out, size, "%s", type);
	}
}

void cert_text_signature(const X509 *cert, char *out, size_t size)
{
	const char *name = OBJ_nid2ln(X509_get_signature_nid(cert));
	snprintf(out, size, "%s", name != NULL ? name : "?");
}
