/* SPDX-License-Identifier: Apache-2.0 */
/* What the forms share: values, addresses, TLS settings. */
#include "client/endpoints.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/must.h"
#include "client/endpoints_private.h"

static const char *const prefixes[] = {
	[ENDPOINT_STATIC] = "",
	[ENDPOINT_DNS] = "dns+",
	[ENDPOINT_DNSDUALSTACK] = "dnsdualstack+",
	[ENDPOINT_DNSSRV] = "dnssrv+",
	[ENDPOINT_DNSSRVNOA] = "dnssrvnoa+",
};

const char *endpoint_lookup_prefix(enum endpoint_lookup lookup)
{
	must((unsigned)lookup < ENDPOINT_LOOKUP_COUNT);
	return prefixes[lookup];
}

void *endpoint_grow(void *array, unsigned count, size_t element_bytes)
{
	void *grown = array;

	/* Doubled at each power of two. */
	if ((count & (count - 1)) == 0) {
		size_t room = count == 0 ? 1 : (size_t)2 * count;
		grown = realloc(array, room * element_bytes);
	}
	if (grown != NULL)
		memset((char *)grown + count * element_bytes, 0, element_bytes);
	return grown;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void tls_fini(struct endpoint_tls *tls)
{
	free(tls->cert_file);
	free(tls->key_file);
	free(tls->ca_file);
	free(tls->server_name);
}

static void group_fini(struct endpoint_group *group)
{
	free(group->name);
	tls_fini(&group->tls);
	free(group->service_config);
	for (unsigned i = 0; i < group->address_count; i++)
		free(group->address[i].text);
	free(group->address);
	for (unsigned i = 0; i < group->sd_count; i++) {
		for (unsigned j = 0; j < group->sd[i].file_count; j++)
			free(group->sd[i].file[j]);
		free((void *)group->sd[i].file);
	}
	free(group->sd);
}

void endpoints_fini(struct endpoints *endpoints)
{
	for (unsigned i = 0; i < endpoints->group_count; i++)
		group_fini(&endpoints->group[i]);
	free(endpoints->group);
	*endpoints = (struct endpoints){0};
}

int endpoint_add_group(struct endpoints_parse *parse, const struct yaml_reader *reader,
		       const yaml_node_t *node)
{
	struct endpoints *endpoints = parse->endpoints;

	if (endpoints->group_count == ENDPOINT_GROUPS_MAX)
		return yaml_refuse(reader, node, "at most %d of these", ENDPOINT_GROUPS_MAX);
	struct endpoint_group *grown =
		endpoint_grow(endpoints->group, endpoints->group_count, sizeof(*grown));
	if (grown == NULL)
		return yaml_refuse(reader, node, "no memory");
	endpoints->group = grown;
	parse->group = &grown[endpoints->group_count++];
	parse->group->line = (unsigned)node->start_mark.line + 1;
	endpoint_client_init(&parse->client);
	parse->service_node = parse->sd_node = NULL;
	parse->is_strict = parse->is_balanced = -1;
	return 0;
}

/* ---- Addresses ------------------------------------------------------------------------------- */

/* Of a name or an IPv4 address. */
static bool is_host(const char *text, size_t len)
{
	static const char bytes[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	return len > 0 && len <= ENDPOINT_HOST_BYTES_MAX && strspn(text, bytes) >= len;
}

static bool is_ip6(const char *text, size_t len)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr in6;

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	return inet_pton(AF_INET6, address, &in6) == 1;
}

/* 1 to 65535, without a zero before it. */
static bool is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	return text[0] != '0' && digits > 0 && digits <= 5 && text[digits] == '\0' &&
	       strtoul(text, NULL, 10) <= UINT16_MAX;
}

static bool is_address(const char *text, bool needs_port)
{
	const char *colon = strrchr(text, ':');

	if (text[0] == '[') {
		const char *end = strchr(text, ']');
		return end != NULL && is_ip6(text + 1, (size_t)(end - text) - 1) && end[1] == ':' &&
		       is_port(end + 2);
	}
	if (colon == NULL)
		return !needs_port && is_host(text, strlen(text));
	return is_host(text, (size_t)(colon - text)) && is_port(colon + 1);
}

static int read_address(const struct yaml_reader *reader, const yaml_node_t *node, const char *text,
			struct endpoint_address *address)
{
	const char *plus = strchr(text, '+');
	size_t prefix = plus != NULL ? (size_t)(plus - text) + 1 : 0;
	int lookup = 0;

	while (lookup < ENDPOINT_LOOKUP_COUNT &&
	       (strlen(prefixes[lookup]) != prefix || memcmp(text, prefixes[lookup], prefix) != 0))
		lookup++;
	bool needs_port = lookup != ENDPOINT_DNSSRV && lookup != ENDPOINT_DNSSRVNOA;
	if (lookup == ENDPOINT_LOOKUP_COUNT || !is_address(text + prefix, needs_port))
		return yaml_refuse(reader, node,
				   "\"%.80s\" is no address; write HOST:PORT, [IPV6]:PORT, "
				   "dns+HOST:PORT, dnsdualstack+HOST:PORT, dnssrv+NAME or "
				   "dnssrvnoa+NAME",
				   text);
	address->lookup = (enum endpoint_lookup)lookup;
	address->text = strdup(text + prefix);
	return address->text != NULL ? 0 : yaml_refuse(reader, node, "no memory");
}

int endpoint_push_address(struct endpoint_address **array, unsigned count,
			  const struct yaml_reader *reader, const yaml_node_t *node,
			  const char *text)
{
	struct endpoint_address *grown = endpoint_grow(*array, count, sizeof(*grown));
	if (grown == NULL)
		return yaml_refuse(reader, node, "no memory");
	*array = grown;
	return read_address(reader, node, text, &grown[count]);
}

