/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what where: a pure function of rules, identity and request.
 *
 * The first rule whose identity pattern matches one of the client's names,
 * whose verbs hold the request's and whose place matches decides: allow.
 * No match: deny. No rules at all: every verified client may read and list.
 * Unknown means deny.
 */
#ifndef SLUICE_CONFIG_POLICY_H
#define SLUICE_CONFIG_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "config/identity.h"

enum access_verb { ACCESS_READ = 1, ACCESS_LIST = 2, ACCESS_WRITE = 4, ACCESS_DELETE = 8 };

struct access_rule {
	enum identity_kind kind;
	char *pattern;                 /* identity pattern without its "dns:" */
	unsigned verbs;                /* enum access_verb, or-ed */
	char *on[ACCESS_PATTERNS_MAX]; /* "bucket/prefix" patterns */
	unsigned on_count;
	unsigned line; /* where in the file, for messages */
};

struct policy {
	struct access_rule *rule; /* NULL when there is no access section */
	unsigned rule_count;
	bool has_section;
};

struct decision {
	bool allow;
	int rule; /* index, -1: no rule matched (or none exist) */
};

void policy_fini(struct policy *policy);

/* key "" for operations on a bucket, bucket "" and key "" for the list of buckets. */
struct decision policy_decide(const struct policy *policy, const struct identity *identity,
			      enum access_verb verb, const char *bucket, const char *key);

/*
 * Pattern matching, exact bytes but for the wildcards. separator is '.' for dns, '/' for uri and
 * places, 0 otherwise: "*" matches any run without the separator, "**" any run at all. dns
 * patterns compare without regard to ASCII case.
 */
bool policy_pattern_matches(const char *pattern, const char *text, size_t text_len, char separator,
			    bool fold_case);

#endif
