/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoint files in both of Thanos' forms, and target files. */
#include "client/endpoints.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/must.h"

TestSuite(endpoints, .timeout = 600);

static struct endpoints endpoints;
static struct endpoint_targets targets;
static char error[ERROR_TEXT_MAX];

static char *variables(const char *name)
{
	static char host[] = "query.example", tricky[] = "a: [b, c]", lines[] = "a\nb",
		    empty[] = "";

	return strcmp(name, "HOST") == 0     ? host
	       : strcmp(name, "TRICKY") == 0 ? tricky
	       : strcmp(name, "LINES") == 0  ? lines
	       : strcmp(name, "EMPTY") == 0  ? empty
					     : NULL;
}

enum form { FORM_LIST, FORM_SD, FORM_TARGETS };

static int parse(enum form form, const char *text)
{
	const struct endpoints_source source = {text, strlen(text), "/etc/thanos/e.yml", variables};
	int r = 0;

	memset(error, 0x55, sizeof(error));
	switch (form) {
	case FORM_LIST:
		r = endpoints_parse_list(&endpoints, &source, error);
		break;
	case FORM_SD:
		r = endpoints_parse_sd(&endpoints, &source, error);
		break;
	case FORM_TARGETS:
		r = endpoint_targets_parse(&targets, &source, error);
		break;
	}
	cr_assert_not_null(memchr(error, '\0', sizeof(error)));
	cr_assert_eq(r < 0, error[0] != '\0', "%d and \"%s\"", r, error);
	return r;
}

static void accepted(enum form form, const char *text)
{
	cr_assert_eq(parse(form, text), 0, "%s: %s", text, error);
}

static void done(void)
{
	endpoints_fini(&endpoints);
	endpoint_targets_fini(&targets);
}

struct refused {
	const char *text;
	unsigned line;
	const char *words; /* in the message */
};

static void refused(enum form form, const struct refused *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char place[40];
		cr_expect_eq(parse(form, rows[i].text), -EINVAL, "accepted: %s", rows[i].text);
		snprintf(place, sizeof(place), "/etc/thanos/e.yml:%u: ", rows[i].line);
		cr_expect_eq(strncmp(error, place, strlen(place)), 0, "not in line %u: %s",
			     rows[i].line, error);
		cr_expect_not_null(strstr(error, rows[i].words), "no \"%s\" in: %s", rows[i].words,
				   error);
		cr_expect_null(strchr(error, '\n'));
		cr_expect(endpoints.group == NULL && targets.address == NULL, "nothing is left");
	}
}

/* ---- The list form --------------------------------------------------------------------------- */

Test(endpoints, the_list_form_has_groups_with_tls_addresses_and_files)
{
	accepted(FORM_LIST, "- name: own\n"
			    "  tls_config:\n"
			    "    cert_file: own.crt\n"
			    "    key_file: /keys/own.key\n"
			    "    ca_file: ../ca.crt\n"
			    "    server_name: store.example\n"
			    "  endpoints: [\"10.0.0.1:10901\", \"[fd00::1]:1\", dns+a_b.c:65535]\n"
			    "  endpoints_sd_files:\n"
			    "  - files: [sd/*.json, /a.YML]\n"
			    "    refresh_interval: 1m30s\n"
			    "  - files: [b.yaml]\n"
			    "- endpoints: [dnssrv+_grpc._tcp.x, dnssrvnoa+y:1, dnsdualstack+z:2]\n"
			    "- endpoints: [other:1]\n"
			    "  mode: strict\n");
	cr_assert_eq(endpoints.group_count, 3);
	const struct endpoint_group *group = endpoints.group;
	cr_expect_str_eq(group->name, "own");
	cr_expect_eq(group->line, 1);
	cr_expect(group->tls.is_enabled && !group->tls.is_peer_unverified);
	cr_expect_eq(group->tls.min_version, ENDPOINT_TLS_1_3);
	cr_expect_str_eq(group->tls.cert_file, "/etc/thanos/own.crt");
	cr_expect_str_eq(group->tls.key_file, "/keys/own.key");
	cr_expect_str_eq(group->tls.ca_file, "/etc/thanos/../ca.crt");
	cr_expect_str_eq(group->tls.server_name, "store.example");
	cr_assert_eq(group->address_count, 3);
	cr_expect_str_eq(group->address[1].text, "[fd00::1]:1");
	cr_expect_eq(group->address[1].lookup, ENDPOINT_STATIC);
	cr_expect_str_eq(group->address[2].text, "a_b.c:65535");
	cr_expect_eq(group->address[2].lookup, ENDPOINT_DNS);
	cr_assert_eq(group->sd_count, 2);
	cr_assert_eq(group->sd[0].file_count, 2);
	cr_expect_str_eq(group->sd[0].file[0], "/etc/thanos/sd/*.json");
	cr_expect_str_eq(group->sd[0].file[1], "/a.YML");
	cr_expect_eq(group->sd[0].refresh_ms, 90000);
	cr_expect_eq(group->sd[1].refresh_ms, 300000, "the default");
	cr_expect_not(group->is_strict);

	cr_expect_null(group[1].name);
	cr_expect_not(group[1].tls.is_enabled);
	cr_expect_eq(group[1].address[0].lookup, ENDPOINT_DNSSRV);
	cr_expect_eq(group[1].address[1].lookup, ENDPOINT_DNSSRVNOA);
	cr_expect_eq(group[1].address[2].lookup, ENDPOINT_DNSDUALSTACK);
	cr_expect(group[2].is_strict && group[2].line == 13);
	done();
}

