/* SPDX-License-Identifier: Apache-2.0 */
/* Cipher suites of TLS 1.3, in the order of our preference. */
#ifndef SLUICE_BASE_CIPHERS_H
#define SLUICE_BASE_CIPHERS_H

enum tls_cipher {
	TLS_CIPHER_AES_128_GCM,
	TLS_CIPHER_AES_256_GCM,
	TLS_CIPHER_CHACHA20,
	TLS_CIPHER_COUNT
};

const char *tls_cipher_label(enum tls_cipher cipher); /* "TLS_AES_128_GCM_SHA256" ... */

#endif
