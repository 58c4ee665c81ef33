/* SPDX-License-Identifier: Apache-2.0 */
/* Target files of Prometheus' file_sd. JSON is read as the YAML that it is, too. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "client/endpoints_private.h"

struct targets_parse {
	struct endpoint_targets *targets;
	struct endpoints_parse values; /* no variables are replaced */
	unsigned seen;                 /* with those that stood before */
	unsigned groups;
};

static int read_target(void *into, struct yaml_reader *reader, const char *key, yaml_node_t *node)
{
	struct targets_parse *parse = into;
	struct endpoint_targets *targets = parse->targets;
	char *text;

	if (parse->seen++ == ENDPOINT_ADDRESSES_MAX)
		return yaml_refuse(reader, node, "%s: at most %d in a file", key,
				   ENDPOINT_ADDRESSES_MAX);
	int r = endpoint_read_text(&parse->values, reader, key, node, PATH_MAX - 1, &text);
	if (r < 0)
		return r;
	r = endpoint_push_address(&targets->address, targets->address_count, reader, node,
				  text != NULL ? text : "");
	free(text);
	if (r < 0)
		return r;
	struct endpoint_address *address = &targets->address[targets->address_count];
	for (unsigned i = 0; i < targets->address_count; i++) {
		if (!endpoint_address_is_same(&targets->address[i], address))
			continue;
		free(address->text);
		return 0;
	}
	targets->address_count++;
	return 0;
}

static int read_targets(void *into, struct yaml_reader *reader, const struct yaml_field *field,
			yaml_node_t *value)
{
	return yaml_read_list(reader, field->key, value, read_target, into);
}

static int check_labels(void *into, struct yaml_reader *reader, const struct yaml_field *field,
			yaml_node_t *value)
{
	(void)into;
	if (yaml_is_null(value))
		return 0;
	if (value->type != YAML_MAPPING_NODE)
		return yaml_refuse(reader, value, "%s: names with values are wanted here",
				   field->key);
	if (value->data.mapping.pairs.top - value->data.mapping.pairs.start > ENDPOINT_LABELS_MAX)
		return yaml_refuse(reader, value, "%s: at most %d", field->key,
				   ENDPOINT_LABELS_MAX);
	for (yaml_node_pair_t *pair = value->data.mapping.pairs.start;
	     pair < value->data.mapping.pairs.top; pair++) {
		const yaml_node_t *label = yaml_node(reader, pair->value);
		const yaml_node_t *name = yaml_key(reader, value, pair, "labels.");
		if (name == NULL)
			return -EINVAL;
		if (yaml_text(label) == NULL)
			return yaml_refuse(reader, label, "labels: the value of %.60s is no text",
					   yaml_text(name));
	}
	return 0;
}

static int read_target_group(void *into, struct yaml_reader *reader, const char *key,
			     yaml_node_t *node)
{
	static const struct yaml_field fields[] = {{"targets", read_targets, 0},
						   {"labels", check_labels, 0}};
	struct targets_parse *parse = into;

	(void)key;
	if (parse->groups++ == ENDPOINT_ADDRESSES_MAX)
		return yaml_refuse(reader, node, "at most %d target groups",
				   ENDPOINT_ADDRESSES_MAX);
	return yaml_read_fields(reader, node, "", fields, ARRAY_LEN(fields), into);
}

int endpoint_targets_parse(struct endpoint_targets *targets, const struct endpoints_source *source,
			   char error[ERROR_TEXT_MAX])
{
	struct targets_parse parse = {.targets = targets, .values = {.source = source}};
	struct yaml_reader reader;

	*targets = (struct endpoint_targets){0};
	int r = yaml_open(&reader, source->text, source->len, source->file_name, error);
	if (r < 0)
		return r;
	if (reader.root != NULL)
		r = yaml_read_list(&reader, "the file", reader.root, read_target_group, &parse);
	if (r < 0)
		endpoint_targets_fini(targets);
	return yaml_close(&reader, r);
}

void endpoint_targets_fini(struct endpoint_targets *targets)
{
	for (unsigned i = 0; i < targets->address_count; i++)
		free(targets->address[i].text);
	free(targets->address);
	*targets = (struct endpoint_targets){0};
}
