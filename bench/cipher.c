/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cipher: what sealing TLS 1.3 records costs by itself, by the libcrypto that the servers use.
 *
 * Seals COUNT records of AES-128-GCM in place, each 16,384 bytes and a type byte (RFC 8446 section
 * 5.2), with a new nonce each and nothing around them: no socket, no file, no copy. Prints the CPU
 * time and the bytes; in a guest that counts instructions the quotient is instructions a byte.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#define PLAIN_BYTES  16384
#define HEADER_BYTES 5
#define TAG_BYTES    16
#define IV_BYTES     12
#define WARM_RECORDS 8

static uint64_t cpu_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int seal(EVP_CIPHER_CTX *ctx, uint8_t *record, uint64_t seq)
{
	uint8_t iv[IV_BYTES] = {0};
	uint8_t *plain = record + HEADER_BYTES;
	int n;

	memcpy(iv, &seq, sizeof(seq));
	return EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, iv) == 1 &&
	       EVP_EncryptUpdate(ctx, NULL, &n, record, HEADER_BYTES) == 1 &&
	       EVP_EncryptUpdate(ctx, plain, &n, plain, PLAIN_BYTES + 1) == 1 &&
	       EVP_EncryptFinal_ex(ctx, plain + n, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES,
				   plain + PLAIN_BYTES + 1) == 1;
}

int main(int argc, char **argv)
{
	static uint8_t record[HEADER_BYTES + PLAIN_BYTES + 1 + TAG_BYTES];
	static const uint8_t key[16] = "not a secret key";
	uint64_t count = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t before = 0;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (count == 0) {
		fprintf(stderr, "usage: cipher COUNT\n");
		return 2;
	}
	if (ctx == NULL || EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, NULL) != 1)
		return 1;
	for (uint64_t seq = 0; seq < WARM_RECORDS + count; seq++) {
		if (seq == WARM_RECORDS)
			before = cpu_ns();
		if (!seal(ctx, record, seq))
			return 1;
	}
	printf("records %" PRIu64 " bytes %" PRIu64 " cpu_ns %" PRIu64 "\n", count,
	       count * PLAIN_BYTES, cpu_ns() - before);
	EVP_CIPHER_CTX_free(ctx);
	return 0;
}
