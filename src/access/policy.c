/* SPDX-License-Identifier: Apache-2.0 */
#include "access/policy.h"

#include <stdlib.h>
#include <string.h>

#include "access/pattern.h"
#include "base/must.h"

const char *const access_verb_words[ACCESS_VERBS + 1] = {"read", "list", "write", "delete", NULL};

void policy_fini(struct policy *policy)
{
	for (unsigned i = 0; i < policy->rule_count; i++) {
		free(policy->rule[i].who.text);
		for (unsigned j = 0; j < policy->rule[i].ca_count; j++)
			free(policy->rule[i].ca[j]);
		for (unsigned j = 0; j < policy->rule[i].on_count; j++)
			free(policy->rule[i].on[j]);
	}
	free(policy->rule);
	*policy = (struct policy){0};
}

static bool is_same_rule(const struct access_rule *a, const struct access_rule *b)
{
	if (!identity_pattern_is_same(&a->who, &b->who) || a->verbs != b->verbs ||
	    a->on_count != b->on_count || a->ca_count != b->ca_count)
		return false;
	for (unsigned i = 0; i < a->ca_count; i++)
		if (strcmp(a->ca[i], b->ca[i]) != 0)
			return false;
	for (unsigned i = 0; i < a->on_count; i++)
		if (strcmp(a->on[i], b->on[i]) != 0)
			return false;
	return true;
}

bool policy_is_same(const struct policy *a, const struct policy *b)
{
	if (a->has_section != b->has_section || a->rule_count != b->rule_count)
		return false;
	for (unsigned i = 0; i < a->rule_count; i++)
		if (!is_same_rule(&a->rule[i], &b->rule[i]))
			return false;
	return true;
}

static bool is_of_ca(const struct access_rule *rule, const struct identity *identity)
{
	bool is_its = rule->ca_count == 0;
	for (unsigned i = 0; !is_its && i < rule->ca_count; i++)
		is_its = strcmp(rule->ca[i], identity->ca) == 0;
	return is_its;
}

static bool identity_matches(const struct access_rule *rule, const struct identity *identity)
{
	for (unsigned i = 0; i < identity->count; i++)
		if (identity_pattern_matches(&rule->who, identity, i))
			return is_of_ca(rule, identity);
	return false;
}

static bool place_matches(const struct access_rule *rule, const char *place, size_t place_len,
			  size_t bucket_len)
{
	for (unsigned i = 0; i < rule->on_count; i++) {
		if (pattern_matches(rule->on[i], place, place_len, '/', false))
			return true;
		/* The bucket itself is meant by "BUCKET/" and what matches it, and by "BUCKET". */
		if (place_len == bucket_len + 1 &&
		    pattern_matches(rule->on[i], place, bucket_len, '/', false))
			return true;
	}
	return false;
}

struct decision policy_decide(const struct policy *policy, const struct identity *identity,
			      enum access_verb verb, const char *bucket, const char *key)
{
	struct decision deny = {.allow = false, .rule = -1, .about = -1};
	must(verb == ACCESS_READ || verb == ACCESS_LIST || verb == ACCESS_WRITE ||
	     verb == ACCESS_DELETE);
	if (identity == NULL)
		return deny;
	if (!policy->has_section)
		return (struct decision){.allow = verb == ACCESS_READ || verb == ACCESS_LIST,
					 .rule = -1,
					 .about = -1};

	char place[BUCKET_BYTES_MAX + 1 + OBJECT_KEY_BYTES_MAX + 1];
	size_t bucket_len = strlen(bucket), key_len = strlen(key);
	if (bucket_len + 1 + key_len >= sizeof(place))
		return deny;
	*stpcpy(place, bucket) = '/';
	stpcpy(place + bucket_len + 1, key);

	for (unsigned i = 0; i < policy->rule_count; i++) {
		const struct access_rule *rule = &policy->rule[i];
		if ((rule->verbs & verb) != 0 && identity_matches(rule, identity) &&
		    place_matches(rule, place, bucket_len + 1 + key_len, bucket_len))
			return (struct decision){.allow = true, .rule = (int)i, .about = -1};
	}
	for (unsigned i = 0; i < policy->rule_count && deny.about < 0; i++)
		if (identity_matches(&policy->rule[i], identity))
			deny.about = (int)i;
	return deny;
}

bool policy_allows_somewhere(const struct policy *policy, const struct identity *identity,
			     enum access_verb verb)
{
	if (identity == NULL)
		return false;
	if (!policy->has_section)
		return verb == ACCESS_READ || verb == ACCESS_LIST;
	for (unsigned i = 0; i < policy->rule_count; i++)
		if ((policy->rule[i].verbs & verb) != 0 &&
		    identity_matches(&policy->rule[i], identity))
			return true;
	return false;
}
