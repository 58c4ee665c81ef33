/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/traffic_key.h"

#include <errno.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/must.h"

size_t tls_cipher_key_bytes(enum tls_cipher cipher)
{
	return cipher == TLS_CIPHER_AES_128_GCM ? 16 : 32;
}

size_t tls_cipher_secret_bytes(enum tls_cipher cipher)
{
	return cipher == TLS_CIPHER_AES_256_GCM ? 48 : 32;
}

void traffic_secret_wipe(struct traffic_secret *secret)
{
	OPENSSL_cleanse(secret, sizeof(*secret));
}

void traffic_key_wipe(struct traffic_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}

/* HKDF-Expand-Label(secret, label, "", out_bytes) of RFC 8446 section 7.1. */
static int expand_label(EVP_KDF_CTX *kdf, enum tls_cipher cipher,
			const struct traffic_secret *secret, const char *label, uint8_t *out,
			size_t out_bytes)
{
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	/* The KDF reads these parameters and writes to none, whatever their types say. */
	char *digest = (char *)(cipher == TLS_CIPHER_AES_256_GCM ? "SHA2-384" : "SHA2-256");
	char *prefix = (char *)"tls13 ";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret->byte,
						  secret->len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, prefix, strlen(prefix)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (void *)label,
						  strlen(label)),
		OSSL_PARAM_construct_end(),
	};
	return EVP_KDF_derive(kdf, out, out_bytes, params) == 1 ? 0 : -EIO;
}

static EVP_KDF_CTX *kdf_new(void)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
	if (kdf == NULL)
		return NULL;
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	EVP_KDF_free(kdf); /* the context holds its own reference */
	return ctx;
}

int traffic_key_derive(enum tls_cipher cipher, const struct traffic_secret *secret,
		       struct traffic_key *key)
{
	memset(key, 0, sizeof(*key));
	if (secret->len != tls_cipher_secret_bytes(cipher))
		return -EINVAL;

	EVP_KDF_CTX *kdf = kdf_new();
	int r = kdf == NULL ? -EIO : 0;
	if (r == 0)
		r = expand_label(kdf, cipher, secret, "key", key->key,
				 tls_cipher_key_bytes(cipher));
	if (r == 0)
		r = expand_label(kdf, cipher, secret, "iv", key->iv, TRAFFIC_IV_BYTES);
	EVP_KDF_CTX_free(kdf);
	if (r < 0)
		traffic_key_wipe(key);
	return r;
}

int traffic_secret_update(enum tls_cipher cipher, struct traffic_secret *secret)
{
	must(secret->len == tls_cipher_secret_bytes(cipher));

	struct traffic_secret next = {.len = secret->len};
	EVP_KDF_CTX *kdf = kdf_new();
	int r = kdf == NULL ? -EIO : 0;
	if (r == 0)
		r = expand_label(kdf, cipher, secret, "traffic upd", next.byte, next.len);
	EVP_KDF_CTX_free(kdf);

	traffic_secret_wipe(secret);
	if (r == 0)
		*secret = next;
	traffic_secret_wipe(&next);
	return r;
}
