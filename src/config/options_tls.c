/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the options of TLS that are lists of names: cipher suites and groups, as Go and the web
 * configuration of Prometheus name them. */
#include <string.h>

#include "base/must.h"
#include "config/config_private.h"

#define NAME_BYTES_MAX 64

/* What of a list is done with each of its names. */
typedef int (*add_name)(struct config *config, const char *name, char error[ERROR_TEXT_MAX]);

/* accepted: for a name that is too long to be one. */
static int add_names(struct config *config, const char *value, add_name add, const char *accepted,
		     char error[ERROR_TEXT_MAX])
{
	char name[NAME_BYTES_MAX];

	for (;;) {
		size_t len = strcspn(value, ",");
		if (len >= sizeof(name))
			return option_refuse(error, value, accepted);
		memcpy(name, value, len);
		name[len] = '\0';
		int r = add(config, name, error);
		if (r < 0 || value[len] == '\0')
			return r;
		value += len + 1;
	}
}

/* ---- Cipher suites --------------------------------------------------------------------------- */

#define CIPHERS_ACCEPTED                                                                           \
	"the cipher suites are TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, "                   \
	"TLS_CHACHA20_POLY1305_SHA256, and Go's of TLS 1.2"

/* What crypto/tls.CipherSuites() of any Go has beside those of TLS 1.3. In Go the list is about TLS
 * 1.2 alone, so a file for Prometheus mostly has these. */
static const char *const tls12_suites[] = {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
					   "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
					   "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
					   "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
					   "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
					   "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
					   "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
					   "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
					   "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
					   "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
					   "TLS_RSA_WITH_AES_128_GCM_SHA256",
					   "TLS_RSA_WITH_AES_256_GCM_SHA384",
					   "TLS_RSA_WITH_AES_128_CBC_SHA",
					   "TLS_RSA_WITH_AES_256_CBC_SHA"};

static bool is_of_tls12(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(tls12_suites); i++)
		if (strcmp(tls12_suites[i], name) == 0)
			return true;
	return false;
}

static int add_cipher(struct config *config, const char *name, char error[ERROR_TEXT_MAX])
{
	if (is_of_tls12(name))
		return 0;
	for (int i = 0; i < TLS_CIPHER_COUNT; i++) {
		if (strcmp(tls_cipher_label((enum tls_cipher)i), name) != 0)
			continue;
		if (!config->tls.ciphers_are_named)
			config->tls.cipher_count = 0;
		config->tls.ciphers_are_named = true;
		for (unsigned j = 0; j < config->tls.cipher_count; j++)
			if (config->tls.ciphers[j] == (enum tls_cipher)i)
				return option_refuse(error, name, "listed twice");
		config->tls.ciphers[config->tls.cipher_count++] = (enum tls_cipher)i;
		return 0;
	}
	return option_refuse(error, name, CIPHERS_ACCEPTED);
}

int option_set_ciphers(struct config *config, const char *value, bool is_first,
		       char error[ERROR_TEXT_MAX])
{
	/* The default stands until one of TLS 1.3 is named. */
	for (int i = 0; is_first && i < TLS_CIPHER_COUNT; i++)
		config->tls.ciphers[i] = (enum tls_cipher)i;
	if (is_first) {
		config->tls.cipher_count = TLS_CIPHER_COUNT;
		config->tls.ciphers_are_named = false;
	}
	return add_names(config, value, add_cipher, CIPHERS_ACCEPTED, error);
}

/* ---- Groups ---------------------------------------------------------------------------------- */

#define GROUPS_ACCEPTED "the curves are X25519MLKEM768, X25519, CurveP256, CurveP384, CurveP521"

static int add_group(struct config *config, const char *name, char error[ERROR_TEXT_MAX])
{
	enum tls_group group = tls_group_by_go_name(name);

	if (group == TLS_GROUP_OTHER)
		return option_refuse(error, name, GROUPS_ACCEPTED);
	config->tls.groups |= 1u << group;
	return 0;
}

int option_set_groups(struct config *config, const char *value, bool is_first,
		      char error[ERROR_TEXT_MAX])
{
	if (is_first)
		config->tls.groups = 0;
	return add_names(config, value, add_group, GROUPS_ACCEPTED, error);
}
