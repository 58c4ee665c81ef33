/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern of names in the file: KIND:PATTERN. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "config/config_private.h"

/* "sha256/", 43 of base64 and "=": 32 bytes. */
static bool is_spki(const char *pattern)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	return strncmp(pattern, "sha256/", 7) == 0 && strspn(pattern + 7, alphabet) == 43 &&
	       strcmp(pattern + 50, "=") == 0;
}

/* As a certificate's address is written, RFC 5952: FD00::1 would never match. -EINVAL: it is
 * neither an address nor a pattern. */
static int normalise_ip(const char *pattern, char out[INET6_ADDRSTRLEN])
{
	struct in6_addr address;
	int family = strchr(pattern, ':') != NULL ? AF_INET6 : AF_INET;

	if (inet_pton(family, pattern, &address) != 1)
		return -EINVAL;
	return inet_ntop(family, &address, out, INET6_ADDRSTRLEN) != NULL ? 0 : -EINVAL;
}

static int set_pattern(struct identity_pattern *into, struct yaml_reader *reader,
		       const yaml_node_t *node, const char *what, const char *pattern)
{
	char address[INET6_ADDRSTRLEN];

	if (into->kind == IDENTITY_SPKI && !is_spki(pattern))
		return yaml_refuse(reader, node,
				   "%s: write spki:sha256/ and 44 characters of "
				   "base64 (certs/ca show prints it)",
				   what);
	if (into->kind == IDENTITY_IP && strchr(pattern, '*') == NULL) {
		if (normalise_ip(pattern, address) < 0)
			return yaml_refuse(reader, node,
					   "%s: ip:%.60s is no address; write one, "
					   "or a pattern such as ip:10.0.*",
					   what, pattern);
		pattern = address;
	}
	into->text = strdup(pattern);
	return into->text != NULL ? 0 : yaml_refuse(reader, node, "no memory");
}

int config_read_pattern(struct identity_pattern *into, struct yaml_reader *reader,
			const yaml_node_t *node, const char *what, bool takes_any)
{
	const char *text = yaml_text(node);
	const char *colon = text != NULL ? strchr(text, ':') : NULL;

	if (yaml_has_control(node))
		return yaml_refuse(reader, node, "%s: " YAML_CONTROL, what);
	if (takes_any && text != NULL && strcmp(text, "**") == 0) {
		into->kind = IDENTITY_KIND_COUNT;
		return set_pattern(into, reader, node, what, text);
	}
	if (colon == NULL || colon[1] == '\0')
		return yaml_refuse(reader, node,
				   "%s: write KIND:PATTERN, such as dns:thanos-*.monitoring%s; the "
				   "kinds are dns, "
				   "uri, email, ip, cn, ou, spki",
				   what, takes_any ? ", or ** for any name" : "");
	if (strlen(colon + 1) > PATTERN_BYTES_MAX)
		return yaml_refuse(reader, node, "%s: the pattern is longer than %d bytes", what,
				   PATTERN_BYTES_MAX);
	for (int kind = 0; kind < IDENTITY_KIND_COUNT; kind++) {
		const char *label = identity_kind_label((enum identity_kind)kind);
		if (strlen(label) != (size_t)(colon - text) ||
		    memcmp(label, text, strlen(label)) != 0)
			continue;
		into->kind = (enum identity_kind)kind;
		return set_pattern(into, reader, node, what, colon + 1);
	}
	return yaml_refuse(
		reader, node,
		"%s: kind %.*s is not known; the kinds are dns, uri, email, ip, cn, ou, spki", what,
		(int)(colon - text < 40 ? colon - text : 40), text);
}
