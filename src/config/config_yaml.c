/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The YAML file: two levels of keys from the table of options, and the access
 * section. Strict: what is not known is refused, with the nearest known key.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_private.h"
#include "config/options.h"

#define KEY_BYTES_MAX 128

int yaml_refuse(const struct yaml_reader *reader, const yaml_node_t *node, const char *format, ...)
{
	va_list args;
	size_t line = node != NULL ? node->start_mark.line + 1 : 1;
	int n = snprintf(reader->error, ERROR_TEXT_MAX, "%.200s:%zu: ", reader->file_name, line);
	va_start(args, format);
	vsnprintf(reader->error + n, ERROR_TEXT_MAX - (size_t)n, format, args);
	va_end(args);
	return -EINVAL;
}

yaml_node_t *yaml_node(struct yaml_reader *reader, int index)
{
	return yaml_document_get_node(&reader->document, index);
}

const char *yaml_text(const yaml_node_t *node)
{
	if (node == NULL || node->type != YAML_SCALAR_NODE)
		return NULL;
	const char *text = (const char *)node->data.scalar.value;
	return strlen(text) == node->data.scalar.length ? text : NULL;
}

/* The known key that is nearest, or a list of the section's keys. */
static int refuse_key(const struct yaml_reader *reader, const yaml_node_t *node,
		      const char *section, const char *key)
{
	char known[400] = "";
	const char *nearest = NULL;
	unsigned best = 3;
	size_t section_len = strlen(section);

	for (size_t i = 0; i < options_count; i++) {
		const char *candidate = options[i].key;
		if (candidate == NULL || strncmp(candidate, section, section_len) != 0)
			continue;
		candidate += section_len;
		if (section_len == 0 && strchr(candidate, '.') != NULL)
			continue;
		unsigned distance = text_distance(key, candidate, best);
		if (distance < best) {
			best = distance;
			nearest = candidate;
		}
		size_t used = strlen(known);
		snprintf(known + used, sizeof(known) - used, "%s%s", used > 0 ? ", " : "",
			 candidate);
	}
	if (nearest != NULL)
		return yaml_refuse(reader, node, "unknown key %s%.60s; did you mean %s%s?", section,
				   key, section, nearest);
	return yaml_refuse(reader, node, "unknown key %s%.60s; known are %s%s", section, key, known,
			   section_len == 0 ? ", tls_server_config, access" : "");
}

/* Keys of exporter-toolkit's tls_server_config that this port cannot honour, and what to do. */
static const struct {
	const char *key, *instead;
} not_honoured[] = {
	{"cert", "put the certificate in a file and name it in cert_file"},
	{"key", "put the key in a file and name it in key_file"},
	{"client_ca", "put the CA in a file and name it in client_ca_file"},
	{"curve_preferences", "X25519, P-256 and P-384 are offered, in this order; leave it out"},
	{"prefer_server_cipher_suites", "the server's order always counts; leave it out"},
};

static int set_node(struct config *config, struct yaml_reader *reader, const struct option *option,
		    const yaml_node_t *key_node, const yaml_node_t *value, bool is_first)
{
	char why[ERROR_TEXT_MAX];
	const char *text = yaml_text(value);
	if (text == NULL)
		return yaml_refuse(reader, value != NULL ? value : key_node,
				   "%s: a single value is wanted here", option->key);
	if (option_set(config, option, text, is_first, why) < 0)
		return yaml_refuse(reader, value, "%s: %.300s", option->key, why);
	return 0;
}

static int set_option(struct config *config, struct yaml_reader *reader,
		      const struct option *option, const yaml_node_t *key_node,
		      const yaml_node_t *value)
{
	bool is_list = option->type == OPTION_ADDRESSES || option->type == OPTION_CIPHERS ||
		       option->type == OPTION_SANS;
	if (value->type != YAML_SEQUENCE_NODE)
		return set_node(config, reader, option, key_node, value, true);
	if (!is_list)
		return yaml_refuse(reader, value, "%s: a single value is wanted here, not a list",
				   option->key);
	bool is_first = true;
	for (yaml_node_item_t *item = value->data.sequence.items.start;
	     item < value->data.sequence.items.top; item++) {
		int r = set_node(config, reader, option, key_node, yaml_node(reader, *item),
				 is_first);
		if (r < 0)
			return r;
		is_first = false;
	}
	return 0;
}