bool endpoint_address_is_same(const struct endpoint_address *one,
			      const struct endpoint_address *two)
{
	return one->lookup == two->lookup && strcasecmp(one->text, two->text) == 0;
}

static const struct endpoint_group *find_address(const struct endpoints *endpoints,
						 const struct endpoint_address *address)
{
	for (unsigned i = 0; i < endpoints->group_count; i++)
		for (unsigned j = 0; j < endpoints->group[i].address_count; j++)
			if (endpoint_address_is_same(&endpoints->group[i].address[j], address))
				return &endpoints->group[i];
	return NULL;
}

int endpoint_add_address(struct endpoints_parse *parse, struct yaml_reader *reader, const char *key,
			 const yaml_node_t *node)
{
	struct endpoint_group *group = parse->group;
	char *text;

	if (parse->addresses == ENDPOINT_ADDRESSES_MAX)
		return yaml_refuse(reader, node, "%s: at most %d in a file", key,
				   ENDPOINT_ADDRESSES_MAX);
	int r = endpoint_read_text(parse, reader, key, node, PATH_MAX - 1, &text);
	if (r < 0)
		return r;
	r = endpoint_push_address(&group->address, group->address_count, reader, node,
				  text != NULL ? text : "");
	free(text);
	if (r < 0)
		return r;
	const struct endpoint_address *address = &group->address[group->address_count];
	/* Which of the two settings would count? */
	const struct endpoint_group *other = find_address(parse->endpoints, address);
	if (other != NULL) {
		yaml_refuse(reader, node,
			    "%s: %s%.80s stands twice, first in what begins in line %u", key,
			    prefixes[address->lookup], address->text, other->line);
		free(address->text);
		return -EINVAL;
	}
	group->address_count++;
	parse->addresses++;
	return 0;
}

bool endpoint_pattern_is_valid(const char *pattern)
{
	static const char *const suffixes[] = {".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"};
	const char *star = strchr(pattern, '*');
	size_t len = strlen(pattern);

	/* Behind the first star no folder begins; more stars are only stars. */
	if (star != NULL && strchr(star, '/') != NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		size_t bytes = strlen(suffixes[i]);
		if (len >= bytes && strcmp(pattern + len - bytes, suffixes[i]) == 0)
			return true;
	}
	return false;
}

/* ---- TLS settings ---------------------------------------------------------------------------- */

void endpoint_client_init(struct endpoint_client *client)
{
	*client = (struct endpoint_client){
		.enabled = -1, .insecure_skip_verify = -1, .min_version = -1, .snappy = -1};
}

void endpoint_client_fini(struct endpoint_client *client)
{
	free(client->cert_file);
	free(client->key_file);
	free(client->ca_file);
	free(client->server_name);
	endpoint_client_init(client);
}

/* As Thanos: what only TLS has a use for turns it on. */
static int is_enabled(const struct endpoint_client *client)
{
	if (client->enabled >= 0)
		return client->enabled;
	return client->cert_file != NULL || client->key_file != NULL || client->ca_file != NULL ||
			       client->insecure_skip_verify == 1
		       ? 1
		       : -1;
}

/* False: no memory. */
static bool inherit_text(char **text, const char *from)
{
	if (*text == NULL && from != NULL)
		*text = strdup(from);
	return *text != NULL || from == NULL;
}

static bool inherit(struct endpoint_client *client, const struct endpoint_client *defaults)
{
	if (client->snappy < 0)
		client->snappy = defaults->snappy;
	if (client->enabled == 1)
		return true;
	client->enabled = is_enabled(client);
	if (client->enabled < 0)
		client->enabled = is_enabled(defaults);
	if (client->insecure_skip_verify < 0)
		client->insecure_skip_verify = defaults->insecure_skip_verify;
	if (client->min_version < 0)
		client->min_version = defaults->min_version;
	return inherit_text(&client->cert_file, defaults->cert_file) &&
	       inherit_text(&client->key_file, defaults->key_file) &&
	       inherit_text(&client->ca_file, defaults->ca_file) &&
	       inherit_text(&client->server_name, defaults->server_name);
}

int endpoint_client_settle(const struct endpoint_client *defaults, struct endpoint_client *client,
			   struct endpoint_group *group, const struct yaml_reader *reader,
			   const yaml_node_t *node)
{
	const yaml_node_t *place = client->tls_node != NULL ? client->tls_node : node;

	if (defaults != NULL && !inherit(client, defaults))
		return yaml_refuse(reader, node, "no memory");
	group->is_snappy = client->snappy == 1;
	if (is_enabled(client) != 1)
		return 0;
	if ((client->cert_file == NULL) != (client->key_file == NULL))
		return yaml_refuse(reader, place,
				   "tls_config: cert_file and key_file belong together; %s is "
				   "missing",
				   client->cert_file == NULL ? "cert_file" : "key_file");
	group->tls = (struct endpoint_tls){.is_enabled = true,
					   .is_peer_unverified = client->insecure_skip_verify == 1,
					   .min_version = client->min_version == ENDPOINT_TLS_1_2
								  ? ENDPOINT_TLS_1_2
								  : ENDPOINT_TLS_1_3,
					   .cert_file = client->cert_file,
					   .key_file = client->key_file,
					   .ca_file = client->ca_file,
					   .server_name = client->server_name};
	client->cert_file = client->key_file = client->ca_file = client->server_name = NULL;
	return 0;
}
