/* SPDX-License-Identifier: Apache-2.0 */
#include "config/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
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

/* ---- Mappings and lists ------------------------------------------------------------------------
 */

/* NULL: it is the first. */
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

const yaml_node_t *yaml_key(struct yaml_reader *reader, const yaml_node_t *mapping,
			    const yaml_node_pair_t *pair, const char *section)
{
	const yaml_node_t *node = yaml_node(reader, pair->key);
	const char *key = yaml_text(node);

	if (key == NULL) {
		yaml_refuse(reader, node, "a key must be a word");
		return NULL;
	}
	const yaml_node_t *before = find_before(reader, mapping, pair, key);
	if (before == NULL)
		return node;
	yaml_refuse(reader, node, "%s%.60s stands twice, first in line %zu", section, key,
		    before->start_mark.line + 1);
	return NULL;
}

struct known_key {
	const char *key;
	unsigned distance;
};

/* The nearest to key first. */
static void sort_known(const char *key, const char *const *words, size_t count,
		       struct known_key *known)
{
	for (size_t i = 0; i < count; i++) {
		unsigned distance = text_distance(key, words[i], KEY_BYTES_MAX);
		size_t at = i;
		for (; at > 0 && known[at - 1].distance > distance; at--)
			known[at] = known[at - 1];
		known[at] = (struct known_key){words[i], distance};
	}
}

int yaml_refuse_key(const struct yaml_reader *reader, const yaml_node_t *node, const char *section,
		    const char *const *words, size_t count, const char *elsewhere)
{
	struct known_key known[KNOWN_KEYS_MAX];
	const char *key = yaml_text(node);
	char list[LIST_BYTES_MAX] = "", meant[100] = "";
	size_t used = 0;

	must(count > 0 && count <= ARRAY_LEN(known));
	sort_known(key, words, count, known);
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
		snprintf(meant, sizeof(meant), "; did you mean %s?", elsewhere);
	else if (known[0].distance <= text_near(key))
		snprintf(meant, sizeof(meant), "; did you mean %s%s?", section, known[0].key);
	return yaml_refuse(reader, node, "unknown key %s%.60s%s (known: %s)", section, key, meant,
			   list);
}

int yaml_read_fields(struct yaml_reader *reader, yaml_node_t *mapping, const char *section,
		     const struct yaml_field *fields, size_t count, void *into)
{
	const char *known[KNOWN_KEYS_MAX];

	if (yaml_is_null(mapping))
		return 0;
	must(count > 0 && count <= ARRAY_LEN(known));
	for (size_t i = 0; i < count; i++)
		known[i] = fields[i].key;
	if (mapping == NULL || mapping->type != YAML_MAPPING_NODE)
		return yaml_refuse(reader, mapping, "%s keys with values are wanted here: %s%s%s",
				   section, known[0], count > 1 ? ", " : "",
				   count > 1 ? known[1] : "");
	for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key_node = yaml_key(reader, mapping, pair, section);
		size_t i = 0;
		if (key_node == NULL)
			return -EINVAL;
		while (i < count && strcmp(known[i], yaml_text(key_node)) != 0)
			i++;
		if (i == count)
			return yaml_refuse_key(reader, key_node, section, known, count, NULL);
		int r = fields[i].read(into, reader, &fields[i], yaml_node(reader, pair->value));
		if (r < 0)
			return r;
	}
	return 0;
}

int yaml_read_list(struct yaml_reader *reader, const char *key, const yaml_node_t *list,
		   int (*read)(void *into, struct yaml_reader *reader, const char *key,
			       yaml_node_t *item),
		   void *into)
{
	if (yaml_is_null(list))
		return 0;
	if (list->type != YAML_SEQUENCE_NODE)
		return yaml_refuse(reader, list, "%s: a list is wanted here", key);
	for (yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++) {
		int r = read(into, reader, key, yaml_node(reader, *item));
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- Documents ---------------------------------------------------------------------------------
 */

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

/* There is one document, without tags. */
static int check_document(struct yaml_reader *reader, yaml_parser_t *parser)
{
	yaml_document_t second;

	reader->root = yaml_document_get_root_node(&reader->document);
	if (reader->root == NULL)
		return 0; /* the file is empty */
	int r = check_tags(reader);
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

static int load(struct yaml_reader *reader)
{
	yaml_parser_t parser;
	int r;

	if (yaml_parser_initialize(&parser) != 1)
		return yaml_refuse(reader, NULL, "no memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)reader->text, reader->len);
	if (yaml_parser_load(&parser, &reader->document) == 1) {
		r = check_document(reader, &parser);
		if (r < 0)
			yaml_document_delete(&reader->document);
	} else {
		r = refuse_syntax(reader, &parser);
	}
	yaml_parser_delete(&parser);
	return r;
}

int yaml_open(struct yaml_reader *reader, const char *text, size_t len, const char *file_name,
	      char error[ERROR_TEXT_MAX])
{
	size_t brackets = 0;
	int r;

	*reader = (struct yaml_reader){
		.text = text, .len = len, .file_name = file_name, .error = error};
	error[0] = '\0';
	for (size_t i = 0; i < len && len <= CONFIG_BYTES_MAX; i++)
		brackets += text[i] == '[' || text[i] == '{';
	if (len > CONFIG_BYTES_MAX)
		r = yaml_refuse(reader, NULL, "the file is larger than %d bytes", CONFIG_BYTES_MAX);
	else if (brackets > CONFIG_BRACKETS_MAX)
		r = yaml_refuse(reader, NULL, "the file has more than %d brackets [ and {",
				CONFIG_BRACKETS_MAX);
	else
		r = load(reader);
	if (r < 0)
		config_clean_error(error);
	return r;
}

int yaml_close(struct yaml_reader *reader, int r)
{
	yaml_document_delete(&reader->document);
	if (r < 0)
		config_clean_error(reader->error);
	return r;
}

int path_beside(const char *file_name, const char *path, char out[PATH_MAX])
{
	const char *slash = strrchr(file_name, '/');
	size_t folder = slash != NULL && path[0] != '/' ? (size_t)(slash - file_name) + 1 : 0;
	size_t len = strlen(path);

	if (folder + len >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(out, file_name, folder);
	memcpy(out + folder, path, len + 1);
	return 0;
}
