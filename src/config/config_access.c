/* SPDX-License-Identifier: Apache-2.0 */
/* The access: section: a list of rules, each identity, allow, on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "config/config_private.h"

#define SPKI_PATTERN_BYTES 51 /* "sha256/" and 44 of base64 */

static int read_identity(struct access_rule *rule, struct yaml_reader *reader,
			 const yaml_node_t *node)
{
	const char *text = yaml_text(node);
	const char *colon = text != NULL ? strchr(text, ':') : NULL;

	if (colon == NULL || colon[1] == '\0' || strlen(colon) > PATTERN_BYTES_MAX)
		return yaml_refuse(
			reader, node,
			"access identity: write KIND:PATTERN, such as dns:thanos-*.monitoring");
	for (int kind = 0; kind < IDENTITY_KIND_COUNT; kind++) {
		const char *label = identity_kind_label((enum identity_kind)kind);
		if (strlen(label) != (size_t)(colon - text) ||
		    memcmp(label, text, strlen(label)) != 0)
			continue;
		if (kind == IDENTITY_SPKI && (strncmp(colon + 1, "sha256/", 7) != 0 ||
					      strlen(colon + 1) != SPKI_PATTERN_BYTES))
			return yaml_refuse(
				reader, node,
				"access identity: write spki:sha256/ and 44 characters of base64 "
				"(certs/ca show prints it)");
		rule->kind = (enum identity_kind)kind;
		rule->pattern = strdup(colon + 1);
		return rule->pattern != NULL ? 0 : yaml_refuse(reader, node, "no memory");
	}
	return yaml_refuse(reader, node,
			   "access identity: the kinds are dns, uri, email, ip, cn, ou, spki");
}

static int read_verb(struct access_rule *rule, struct yaml_reader *reader, const yaml_node_t *node)
{
	static const struct {
		const char *word;
		enum access_verb verb;
	} verbs[] = {{"read", ACCESS_READ},
		     {"list", ACCESS_LIST},
		     {"write", ACCESS_WRITE},
		     {"delete", ACCESS_DELETE}};
	const char *text = yaml_text(node);
	for (size_t i = 0; text != NULL && i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].word, text) == 0) {
			rule->verbs |= verbs[i].verb;
			return 0;
		}
	}
	return yaml_refuse(reader, node, "access allow: the verbs are read, list, write, delete");
}

static int read_place(struct access_rule *rule, struct yaml_reader *reader, const yaml_node_t *node)
{
	const char *text = yaml_text(node);
	if (text == NULL || text[0] == '\0' || text[0] == '/' || strlen(text) > PATTERN_BYTES_MAX)
		return yaml_refuse(reader, node,
				   "access on: write BUCKET/PREFIX patterns, such as blocks/** (no "
				   "leading /)");
	if (rule->on_count == ACCESS_PATTERNS_MAX)
		return yaml_refuse(reader, node, "access on: at most %d patterns a rule",
				   ACCESS_PATTERNS_MAX);
	rule->on[rule->on_count] = strdup(text);
	if (rule->on[rule->on_count] == NULL)
		return yaml_refuse(reader, node, "no memory");
	rule->on_count++;
	return 0;
}

static int read_list(struct access_rule *rule, struct yaml_reader *reader, const yaml_node_t *node,
		     const char *key,
		     int (*read)(struct access_rule *, struct yaml_reader *, const yaml_node_t *))
{
	if (node->type != YAML_SEQUENCE_NODE ||
	    node->data.sequence.items.start == node->data.sequence.items.top)
		return yaml_refuse(reader, node, "access %s: a list is wanted here, not empty",
				   key);
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		int r = read(rule, reader, yaml_node(reader, *item));
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_rule(struct access_rule *rule, struct yaml_reader *reader, const yaml_node_t *node)
{
	if (node == NULL || node->type != YAML_MAPPING_NODE)
		return yaml_refuse(reader, node, "access: each rule has identity, allow and on");
	rule->line = (unsigned)node->start_mark.line + 1;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key_node = yaml_node(reader, pair->key);
		const yaml_node_t *value = yaml_node(reader, pair->value);
		const char *key = yaml_text(key_node);
		int r;
		if (key != NULL && strcmp(key, "identity") == 0 && rule->pattern == NULL)
			r = read_identity(rule, reader, value);
		else if (key != NULL && strcmp(key, "allow") == 0 && rule->verbs == 0)
			r = read_list(rule, reader, value, key, read_verb);
		else if (key != NULL && strcmp(key, "on") == 0 && rule->on_count == 0)
			r = read_list(rule, reader, value, key, read_place);
		else
			r = yaml_refuse(reader, key_node,
					"access: a rule has identity, allow and on, each once");
		if (r < 0)
			return r;
	}
	if (rule->pattern == NULL || rule->verbs == 0 || rule->on_count == 0)
		return yaml_refuse(reader, node, "access: a rule needs identity, allow and on");
	return 0;
}

int config_read_access(struct config *config, struct yaml_reader *reader, yaml_node_t *node)
{
	struct policy *policy = &config->policy;

	/* From here on rules exist, so that an empty section denies everything. */
	policy->has_section = true;
	if (node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0)
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
