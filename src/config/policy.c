/* SPDX-License-Identifier: Apache-2.0 */
#include "config/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"

/* The longest text that is matched: a name of an identity, or "bucket/key". */
#define TEXT_BYTES_MAX IDENTITY_BYTES_MAX

void policy_fini(struct policy *policy)
{
	for (unsigned i = 0; i < policy->rule_count; i++) {
		free(policy->rule[i].pattern);
		for (unsigned j = 0; j < policy->rule[i].on_count; j++)
			free(policy->rule[i].on[j]);
	}
	free(policy->rule);
	*policy = (struct policy){0};
}

static char fold(char c, bool fold_case)
{
	return fold_case && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/*
 * reach[j]: what was read of the pattern matches the first j bytes of text. Pattern times text
 * steps, whatever the pattern: nothing is tried twice.
 */
bool policy_pattern_matches(const char *pattern, const char *text, size_t text_len, char separator,
			    bool fold_case)
{
	bool reach[TEXT_BYTES_MAX + 1];
	if (text_len > TEXT_BYTES_MAX)
		return false;
	memset(reach, 0, text_len + 1);
	reach[0] = true;

	while (*pattern != '\0') {
		if (*pattern != '*') {
			for (size_t j = text_len; j > 0; j--)
				reach[j] = reach[j - 1] && fold(text[j - 1], fold_case) ==
								   fold(*pattern, fold_case);
			reach[0] = false;
			pattern++;
			continue;
		}
		bool any = pattern[1] == '*';
		for (size_t j = 1; j <= text_len; j++)
			reach[j] |= reach[j - 1] &&
				    (any || separator == '\0' || text[j - 1] != separator);
		pattern += any ? 2 : 1;
	}
	return reach[text_len];
}

static bool identity_matches(const struct access_rule *rule, const struct identity *identity)
{
	static const char separators[] = {
		[IDENTITY_URI] = '/', [IDENTITY_DNS] = '.', [IDENTITY_KIND_COUNT] = '\0'};
	for (unsigned i = 0; i < identity->count; i++) {
		const struct identity_name *name = &identity->name[i];
		if (name->kind != rule->kind)
			continue;
		const char *text = identity_name_text(identity, i);
		if (rule->kind == IDENTITY_SPKI) { /* base64 has no wildcards */
			if (strlen(rule->pattern) == name->len &&
			    memcmp(rule->pattern, text, name->len) == 0)
				return true;
		} else if (policy_pattern_matches(rule->pattern, text, name->len,
						  separators[rule->kind],
						  rule->kind == IDENTITY_DNS)) {
			return true;
		}
	}
	return false;
}

static bool place_matches(const struct access_rule *rule, const char *place, size_t place_len,
			  size_t bucket_len)
{
	for (unsigned i = 0; i < rule->on_count; i++) {
		if (policy_pattern_matches(rule->on[i], place, place_len, '/', false))
			return true;
		/* The bucket itself is meant by "BUCKET/" and what matches it, and by "BUCKET". */
		if (place_len == bucket_len + 1 &&
		    policy_pattern_matches(rule->on[i], place, bucket_len, '/', false))
			return true;
	}
	return false;
}

struct decision policy_decide(const struct policy *policy, const struct identity *identity,
			      enum access_verb verb, const char *bucket, const char *key)
{
	struct decision deny = {.allow = false, .rule = -1};
	if (!policy->has_section)
		return (struct decision){.allow = (verb & (ACCESS_READ | ACCESS_LIST)) != 0,
					 .rule = -1};

	char place[BUCKET_BYTES_MAX + 1 + OBJECT_KEY_BYTES_MAX];
	size_t bucket_len = strlen(bucket), key_len = strlen(key);
	if (bucket_len + 1 + key_len > sizeof(place))
		return deny;
	memcpy(place, bucket, bucket_len);
	place[bucket_len] = '/';
	memcpy(place + bucket_len + 1, key, key_len);

	for (unsigned i = 0; i < policy->rule_count; i++) {
		const struct access_rule *rule = &policy->rule[i];
		if ((rule->verbs & verb) != 0 && identity_matches(rule, identity) &&
		    place_matches(rule, place, bucket_len + 1 + key_len, bucket_len))
			return (struct decision){.allow = true, .rule = (int)i};
	}
	return deny;
}
