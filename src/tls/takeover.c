/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/takeover.h"

#include <string.h>

#include "tls/traffic_key.h"

static bool cipher_find(const char *suite, enum tls_cipher *ret_cipher)
{
	for (int i = 0; suite != NULL && i < TLS_CIPHER_COUNT; i++) {
		if (strcmp(suite, tls_cipher_label((enum tls_cipher)i)) == 0) {
			*ret_cipher = (enum tls_cipher)i;
			return true;
		}
	}
	return false;
}

enum handshake_failure takeover_judge(const struct takeover *facts, enum tls_cipher *ret_cipher)
{
	enum tls_cipher cipher;

	if (!facts->is_tls13 || !facts->is_finished)
		return HANDSHAKE_NOT_FINISHED;
	if (!cipher_find(facts->suite, &cipher))
		return HANDSHAKE_CIPHER_UNKNOWN;
	size_t secret_bytes = tls_cipher_secret_bytes(cipher);
	if (facts->client_secret_bytes != secret_bytes ||
	    facts->server_secret_bytes != secret_bytes)
		return HANDSHAKE_NO_SECRETS;
	if (facts->has_pending)
		return HANDSHAKE_BYTES_PENDING;
	if (!facts->is_verified)
		return HANDSHAKE_NOT_VERIFIED;
	if (!facts->has_identity && !facts->is_client)
		return HANDSHAKE_NO_IDENTITY;
	*ret_cipher = cipher;
	return HANDSHAKE_FAILURE_COUNT;
}