Test(endpoints, lists_that_say_nothing)
{
	static const char *const texts[] = {"", "# nothing\n", "[]\n", "---\n", "null\n"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		accepted(FORM_LIST, texts[i]);
		cr_expect_eq(endpoints.group_count, 0);
		done();
		if (i != 2)
			accepted(FORM_SD, texts[i]);
		done();
		accepted(FORM_TARGETS, texts[i]);
		done();
	}
	/* As Thanos' documentation shows it: every key, all empty. */
	accepted(FORM_LIST, "- name: \"\"\n  tls_config: {cert_file: \"\", key_file: \"\", "
			    "ca_file: \"\", server_name: \"\"}\n  endpoints: []\n"
			    "  endpoints_sd_files:\n  mode: \"\"\n");
	cr_assert_eq(endpoints.group_count, 1);
	cr_expect_not(endpoints.group->tls.is_enabled);
	cr_expect_null(endpoints.group->name);
	done();
}

Test(endpoints, any_of_the_four_turns_tls_on_in_the_list_form)
{
	accepted(FORM_LIST, "- tls_config: {server_name: s}\n- tls_config: {ca_file: c}\n"
			    "- tls_config: {cert_file: c, key_file: k}\n- tls_config: {}\n");
	for (unsigned i = 0; i < 4; i++)
		cr_expect_eq(endpoints.group[i].tls.is_enabled, i < 3);
	done();
}

Test(endpoints, variables_are_replaced_in_values)
{
	accepted(FORM_LIST, "# $(ABSENT)\n"
			    "- endpoints: [$(HOST):1, dns+$(HOST):2]\n"
			    "  tls_config: {server_name: $(HOST), ca_file: $(EMPTY)}\n"
			    "  name: $(TRICKY)$(EMPTY) $(A-B) $(\n");
	const struct endpoint_group *group = endpoints.group;
	cr_expect_str_eq(group->address[0].text, "query.example:1");
	cr_expect_str_eq(group->address[1].text, "query.example:2");
	cr_expect_str_eq(group->tls.server_name, "query.example");
	cr_expect_null(group->tls.ca_file);
	cr_expect_str_eq(group->name, "a: [b, c] $(A-B) $(", "text, whatever it looks like");
	done();
}

