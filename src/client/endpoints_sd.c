/* SPDX-License-Identifier: Apache-2.0 */
/* The sd form, as Thanos has it from 0.42 on: endpoints, each a group of its own here. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "client/endpoints_private.h"

#define AT(member)        offsetof(struct endpoints_parse, member)

/* ---- client_config ----------------------------------------------------------------------------
 */

/* The two of a parse, so that one table of fields serves both. */
#define CLIENT_AT(member) offsetof(struct endpoint_client, member)

struct client_parse {
	const struct endpoints_parse *parse;
	struct endpoint_client *client;
};

static int take_path(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		     yaml_node_t *value)
{
	const struct client_parse *at = into;
	char **out = (char **)((char *)at->client + field->offset);
	return endpoint_read_path(at->parse, reader, field->key, value, out);
}

static int take_bool(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		     yaml_node_t *value)
{
	const struct client_parse *at = into;
	int *out = (int *)((char *)at->client + field->offset);
	return endpoint_read_bool(reader, field->key, value, out);
}

/* One of two words into an int: its place. */
static int read_choice(const struct client_parse *at, struct yaml_reader *reader, const char *key,
		       const yaml_node_t *value, const char *const words[2], int *out)
{
	char *text;
	int r = endpoint_read_text(at->parse, reader, key, value, ENDPOINT_HOST_BYTES_MAX, &text);

	if (r < 0 || text == NULL)
		return r;
	*out = strcmp(text, words[1]) == 0;
	bool is_one = *out == 1 || strcmp(text, words[0]) == 0;
	free(text);
	return is_one ? 0 : yaml_refuse(reader, value, "%s: use %s or %s", key, words[0], words[1]);
}

static int take_min_version(void *into, struct yaml_reader *reader, const struct yaml_field *field,
			    yaml_node_t *value)
{
	/* In the order of enum endpoint_tls_version; older ones are not spoken (RFC 8996). */
	static const char *const versions[2] = {"1.3", "1.2"};
	const struct client_parse *at = into;
	return read_choice(at, reader, field->key, value, versions, &at->client->min_version);
}

static int take_compression(void *into, struct yaml_reader *reader, const struct yaml_field *field,
			    yaml_node_t *value)
{
	static const char *const kinds[2] = {"none", "snappy"};
	const struct client_parse *at = into;
	return read_choice(at, reader, field->key, value, kinds, &at->client->snappy);
}

static int take_server_name(void *into, struct yaml_reader *reader, const struct yaml_field *field,
			    yaml_node_t *value)
{
	const struct client_parse *at = into;
	return endpoint_read_text(at->parse, reader, field->key, value, ENDPOINT_HOST_BYTES_MAX,
				  &at->client->server_name);
}

static int take_tls_config(void *into, struct yaml_reader *reader, const struct yaml_field *field,
			   yaml_node_t *value)
{
	static const struct yaml_field fields[] = {
		{"enabled", take_bool, CLIENT_AT(enabled)},
		{"insecure_skip_verify", take_bool, CLIENT_AT(insecure_skip_verify)},
		{"cert_file", take_path, CLIENT_AT(cert_file)},
		{"key_file", take_path, CLIENT_AT(key_file)},
		{"ca_file", take_path, CLIENT_AT(ca_file)},
		{"min_version", take_min_version, 0},
	};
	const struct client_parse *at = into;

	(void)field;
	at->client->tls_node = value;
	return yaml_read_fields(reader, value, "tls_config.", fields, ARRAY_LEN(fields), into);
}

/* Offset: of the struct endpoint_client. */
static int read_client_config(void *into, struct yaml_reader *reader,
			      const struct yaml_field *field, yaml_node_t *value)
{
	static const struct yaml_field fields[] = {
		{"tls_config", take_tls_config, 0},
		{"server_name", take_server_name, 0},
		{"compression", take_compression, 0},
	};
	struct client_parse at = {
		.parse = into, .client = (struct endpoint_client *)((char *)into + field->offset)};
	return yaml_read_fields(reader, value, "client_config.", fields, ARRAY_LEN(fields), &at);
}

/* ---- endpoints --------------------------------------------------------------------------------
 */

static int read_address(void *into, struct yaml_reader *reader, const struct yaml_field *field,
			yaml_node_t *value)
{
	return endpoint_add_address(into, reader, field->key, value);
}

