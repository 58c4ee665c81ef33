/* SPDX-License-Identifier: Apache-2.0 */
/* What a certificate says, as text for people. Visible inside tls/ only. */
#ifndef SLUICE_TLS_CERT_TEXT_H
#define SLUICE_TLS_CERT_TEXT_H

#include <stddef.h>

#include <openssl/x509.h>

/* Upper-case hex, as openssl prints it; "" if there is no memory. */
void cert_text_serial(const X509 *cert, char *out, size_t size);
/* "EC P-256", "RSA 2048", "ED25519". */
void cert_text_key(const X509 *cert, char *out, size_t size);
/* Of the algorithm that signed it: "ecdsa-with-SHA256". */
void cert_text_signature(const X509 *cert, char *out, size_t size);

#endif