Test(endpoints, list_forms_that_are_refused)
{
	static const struct refused rows[] = {
		{"a: b\n", 1, "a list is wanted"},
		{"- endpoint: [a:1]\n", 1, "did you mean endpoints?"},
		{"- a:1\n", 1, "keys with values"},
		{"- tls_config: {min_version: '1.3'}\n", 1,
		 "unknown key tls_config.min_version (known: "},
		{"- endpoints: []\n  endpoints: []\n", 2, "stands twice, first in line 1"},
		{"- endpoints: a:1\n", 1, "endpoints: a list is wanted"},
		{"- endpoints: [[a:1]]\n", 1, "endpoints: a single value"},
		{"- endpoints: ['']\n", 1, "write HOST:PORT"},
		{"- endpoints: [a]\n", 1, "\"a\" is no address"},
		{"- endpoints: [a:0]\n", 1, "is no address"},
		{"- endpoints: [a:65536]\n", 1, "is no address"},
		{"- endpoints: [':1']\n", 1, "is no address"},
		{"- endpoints: ['a b:1']\n", 1, "is no address"},
		{"- endpoints: [fd00::1]\n", 1, "is no address"},
		{"- endpoints: ['[fd00::g]:1']\n", 1, "is no address"},
		{"- endpoints: [dns+a]\n", 1, "is no address"},
		{"- endpoints: [dnssrv+]\n", 1, "is no address"},
		{"- endpoints: [https://a:1]\n", 1, "is no address"},
		{"- endpoints: [udp+a:1]\n", 1, "dnsdualstack+HOST:PORT"},
		{"- endpoints: [a:1]\n- endpoints:\n  - A:1\n", 3,
		 "A:1 stands twice, first in what begins in line 1"},
		{"- name: x\n- name: y\n- name: x\n", 3, "name of the group in line 1"},
		{"- mode: loose\n", 1, "use strict"},
		{"- mode: strict\n  endpoints:\n  - dns+a:1\n", 1, "wants HOST:PORT, not dns+a:1"},
		{"- endpoints_sd_files:\n  - files: [a.yml]\n  mode: strict\n", 2, "no files"},
		{"- endpoints_sd_files: [{refresh_interval: 5m}]\n", 1, "files is missing"},
		{"- endpoints_sd_files: [a.yml]\n", 1, "keys with values are wanted here: files"},
		{"- endpoints_sd_files: [{files: [a.txt]}]\n", 1, "ends in .json"},
		{"- endpoints_sd_files: [{files: ['*/a.yml']}]\n", 1, "last part only"},
		{"- endpoints_sd_files: [{files: ['']}]\n", 1, "file name"},
		{"- endpoints_sd_files: [{files: [a.yml], refresh_interval: 5}]\n", 1,
		 "from 1s to 24h"},
		{"- endpoints_sd_files: [{files: [a.yml], refresh_interval: 0s}]\n", 1,
		 "from 1s to 24h"},
		{"- name: x\n  tls_config:\n    cert_file: a\n", 3, "key_file is missing"},
		{"- tls_config: {key_file: a}\n", 1, "cert_file is missing"},
		{"- tls_config: {cert_file: \"a\\0b\"}\n", 1, "control byte"},
		{"- tls_config: {ca_file: [a]}\n", 1, "a single value"},
		{"- name: $(ABSENT)\n", 1, "variable ABSENT is not set"},
		{"- name: $(LINES)\n", 1, "control byte"},
		{"- name: a\n---\n- name: b\n", 3, "second document"},
		{"- !env HOST\n", 1, "tag"},
		{"- &a [*a]\n", 1, "keys with values"},
	};

	refused(FORM_LIST, rows, ARRAY_LEN(rows));
}

Test(endpoints, what_aliases_repeat_is_bounded)
{
	char text[16000];
	size_t used = (size_t)snprintf(text, sizeof(text),
				       "- endpoints_sd_files:\n  - &f {files: [a.yml]}\n");
	while (used < sizeof(text) - 20)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "  - *f\n");
	cr_expect_eq(parse(FORM_LIST, text), -EINVAL);
	cr_expect_not_null(strstr(error, "at most 256"), "%s", error);
}

/* ---- The sd form ----------------------------------------------------------------------------- */

