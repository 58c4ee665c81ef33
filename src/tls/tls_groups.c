/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tls_groups.h"

#include <errno.h>
#include <string.h>
#include <stdio.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "base/must.h"

/* From this version on a list may mark the groups that a client sends key shares for; before, it
 * sends one for the first. */
#define VERSION_WITH_MARKS 0x30500000ul

/* Does the library take it, and with every algorithm that it needs? */
static bool has_group(SSL_CTX *ssl_ctx, enum tls_group group)
{
	bool has_it = SSL_CTX_set1_groups_list(ssl_ctx, tls_group_label(group)) == 1;
	ERR_clear_error();
	return has_it;
}

int tls_groups_allow(SSL_CTX *ssl_ctx, unsigned wanted, bool is_client, unsigned *lacking)
{
	bool has_marks = is_client && OpenSSL_version_num() >= VERSION_WITH_MARKS;
	char list[128] = "";
	size_t used = 0;

	*lacking = 0;
	for (int i = 0; i < TLS_GROUP_COUNT; i++) {
		enum tls_group group = (enum tls_group)i;
		bool is_shared = group == TLS_GROUP_X25519MLKEM768 || group == TLS_GROUP_X25519;
		if ((wanted & 1u << i) == 0)
			continue;
		if (!has_group(ssl_ctx, group)) {
			*lacking |= 1u << i;
			continue;
		}
		/* ":" alone between them: all of one rank (SSL_CTX_set1_groups_list(3)). */
		int n = snprintf(list + used, sizeof(list) - used, "%s%s%s", used > 0 ? ":" : "",
				 has_marks && is_shared ? "*" : "", tls_group_label(group));
		must(n > 0 && (size_t)n < sizeof(list) - used);
		used += (size_t)n;
	}
	if (used == 0)
		return -ENOENT;
	must(SSL_CTX_set1_groups_list(ssl_ctx, list) == 1);
	return 0;
}

void tls_groups_format(unsigned groups, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (int i = 0; i < TLS_GROUP_COUNT && used < size; i++)
		if ((groups & 1u << i) != 0)
			used += (size_t)snprintf(out + used, size - used, "%s%s",
						 used > 0 ? ", " : "",
						 tls_group_label((enum tls_group)i));
}

enum tls_group tls_groups_agreed(SSL *ssl)
{
	const char *name = SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));
	return name != NULL ? tls_group_by_registry_name(name) : TLS_GROUP_OTHER;
}
