/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The YAML file: two levels of keys from the table of options, and the access
 * section. Strict: what is not known is refused, with the nearest known key.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "config/config_private.h"
#include "config/options.h"

#define KEY_BYTES_MAX  128
#define KNOWN_KEYS_MAX 32
#define LIST_BYTES_MAX 400 /* of known keys, in a message of ERROR_TEXT_MAX */

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

bool yaml_has_control(const yaml_node_t *node)
{
	if (node == NULL || node->type != YAML_SCALAR_NODE)
		return false;
	for (size_t i = 0; i < node->data.scalar.length; i++)
		if (node->data.scalar.value[i] < 0x20 || node->data.scalar.value[i] == 0x7f)
			return true;
	return false;
}

bool yaml_is_null(const yaml_node_t *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};
	const char *text = yaml_text(node);

	if (text == NULL || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], text) == 0)
			return true;
	return false;
}

/* ---- Keys that are not known ------------------------------------------------------------------
 */

struct known_key {
	const char *key; /* without its section */
	unsigned distance;
};

/* The keys of a section, the nearest to key first. Returns how many. */
static size_t sort_known(const char *section, const char *key, struct known_key *known, size_t max)
{
	static const char *const sections[] = {"tls_server_config", "access"};
	size_t section_len = strlen(section), count = 0;

	for (size_t i = 0; i < options_count + ARRAY_LEN(sections); i++) {
		const char *candidate =
			i < options_count ? options[i].key : sections[i - options_count];
		if (candidate == NULL || strncmp(candidate, section, section_len) != 0)
			continue;
		candidate += section_len;
		if (strchr(candidate, '.') != NULL)
			continue;
		must(count < max);
		unsigned distance = text_distance(key, candidate, KEY_BYTES_MAX);
		size_t at = count++;
		for (; at > 0 && known[at - 1].distance > distance; at--)
			known[at] = known[at - 1];
		known[at] = (struct known_key){candidate, distance};
	}
	return count;
}

/* The option that stands in the other section, or whose flag was written instead of its key. */
static const struct option *find_elsewhere(const char *key)
{
	for (size_t i = 0; i < options_count; i++) {
		const char *dot = options[i].key != NULL ? strchr(options[i].key, '.') : NULL;
		if (options[i].key != NULL &&
		    strcmp(dot != NULL ? dot + 1 : options[i].key, key) == 0)
			return &options[i];
	}
	const struct option *option = option_by_flag(key, strlen(key));
	return option != NULL && option->key != NULL ? option : NULL;
}

static int refuse_key(const struct yaml_reader *reader, const yaml_node_t *node,
		      const char *section, const char *key)
{
	struct known_key known[KNOWN_KEYS_MAX];
	size_t count = sort_known(section, key, known, ARRAY_LEN(known));
	const struct option *elsewhere = find_elsewhere(key);
	char list[LIST_BYTES_MAX] = "", meant[100] = "";
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		int n = snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "",
				 known[i].key);
		if ((size_t)n >= sizeof(list) - used) {
			list[used] = '\0';
			break;
		}
		used += (size_t)n;
	}
	if (elsewhere != NULL)
		snprintf(meant, sizeof(meant), "; did you mean %s?", elsewhere->key);
	else if (known[0].distance <= text_near(key))
		snprintf(meant, sizeof(meant), "; did you mean %s%s?", section, known[0].key);
	return yaml_refuse(reader, node, "unknown key %s%.60s%s (known: %s)", section, key, meant,
			   list);
}

/* Keys of exporter-toolkit's tls_server_config that this port cannot honour, and what to do. */
static const struct {
	const char *key, *instead;
} not_honoured[] = {
	{"cert", "put the certificate in a file and name it in cert_file"},
	{"key", "put the key in a file and name it in key_file"},
	{"client_ca", "put the CA in a file and name it in client_ca_file"},
	{"curve_preferences", "X25519, P-256 and P-384 are offered, in this order; leave it out"},
};

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

