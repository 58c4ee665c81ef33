/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenSSL library context of all handshakes: the default provider without the algorithms that
 * they never use.
 *
 * OpenSSL 3.0 looks through every decoder and every kind of key that it has, several times, for
 * each certificate that it reads: 1.2 million instructions for a client's one, a sixth of a
 * handshake (bench/handshake under callgrind, libssl 3.0.22, 2026-11-25). With the few that read
 * public keys of certificates that is next to nothing.
 *
 * It reads no private keys. Of a machine's OpenSSL configuration what is said of TLS holds in it
 * (ssl_conf); its choice of a random number generator does not.
 */
#ifndef SLUICE_TLS_TLS_LIBRARY_H
#define SLUICE_TLS_TLS_LIBRARY_H

#include <openssl/types.h>

/* NULL: the library's default context, which does as well; so it is where the machine's
 * configuration has other providers than the default one (FIPS), and without memory. Any thread;
 * never freed. */
OSSL_LIB_CTX *tls_library(void);

#endif