static bool stands_before(struct yaml_reader *reader, const yaml_node_t *mapping,
			  const yaml_node_pair_t *pair, const char *key)
{
	for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < pair; p++) {
		const char *other = yaml_text(yaml_node(reader, p->key));
		if (other != NULL && strcmp(other, key) == 0)
			return true;
	}
	return false;
}

static int read_mapping(struct config *config, struct yaml_reader *reader, yaml_node_t *mapping,
			const char *section);

static int read_pair(struct config *config, struct yaml_reader *reader, const char *section,
		     const yaml_node_t *key_node, yaml_node_t *value)
{
	char full[KEY_BYTES_MAX];
	const char *key = yaml_text(key_node);

	if (section[0] == '\0' && strcmp(key, "access") == 0)
		return config_read_access(config, reader, value);
	if (section[0] == '\0' && strcmp(key, "tls_server_config") == 0)
		return read_mapping(config, reader, value, "tls_server_config.");
	if (section[0] == '\0' &&
	    (strcmp(key, "http_server_config") == 0 || strcmp(key, "basic_auth_users") == 0 ||
	     strcmp(key, "rate_limit") == 0))
		return yaml_refuse(
			reader, key_node,
			"%s is not served: a client's certificate is its only key; leave it out",
			key);
	if (section[0] != '\0')
		for (size_t i = 0; i < sizeof(not_honoured) / sizeof(not_honoured[0]); i++)
			if (strcmp(key, not_honoured[i].key) == 0)
				return yaml_refuse(reader, key_node, "%s%s: %s", section, key,
						   not_honoured[i].instead);
	snprintf(full, sizeof(full), "%s%s", section, key);
	const struct option *option = option_by_key(full);
	if (option == NULL || (section[0] == '\0' && strchr(key, '.') != NULL))
		return refuse_key(reader, key_node, section, key);
	return set_option(config, reader, option, key_node, value);
}

static int read_mapping(struct config *config, struct yaml_reader *reader, yaml_node_t *mapping,
			const char *section)
{
	if (mapping == NULL || mapping->type != YAML_MAPPING_NODE)
		return yaml_refuse(reader, mapping, "%s: keys with values are wanted here",
				   section[0] != '\0' ? section : "the file");
	for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++) {
		yaml_node_t *key_node = yaml_node(reader, pair->key);
		yaml_node_t *value = yaml_node(reader, pair->value);
		const char *key = yaml_text(key_node);
		if (key == NULL)
			return yaml_refuse(reader, key_node, "a key must be a word");
		if (stands_before(reader, mapping, pair, key))
			return yaml_refuse(reader, key_node, "%s%.60s stands twice", section, key);
		int r = read_pair(config, reader, section, key_node, value);
		if (r < 0)
			return r;
	}
	return 0;
}

int config_parse_yaml(struct config *config, const char *text, size_t len, const char *file_name,
		      char error[ERROR_TEXT_MAX])
{
	struct yaml_reader reader = {.file_name = file_name, .error = error};
	yaml_document_t second;
	yaml_parser_t parser;
	int r = 0;

	error[0] = '\0';
	if (len > CONFIG_BYTES_MAX)
		return yaml_refuse(&reader, NULL, "the file is larger than %d bytes",
				   CONFIG_BYTES_MAX);
	if (yaml_parser_initialize(&parser) != 1)
		return yaml_refuse(&reader, NULL, "no memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (yaml_parser_load(&parser, &reader.document) != 1) {
		snprintf(error, ERROR_TEXT_MAX, "%.200s:%zu: not YAML: %s", file_name,
			 parser.problem_mark.line + 1,
			 parser.problem != NULL ? parser.problem : "?");
		yaml_parser_delete(&parser);
		return -EINVAL;
	}
	yaml_node_t *root = yaml_document_get_root_node(&reader.document);
	bool is_empty =
		root == NULL || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0);
	if (!is_empty)
		r = read_mapping(config, &reader, root, "");
	if (r == 0 && root != NULL) {
		if (yaml_parser_load(&parser, &second) != 1) {
			snprintf(error, ERROR_TEXT_MAX, "%.200s:%zu: not YAML: %s", file_name,
				 parser.problem_mark.line + 1,
				 parser.problem != NULL ? parser.problem : "?");
			r = -EINVAL;
		} else {
			const yaml_node_t *more = yaml_document_get_root_node(&second);
			if (more != NULL)
				r = yaml_refuse(&reader, more,
						"a second document begins; one is read");
			yaml_document_delete(&second);
		}
	}
	yaml_document_delete(&reader.document);
	yaml_parser_delete(&parser);
	return r;
}
