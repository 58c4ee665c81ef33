/* SPDX-License-Identifier: Apache-2.0 */
/* Places and rules: who may do what where. */
#include "access/policy.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

TestSuite(policy, .timeout = 600);

/* ---- Rules --------------------------------------------------------------------------------- */

/* A rule of one pattern of places. Strings are the test's; nothing is to be freed. */
static struct access_rule rule(enum identity_kind kind, const char *pattern, unsigned verbs,
			       const char *on)
{
	return (struct access_rule){.who = {kind, (char *)(uintptr_t)pattern},
				    .verbs = verbs,
				    .on = {(char *)(uintptr_t)on},
				    .on_count = 1};
}

/* A client with a name of each kind. */
static struct identity *client(void)
{
	static const struct {
		enum identity_kind kind;
		const char *text;
	} names[] = {
		{IDENTITY_DNS, "Thanos-Store.monitoring"},
		{IDENTITY_DNS, "store.example"},
		{IDENTITY_URI, "spiffe://prod/ns/monitoring/sa/store"},
		{IDENTITY_EMAIL, "store@example.com"},
		{IDENTITY_IP, "192.0.2.7"},
		{IDENTITY_CN, "Store 1"},
		{IDENTITY_OU, "monitoring"},
		{IDENTITY_SPKI, "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
	};
	struct identity_builder *builder = identity_builder_new();

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		cr_assert_eq(identity_builder_add(builder, names[i].kind, names[i].text,
						  strlen(names[i].text)),
			     0);
	struct identity *identity = identity_builder_finish(builder);
	identity_builder_free(builder);
	return identity;
}

static struct decision decide(struct access_rule *rules, unsigned count, enum access_verb verb,
			      const char *bucket, const char *key)
{
	struct policy policy = {.rule = rules, .rule_count = count, .has_section = true};
	struct identity *identity = client();
	struct decision decision = policy_decide(&policy, identity, verb, bucket, key);

	identity_free(identity);
	return decision;
}

static bool names_client(enum identity_kind kind, const char *pattern)
{
	struct access_rule one = rule(kind, pattern, ACCESS_READ, "**");
	struct decision decision = decide(&one, 1, ACCESS_READ, "blocks", "a");

	cr_assert_eq(decision.rule, decision.allow ? 0 : -1);
	return decision.allow;
}

Test(policy, identities)
{
	cr_assert(names_client(IDENTITY_DNS, "thanos-*.monitoring"), "case does not matter");
	cr_assert(names_client(IDENTITY_DNS, "store.example"), "not only the first name");
	cr_assert_not(names_client(IDENTITY_DNS, "*"), "one label");
	cr_assert(names_client(IDENTITY_DNS, "**"));
	cr_assert_not(names_client(IDENTITY_DNS, "monitoring"), "that is the OU");
	cr_assert_not(names_client(IDENTITY_CN, "store.example"), "that is a DNS name");
	cr_assert(names_client(IDENTITY_URI, "spiffe://prod/ns/monitoring/sa/*"));
	cr_assert(names_client(IDENTITY_URI, "spiffe://prod/**"));
	cr_assert_not(names_client(IDENTITY_URI, "spiffe://prod/*"), "one segment");
	cr_assert_not(names_client(IDENTITY_URI, "SPIFFE://prod/**"), "exact");
	cr_assert(names_client(IDENTITY_EMAIL, "*@example.com"));
	cr_assert(names_client(IDENTITY_IP, "192.0.2.*"));
	cr_assert_not(names_client(IDENTITY_IP, "192.0.2.70"));
	cr_assert(names_client(IDENTITY_CN, "Store *"));
	cr_assert_not(names_client(IDENTITY_CN, "store 1"));
	cr_assert(names_client(IDENTITY_OU, "monitoring"));
	cr_assert(
		names_client(IDENTITY_SPKI, "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
	cr_assert_not(
		names_client(IDENTITY_SPKI, "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV="));
	cr_assert_not(names_client(IDENTITY_SPKI, "**"), "a pin has no wildcards");
	cr_assert_not(names_client(IDENTITY_SPKI, "sha256/*"));
}

/* A "*" in a certificate is no wildcard: it does not match what the rule names. */
Test(policy, wildcard_certificate)
{
	struct identity_builder *builder = identity_builder_new();
	struct access_rule one = rule(IDENTITY_DNS, "store.example", ACCESS_READ, "**");
	struct policy policy = {.rule = &one, .rule_count = 1, .has_section = true};

	cr_assert_eq(identity_builder_add(builder, IDENTITY_DNS, "*.example", 9), 0);
	struct identity *identity = identity_builder_finish(builder);
	cr_assert_not(policy_decide(&policy, identity, ACCESS_READ, "blocks", "a").allow);
	identity_free(identity);
	identity_builder_free(builder);
}

static bool may_read(const char *on, const char *bucket, const char *key)
{
	struct access_rule one = rule(IDENTITY_OU, "monitoring", ACCESS_READ, on);

	return decide(&one, 1, ACCESS_READ, bucket, key).allow;
}

/* The examples of policy.h. */
Test(policy, places)
{
	cr_assert(may_read("blocks/**", "blocks", ""));
	cr_assert(may_read("blocks/**", "blocks", "01J/chunks/000001"));
	cr_assert_not(may_read("blocks/**", "blocks2", "01J"));
	cr_assert_not(may_read("blocks/**", "block", ""));
	cr_assert_not(may_read("blocks/**", "", ""), "the list of buckets");

	cr_assert(may_read("blocks/*", "blocks", ""));
	cr_assert(may_read("blocks/*", "blocks", "a"));
	cr_assert_not(may_read("blocks/*", "blocks", "a/b"));

	cr_assert(may_read("blocks", "blocks", ""));
	cr_assert_not(may_read("blocks", "blocks", "a"));
	cr_assert(may_read("blocks/", "blocks", ""));

	cr_assert(may_read("blocks/01J*", "blocks", "01JX"));
	cr_assert_not(may_read("blocks/01J*", "blocks", "01JX/index"));
	cr_assert_not(may_read("blocks/01J*", "blocks", ""));
	cr_assert(may_read("blocks/01J*/**", "blocks", "01JX/chunks/000001"));
	cr_assert_not(may_read("blocks/01J*/**", "blocks", "01JX"));
	cr_assert_not(may_read("blocks/01J*/**", "blocks", ""));

	cr_assert(may_read("*/index", "blocks", "index"));
	cr_assert_not(may_read("*/index", "blocks", "a/index"));

	cr_assert(may_read("*", "blocks", ""));
	cr_assert_not(may_read("*", "blocks", "a"));
	cr_assert(may_read("**", "", ""));
	cr_assert(may_read("**", "blocks", "a/b"));
	cr_assert_not(may_read("Blocks/**", "blocks", "a"), "exact");
	/* A key that looks like another bucket's place does not get there. */
	cr_assert_not(may_read("secret/**", "blocks", "secret/a"));
	cr_assert_not(may_read("blocks/public/**", "blocks", "publicx/a"));
}

Test(policy, several_places)
{
	struct access_rule one = rule(IDENTITY_OU, "monitoring", ACCESS_READ, "a/**");

	one.on[one.on_count++] = (char *)(uintptr_t) "b/**";
	cr_assert(decide(&one, 1, ACCESS_READ, "a", "k").allow);
	cr_assert(decide(&one, 1, ACCESS_READ, "b", "k").allow);
	cr_assert_not(decide(&one, 1, ACCESS_READ, "c", "k").allow);
}

Test(policy, verbs)
{
	static const enum access_verb verbs[] = {ACCESS_READ, ACCESS_LIST, ACCESS_WRITE,
						 ACCESS_DELETE};

	for (unsigned granted = 0; granted < 16; granted++) {
		struct access_rule one = rule(IDENTITY_OU, "monitoring", granted, "**");
		for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
			cr_assert_eq(decide(&one, 1, verbs[i], "blocks", "a").allow,
				     (granted & verbs[i]) != 0, "%u, %d", granted, verbs[i]);
	}
}

/* The first rule that matches in all three decides; the others are looked at. */
Test(policy, first_match)
{
	struct access_rule rules[] = {
		rule(IDENTITY_OU, "other", ACCESS_READ, "**"),
		rule(IDENTITY_OU, "monitoring", ACCESS_WRITE, "**"),
		rule(IDENTITY_OU, "monitoring", ACCESS_READ, "blocks2/**"),
		rule(IDENTITY_OU, "monitoring", ACCESS_READ, "blocks/**"),
		rule(IDENTITY_OU, "monitoring", ACCESS_READ, "**"),
	};

	cr_assert_eq(decide(rules, 5, ACCESS_READ, "blocks", "a").rule, 3);
	cr_assert_eq(decide(rules, 5, ACCESS_READ, "x", "a").rule, 4);
	cr_assert_eq(decide(rules, 5, ACCESS_WRITE, "x", "a").rule, 1);
	cr_assert_not(decide(rules, 4, ACCESS_READ, "x", "a").allow);
	cr_assert_eq(decide(rules, 4, ACCESS_READ, "x", "a").rule, -1);
	cr_assert_not(decide(rules, 5, ACCESS_DELETE, "x", "a").allow);
}

/* What a denial names: the first rule that is about this client. */
Test(policy, denied_about)
{
	struct access_rule rules[] = {
		rule(IDENTITY_OU, "other", ACCESS_READ, "**"),
		rule(IDENTITY_OU, "monitoring", ACCESS_WRITE, "**"),
		rule(IDENTITY_OU, "monitoring", ACCESS_READ, "blocks/**"),
	};

	cr_assert_eq(decide(rules, 3, ACCESS_READ, "x", "a").about, 1);
	cr_assert_eq(decide(rules, 1, ACCESS_READ, "x", "a").about, -1);
	cr_assert_eq(decide(rules, 3, ACCESS_READ, "blocks", "a").about, -1);
}

Test(policy, without_rules)
{
	struct policy none = {0};
	struct identity *identity = client();

	cr_assert(policy_decide(&none, identity, ACCESS_READ, "blocks", "a").allow);
	cr_assert(policy_decide(&none, identity, ACCESS_LIST, "blocks", "").allow);
	cr_assert_not(policy_decide(&none, identity, ACCESS_WRITE, "blocks", "a").allow);
	cr_assert_not(policy_decide(&none, identity, ACCESS_DELETE, "blocks", "a").allow);
	cr_assert_not(policy_decide(&none, NULL, ACCESS_READ, "blocks", "a").allow,
		      "nobody is not a verified client");
	/* A section without rules allows nothing. */
	cr_assert_not(decide(NULL, 0, ACCESS_READ, "blocks", "a").allow);
	cr_assert_not(decide(NULL, 0, ACCESS_LIST, "", "").allow);
	identity_free(identity);
}

/* Longest names that requests can carry, and longer ones, which are nobody's. */
Test(policy, long_names)
{
	static char key[OBJECT_KEY_BYTES_MAX + 2];
	char bucket[BUCKET_BYTES_MAX + 1];

	memset(key, 'k', OBJECT_KEY_BYTES_MAX);
	memset(bucket, 'b', BUCKET_BYTES_MAX);
	bucket[BUCKET_BYTES_MAX] = '\0';
	cr_assert(may_read("**", bucket, key));
	cr_assert(may_read("*/*", bucket, key));
	key[OBJECT_KEY_BYTES_MAX] = 'k';
	cr_assert_not(may_read("**", bucket, key));
}

Test(policy, one_verb_at_a_time, .signal = SIGABRT)
{
	decide(NULL, 0, (enum access_verb)(ACCESS_READ | ACCESS_WRITE), "a", "b");
}

Test(policy, fini)
{
	struct policy policy = {.rule = calloc(2, sizeof(struct access_rule)),
				.rule_count = 2,
				.has_section = true};

	policy.rule[0].who.text = strdup("x");
	policy.rule[0].on[0] = strdup("a");
	policy.rule[0].on[1] = strdup("b");
	policy.rule[0].on_count = 2;
	policy_fini(&policy); /* a leak would fail this test under a sanitizer */
	cr_assert_null(policy.rule);
	policy_fini(&policy);
}
