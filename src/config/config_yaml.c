/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The YAML file: two levels of keys from the table of options, and the access
 * section. Strict: what is not known is refused, with the nearest known key.
 */
#include <errno.h>
#include <string.h>

#include "base/must.h"
#include "config/config_private.h"
#include "config/options.h"

#define KEY_BYTES_MAX  128
#define KNOWN_KEYS_MAX 32

/* A list that is no option of the table. */
static const char certificates[] = "tls_server_config.certificates";

/* ---- Keys that are not known -------------------------------------------------------------------
 */

/* The key of the option that stands in the other section, or whose flag was written instead of its
 * key; NULL: there is none. */
static const char *find_elsewhere(const char *key)
{
	if (strcmp(key, "certificates") == 0)
		return certificates;
	for (size_t i = 0; i < options_count; i++) {
		const char *dot = options[i].key != NULL ? strchr(options[i].key, '.') : NULL;
		if (options[i].key != NULL &&
		    strcmp(dot != NULL ? dot + 1 : options[i].key, key) == 0)
			return options[i].key;
	}
	const struct option *option = option_by_flag(key, strlen(key));
	return option != NULL ? option->key : NULL;
}

static int refuse_key(const struct yaml_reader *reader, const yaml_node_t *node,
		      const char *section, const char *key)
{
	static const char *const sections[] = {"tls_server_config", certificates, "client_cas",
					       "access"};
	const char *known[KNOWN_KEYS_MAX];
	size_t section_len = strlen(section), count = 0;

	for (size_t i = 0; i < options_count + ARRAY_LEN(sections); i++) {
		const char *candidate =
			i < options_count ? options[i].key : sections[i - options_count];
		if (candidate == NULL || strncmp(candidate, section, section_len) != 0 ||
		    strchr(candidate + section_len, '.') != NULL)
			continue;
		must(count < ARRAY_LEN(known));
		known[count++] = candidate + section_len;
	}
	return yaml_refuse_key(reader, node, section, known, count, find_elsewhere(key));
}

/* PEM text in the file itself, as exporter-toolkit has it; a file that is named counts before it.
 */
static const char *const texts[] = {"cert", "key", "client_ca"};

/* null, "", []: how the toolkit writes that a key is not used. */
static bool says_nothing(const yaml_node_t *value)
{
	if (value->type == YAML_SEQUENCE_NODE)
		return value->data.sequence.items.start == value->data.sequence.items.top;
	return value->type == YAML_SCALAR_NODE &&
	       (value->data.scalar.length == 0 || yaml_is_null(value));
}

static int set_node(struct config *config, struct yaml_reader *reader, const struct option *option,
		    const yaml_node_t *key_node, const yaml_node_t *value, bool is_first)
{
	char why[ERROR_TEXT_MAX];
	const char *text = yaml_text(value);
	if (yaml_has_control(value))
		return yaml_refuse(reader, value, "%s: " YAML_CONTROL, option->key);
	if (text == NULL)
		return yaml_refuse(reader, value != NULL ? value : key_node,
				   "%s: a single value is wanted here", option->key);
	if (yaml_is_null(value))
		return yaml_refuse(reader, value, "%s: a value is missing: %s", option->key,
				   option->value_name != NULL ? option->value_name : "");
	if (option_set(config, option, text, is_first, why) < 0)
		return yaml_refuse(reader, value, "%s: %.300s", option->key, why);
	return 0;
}

static int set_option(struct config *config, struct yaml_reader *reader,
		      const struct option *option, const yaml_node_t *key_node,
		      const yaml_node_t *value)
{
	bool is_list = option->type == OPTION_ADDRESSES || option->type == OPTION_CIPHERS ||
		       option->type == OPTION_GROUPS || option->type == OPTION_SANS;
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

const char *config_file_name(const struct yaml_reader *reader, const yaml_node_t *value,
			     const char *section, const char *key)
{
	const char *text = yaml_text(value);
	const char *why = yaml_has_control(value) ? YAML_CONTROL
			  : text == NULL || text[0] == '\0' || yaml_is_null(value)
				  ? "use the name of a file"
				  : NULL;

	if (why == NULL)
		return text;
	yaml_refuse(reader, value, "%s: %s: %s", section, key, why);
	return NULL;
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
	if (section[0] == '\0' && strcmp(key, "client_cas") == 0)
		return config_read_client_cas(config, reader, value);
	if (section[0] == '\0' && strcmp(key, "tls_server_config") == 0)
		return read_mapping(config, reader, value, "tls_server_config.");
	if (section[0] == '\0' &&
	    (strcmp(key, "http_server_config") == 0 || strcmp(key, "basic_auth_users") == 0 ||
	     strcmp(key, "rate_limit") == 0))
		return yaml_refuse(
			reader, key_node,
			"%s is not served: a client's certificate is its only key; leave it out",
			key);
	for (size_t i = 0; section[0] != '\0' && i < ARRAY_LEN(texts); i++)
		if (strcmp(key, texts[i]) == 0)
			return says_nothing(value) ? 0
						   : config_read_text(config, reader, key, value);
	snprintf(full, sizeof(full), "%s%s", section, key);
	if (section[0] != '\0' && strcmp(full, certificates) == 0)
		return config_read_certificates(config, reader, value);
	const struct option *option = option_by_key(full);
	if (option == NULL || (section[0] == '\0' && strchr(key, '.') != NULL))
		return refuse_key(reader, key_node, section, key);
	return set_option(config, reader, option, key_node, value);
}

static int read_mapping(struct config *config, struct yaml_reader *reader, yaml_node_t *mapping,
			const char *section)
{
	if (yaml_is_null(mapping))
		return 0; /* a section whose keys are all comments */
	if (mapping == NULL || mapping->type != YAML_MAPPING_NODE)
		return yaml_refuse(reader, mapping, "%s: keys with values are wanted here",
				   section[0] != '\0' ? section : "the file");
	for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key_node = yaml_key(reader, mapping, pair, section);
		if (key_node == NULL)
			return -EINVAL;
		int r = read_pair(config, reader, section, key_node,
				  yaml_node(reader, pair->value));
		if (r < 0)
			return r;
	}
	return 0;
}

int config_parse_yaml(struct config *config, const char *text, size_t len, const char *file_name,
		      char error[ERROR_TEXT_MAX])
{
	struct yaml_reader reader;
	int r = yaml_open(&reader, text, len, file_name, error);

	if (r < 0)
		return r;
	if (reader.root != NULL)
		r = read_mapping(config, &reader, reader.root, "");
	return yaml_close(&reader, r);
}
