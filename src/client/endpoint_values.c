/* SPDX-License-Identifier: Apache-2.0 */
/* Values of endpoint files: texts with variables in them, paths, true and false. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "client/endpoints_private.h"

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* The bytes of the name in $(NAME) at the start of text; 0: none stands there. */
static size_t variable_bytes(const char *text)
{
	size_t bytes = 0;

	if (text[0] != '$' || text[1] != '(')
		return 0;
	while (is_name_byte(text[2 + bytes]))
		bytes++;
	return text[2 + bytes] == ')' ? bytes : 0;
}

/* 0; -ENOENT: the variable that name then holds is not set; -E2BIG. */
static int expand(const char *text, char *(*env)(const char *name), char out[PATH_MAX],
		  char name[PATH_MAX])
{
	size_t used = 0;

	for (; *text != '\0'; text++) {
		size_t bytes = env != NULL ? variable_bytes(text) : 0;
		const char *value = text;
		size_t len = 1;
		if (bytes >= PATH_MAX)
			return -E2BIG;
		if (bytes > 0) {
			memcpy(name, text + 2, bytes);
			name[bytes] = '\0';
			value = env(name);
			if (value == NULL)
				return -ENOENT;
			len = strlen(value);
			text += bytes + 2;
		}
		if (len >= PATH_MAX - used)
			return -E2BIG;
		memcpy(out + used, value, len);
		used += len;
	}
	out[used] = '\0';
	return 0;
}

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

int endpoint_read_text(const struct endpoints_parse *parse, struct yaml_reader *reader,
		       const char *key, const yaml_node_t *node, size_t bytes_max, char **out)
{
	char expanded[PATH_MAX], name[PATH_MAX];
	const char *text = yaml_text(node);

	*out = NULL;
	if (yaml_has_control(node))
		return yaml_refuse(reader, node, "%s: " YAML_CONTROL, key);
	if (text == NULL)
		return yaml_refuse(reader, node, "%s: a single value is wanted here", key);
	if (parse->env != NULL) {
		int r = expand(text, parse->env, expanded, name);
		if (r == -ENOENT)
			return yaml_refuse(reader, node,
					   "%s: the environment variable %.100s is not set", key,
					   name);
		text = r == 0 ? expanded : NULL;
	}
	if (text == NULL || strlen(text) > bytes_max)
		return yaml_refuse(reader, node, "%s: the value is longer than %zu bytes", key,
				   bytes_max);
	if (has_control(text))
		return yaml_refuse(reader, node, "%s: " YAML_CONTROL, key);
	if (yaml_is_null(node) || text[0] == '\0')
		return 0;
	*out = strdup(text);
	return *out != NULL ? 0 : yaml_refuse(reader, node, "no memory");
}

int endpoint_read_path(const struct endpoints_parse *parse, struct yaml_reader *reader,
		       const char *key, const yaml_node_t *node, char **out)
{
	char *text, path[PATH_MAX];
	int r = endpoint_read_text(parse, reader, key, node, PATH_MAX - 1, &text);

	*out = NULL;
	if (r < 0 || text == NULL)
		return r;
	r = path_beside(parse->source->file_name, text, path);
	free(text);
	if (r < 0)
		return yaml_refuse(reader, node, "%s: the path is too long", key);
	*out = strdup(path);
	return *out != NULL ? 0 : yaml_refuse(reader, node, "no memory");
}

int endpoint_read_bool(struct yaml_reader *reader, const char *key, const yaml_node_t *node,
		       int *out)
{
	const char *text = yaml_text(node);
	bool is_plain = node->type == YAML_SCALAR_NODE &&
			node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	if (yaml_is_null(node))
		return 0;
	if (is_plain && text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
		*out = text[0] == 't';
		return 0;
	}
	return yaml_refuse(reader, node, "%s: use true or false", key);
}

int endpoint_take_name(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		       yaml_node_t *value)
{
	char **out = (char **)((char *)into + field->offset);
	return endpoint_read_text(into, reader, field->key, value, ENDPOINT_HOST_BYTES_MAX, out);
}

int endpoint_take_path(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		       yaml_node_t *value)
{
	char **out = (char **)((char *)into + field->offset);
	return endpoint_read_path(into, reader, field->key, value, out);
}

int endpoint_take_bool(void *into, struct yaml_reader *reader, const struct yaml_field *field,
		       yaml_node_t *value)
{
	int *out = (int *)((char *)into + field->offset);
	return endpoint_read_bool(reader, field->key, value, out);
}
