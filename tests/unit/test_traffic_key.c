/* SPDX-License-Identifier: Apache-2.0 */
/* The key schedule against RFC 8448's published trace, and against HMAC by hand. */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "tls/aead.h"
#include "tls/traffic_key.h"

TestSuite(traffic_key);

/* RFC 8448 section 3, "Simple 1-RTT Handshake": TLS_AES_128_GCM_SHA256. */
static const struct {
	const char *name;
	const char *secret, *key, *iv;
} rfc8448[] = {
	{"server application", "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
	 "9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984"},
	{"client application", "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
	 "17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9"},
	{"server handshake", "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
	 "3fce516009c21727d0f2e4e86ee403bc", "5d313eb2671276ee13000b30"},
	{"client handshake", "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
	 "dbfaa693d1762c5b666af5d950258d01", "5bd3c71b836e0b76bb73265f"},
};

static size_t from_hex(uint8_t *out, const char *hex)
{
	size_t n = strlen(hex) / 2;
	for (size_t i = 0; i < n; i++)
		sscanf(hex + 2 * i, "%2hhx", &out[i]);
	return n;
}

static struct traffic_secret secret_of(const char *hex)
{
	struct traffic_secret secret = {0};
	secret.len = (uint8_t)from_hex(secret.byte, hex);
	return secret;
}

Test(traffic_key, derives_the_keys_of_rfc_8448)
{
	for (size_t i = 0; i < sizeof(rfc8448) / sizeof(rfc8448[0]); i++) {
		struct traffic_secret secret = secret_of(rfc8448[i].secret);
		struct traffic_key key;
		uint8_t expected_key[16], expected_iv[12];
		from_hex(expected_key, rfc8448[i].key);
		from_hex(expected_iv, rfc8448[i].iv);
		cr_assert_eq(traffic_key_derive(TLS_CIPHER_AES_128_GCM, &secret, &key), 0);
		cr_expect_arr_eq(key.key, expected_key, 16, "%s key", rfc8448[i].name);
		cr_expect_arr_eq(key.iv, expected_iv, 12, "%s iv", rfc8448[i].name);
	}
}

/* The client's one record of application data in that trace: 50 bytes, 00 to 31. */
static const char client_record[] =
	"1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a"
	"20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4";

Test(traffic_key, seals_the_record_of_rfc_8448)
{
	struct traffic_secret secret = secret_of(rfc8448[1].secret);
	struct traffic_key key;
	uint8_t expected[128], record[128];
	size_t expected_bytes = from_hex(expected, client_record);

	cr_assert_eq(traffic_key_derive(TLS_CIPHER_AES_128_GCM, &secret, &key), 0);
	struct aead *aead = aead_new(TLS_CIPHER_AES_128_GCM, &key, true);
	cr_assert_not_null(aead);
	for (uint8_t i = 0; i < 50; i++)
		record[RECORD_HEADER + i] = i;
	int n = aead_seal(aead, record, 50, RECORD_DATA, 0);
	cr_assert_eq(n, (int)expected_bytes);
	cr_expect_arr_eq(record, expected, expected_bytes);
	aead_free(aead);
}

Test(traffic_key, opens_the_record_of_rfc_8448_and_refuses_it_changed)
{
	struct traffic_secret secret = secret_of(rfc8448[1].secret);
	struct traffic_key key;
	uint8_t record[128];
	size_t bytes = from_hex(record, client_record);
	enum record_type type;

	cr_assert_eq(traffic_key_derive(TLS_CIPHER_AES_128_GCM, &secret, &key), 0);
	struct aead *aead = aead_new(TLS_CIPHER_AES_128_GCM, &key, false);
	cr_assert_not_null(aead);
	for (size_t i = 0; i < bytes; i++) { /* any one bit of any byte, header too */
		uint8_t changed[128];
		memcpy(changed, record, bytes);
		changed[i] ^= 0x10;
		cr_expect_eq(aead_open(aead, changed, bytes, &type), -EBADMSG, "byte %zu", i);
	}
	cr_expect_eq(aead_seq(aead), 0, "a record that does not open takes no sequence number");
	cr_assert_eq(aead_open(aead, record, bytes, &type), 50);
	cr_expect_eq(type, RECORD_DATA);
	for (uint8_t i = 0; i < 50; i++)
		cr_expect_eq(record[RECORD_HEADER + i], i);
	aead_free(aead);
}

/* HKDF-Expand-Label for one block, from RFC 5869 and RFC 8446 section 7.1: HMAC(secret, info | 1).
 */
static void expand_label_by_hand(const EVP_MD *digest, const struct traffic_secret *secret,
				 const char *label, uint8_t *out, size_t out_bytes)
{
	uint8_t info[64], block[EVP_MAX_MD_SIZE];
	size_t label_len = strlen(label), n = 0;
	info[n++] = (uint8_t)(out_bytes >> 8);
	info[n++] = (uint8_t)out_bytes;
	info[n++] = (uint8_t)(6 + label_len);
	memcpy(info + n, "tls13 ", 6);
	memcpy(info + n + 6, label, label_len);
	n += 6 + label_len;
	info[n++] = 0; /* no context */
	info[n++] = 1; /* the first block */
	unsigned block_bytes;
	HMAC(digest, secret->byte, secret->len, info, n, block, &block_bytes);
	cr_assert(out_bytes <= block_bytes);
	memcpy(out, block, out_bytes);
}

Test(traffic_key, every_cipher_agrees_with_hmac)
{
	for (int cipher = 0; cipher < TLS_CIPHER_COUNT; cipher++) {
		const EVP_MD *digest =
			cipher == TLS_CIPHER_AES_256_GCM ? EVP_sha384() : EVP_sha256();
		struct traffic_secret secret = {.len = (uint8_t)tls_cipher_secret_bytes(cipher)};
		struct traffic_key key;
		uint8_t expected[TRAFFIC_SECRET_BYTES_MAX];

		for (int i = 0; i < secret.len; i++)
			secret.byte[i] = (uint8_t)(i * 7 + cipher);
		cr_assert_eq(traffic_key_derive(cipher, &secret, &key), 0);
		expand_label_by_hand(digest, &secret, "key", expected,
				     tls_cipher_key_bytes(cipher));
		cr_expect_arr_eq(key.key, expected, tls_cipher_key_bytes(cipher));
		expand_label_by_hand(digest, &secret, "iv", expected, TRAFFIC_IV_BYTES);
		cr_expect_arr_eq(key.iv, expected, TRAFFIC_IV_BYTES);
		expand_label_by_hand(digest, &secret, "traffic upd", expected, secret.len);
		cr_assert_eq(traffic_secret_update(cipher, &secret), 0);
		cr_expect_arr_eq(secret.byte, expected, secret.len);
	}
}

Test(traffic_key, a_secret_of_the_wrong_length_is_refused_and_nothing_is_left)
{
	struct traffic_secret secret = {.len = 48};
	struct traffic_key key, zero = {0};
	memset(&key, 0xaa, sizeof(key));
	cr_assert_eq(traffic_key_derive(TLS_CIPHER_AES_128_GCM, &secret, &key), -EINVAL);
	cr_expect_arr_eq((uint8_t *)&key, (uint8_t *)&zero, sizeof(key));
}

Test(traffic_key, wiping_leaves_zeros)
{
	struct traffic_secret secret = {.len = 32, .byte = {1, 2, 3}}, zero = {0};
	traffic_secret_wipe(&secret);
	cr_expect_arr_eq((uint8_t *)&secret, (uint8_t *)&zero, sizeof(secret));
}