/* JSON, as gRPC has it: of several lines, perhaps. Kept as it is. */
static int read_service_config(void *into, struct yaml_reader *reader,
			       const struct yaml_field *field, yaml_node_t *value)
{
	struct endpoints_parse *parse = into;
	const char *text = yaml_text(value);

	if (yaml_is_null(value))
		return 0;
	if (text == NULL)
		return yaml_refuse(reader, value, "%s: one text in JSON is wanted here",
				   field->key);
	if (strlen(text) > ENDPOINT_SERVICE_BYTES_MAX)
		return yaml_refuse(reader, value, "%s: the value is longer than %d bytes",
				   field->key, ENDPOINT_SERVICE_BYTES_MAX);
	if (text[0] == '\0')
		return 0;
	parse->service_node = value;
	parse->group->service_config = strdup(text);
	return parse->group->service_config != NULL ? 0 : yaml_refuse(reader, value, "no memory");
}

static int check_endpoint(const struct endpoints_parse *parse, const struct yaml_reader *reader,
			  const yaml_node_t *node)
{
	const struct endpoint_group *group = parse->group;

	if (group->address_count == 0)
		return yaml_refuse(reader, node, "endpoints: address is missing");
	if (group->is_strict && group->address[0].lookup != ENDPOINT_STATIC)
		return yaml_refuse(reader, node, "strict: it wants HOST:PORT, not %s%.80s",
				   endpoint_lookup_prefix(group->address[0].lookup),
				   group->address[0].text);
	if (group->service_config != NULL && !group->is_balanced)
		return yaml_refuse(reader, parse->service_node,
				   "service_config: it is for an endpoint with group: true");
	return 0;
}

static int read_endpoint(void *into, struct yaml_reader *reader, const char *key, yaml_node_t *node)
{
	static const struct yaml_field fields[] = {
		{"address", read_address, 0},
		{"strict", endpoint_take_bool, AT(is_strict)},
		{"group", endpoint_take_bool, AT(is_balanced)},
		{"service_config", read_service_config, 0},
		{"client_config", read_client_config, AT(client)},
	};
	struct endpoints_parse *parse = into;
	int r = endpoint_add_group(parse, reader, node);

	(void)key;
	if (r == 0)
		r = yaml_read_fields(reader, node, "endpoints.", fields, ARRAY_LEN(fields), parse);
	if (r == 0) {
		parse->group->is_strict = parse->is_strict == 1;
		parse->group->is_balanced = parse->is_balanced == 1;
		r = check_endpoint(parse, reader, node);
	}
	if (r == 0)
		r = endpoint_client_settle(&parse->defaults, &parse->client, parse->group, reader,
					   node);
	endpoint_client_fini(&parse->client);
	return r;
}

/* The defaults may stand behind what they are for: the endpoints are read last. */
static int keep_endpoints(void *into, struct yaml_reader *reader, const struct yaml_field *field,
			  yaml_node_t *value)
{
	struct endpoints_parse *parse = into;
	(void)reader;
	(void)field;
	parse->endpoints_node = value;
	return 0;
}

static int read_file(struct endpoints_parse *parse, struct yaml_reader *reader)
{
	static const struct yaml_field fields[] = {
		{"default_client_config", read_client_config, AT(defaults)},
		{"endpoints", keep_endpoints, 0},
	};
	int r = yaml_read_fields(reader, reader->root, "", fields, ARRAY_LEN(fields), parse);

	if (r < 0 || parse->endpoints_node == NULL)
		return r;
	return yaml_read_list(reader, "endpoints", parse->endpoints_node, read_endpoint, parse);
}

int endpoints_parse_sd(struct endpoints *endpoints, const struct endpoints_source *source,
		       char error[ERROR_TEXT_MAX])
{
	struct endpoints_parse parse = {.endpoints = endpoints, .source = source};
	struct yaml_reader reader;

	*endpoints = (struct endpoints){0};
	endpoint_client_init(&parse.client);
	endpoint_client_init(&parse.defaults);
	int r = yaml_open(&reader, source->text, source->len, source->file_name, error);
	if (r < 0)
		return r;
	if (reader.root != NULL)
		r = read_file(&parse, &reader);
	endpoint_client_fini(&parse.defaults);
	if (r < 0)
		endpoints_fini(endpoints);
	return yaml_close(&reader, r);
}
