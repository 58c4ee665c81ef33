/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ciphers.h"

#include "base/must.h"

const char *tls_cipher_label(enum tls_cipher cipher)
{
	static const char *const labels[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
					     "TLS_CHACHA20_POLY1305_SHA256"};
	must((unsigned)cipher < ARRAY_LEN(labels));
	return labels[cipher];
}
