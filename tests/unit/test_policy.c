/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns, places and rules: who may do what where. */
#include "access/policy.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/must.h"
#include "support/guard.h"

TestSuite(policy, .timeout = 600);

/* ---- Patterns ------------------------------------------------------------------------------ */

static bool matches(const char *pattern, const char *text, char separator)
{
	size_t len = strlen(text);
	struct guard guard;

	guard_init(&guard, len);
	bool result = policy_pattern_matches(pattern, guard_before(&guard, text, len), len,
					     separator, false);
	cr_assert_eq(result, policy_pattern_matches(pattern, guard_behind(&guard, text, len), len,
						    separator, false));
	guard_fini(&guard);
	return result;
}

struct pattern_row {
	const char *pattern, *text;
	bool expected;
};

static void check_rows(const struct pattern_row *rows, size_t count, char separator)
{
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(matches(rows[i].pattern, rows[i].text, separator), rows[i].expected,
			     "\"%s\" and \"%s\"", rows[i].pattern, rows[i].text);
}

Test(policy, patterns_of_places)
{
	static const struct pattern_row rows[] = {
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"a", "a", true},
		{"a", "A", false},
		{"a", "aa", false},
		{"aa", "a", false},
		{"*", "", true},
		{"*", "abc", true},
		{"*", "a/b", false},
		{"*", "/", false},
		{"**", "", true},
		{"**", "a/b//c", true},
		{"***", "a/b", true},
		{"a*", "a", true},
		{"a*", "abc", true},
		{"a*", "a/", false},
		{"a*", "b", false},
		{"*a", "bca", true},
		{"*a", "b/a", false},
		{"**a", "b/a", true},
		{"**a", "b/b", false},
		{"a*c", "ac", true},
		{"a*c", "abbc", true},
		{"a*c", "ab/c", false},
		{"a**c", "ab/c", true},
		{"a*a", "a", false},
		{"a**a", "a", false},
		{"blocks/**", "blocks/", true},
		{"blocks/**", "blocks/01J/meta.json", true},
		{"blocks/**", "blocks", false},
		{"blocks/**", "blocks2/a", false},
		{"blocks/*", "blocks/a", true},
		{"blocks/*", "blocks/a/b", false},
		{"blocks/*/meta.json", "blocks/01J/meta.json", true},
		{"blocks/*/meta.json", "blocks/01J/x/meta.json", false},
		{"blocks/**/meta.json", "blocks/01J/x/meta.json", true},
		{"blocks/*/chunks/*", "blocks/01J/chunks/000001", true},
		{"blocks/*/chunks/*", "blocks/01J/chunks/0/1", false},
		{"*/*", "a/b", true},
		{"*/*", "a/b/c", false},
		{"*/**", "a/b/c", true},
		{"*a*b*", "xaxbx", true},
		{"*a*b*", "xbxax", false},
		{"*aab*", "aaab", true}, /* the first a is not the right one */
		{"**ab*cd**", "abab/cdcd", false},
		{"**ab*cd**", "x/ababcdcd/y", true},
		{"a?[b]\\c", "a?[b]\\c", true}, /* nothing but * is special */
		{"a?", "ab", false},
		{"\xc3\xa9*", "\xc3\xa9\xff", true},
	};

	check_rows(rows, ARRAY_LEN(rows), '/');
}

Test(policy, patterns_of_dns_names)
{
	static const struct pattern_row rows[] = {
		{"thanos-*.monitoring", "thanos-store.monitoring", true},
		{"thanos-*.monitoring", "thanos-.monitoring", true},
		{"thanos-*.monitoring", "thanos-a.b.monitoring", false},
		{"thanos-*.monitoring", "thanos-a.monitoring.evil.example", false},
		{"thanos-*.monitoring", "xthanos-a.monitoring", false},
		{"*.example", "a.example", true},
		{"*.example", "a.b.example", false},
		{"**.example", "a.b.example", true},
		{"*.example", "example", false},
		{"**.example", "aexample", false},
	};

	check_rows(rows, ARRAY_LEN(rows), '.');
}

