/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/aead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/must.h"

struct aead {
	EVP_CIPHER_CTX *ctx;
	uint64_t seq;
	bool sealing;
	uint8_t iv[TRAFFIC_IV_BYTES];
};

static const EVP_CIPHER *evp_cipher(enum tls_cipher cipher)
{
	switch (cipher) {
	case TLS_CIPHER_AES_128_GCM:
		return EVP_aes_128_gcm();
	case TLS_CIPHER_AES_256_GCM:
		return EVP_aes_256_gcm();
	case TLS_CIPHER_CHACHA20:
		return EVP_chacha20_poly1305();
	case TLS_CIPHER_COUNT:
		break;
	}
	must(!"a cipher of the table");
	return NULL;
}

struct aead *aead_new(enum tls_cipher cipher, const struct traffic_key *key, bool sealing)
{
	struct aead *aead = calloc(1, sizeof(*aead));
	if (aead == NULL)
		return NULL;
	aead->sealing = sealing;
	memcpy(aead->iv, key->iv, sizeof(aead->iv));
	aead->ctx = EVP_CIPHER_CTX_new();
	if (aead->ctx == NULL ||
	    EVP_CipherInit_ex(aead->ctx, evp_cipher(cipher), NULL, key->key, NULL, sealing) != 1) {
		ERR_clear_error();
		aead_free(aead);
		return NULL;
	}
	return aead;
}

void aead_free(struct aead *aead)
{
	if (aead == NULL)
		return;
	EVP_CIPHER_CTX_free(aead->ctx); /* wipes the key schedule */
	OPENSSL_cleanse(aead->iv, sizeof(aead->iv));
	free(aead);
}

int aead_rekey(struct aead *aead, const struct traffic_key *key)
{
	if (EVP_CipherInit_ex(aead->ctx, NULL, NULL, key->key, NULL, aead->sealing) != 1) {
		ERR_clear_error();
		return -EIO;
	}
	memcpy(aead->iv, key->iv, sizeof(aead->iv));
	aead->seq = 0;
	return 0;
}

uint64_t aead_seq(const struct aead *aead)
{
	return aead->seq;
}

/* RFC 8446 section 5.3: the IV xor the 64-bit sequence number, right-aligned. */
static void nonce_next(const struct aead *aead, uint8_t nonce[TRAFFIC_IV_BYTES])
{
	memcpy(nonce, aead->iv, TRAFFIC_IV_BYTES);
	for (int i = 0; i < 8; i++)
		nonce[TRAFFIC_IV_BYTES - 1 - i] ^= (uint8_t)(aead->seq >> (8 * i));
}

int aead_seal(struct aead *aead, uint8_t *record, size_t plain_bytes, enum record_type type,
	      size_t pad_bytes)
{
	must(aead->sealing);
	must(plain_bytes + pad_bytes <= RECORD_PLAIN_MAX);

	size_t inner_bytes = plain_bytes + 1 + pad_bytes;
	size_t body_bytes = inner_bytes + RECORD_TAG;
	uint8_t *inner = record + RECORD_HEADER;

	record[0] = RECORD_DATA;
	record[1] = 3;
	record[2] = 3;
	record[3] = (uint8_t)(body_bytes >> 8);
	record[4] = (uint8_t)body_bytes;
	inner[plain_bytes] = (uint8_t)type;
	memset(inner + plain_bytes + 1, 0, pad_bytes);

	uint8_t nonce[TRAFFIC_IV_BYTES];
	nonce_next(aead, nonce);
	int len;
	if (EVP_CipherInit_ex(aead->ctx, NULL, NULL, NULL, nonce, -1) != 1 ||
	    EVP_EncryptUpdate(aead->ctx, NULL, &len, record, RECORD_HEADER) != 1 ||
	    EVP_EncryptUpdate(aead->ctx, inner, &len, inner, (int)inner_bytes) != 1 ||
	    EVP_EncryptFinal_ex(aead->ctx, inner + inner_bytes, &len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(aead->ctx, EVP_CTRL_AEAD_GET_TAG, RECORD_TAG,
				inner + inner_bytes) != 1) {
		ERR_clear_error();
		return -EIO;
	}
	aead->seq++;
	return (int)(RECORD_HEADER + body_bytes);
}

int aead_open(struct aead *aead, uint8_t *record, size_t record_bytes, enum record_type *type)
{
	return aead_open_to(aead, record, record_bytes, record + RECORD_HEADER, type);
}

int aead_open_to(struct aead *aead, uint8_t *record, size_t record_bytes, uint8_t *out,
		 enum record_type *type)
{
	must(!aead->sealing);
	if (record_bytes < RECORD_OVERHEAD || record_bytes > RECORD_SEALED_MAX)
		return -EBADMSG;

	uint8_t *sealed = record + RECORD_HEADER;
	size_t inner_bytes = aead_inner_bytes(record_bytes);
	uint8_t nonce[TRAFFIC_IV_BYTES];
	nonce_next(aead, nonce);
	int len;
	if (EVP_CipherInit_ex(aead->ctx, NULL, NULL, NULL, nonce, -1) != 1 ||
	    EVP_CIPHER_CTX_ctrl(aead->ctx, EVP_CTRL_AEAD_SET_TAG, RECORD_TAG,
				sealed + inner_bytes) != 1 ||
	    EVP_DecryptUpdate(aead->ctx, NULL, &len, record, RECORD_HEADER) != 1 ||
	    EVP_DecryptUpdate(aead->ctx, out, &len, sealed, (int)inner_bytes) != 1 ||
	    EVP_DecryptFinal_ex(aead->ctx, out + inner_bytes, &len) != 1) {
		ERR_clear_error();
		return -EBADMSG;
	}
	aead->seq++;

	/* RFC 8446 section 5.4: padding counts for the length, the type is the last byte that is
	 * not zero. */
	if (inner_bytes > RECORD_PLAIN_MAX + 1)
		return -EMSGSIZE;
	while (inner_bytes > 0 && out[inner_bytes - 1] == 0)
		inner_bytes--;
	if (inner_bytes == 0)
		return -EPROTO;
	*type = (enum record_type)out[inner_bytes - 1];
	return (int)(inner_bytes - 1);
}
