/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what where: a pure function of rules, identity and request.
 *
 * The first rule whose identity pattern matches one of the client's names, whose
 * verbs hold the request's and whose place matches decides: allow. There are no
 * rules that refuse: no match is the refusal. Without an access section every
 * verified client may read and list; an empty section allows nothing. Unknown
 * means deny.
 *
 * Patterns match the whole text, byte by byte. "*" matches any run of bytes, none
 * too, that does not hold the separator; "**" any run at all. Nothing else is
 * special, and a "*" in the text is a byte like others.
 *
 *	text		separator	letters
 *	dns		.		ASCII case does not matter
 *	uri, places	/		exact
 *	email, ip, cn, ou  none: "*" and "**" are the same
 *	spki		no wildcards	exact
 *
 * A place is "BUCKET/KEY". What is done to a bucket itself (list it, HEAD it) has
 * the place "BUCKET/", and a pattern without that slash names it too. The list of
 * buckets has the place "/", and "" names it too. Keys are compared as they are
 * opened: decoded once, never normalised.
 */
// Examples of places:
//	blocks/**	the bucket blocks and every object in it
//	blocks/*	the bucket, and the objects whose keys hold no "/"
//	blocks		the bucket alone: it may be listed, no object read
//	blocks/01J*	objects whose key begins so and holds no "/"; not the bucket
//	blocks/01J*/**	everything in such folders; not the bucket
//	*/index		the object "index" of every bucket
//	**		everything, the list of buckets too, where it is empty: else it has
//			those that the client may list
#ifndef SLUICE_ACCESS_POLICY_H
#define SLUICE_ACCESS_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "access/identity_pattern.h"
#include "base/limits.h"

enum access_verb { ACCESS_READ = 1, ACCESS_LIST = 2, ACCESS_WRITE = 4, ACCESS_DELETE = 8 };

#define ACCESS_VERBS 4
/* The verb 1 << i is called access_verb_words[i]; NULL at the end. */
extern const char *const access_verb_words[ACCESS_VERBS + 1];

struct access_rule {
	struct identity_pattern who;
	char *ca[CLIENT_CAS_MAX];      /* only certificates of these entries of client_cas */
	unsigned ca_count;             /* 0: of any */
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
	int rule;  /* index, -1: no rule matched (or none exist) */
	int about; /* denied: the first rule whose identity is this client's, for messages; -1: none
		    */
};

void policy_fini(struct policy *policy);
/* The same rules in the same order, wherever they stand in their files? */
bool policy_is_same(const struct policy *a, const struct policy *b);

/* key "" for operations on a bucket, bucket "" and key "" for the list of buckets. verb is one
 * verb. identity NULL, which no verified client has, is denied. */
struct decision policy_decide(const struct policy *policy, const struct identity *identity,
			      enum access_verb verb, const char *bucket, const char *key);

/* Is there a place at all where this client may do that? For requests that name their keys in the
 * body, and for the list of buckets: each is decided by policy_decide then. */
bool policy_allows_somewhere(const struct policy *policy, const struct identity *identity,
			     enum access_verb verb);

#endif
