/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list form, as Thanos' accepted proposal 202106 (automated, per-endpoint mTLS) has it: groups,
 * each with its own TLS settings.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "client/endpoints_private.h"
#include "config/options.h"

#define REFRESH_MS_DEFAULT ((unsigned)5 * 60 * 1000)
#define REFRESH_MS_MIN     1000
#define REFRESH_MS_MAX     (24 * 3600 * 1000)
#define AT(member)         offsetof(struct endpoints_parse, member)

static int read_tls_config(void *into, struct yaml_reader *reader, const struct yaml_field *field,
			   yaml_node_t *value)
{
	static const struct yaml_field fields[] = {
		{"cert_file", endpoint_take_path, AT(client.cert_file)},
		{"key_file", endpoint_take_path, AT(client.key_file)},
		{"ca_file", endpoint_take_path, AT(client.ca_file)},
		{"server_name", endpoint_take_name, AT(client.server_name)},
	};
	struct endpoints_parse *parse = into;
	int r = yaml_read_fields(reader, value, "tls_config.", fields, ARRAY_LEN(fields), into);

	(void)field;
	parse->client.tls_node = value;
	if (r == 0 && (parse->client.cert_file != NULL || parse->client.key_file != NULL ||
		       parse->client.ca_file != NULL || parse->client.server_name != NULL))
		parse->client.enabled = 1;
	return r;
}

/* ---- endpoints_sd_files ---------------------------------------------------------------------- */

static struct endpoint_sd *sd_of(const struct endpoints_parse *parse)
{
	return &parse->group->sd[parse->group->sd_count - 1];
}

static int read_file(void *into, struct yaml_reader *reader, const char *key, yaml_node_t *node)
{
	struct endpoints_parse *parse = into;
	struct endpoint_sd *sd = sd_of(parse);

	if (parse->files == ENDPOINT_FILES_MAX)
		return yaml_refuse(reader, node, "%s: at most %d in a file", key,
				   ENDPOINT_FILES_MAX);
	char **grown = (char **)endpoint_grow((void *)sd->file, sd->file_count, sizeof(*grown));
	if (grown == NULL)
		return yaml_refuse(reader, node, "no memory");
	sd->file = grown;
	char **file = &grown[sd->file_count++];
	parse->files++;
	int r = endpoint_read_path(parse, reader, key, node, file);
	if (r < 0)
		return r;
	if (*file == NULL || !endpoint_pattern_is_valid(*file))
		return yaml_refuse(reader, node,
				   "%s: \"%.80s\" is no file name of a kind that is read; it ends "
				   "in .json, .yml or .yaml, and a * stands in its last part only",
				   key, *file != NULL ? *file : "");
	return 0;
}

static int read_files(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		      yaml_node_t *value)
{
	return yaml_read_list(reader, field->key, value, read_file, into);
}

static int read_refresh(void *into, struct yaml_reader *reader, const struct yaml_field *field,
			yaml_node_t *value)
{
	const struct endpoints_parse *parse = into;
	uint64_t ms = REFRESH_MS_DEFAULT;
	char *text;
	int r = endpoint_read_text(parse, reader, field->key, value, ADDR_TEXT_MAX, &text);

	if (r < 0 || text == NULL)
		return r;
	r = duration_parse(text, &ms);
	free(text);
	if (r < 0 || ms < REFRESH_MS_MIN || ms > REFRESH_MS_MAX)
		return yaml_refuse(reader, value, "%s: use a time from 1s to 24h, such as 5m",
				   field->key);
	sd_of(parse)->refresh_ms = (unsigned)ms;
	return 0;
}

static int read_sd(void *into, struct yaml_reader *reader, const char *key, yaml_node_t *node)
{
	static const struct yaml_field fields[] = {{"files", read_files, 0},
						   {"refresh_interval", read_refresh, 0}};
	struct endpoints_parse *parse = into;
	struct endpoint_group *group = parse->group;

	if (group->sd_count == ENDPOINT_FILES_MAX)
		return yaml_refuse(reader, node, "%s: at most %d of these", key,
				   ENDPOINT_FILES_MAX);
	struct endpoint_sd *grown = endpoint_grow(group->sd, group->sd_count, sizeof(*grown));
	if (grown == NULL)
		return yaml_refuse(reader, node, "no memory");
	group->sd = grown;
	grown[group->sd_count++].refresh_ms = REFRESH_MS_DEFAULT;
	int r = yaml_read_fields(reader, node, "endpoints_sd_files.", fields, ARRAY_LEN(fields),
				 into);
	if (r == 0 && sd_of(parse)->file_count == 0)
		return yaml_refuse(reader, node, "%s: files is missing: a list of file names", key);
	return r;
}

