/* SPDX-License-Identifier: Apache-2.0 */
/* client_cas: the section, and which names of a certificate its CA may vouch for. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/client_ca.h"
#include "base/must.h"
#include "config/config_private.h"

TestSuite(client_ca);

/* ---- The section ----------------------------------------------------------------------------- */

static struct config config;
static char error[ERROR_TEXT_MAX];

static int parse(const char *text)
{
	config_init(&config);
	error[0] = '\0';
	int r = config_parse_yaml(&config, text, strlen(text), "/etc/f.yml", error);
	return r < 0 ? r : config_check_client_cas(&config, error);
}

#define ENTRY(name) "  - {name: " name ", ca_file: a.crt, vouches_for: [\"**\"]}\n"

Test(client_ca, section)
{
	cr_assert_eq(parse("client_cas:\n"
			   "  - name: a\n"
			   "    ca_file: a.crt\n"
			   "    crl_file: /lists/a.crl\n"
			   "    vouches_for: [\"uri:spiffe://a.example/**\", \"dns:*.a.example\"]\n"
			   "  - {name: B-2_x.y, ca_file: b.crt, vouches_for: [\"**\"]}\n"
			   "access:\n"
			   "  - {identity: \"dns:**\", allow: [read], on: [\"**\"], ca: [a, "
			   "B-2_x.y]}\n"),
		     0, "%s", error);
	cr_assert_eq(config.tls.client_ca_count, 2);
	const struct client_ca *a = &config.tls.client_ca[0], *b = &config.tls.client_ca[1];
	cr_expect_str_eq(a->name, "a");
	cr_expect_str_eq(a->ca_file, "/etc/a.crt", "beside the file");
	cr_expect_str_eq(a->crl_file, "/lists/a.crl");
	cr_expect_eq(a->vouch_count, 2);
	cr_expect_eq(a->vouches_for[1].kind, IDENTITY_DNS);
	cr_expect_str_eq(a->vouches_for[1].text, "*.a.example");
	cr_expect_str_eq(b->crl_file, "");
	cr_expect_eq(b->vouches_for[0].kind, IDENTITY_KIND_COUNT);
	cr_expect_eq(config.policy.rule[0].ca_count, 2);
	config_fini(&config);
}

Test(client_ca, sections_that_are_refused)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"client_cas:\n", "a list of entries"},
		{"client_cas: a\n", "a list of entries"},
		{"client_cas: []\n", "from 1 to"},
		{"client_cas:\n  - a\n", "f.yml:2"},
		{"client_cas:\n  - {name: a, ca_file: a.crt}\n", "vouches_for is missing"},
		{"client_cas:\n  - {name: a, ca_file: a.crt, vouches_for: []}\n",
		 "vouches_for is missing"},
		{"client_cas:\n  - {name: a, vouches_for: [\"**\"]}\n", "ca_file is missing"},
		{"client_cas:\n  - {ca_file: a.crt, vouches_for: [\"**\"]}\n", "name is missing"},
		{"client_cas:\n  - {name: \"a b\", ca_file: a.crt, vouches_for: [\"**\"]}\n",
		 "letters, digits"},
		{"client_cas:\n  - {name: a, ca_file: \"\", vouches_for: [\"**\"]}\n",
		 "the name of a file"},
		{"client_cas:\n  - {name: a, ca_file: a.crt, vouches_for: [x.example]}\n",
		 "KIND:PATTERN"},
		{"client_cas:\n  - {name: a, ca_file: a.crt, vouches_for: [\"*\"]}\n",
		 "** for any name"},
		{"client_cas:\n  - {name: a, ca_file: a.crt, vouches_for: [\"foo:x\"]}\n",
		 "kind foo is not known"},
		{"client_cas:\n  - {name: a, ca_file: a.crt, vouches_for: "
		 "[\"spki:sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]}\n",
		 "is no name"},
		{"client_cas:\n  - {name: a, ca_fil: a.crt, vouches_for: [\"**\"]}\n", "ca_file"},
		{"client_cas:\n" ENTRY("a") ENTRY("a"), "duplicate name a"},
		{"client_cas:\n" ENTRY("a") "tls_server_config: {client_ca_file: a.crt}\n",
		 "cannot be combined with client_cas"},
		{"client_cas:\n" ENTRY("a") "tls_server_config: {crl_file: a.crl}\n",
		 "cannot be combined with client_cas"},
		{"client_cas:\n" ENTRY("a") "access:\n  - {identity: \"dns:x\", allow: [read], on: "
					    "[a], ca: [b]}\n",
		 ":4: access ca: b is no name"},
		{"access:\n  - {identity: \"dns:x\", allow: [read], on: [a], ca: [b]}\n",
		 "b is no name"},
		{"access:\n  - {identity: \"dns:x\", allow: [read], on: [a], ca: []}\n",
		 "at least one"},
		{"access:\n  - {identity: \"**\", allow: [read], on: [a]}\n", "KIND:PATTERN"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_expect_eq(parse(rows[i].text), -EINVAL, "row %zu", i);
		cr_expect(strstr(error, rows[i].says) != NULL, "row %zu: %s", i, error);
		config_fini(&config);
	}
}

