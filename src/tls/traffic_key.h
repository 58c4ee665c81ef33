/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key schedule below a traffic secret (RFC 8446 sections 7.1 to 7.3), and the
 * types that hold secrets. Everything secret of the program lives in these two
 * structs; each is wiped by its owner at one exit.
 */
#ifndef SLUICE_TLS_TRAFFIC_KEY_H
#define SLUICE_TLS_TRAFFIC_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/ciphers.h"

#define TRAFFIC_SECRET_BYTES_MAX 48 /* SHA-384 */
#define TRAFFIC_KEY_BYTES_MAX    32
#define TRAFFIC_IV_BYTES         12

struct traffic_secret {
	uint8_t byte[TRAFFIC_SECRET_BYTES_MAX];
	uint8_t len; /* 32 or 48, by the cipher suite's hash; 0: none yet */
};

struct traffic_key {
	uint8_t key[TRAFFIC_KEY_BYTES_MAX]; /* the first tls_cipher_key_bytes() of it */
	uint8_t iv[TRAFFIC_IV_BYTES];
};

size_t tls_cipher_key_bytes(enum tls_cipher cipher);    /* 16 or 32 */
size_t tls_cipher_secret_bytes(enum tls_cipher cipher); /* 32 (SHA-256) or 48 (SHA-384) */

/* HKDF-Expand-Label(secret, "key" | "iv", "", length). 0, -EINVAL (secret of the wrong length) or
 * -EIO (the TLS library failed); *key is wiped on failure. */
int traffic_key_derive(enum tls_cipher cipher, const struct traffic_secret *secret,
		       struct traffic_key *key);
/* HKDF-Expand-Label(secret, "traffic upd", "", Hash.length), in place (section 7.2). 0 or as above;
 * the secret is wiped on failure. */
int traffic_secret_update(enum tls_cipher cipher, struct traffic_secret *secret);

void traffic_secret_wipe(struct traffic_secret *secret);
void traffic_key_wipe(struct traffic_key *key);

#endif
