/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/cert_identity.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

static int add_string(struct identity_builder *builder, enum identity_kind kind,
		      const ASN1_STRING *string)
{
	/* Bytes with their length: a NUL inside does not end the name, it refuses it. */
	return identity_builder_add(builder, kind, (const char *)ASN1_STRING_get0_data(string),
				    (size_t)ASN1_STRING_length(string));
}

static int add_ip(struct identity_builder *builder, const ASN1_STRING *address)
{
	char text[INET6_ADDRSTRLEN];
	int bytes = ASN1_STRING_length(address);
	if (bytes != 4 && bytes != 16)
		return -EINVAL;
	inet_ntop(bytes == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text,
		  sizeof(text));
	return identity_builder_add(builder, IDENTITY_IP, text, strlen(text));
}

static int add_alternative_names(struct identity_builder *builder, X509 *cert)
{
	int critical;
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
	if (names == NULL)
		return critical == -1 ? 0 : -EINVAL; /* -1: there is none */

	int r = 0;
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && r == 0; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		switch (name->type) {
		case GEN_URI:
			r = add_string(builder, IDENTITY_URI, name->d.uniformResourceIdentifier);
			break;
		case GEN_DNS:
			r = add_string(builder, IDENTITY_DNS, name->d.dNSName);
			break;
		case GEN_EMAIL:
			r = add_string(builder, IDENTITY_EMAIL, name->d.rfc822Name);
			break;
		case GEN_IPADD:
			r = add_ip(builder, name->d.iPAddress);
			break;
		default: /* directory names and the like: no rule can name them */
			break;
		}
	}
	GENERAL_NAMES_free(names);
	return r;
}

static int add_subject(struct identity_builder *builder, X509 *cert, int nid,
		       enum identity_kind kind)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, nid, at)) >= 0;) {
		unsigned char *utf8 = NULL;
		int len = ASN1_STRING_to_UTF8(
			&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
		if (len < 0)
			return -EINVAL;
		int r = identity_builder_add(builder, kind, (const char *)utf8, (size_t)len);
		OPENSSL_free(utf8);
		if (r < 0)
			return r;
	}
	return 0;
}

/* "sha256/" and the base64 of SHA-256 over SubjectPublicKeyInfo, as RFC 7469 pins keys. */
static int add_spki(struct identity_builder *builder, X509 *cert)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	if (len < 0)
		return -EINVAL;
	unsigned char digest[SHA256_DIGEST_LENGTH];
	int ok = EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	if (ok != 1)
		return -ENOMEM;
	char text[8 + 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1] = "sha256/";
	EVP_EncodeBlock((unsigned char *)text + 7, digest, sizeof(digest));
	return identity_builder_add(builder, IDENTITY_SPKI, text, strlen(text));
}

int cert_identity(X509 *cert, struct identity **identity)
{
	struct identity_builder *builder = identity_builder_new();
	if (builder == NULL)
		return -ENOMEM;

	int r = add_alternative_names(builder, cert);
	if (r == 0)
		r = add_subject(builder, cert, NID_commonName, IDENTITY_CN);
	if (r == 0)
		r = add_subject(builder, cert, NID_organizationalUnitName, IDENTITY_OU);
	if (r == 0)
		r = add_spki(builder, cert);
	if (r == 0 && (*identity = identity_builder_finish(builder)) == NULL)
		r = -ENOMEM;
	identity_builder_free(builder);
	ERR_clear_error();
	return r;
}