Test(endpoints, the_sd_form_has_a_group_for_each_endpoint)
{
	accepted(FORM_SD, "endpoints:\n"
			  "- address: a:1\n"
			  "  strict: true\n"
			  "  client_config:\n"
			  "    compression: snappy\n"
			  "    server_name: s\n"
			  "    tls_config: {cert_file: c, key_file: k, min_version: 1.2}\n"
			  "- address: dns+b:2\n"
			  "  group: true\n"
			  "  service_config: |\n"
			  "    {\"loadBalancingPolicy\":\"round_robin\"}\n"
			  "- address: c:3\n"
			  "  client_config: {server_name: s}\n");
	cr_assert_eq(endpoints.group_count, 3);
	const struct endpoint_group *group = endpoints.group;
	cr_expect(group[0].is_strict && group[0].is_snappy && group[0].tls.is_enabled);
	cr_expect_eq(group[0].tls.min_version, ENDPOINT_TLS_1_2);
	cr_expect_str_eq(group[0].tls.cert_file, "/etc/thanos/c");
	cr_expect_str_eq(group[0].tls.server_name, "s");
	cr_expect(group[1].is_balanced && !group[1].is_strict && !group[1].is_snappy);
	cr_expect_str_eq(group[1].service_config, "{\"loadBalancingPolicy\":\"round_robin\"}\n");
	cr_expect_eq(group[1].address[0].lookup, ENDPOINT_DNS);
	cr_expect_not(group[2].tls.is_enabled, "a name alone does not turn TLS on");
	cr_expect_null(group[2].tls.server_name);
	done();
}

Test(endpoints, sd_forms_that_are_refused)
{
	static const struct refused rows[] = {
		{"[]\n", 1, "keys with values are wanted here: default_client_config"},
		{"endpoint: []\n", 1, "did you mean endpoints?"},
		{"endpoints: {}\n", 1, "a list is wanted"},
		{"endpoints:\n- strict: true\n", 2, "address is missing"},
		{"endpoints:\n- address: dns+a:1\n  strict: true\n", 2, "wants HOST:PORT"},
		{"endpoints:\n- address: a:1\n  service_config: '{}'\n", 3, "group: true"},
		{"endpoints:\n- address: a:1\n  group: yes\n", 3, "use true or false"},
		{"endpoints:\n- address: a:1\n  group: 'true'\n", 3, "use true or false"},
		{"endpoints:\n- address: a:1\n- address: a:1\n", 3, "stands twice"},
		{"endpoints:\n- address: a:1\n  mode: strict\n", 3, "unknown key endpoints.mode"},
		{"default_client_config: {compression: gzip}\n", 1, "use none or snappy"},
		{"default_client_config: {tls_config: {min_version: '1.1'}}\n", 1,
		 "use 1.3 or 1.2"},
		{"default_client_config: {tls_config: {server_name: a}}\n", 1,
		 "unknown key tls_config.server_name"},
		{"endpoints:\n- address: a:1\n  client_config:\n    tls_config:\n"
		 "      enabled: true\n      cert_file: a\n"
		 "default_client_config: {tls_config: {key_file: k}}\n",
		 5, "key_file is missing"},
		{"default_client_config: {tls_config: {key_file: k}}\n"
		 "endpoints:\n- address: a:1\n",
		 3, "cert_file is missing"},
	};

	refused(FORM_SD, rows, ARRAY_LEN(rows));
}