Test(policy, patterns_without_separator)
{
	cr_assert(matches("*@example.com", "a/b.c@example.com", '\0'));
	cr_assert(matches("*", "", '\0'));
	cr_assert(matches("a*b*c", "a.b/c", '\0'));
	cr_assert_not(matches("*@example.com", "a@example.com.evil", '\0'));
}

Test(policy, case_is_folded_where_asked)
{
	cr_assert(policy_pattern_matches("Thanos-*.MONITORING", "thanos-X.Monitoring", 19, '.',
					 true));
	cr_assert_not(policy_pattern_matches("a", "A", 1, '.', false));
	/* ASCII only: '@' and '`', '[' and '{' are 32 apart as well */
	cr_assert_not(policy_pattern_matches("@[", "`{", 2, '.', true));
	cr_assert_not(policy_pattern_matches("\xc3\x89", "\xc3\xa9", 2, '.', true));
	/* in the middle too */
	cr_assert(policy_pattern_matches("**aB*", "x.Ab", 4, '.', true));
}

Test(policy, text_with_nul)
{
	cr_assert_not(policy_pattern_matches("a", "a\0b", 3, '/', false));
	cr_assert(policy_pattern_matches("a*", "a\0b", 3, '/', false));
}

/* The definition, without regard to time. */
static bool defined(const char *pattern, const char *text, char separator)
{
	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern != '*')
		return *text == *pattern && defined(pattern + 1, text + 1, separator);
	bool is_any = pattern[1] == '*';
	for (;; text++) {
		if (defined(pattern + (is_any ? 2 : 1), text, separator))
			return true;
		if (*text == '\0' || (!is_any && *text == separator))
			return false;
	}
}

/* The text of number n over the letters, shortest first. */
static void word_of(unsigned n, const char *letters, unsigned base, char *out)
{
	size_t len = 0;

	for (; n > 0; n = (n - 1) / base)
		out[len++] = letters[(n - 1) % base];
	out[len] = '\0';
}

/* Every pattern of up to 6 and every text of up to 6 letters against the definition. */
Test(policy, all_short_patterns)
{
	char pattern[16], text[16];
	unsigned matched = 0, words = 0;

	for (unsigned n = 1, i = 0; i <= 6; i++, n *= 3)
		words += n;
	for (unsigned p = 0; p < words; p++) {
		word_of(p, "a/*", 3, pattern);
		for (unsigned t = 0; t < words; t++) {
			word_of(t, "ab/", 3, text);
			bool expected = defined(pattern, text, '/');
			cr_assert_eq(
				policy_pattern_matches(pattern, text, strlen(text), '/', false),
				expected, "\"%s\" and \"%s\"", pattern, text);
			matched += expected;
		}
	}
	cr_assert_gt(matched, 1000);
}

/* Patterns that take others' matchers years. */
Test(policy, pathological_patterns)
{
	static char text[IDENTITY_BYTES_MAX + 1];
	char pattern[PATTERN_BYTES_MAX + 1];
	static const char *const units[] = {"*a", "**a", "*", "a*", "*a**", "**"};

	memset(text, 'a', IDENTITY_BYTES_MAX);
	text[IDENTITY_BYTES_MAX - 1] = 'b';
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		pattern[0] = '\0';
		while (strlen(pattern) + strlen(units[i]) < sizeof(pattern) - 1)
			strcat(pattern, units[i]);
		strcat(pattern, "c");
		cr_assert_not(
			policy_pattern_matches(pattern, text, IDENTITY_BYTES_MAX, '/', false));
		pattern[strlen(pattern) - 1] = 'b';
		cr_assert(policy_pattern_matches(pattern, text, IDENTITY_BYTES_MAX, '/', false));
	}
	cr_assert_not(policy_pattern_matches("**", text, IDENTITY_BYTES_MAX + 1, '/', false),
		      "longer than anything that may be matched");
}

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