/* Only known keys come this far, so there are few to look at. NULL: it is the first. */
static const yaml_node_t *find_before(struct yaml_reader *reader, const yaml_node_t *mapping,
				      const yaml_node_pair_t *pair, const char *key)
{
	for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < pair; p++) {
		const yaml_node_t *node = yaml_node(reader, p->key);
		const char *other = yaml_text(node);
		if (other != NULL && strcmp(other, key) == 0)
			return node;
	}
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
		for (size_t i = 0; i < ARRAY_LEN(not_honoured); i++)
			if (strcmp(key, not_honoured[i].key) == 0)
				return says_nothing(value)
					       ? 0
					       : yaml_refuse(reader, key_node, "%s%s: %s", section,
							     key, not_honoured[i].instead);
	snprintf(full, sizeof(full), "%s%s", section, key);
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
		yaml_node_t *key_node = yaml_node(reader, pair->key);
		yaml_node_t *value = yaml_node(reader, pair->value);
		const char *key = yaml_text(key_node);
		if (key == NULL)
			return yaml_refuse(reader, key_node, "a key must be a word");
		const yaml_node_t *before = find_before(reader, mapping, pair, key);
		if (before != NULL)
			return yaml_refuse(reader, key_node,
					   "%s%.60s stands twice, first in line %zu", section, key,
					   before->start_mark.line + 1);
		int r = read_pair(config, reader, section, key_node, value);
		if (r < 0)
			return r;
	}
	return 0;
}

/* libyaml's own words, and the line: a byte that is no UTF-8 has only an offset. */
static int refuse_syntax(const struct yaml_reader *reader, const yaml_parser_t *parser)
{
	size_t line = parser->problem_mark.line + 1;

	if (parser->error == YAML_READER_ERROR) {
		line = 1;
		for (size_t i = 0; i < parser->problem_offset && i < reader->len; i++)
			line += reader->text[i] == '\n';
	}
	snprintf(reader->error, ERROR_TEXT_MAX, "%.200s:%zu: not YAML: %s%s%s", reader->file_name,
		 line, parser->problem != NULL ? parser->problem : "no memory",
		 parser->context != NULL ? " " : "",
		 parser->context != NULL ? parser->context : "");
	return -EINVAL;
}

/* A tag (!env, !!int) would change what a value means: none is known. */
static int check_tags(struct yaml_reader *reader)
{
	static const char *const plain[] = {[YAML_SCALAR_NODE] = YAML_STR_TAG,
					    [YAML_SEQUENCE_NODE] = YAML_SEQ_TAG,
					    [YAML_MAPPING_NODE] = YAML_MAP_TAG};

	for (yaml_node_t *node = reader->document.nodes.start; node < reader->document.nodes.top;
	     node++)
		if (node->tag != NULL && node->type != YAML_NO_NODE &&
		    strcmp((const char *)node->tag, plain[node->type]) != 0)
			return yaml_refuse(reader, node, "tag %.60s: no tags are known here",
					   (const char *)node->tag);
	return 0;
}

static int read_document(struct config *config, struct yaml_reader *reader, yaml_parser_t *parser)
{
	yaml_document_t second;
	yaml_node_t *root = yaml_document_get_root_node(&reader->document);

	if (root == NULL)
		return 0; /* the file is empty */
	int r = check_tags(reader);
	if (r == 0)
		r = read_mapping(config, reader, root, "");
	if (r < 0)
		return r;
	if (yaml_parser_load(parser, &second) != 1)
		return refuse_syntax(reader, parser);
	const yaml_node_t *more = yaml_document_get_root_node(&second);
	if (more != NULL)
		r = yaml_refuse(reader, more, "a second document begins here; a file has one");
	yaml_document_delete(&second);
	return r;
}

int config_parse_yaml(struct config *config, const char *text, size_t len, const char *file_name,
		      char error[ERROR_TEXT_MAX])
{
	struct yaml_reader reader = {
		.text = text, .len = len, .file_name = file_name, .error = error};
	yaml_parser_t parser;
	size_t brackets = 0;
	int r;

	error[0] = '\0';
	if (len > CONFIG_BYTES_MAX)
		return yaml_refuse(&reader, NULL, "the file is larger than %d bytes",
				   CONFIG_BYTES_MAX);
	for (size_t i = 0; i < len; i++)
		brackets += text[i] == '[' || text[i] == '{';
	if (brackets > CONFIG_BRACKETS_MAX)
		return yaml_refuse(&reader, NULL, "the file has more than %d brackets [ and {",
				   CONFIG_BRACKETS_MAX);
	if (yaml_parser_initialize(&parser) != 1)
		return yaml_refuse(&reader, NULL, "no memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (yaml_parser_load(&parser, &reader.document) == 1) {
		r = read_document(config, &reader, &parser);
		yaml_document_delete(&reader.document);
	} else {
		r = refuse_syntax(&reader, &parser);
	}
	yaml_parser_delete(&parser);
	if (r < 0)
		config_clean_error(error);
	return r;
}
