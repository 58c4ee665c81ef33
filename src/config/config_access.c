/* SPDX-License-Identifier: Apache-2.0 */
/* The access: section: a list of rules, each identity, allow, on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "config/config_private.h"

static int read_verb(struct access_rule *rule, struct yaml_reader *reader, const yaml_node_t *node)
{
	const char *text = yaml_text(node);
	for (unsigned i = 0; text != NULL && i < ACCESS_VERBS; i++) {
		if (strcmp(access_verb_words[i], text) == 0) {
			rule->verbs |= 1u << i;
			return 0;
		}
	}
	return yaml_refuse(reader, node,
			   "access allow: \"%.40s\" is no verb; they are read, list, write, delete",
			   text != NULL ? text : "");
}

static int read_place(struct access_rule *rule, struct yaml_reader *reader, const yaml_node_t *node)
{
	const char *text = yaml_text(node);
	if (yaml_has_control(node))
		return yaml_refuse(reader, node, "access on: " YAML_CONTROL);
	if (text == NULL || text[0] == '\0' || text[0] == '/')
		return yaml_refuse(
			reader, node,
			"access on: write BUCKET/KEY patterns, such as blocks/**, without "
			"a / before the bucket");
	if (strlen(text) > PATTERN_BYTES_MAX)
		return yaml_refuse(reader, node, "access on: the pattern is longer than %d bytes",
				   PATTERN_BYTES_MAX);
	if (rule->on_count == ACCESS_PATTERNS_MAX)
		return yaml_refuse(reader, node, "access on: at most %d patterns a rule",
				   ACCESS_PATTERNS_MAX);
	rule->on[rule->on_count] = strdup(text);
	if (rule->on[rule->on_count] == NULL)
		return yaml_refuse(reader, node, "no memory");
	rule->on_count++;
	return 0;
}

static int read_ca(struct access_rule *rule, struct yaml_reader *reader, const yaml_node_t *node)
{
	const char *text = yaml_text(node);

	if (text == NULL || text[0] == '\0' || strlen(text) >= CA_NAME_MAX ||
	    yaml_has_control(node))
		return yaml_refuse(reader, node,
				   "access ca: the name of an entry of client_cas is wanted here");
	if (rule->ca_count == CLIENT_CAS_MAX)
		return yaml_refuse(reader, node, "access ca: at most %d names", CLIENT_CAS_MAX);
	rule->ca[rule->ca_count] = strdup(text);
	if (rule->ca[rule->ca_count] == NULL)
		return yaml_refuse(reader, node, "no memory");
	rule->ca_count++;
	return 0;
}

static int read_list(struct access_rule *rule, struct yaml_reader *reader, const yaml_node_t *node,
		     const char *key,
		     int (*read)(struct access_rule *, struct yaml_reader *, const yaml_node_t *))
{
	if (node->type != YAML_SEQUENCE_NODE ||
	    node->data.sequence.items.start == node->data.sequence.items.top)
		return yaml_refuse(reader, node,
				   "access %s: a list with at least one item is wanted here", key);
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		int r = read(rule, reader, yaml_node(reader, *item));
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_rule_pair(struct access_rule *rule, struct yaml_reader *reader,
			  const yaml_node_pair_t *pair)
{
	const yaml_node_t *key_node = yaml_node(reader, pair->key);
	const yaml_node_t *value = yaml_node(reader, pair->value);
	const char *key = yaml_text(key_node);
	bool is_there;

	if (key != NULL && strcmp(key, "identity") == 0)
		is_there = rule->who.text != NULL;
	else if (key != NULL && strcmp(key, "allow") == 0)
		is_there = rule->verbs != 0;
	else if (key != NULL && strcmp(key, "on") == 0)
		is_there = rule->on_count != 0;
	else if (key != NULL && strcmp(key, "ca") == 0)
		is_there = rule->ca_count != 0;
	else
		return yaml_refuse(reader, key_node,
				   "access: unknown key %.60s; a rule has identity, allow and on, "
				   "and may have ca",
				   key != NULL ? key : "");
	if (is_there)
		return yaml_refuse(reader, key_node, "access: %s stands twice in a rule", key);
	if (key[0] == 'i')
		return config_read_pattern(&rule->who, reader, value, "access identity", false);
	return read_list(rule, reader, value, key,
			 key[0] == 'a'   ? read_verb
			 : key[0] == 'c' ? read_ca
					 : read_place);
}

static int read_rule(struct access_rule *rule, struct yaml_reader *reader, const yaml_node_t *node)
{
	if (node == NULL || node->type != YAML_MAPPING_NODE)
		return yaml_refuse(reader, node, "access: each rule has identity, allow and on");
	rule->line = (unsigned)node->start_mark.line + 1;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		int r = read_rule_pair(rule, reader, pair);
		if (r < 0)
			return r;
	}
	const char *missing = rule->who.text == NULL ? "identity"
			      : rule->verbs == 0     ? "allow"
			      : rule->on_count == 0  ? "on"
						     : NULL;
	if (missing != NULL)
		return yaml_refuse(reader, node,
				   "access: a rule has identity, allow and on; %s is missing",
				   missing);
	return 0;
}

int config_read_access(struct config *config, struct yaml_reader *reader, yaml_node_t *node)
{
	struct policy *policy = &config->policy;

	/* From here on rules exist, so that an empty section denies everything. */
	policy->has_section = true;
	if (yaml_is_null(node))
		return 0;
	if (node->type != YAML_SEQUENCE_NODE)
		return yaml_refuse(reader, node, "access: a list of rules is wanted here");
	size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if (count > ACCESS_RULES_MAX)
		return yaml_refuse(reader, node, "access: at most %d rules", ACCESS_RULES_MAX);
	if (count == 0)
		return 0;
	policy->rule = calloc(count, sizeof(*policy->rule));
	if (policy->rule == NULL)
		return yaml_refuse(reader, node, "no memory");
	for (size_t i = 0; i < count; i++) {
		policy->rule_count++;
		int r = read_rule(&policy->rule[i], reader,
				  yaml_node(reader, node->data.sequence.items.start[i]));
		if (r < 0)
			return r;
	}
	return 0;
}