/* ---- Vouching -------------------------------------------------------------------------------- */

static struct identity *identity_of(const char *const *names)
{
	struct identity_builder *builder = identity_builder_new();

	must(builder != NULL);
	for (; *names != NULL; names++) {
		const char *colon = strchr(*names, ':');
		enum identity_kind kind = IDENTITY_URI;
		while (strncmp(identity_kind_label(kind), *names, (size_t)(colon - *names)) != 0)
			kind++;
		must(identity_builder_add(builder, kind, colon + 1, strlen(colon + 1)) == 0);
	}
	struct identity *identity = identity_builder_finish(builder);
	must(identity != NULL);
	identity_builder_free(builder);
	return identity;
}

static const char *const names[] = {"dns:x.a.example", "uri:spiffe://b.example/x", "cn:x.a.example",
				    "spki:sha256/AAAA", NULL};

Test(client_ca, names_that_count)
{
	static const struct {
		const char *vouches; /* of the entry */
		const char *primary; /* what logs show; NULL: no name counts */
		unsigned count;
	} rows[] = {
		{"\"**\"", "uri:spiffe://b.example/x", 4},
		{"\"dns:*.a.example\"", "dns:x.a.example", 2},
		{"\"dns:*.a.example\", \"cn:*\"", "dns:x.a.example", 3},
		{"\"cn:x.a.example\"", "cn:x.a.example", 2},
		{"\"uri:spiffe://b.example/**\"", "uri:spiffe://b.example/x", 2},
		{"\"uri:spiffe://a.example/**\"", NULL, 0},
		{"\"dns:a.example\"", NULL, 0},
	};
	char text[512];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct identity *identity = identity_of(names);
		char shown[128];
		snprintf(text, sizeof(text),
			 "client_cas:\n  - {name: a, ca_file: a.crt, vouches_for: [%s]}\n",
			 rows[i].vouches);
		cr_assert_eq(parse(text), 0, "%s", error);
		int r = client_ca_vouch(&config.tls.client_ca[0], &identity);
		cr_expect_eq(r, rows[i].primary != NULL ? 0 : -EACCES, "row %zu: %d", i, r);
		if (r == 0) {
			identity_format(identity, shown, sizeof(shown));
			cr_expect_str_eq(shown, rows[i].primary, "row %zu: %s", i, shown);
			cr_expect_eq(identity->count, rows[i].count, "row %zu", i);
			cr_expect_str_eq(identity->ca, "a");
		}
		identity_free(identity);
		config_fini(&config);
	}
}

/* A certificate without names is let in by who may vouch for any. */
Test(client_ca, no_name_at_all)
{
	static const char *const key[] = {"spki:sha256/AAAA", NULL};
	struct client_ca any = {
		.name = "a", .vouches_for = {{IDENTITY_KIND_COUNT, NULL}}, .vouch_count = 1};
	struct client_ca some = {.name = "a",
				 .vouches_for = {{IDENTITY_DNS, (char *)(uintptr_t) "**"}},
				 .vouch_count = 1};
	struct identity *identity = identity_of(key);

	cr_expect_eq(client_ca_vouch(&some, &identity), -EACCES);
	cr_expect_eq(client_ca_vouch(&any, &identity), 0);
	identity_free(identity);
}

/* client_ca_file alone means what it always has. */
Test(client_ca, file_without_an_entry)
{
	struct client_ca file = {.ca_file = "ca.crt"};
	struct identity *identity = identity_of(names), *before = identity;

	cr_expect_eq(client_ca_vouch(&file, &identity), 0);
	cr_expect_eq(identity, before);
	cr_expect_str_eq(identity->ca, "");
	identity_free(identity);
}

/* The rule's CA is the entry's, not any that issues the same name. */
Test(client_ca, rules)
{
	cr_assert_eq(parse("client_cas:\n" ENTRY("a")
				   ENTRY("b") "access:\n  - {identity: \"dns:**\", allow: [read], "
					      "on: [\"**\"], ca: [b]}\n"),
		     0, "%s", error);
	for (int i = 0; i < 2; i++) {
		struct identity *identity = identity_of(names);
		cr_assert_eq(client_ca_vouch(&config.tls.client_ca[i], &identity), 0);
		struct decision decision =
			policy_decide(&config.policy, identity, ACCESS_READ, "bucket", "key");
		cr_expect_eq(decision.allow, i == 1);
		identity_free(identity);
	}
	config_fini(&config);
}
