/* SPDX-License-Identifier: Apache-2.0 */
/* The access: section: a list of rules, each identity, allow, on. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "config/config_private.h"

/* "sha256/", 43 of base64 and "=": 32 bytes. */
static bool is_spki(const char *pattern)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	return strncmp(pattern, "sha256/", 7) == 0 && strspn(pattern + 7, alphabet) == 43 &&
	       strcmp(pattern + 50, "=") == 0;
}

/* As a certificate's address is written, RFC 5952: FD00::1 would never match. -EINVAL: it is
 * neither an address nor a pattern. */
static int normalise_ip(const char *pattern, char out[INET6_ADDRSTRLEN])
{
	struct in6_addr address;
	int family = strchr(pattern, ':') != NULL ? AF_INET6 : AF_INET;

	if (inet_pton(family, pattern, &address) != 1)
		return -EINVAL;
	return inet_ntop(family, &address, out, INET6_ADDRSTRLEN) != NULL ? 0 : -EINVAL;
}

static int set_pattern(struct access_rule *rule, struct yaml_reader *reader,
		       const yaml_node_t *node, enum identity_kind kind, const char *pattern)
{
	char address[INET6_ADDRSTRLEN];

	if (kind == IDENTITY_SPKI && !is_spki(pattern))
		return yaml_refuse(reader, node,
				   "access identity: write spki:sha256/ and 44 characters of "
				   "base64 (certs/ca show prints it)");
	if (kind == IDENTITY_IP && strchr(pattern, '*') == NULL) {
		if (normalise_ip(pattern, address) < 0)
			return yaml_refuse(reader, node,
					   "access identity: ip:%.60s is no address; write one, "
					   "or a pattern such as ip:10.0.*",
					   pattern);
		pattern = address;
	}
	rule->kind = kind;
	rule->pattern = strdup(pattern);
	return rule->pattern != NULL ? 0 : yaml_refuse(reader, node, "no memory");
}

static int read_identity(struct access_rule *rule, struct yaml_reader *reader,
			 const yaml_node_t *node)
{
	const char *text = yaml_text(node);
	const char *colon = text != NULL ? strchr(text, ':') : NULL;

	if (yaml_has_control(node))
		return yaml_refuse(reader, node, "access identity: " YAML_CONTROL);
	if (colon == NULL || colon[1] == '\0')
		return yaml_refuse(
			reader, node,
			"access identity: write KIND:PATTERN, such as dns:thanos-*.monitoring; "
			"the kinds are dns, uri, email, ip, cn, ou, spki");
	if (strlen(colon + 1) > PATTERN_BYTES_MAX)
		return yaml_refuse(reader, node,
				   "access identity: the pattern is longer than %d bytes",
				   PATTERN_BYTES_MAX);
	for (int kind = 0; kind < IDENTITY_KIND_COUNT; kind++) {
		const char *label = identity_kind_label((enum identity_kind)kind);
		if (strlen(label) == (size_t)(colon - text) &&
		    memcmp(label, text, strlen(label)) == 0)
			return set_pattern(rule, reader, node, (enum identity_kind)kind, colon + 1);
	}
	return yaml_refuse(
		reader, node,
		"access identity: kind %.*s is not known; the kinds are dns, uri, email, ip, "
		"cn, ou, spki",
		(int)(colon - text < 40 ? colon - text : 40), text);
}

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
		is_there = rule->pattern != NULL;
	else if (key != NULL && strcmp(key, "allow") == 0)
		is_there = rule->verbs != 0;
	else if (key != NULL && strcmp(key, "on") == 0)
		is_there = rule->on_count != 0;
	else
		return yaml_refuse(reader, key_node,
				   "access: unknown key %.60s; a rule has identity, allow and on",
				   key != NULL ? key : "");
	if (is_there)
		return yaml_refuse(reader, key_node, "access: %s stands twice in a rule", key);
	if (key[0] == 'i')
		return read_identity(rule, reader, value);
	return read_list(rule, reader, value, key, key[0] == 'a' ? read_verb : read_place);
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
	const char *missing = rule->pattern == NULL ? "identity"
			      : rule->verbs == 0    ? "allow"
			      : rule->on_count == 0 ? "on"
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