static int read_sd_files(void *into, struct yaml_reader *reader, const struct yaml_field *field,
			 yaml_node_t *value)
{
	struct endpoints_parse *parse = into;
	parse->sd_node = value;
	return yaml_read_list(reader, field->key, value, read_sd, into);
}

/* ---- A group --------------------------------------------------------------------------------- */

static int read_address(void *into, struct yaml_reader *reader, const char *key, yaml_node_t *node)
{
	return endpoint_add_address(into, reader, key, node);
}

static int read_endpoints(void *into, struct yaml_reader *reader, const struct yaml_field *field,
			  yaml_node_t *value)
{
	return yaml_read_list(reader, field->key, value, read_address, into);
}

static int read_name(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		     yaml_node_t *value)
{
	const struct endpoints_parse *parse = into;
	const struct endpoint_group *group = parse->endpoints->group;
	char **name = &parse->group->name;
	int r = endpoint_read_text(parse, reader, field->key, value, ENDPOINT_HOST_BYTES_MAX, name);

	for (; r == 0 && *name != NULL && group < parse->group; group++)
		if (group->name != NULL && strcmp(group->name, *name) == 0)
			return yaml_refuse(reader, value,
					   "name: %.80s is the name of the group in line %u, too",
					   *name, group->line);
	return r;
}

static int read_mode(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		     yaml_node_t *value)
{
	const struct endpoints_parse *parse = into;
	char *text;
	int r = endpoint_read_text(parse, reader, field->key, value, ENDPOINT_HOST_BYTES_MAX,
				   &text);

	if (r < 0 || text == NULL)
		return r;
	parse->group->is_strict = strcmp(text, "strict") == 0;
	free(text);
	return parse->group->is_strict
		       ? 0
		       : yaml_refuse(reader, value, "mode: use strict, or leave it out");
}

/* What strict promises can be promised of static addresses only. */
static int check_group(const struct endpoints_parse *parse, const struct yaml_reader *reader,
		       const yaml_node_t *node)
{
	const struct endpoint_group *group = parse->group;

	if (group->is_strict && group->sd_count > 0)
		return yaml_refuse(reader, parse->sd_node,
				   "endpoints_sd_files: mode strict wants endpoints that stand "
				   "here, no files");
	for (unsigned i = 0; group->is_strict && i < group->address_count; i++)
		if (group->address[i].lookup != ENDPOINT_STATIC)
			return yaml_refuse(reader, node,
					   "endpoints: mode strict wants HOST:PORT, not %s%.80s",
					   endpoint_lookup_prefix(group->address[i].lookup),
					   group->address[i].text);
	return 0;
}

static int read_group(void *into, struct yaml_reader *reader, const char *key, yaml_node_t *node)
{
	static const struct yaml_field fields[] = {
		{"name", read_name, 0},           {"tls_config", read_tls_config, 0},
		{"endpoints", read_endpoints, 0}, {"endpoints_sd_files", read_sd_files, 0},
		{"mode", read_mode, 0},
	};
	struct endpoints_parse *parse = into;
	int r = endpoint_add_group(parse, reader, node);

	(void)key;
	if (r == 0)
		r = yaml_read_fields(reader, node, "", fields, ARRAY_LEN(fields), parse);
	if (r == 0)
		r = check_group(parse, reader, node);
	if (r == 0)
		r = endpoint_client_settle(NULL, &parse->client, parse->group, reader, node);
	endpoint_client_fini(&parse->client);
	return r;
}

int endpoints_parse_list(struct endpoints *endpoints, const struct endpoints_source *source,
			 char error[ERROR_TEXT_MAX])
{
	struct endpoints_parse parse = {
		.endpoints = endpoints, .source = source, .env = source->env};
	struct yaml_reader reader;

	*endpoints = (struct endpoints){0};
	endpoint_client_init(&parse.client);
	int r = yaml_open(&reader, source->text, source->len, source->file_name, error);
	if (r < 0)
		return r;
	if (reader.root != NULL)
		r = yaml_read_list(&reader, "the file", reader.root, read_group, &parse);
	if (r < 0)
		endpoints_fini(endpoints);
	return yaml_close(&reader, r);
}