/* What an endpoint has of its own settings and of the defaults. */
Test(endpoints, settings_are_inherited_one_by_one_unless_tls_is_enabled_by_name)
{
	static const struct {
		const char *defaults, *own;
		bool is_enabled;
		const char *cert_file, *ca_file, *server_name;
	} rows[] = {
		{"", "", false, NULL, NULL, NULL},
		{"", "tls_config: {enabled: true}", true, NULL, NULL, NULL},
		{"", "tls_config: {insecure_skip_verify: true}", true, NULL, NULL, NULL},
		{"", "tls_config: {insecure_skip_verify: false}", false, NULL, NULL, NULL},
		{"", "server_name: s", false, NULL, NULL, NULL},
		{"tls_config: {cert_file: /c, key_file: /k}", "", true, "/c", NULL, NULL},
		{"tls_config: {cert_file: /c, key_file: /k}, server_name: d", "server_name: s",
		 true, "/c", NULL, "s"},
		{"tls_config: {cert_file: /c, key_file: /k, ca_file: /a}, server_name: d",
		 "tls_config: {ca_file: /b}", true, "/c", "/b", "d"},
		{"tls_config: {cert_file: /c, key_file: /k}, server_name: d",
		 "tls_config: {enabled: true}", true, NULL, NULL, NULL},
		{"tls_config: {cert_file: /c, key_file: /k}", "tls_config: {enabled: false}", false,
		 NULL, NULL, NULL},
		{"tls_config: {enabled: false}", "tls_config: {ca_file: /a}", true, NULL, "/a",
		 NULL},
		{"tls_config: {enabled: true}", "tls_config: {}", true, NULL, NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[512];
		snprintf(text, sizeof(text),
			 "endpoints: [{address: a:1, client_config: {%s}}]\n"
			 "default_client_config: {%s}\n",
			 rows[i].own, rows[i].defaults);
		accepted(FORM_SD, text);
		const struct endpoint_tls *tls = &endpoints.group->tls;
		cr_expect_eq(tls->is_enabled, rows[i].is_enabled, "%s", text);
		const char *const is[] = {tls->cert_file, tls->ca_file, tls->server_name};
		const char *const expected[] = {rows[i].cert_file, rows[i].ca_file,
						rows[i].server_name};
		for (size_t j = 0; j < ARRAY_LEN(is); j++)
			cr_expect(expected[j] == NULL
					  ? is[j] == NULL
					  : is[j] != NULL && strcmp(is[j], expected[j]) == 0,
				  "%s: %s", text, is[j] != NULL ? is[j] : "(none)");
		done();
	}
}

/* ---- Target files ---------------------------------------------------------------------------- */

Test(endpoints, targets_are_read_once_each_from_yaml_and_json)
{
	static const char *const texts[] = {
		"- targets: [a:1, b:2]\n  labels: {job: x, n: 1}\n- targets: [A:1, dns+a:1]\n",
		"[\n\t{\"targets\": [\"a:1\", \"b:2\"], \"labels\": {\"job\": \"x\"}},\n"
		"\t{\"targets\": [\"a:1\", \"dns+a:1\"]}\n]\n"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		accepted(FORM_TARGETS, texts[i]);
		cr_assert_eq(targets.address_count, 3);
		cr_expect_str_eq(targets.address[1].text, "b:2");
		cr_expect_eq(targets.address[2].lookup, ENDPOINT_DNS);
		done();
	}
}

Test(endpoints, target_files_that_are_refused)
{
	static const struct refused rows[] = {
		{"targets: []\n", 1, "a list is wanted"},
		{"- target: [a:1]\n", 1, "did you mean targets?"},
		{"- targets: a:1\n", 1, "targets: a list"},
		{"- targets: [a]\n", 1, "is no address"},
		{"- targets: [$(HOST):1]\n", 1, "is no address"},
		{"- labels: [a]\n", 1, "labels: names with values"},
		{"- labels: {a: [b]}\n", 1, "the value of a is no text"},
		{"- labels: {a: b, a: c}\n", 1, "labels.a stands twice"},
	};

	refused(FORM_TARGETS, rows, ARRAY_LEN(rows));
}

Test(endpoints, patterns_of_file_names)
{
	static const char *const patterns[] = {"a.yml",   "a.yaml",   "a.json", "a.JSON",
					       "a.Json",  "a",        "*.yml",  "a/*.yml",
					       "*/a.yml", "a/b*.yml", ".yml",   "a*b*.yml",
					       "**.yml",  "a.yml*",   "a.yml/", "a\n.yml"};
	regex_t regex;

	cr_assert_eq(regcomp(&regex, "^[^*]*(\\*[^/]*)?\\.(json|yml|yaml|JSON|YML|YAML)$",
			     REG_EXTENDED | REG_NOSUB),
		     0);
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		cr_expect_eq(endpoint_pattern_is_valid(patterns[i]),
			     regexec(&regex, patterns[i], 0, NULL, 0) == 0, "%s", patterns[i]);
	regfree(&regex);
}
