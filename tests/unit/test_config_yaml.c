/* SPDX-License-Identifier: Apache-2.0 */
/* The YAML file and its access rules; the command line and --help are in test_config.c. */
#include "config/config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"
#include "config/options.h"

TestSuite(config_yaml, .timeout = 600);

static struct config config;
static char error[ERROR_TEXT_MAX];

static void says(const char *const *words)
{
	for (; *words != NULL; words++)
		cr_assert_not_null(strstr(error, *words), "no \"%s\" in: %s", *words, error);
}

#define SAYS(...) says((const char *const[]){__VA_ARGS__, NULL})

/* ---- YAML ---------------------------------------------------------------------------------- */

static int parse(const char *text, size_t len)
{
	config_init(&config);
	memset(error, 0x55, sizeof(error));
	int r = config_parse_yaml(&config, text, len, "f.yml", error);
	cr_assert_not_null(memchr(error, '\0', sizeof(error)), "not ended");
	cr_assert_eq(r < 0, error[0] != '\0', "%d and \"%s\"", r, error);
	return r;
}

static void accepted(const char *text)
{
	cr_assert_eq(parse(text, strlen(text)), 0, "%s: %s", text, error);
}

/* Refused in this line, with all of the words up to NULL. */
static void refused(const char *text, int line, const char *const *words)
{
	char place[32];

	cr_assert_eq(parse(text, strlen(text)), -EINVAL, "accepted: %s", text);
	config_fini(&config);
	snprintf(place, sizeof(place), "f.yml:%d: ", line);
	cr_assert_eq(strncmp(error, place, strlen(place)), 0, "not in line %d: %s", line, error);
	says(words);
}

#define RULE(identity, allow, on)                                                                  \
	"access:\n  - identity: " identity "\n    allow: " allow "\n    on: " on "\n"

#define REFUSED(text, line, ...) refused(text, line, (const char *const[]){__VA_ARGS__, NULL})

Test(config_yaml, yaml_that_says_nothing)
{
	static const char *const texts[] = {"",
					    "\n\n",
					    "# only a comment\n",
					    "---\n",
					    "---\n...\n",
					    "{}\n",
					    "null\n",
					    "~",
					    "tls_server_config:\n",
					    "\xef\xbb\xbf# with a byte order mark\n",
					    "tls_server_config: {}\n"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		accepted(texts[i]);
		cr_assert_not(config.policy.has_section);
		cr_assert_str_empty(config.root);
		cr_assert_eq(config.tls.cipher_count, 3);
	}
}

Test(config_yaml, yaml_forms)
{
	accepted("{root: /srv, workers: 3}");
	cr_assert_str_eq(config.root, "/srv");
	accepted("\"root\": '/srv'\n'workers': \"3\"\n");
	cr_assert_eq(config.workers, 3);
	accepted("root: |-\n  /srv\n");
	cr_assert_str_eq(config.root, "/srv");
	accepted("listen: ':1'\n");
	cr_assert_eq(config.listen_count, 1, "one address need not be a list");
	accepted("listen: []\ntls_server_config: {cipher_suites: [], client_allowed_sans: []}\n");
	cr_assert_eq(config.listen_count, 0);
	cr_assert_eq(config.tls.cipher_count, 3, "an empty list of cipher suites is the default");
	accepted("admin_listen: ''\n");
	cr_assert_str_empty(config.admin_listen);
	accepted("root: &r /srv\ntls_server_config: {cert_file: *r}\n");
	cr_assert_str_eq(config.tls.cert_file, "/srv");
	accepted("root: 'null'\n");
	cr_assert_str_eq(config.root, "null", "in quotes it is a name");
	accepted("root: /srv\r\nworkers: 3\r\n");
	cr_assert_str_eq(config.root, "/srv");
	cr_assert_eq(config.workers, 3);
}

Test(config_yaml, yaml_syntax)
{
	REFUSED("root: [1\n", 2, "not YAML");
	REFUSED("root: /srv\n\tworkers: 1\n", 2, "not YAML");
	REFUSED("workers: 1\n  root: x\n", 2, "not YAML");
	REFUSED("root: *nothing\n", 1, "not YAML", "alias");
	REFUSED("# a\n# b\nroot: \xff\n", 3, "not YAML", "UTF-8");
	REFUSED("root: \"a\\qb\"\n", 1, "not YAML");
	cr_assert_eq(parse("root: a\0b\n", 10), -EINVAL);
	SAYS("f.yml:1: not YAML");
	cr_assert_eq(parse("root: \"a\\0b\"\n", 13), -EINVAL);
	SAYS("f.yml:1: root: the value holds a line end");
}

/* The line end of "|" is part of the value: a path with it is no file, a pattern no client. */
Test(config_yaml, yaml_control_bytes)
{
	REFUSED("root: |\n  /srv\n", 1, "root: the value holds a line end");
	REFUSED("root: \"a\\tb\"\n", 1, "root: the value holds");
	REFUSED("root: \"a\\x7F\"\n", 1, "root: the value holds");
	REFUSED("tls_server_config:\n  client_allowed_sans:\n    - |\n      a.example\n", 3,
		"client_allowed_sans: the value holds");
	REFUSED(RULE("|\n        dns:a", "[read]", "[a]"), 2, "access identity: the value holds");
	REFUSED(RULE("\"dns:a\\0b\"", "[read]", "[a]"), 2, "access identity: the value holds");
	REFUSED(RULE("'dns:a'", "[read]", "[\"a/\\n\"]"), 4, "access on: the value holds");
	REFUSED(RULE("'dns:a'", "[\"read\\n\"]", "[a]"), 3, "\"read?\"");
	accepted("root: >-\n  /srv\n  a\n");
	cr_assert_str_eq(config.root, "/srv a");
}

Test(config_yaml, yaml_shapes)
{
	REFUSED("- root\n", 1, "keys with values");
	REFUSED("root\n", 1, "keys with values");
	REFUSED("''\n", 1, "keys with values");
	REFUSED("workers: 1\ntls_server_config: [a]\n", 2, "tls_server_config", "keys with values");
	REFUSED("tls_server_config: file.yml\n", 1, "tls_server_config", "keys with values");
	REFUSED("root:\n  a: b\n", 2, "root: a single value");
	REFUSED("workers: [1, 2]\n", 1, "workers: a single value is wanted here, not a list");
	REFUSED("listen:\n  - ':1'\n  - [':2']\n", 3, "listen: a single value");
	REFUSED("listen:\n  - {a: b}\n", 2, "listen: a single value");
	REFUSED("? [a]\n: b\n", 1, "a key must be a word");
	REFUSED("\n\nroot:\n", 3, "root: a value is missing", "DIR");
	REFUSED("root: ~\n", 1, "root: a value is missing");
	REFUSED("workers: null\n", 1, "workers: a value is missing");
	REFUSED("listen: [':1', ]\nlisten:\n", 2, "listen");
	REFUSED("listen:\n  - ':1'\n  -\n", 3, "listen: a value is missing");
	REFUSED("tls_server_config:\n  crl_file:\n", 2, "crl_file: a value is missing");
}

Test(config_yaml, yaml_tags)
{
	REFUSED("workers: 1\nroot: !env HOME\n", 2, "!env", "tag");
	REFUSED("workers: !!int 1\n", 1, "int", "tag");
	REFUSED("listen: !list [':1']\n", 1, "!list");
	REFUSED("!config\nroot: x\n", 1, "!config");
	accepted("root: !!str x\n");
}

Test(config_yaml, yaml_one_document)
{
	REFUSED("root: /srv\n---\nworkers: 1\n", 3, "second document");
	REFUSED("---\n---\nworkers: 1\n", 3, "second document");
	REFUSED("root: /srv\n...\n]\n", 3, "not YAML");
	accepted("---\nroot: /srv\n...\n");
}

Test(config_yaml, yaml_duplicates)
{
	REFUSED("root: a\nworkers: 1\nroot: a\n", 3, "root stands twice", "line 1");
	REFUSED("tls_server_config:\n  cert_file: a\n  cert_file: b\n", 3,
		"tls_server_config.cert_file stands twice", "line 2");
	REFUSED("tls_server_config: {}\ntls_server_config: {}\n", 2, "stands twice");
	REFUSED("access: []\naccess: []\n", 2, "access stands twice");
	REFUSED("tls_server_config: {cert: '', cert: ''}\n", 1, "stands twice");
}

/* The nearest first, then all that are known. */
Test(config_yaml, yaml_unknown_keys)
{
	REFUSED("log_level: info\n\nwokers: 1\n", 3, "unknown key wokers", "did you mean workers?",
		"(known: workers, ", "tls_server_config", "access", "root");
	REFUSED("acess: []\n", 1, "did you mean access?");
	REFUSED("admin-listen: x\n", 1, "did you mean admin_listen?");
	REFUSED("log.level: x\n", 1, "did you mean log_level?");
	REFUSED("tls_server_config:\n  cert_fil: x\n", 2, "tls_server_config.cert_fil",
		"did you mean tls_server_config.cert_file?", "client_ca_file", "crl_file");
	REFUSED("teleport: x\n", 1, "unknown key teleport (known: ");
	/* in the other section, or by its flag */
	REFUSED("cert_file: x\n", 1, "did you mean tls_server_config.cert_file?");
	REFUSED("client-ca: x\n", 1, "did you mean tls_server_config.client_ca_file?");
	REFUSED("tls_server_config: {root: x}\n", 1, "did you mean root?");
	REFUSED("tls_server_config.cert_file: x\n", 1, "unknown key");
	REFUSED("tls_server_config: {tls_server_config: {}}\n", 1, "unknown key");
	REFUSED("tls_server_config: {access: []}\n", 1, "unknown key");
	REFUSED("config: x\n", 1, "unknown key config");
	REFUSED("<<: {root: x}\n", 1, "unknown key <<");
	REFUSED("\"a\\nb\\e\": x\n", 1, "unknown key a?b?");
	REFUSED("'': x\n", 1, "unknown key");
}

Test(config_yaml, yaml_refused_values_name_the_key)
{
	REFUSED("root: x\nworkers: many\n", 2, "workers: \"many\"", "from 0 to 64");
	REFUSED("access_log: yes\n", 1, "access_log: \"yes\"", "true or false");
	REFUSED("idle_timeout: 90\n", 1, "idle_timeout: \"90\"", "1m30s");
	REFUSED("listen:\n  - ':1'\n  - nowhere\n", 3, "listen: \"nowhere\"", "HOST:PORT");
	REFUSED("tls_server_config:\n  cipher_suites:\n    - TLS_RSA_WITH_RC4_128_SHA\n", 3,
		"tls_server_config.cipher_suites", "TLS_RSA_WITH_RC4_128_SHA",
		"TLS_AES_128_GCM_SHA256");
	REFUSED("tls_server_config: {client_auth_type: NoClientCert}\n", 1, "client_auth_type",
		"NoClientCert", "RequireAndVerifyClientCert", "always requires");
	REFUSED("tls_server_config: {min_version: TLS14}\n", 1, "min_version", "TLS14", "TLS13");
	REFUSED("tls_server_config: {max_version: TLS12}\n", 1, "max_version", "TLS12", "TLS13",
		"speaks TLS 1.3 only");
	REFUSED("tls_server_config:\n  client_allowed_sans: ['']\n", 2, "client_allowed_sans");
}

/* A file for Prometheus that says what its defaults are, and one that says all it can. */
Test(config_yaml, yaml_of_prometheus)
{
	accepted("tls_server_config:\n"
		 "  cert_file: server.crt\n"
		 "  key_file: server.key\n"
		 "  client_auth_type: RequireAndVerifyClientCert\n"
		 "  client_ca_file: ca.crt\n"
		 "  min_version: TLS12\n"
		 "  max_version: TLS13\n"
		 "  prefer_server_cipher_suites: true\n"
		 "  cipher_suites:\n"
		 "    - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\n"
		 "    - TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\n"
		 "  curve_preferences: [CurveP256, X25519]\n");
	cr_assert_eq(config.tls.cipher_count, TLS_CIPHER_COUNT);
	cr_assert(config.tls.prefers_own_ciphers);
	cr_assert_eq(config.tls.groups, 1u << TLS_GROUP_P256 | 1u << TLS_GROUP_X25519);
	accepted("tls_server_config: {prefer_server_cipher_suites: false}\n");
	cr_assert_not(config.tls.prefers_own_ciphers);
	accepted("tls_server_config: {curve_preferences: X25519}\n");
	cr_assert_eq(config.tls.groups, 1u << TLS_GROUP_X25519);
	accepted("tls_server_config: {curve_preferences: []}\n");
	cr_assert_eq(config.tls.groups, 0);
}

#define CERTIFICATES "tls_server_config:\n  certificates:\n"

Test(config_yaml, certificates)
{
	accepted(CERTIFICATES "    - {cert_file: a.crt, key_file: a.key}\n"
			      "    - key_file: /b.key\n"
			      "      cert_file: /b.crt\n");
	cr_assert_eq(tls_settings_certificate_count(&config.tls), 2);
	cr_assert_str_eq(tls_settings_cert_file(&config.tls, 0), "a.crt");
	cr_assert_str_eq(tls_settings_key_file(&config.tls, 0), "a.key");
	cr_assert_str_eq(tls_settings_cert_file(&config.tls, 1), "/b.crt");
	cr_assert_str_eq(tls_settings_key_file(&config.tls, 1), "/b.key");
	config_fini(&config);
	cr_assert_eq(tls_settings_certificate_count(&config.tls), 0);
	accepted("tls_server_config: {certificates: []}\n");
	cr_assert_eq(tls_settings_certificate_count(&config.tls), 0);
	config_fini(&config);
	accepted("tls_server_config: {cert_file: a.crt, key_file: a.key}\n");
	cr_assert_eq(tls_settings_certificate_count(&config.tls), 1);
	cr_assert_str_eq(tls_settings_key_file(&config.tls, 0), "a.key");

	REFUSED(CERTIFICATES "    - cert_file: a.crt\n", 3, "certificates", "key_file is missing");
	REFUSED(CERTIFICATES "    - key_file: a.key\n", 3, "cert_file is missing");
	REFUSED(CERTIFICATES "    - {}\n", 3, "cert_file is missing");
	REFUSED(CERTIFICATES "    - a.crt\n", 3, "keys with values", "cert_file");
	REFUSED(CERTIFICATES "    - {cert_file: a, key_fil: b}\n", 3, "unknown key",
		"certificates.key_fil", "did you mean tls_server_config.certificates.key_file?");
	REFUSED(CERTIFICATES "    - {cert_file: a, cert_file: b}\n", 3, "stands twice");
	REFUSED(CERTIFICATES "    - {cert_file: [a], key_file: b}\n", 3, "name of a file");
	REFUSED(CERTIFICATES "    - {cert_file: '', key_file: b}\n", 3, "name of a file");
	REFUSED(CERTIFICATES "    - {cert_file: \"a\\n\", key_file: b}\n", 3, "cert_file",
		"line end");
	REFUSED("tls_server_config: {certificates: a.crt}\n", 1, "a list is wanted");
	REFUSED("tls_server_config: {certificate: []}\n", 1,
		"did you mean tls_server_config.certificates?");
	REFUSED("certificates: []\n", 1, "did you mean tls_server_config.certificates?");
}

Test(config_yaml, certificates_bound)
{
	char text[4096] = CERTIFICATES;

	for (int i = 0; i < CERTIFICATES_MAX; i++)
		strcat(text, "    - {cert_file: a, key_file: b}\n");
	accepted(text);
	cr_assert_eq(tls_settings_certificate_count(&config.tls), CERTIFICATES_MAX);
	config_fini(&config);
	strcat(text, "    - {cert_file: a, key_file: b}\n");
	REFUSED(text, 3 + CERTIFICATES_MAX, "at most 16");
}

/* In place of files. */
Test(config_yaml, pem_text)
{
	accepted(
		"tls_server_config:\n  cert: |\n    -----BEGIN\n    x\n  key: k\n  client_ca: c\n");
	cr_assert_str_eq(config.tls.cert_text, "-----BEGIN\nx\n");
	cr_assert_str_eq(config.tls.key_text, "k");
	cr_assert_str_eq(config.tls.client_ca_text, "c");
	cr_assert_eq(tls_settings_certificate_count(&config.tls), 1);
	cr_assert_str_empty(tls_settings_cert_file(&config.tls, 0));
	config_fini(&config);
	cr_assert_null(config.tls.key_text);
	accepted("tls_server_config: {cert: '', key: ~, client_ca: ''}\n");
	cr_assert_null(config.tls.cert_text);
	cr_assert_null(config.tls.key_text);
	REFUSED("tls_server_config: {key: [a]}\n", 1, "tls_server_config.key: PEM text");
	REFUSED("tls_server_config: {cert: \"a\\0b\"}\n", 1, "tls_server_config.cert: PEM text");
}

/* What exporter-toolkit knows and this port does not do, with what to do instead. */
Test(config_yaml, yaml_of_exporter_toolkit)
{
	REFUSED("tls_server_config:\n  curve_preferences: [X25519,\n    CurveP224]\n", 3,
		"curve_preferences", "CurveP224", "CurveP256");
	REFUSED("root: x\nhttp_server_config: {http2: true}\n", 2, "http_server_config",
		"certificate", "leave it out");
	REFUSED("basic_auth_users: {a: b}\n", 1, "basic_auth_users", "leave it out");
	REFUSED("rate_limit: {interval: 1s}\n", 1, "rate_limit", "leave it out");
}

/* Deep, wide and recursive files end in a message, soon. */
Test(config_yaml, yaml_bombs)
{
	static char text[CONFIG_BYTES_MAX + 1];
	size_t used = 0;

	memset(text, '[', CONFIG_BYTES_MAX);
	cr_assert_eq(parse(text, CONFIG_BYTES_MAX), -EINVAL);
	SAYS("f.yml:1: ", "4096 brackets");
	memset(text, '{', CONFIG_BRACKETS_MAX + 1);
	cr_assert_eq(parse(text, CONFIG_BRACKETS_MAX + 1), -EINVAL);
	SAYS("4096 brackets");
	cr_assert_eq(parse(text, CONFIG_BRACKETS_MAX), -EINVAL);
	SAYS("not YAML");
	for (size_t i = 0; i + 2 <= CONFIG_BYTES_MAX; i += 2)
		memcpy(text + i, "- ", 2);
	cr_assert_eq(parse(text, CONFIG_BYTES_MAX), -EINVAL);
	memcpy(text, "listen: [", 9);
	for (used = 9; used + 5 < CONFIG_BYTES_MAX; used += 5)
		memcpy(text + used, "':1',", 5);
	text[used++] = ']';
	cr_assert_eq(parse(text, used), -EINVAL);
	SAYS("listen", "at most 16");
	REFUSED("access: &a [*a]\n", 1, "access");
	REFUSED("access:\n  - &r {identity: *r}\n", 2, "identity");
	REFUSED("tls_server_config: &t {cert_file: *t}\n", 1, "single value");
	REFUSED("a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n", 1, "unknown key a");
}

/* ---- Access -------------------------------------------------------------------------------- */

#define PIN "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

Test(config_yaml, access_rules)
{
	accepted("workers: 1\n"
		 "access:\n"
		 "  - identity: \"dns:thanos-*.monitoring\"\n"
		 "    allow: [read, list]\n"
		 "    on: [\"blocks/**\", other]\n"
		 "  - on: [\"**\"]\n"
		 "    identity: 'spki:" PIN "'\n"
		 "    allow:\n"
		 "      - delete\n"
		 "      - write\n"
		 "  - {identity: 'uri:spiffe://a/**', allow: [read], on: [a]}\n"
		 "  - {identity: 'ip:2001:DB8::0:1', allow: [read], on: [a]}\n"
		 "  - {identity: 'ip:10.0.*', allow: [read], on: [a]}\n"
		 "  - {identity: 'cn:a: b', allow: [read], on: [a]}\n");
	const struct policy *policy = &config.policy;
	cr_assert(policy->has_section);
	cr_assert_eq(policy->rule_count, 6);
	cr_assert_eq(policy->rule[0].who.kind, IDENTITY_DNS);
	cr_assert_str_eq(policy->rule[0].who.text, "thanos-*.monitoring");
	cr_assert_eq(policy->rule[0].verbs, ACCESS_READ | ACCESS_LIST);
	cr_assert_eq(policy->rule[0].on_count, 2);
	cr_assert_str_eq(policy->rule[0].on[0], "blocks/**");
	cr_assert_str_eq(policy->rule[0].on[1], "other");
	cr_assert_eq(policy->rule[0].line, 3);
	cr_assert_eq(policy->rule[1].who.kind, IDENTITY_SPKI);
	cr_assert_str_eq(policy->rule[1].who.text, PIN);
	cr_assert_eq(policy->rule[1].verbs, ACCESS_WRITE | ACCESS_DELETE);
	cr_assert_eq(policy->rule[2].who.kind, IDENTITY_URI);
	cr_assert_str_eq(policy->rule[2].who.text, "spiffe://a/**");
	cr_assert_eq(policy->rule[3].who.kind, IDENTITY_IP);
	cr_assert_str_eq(policy->rule[3].who.text, "2001:db8::1", "as certificates' are written");
	cr_assert_str_eq(policy->rule[4].who.text, "10.0.*");
	cr_assert_eq(policy->rule[5].who.kind, IDENTITY_CN);
	cr_assert_str_eq(policy->rule[5].who.text, "a: b");
	config_fini(&config);
}

/* No section allows reading; a section without rules allows nothing. */
Test(config_yaml, access_empty)
{
	static const char *const texts[] = {"access: []\n", "access:\n", "access: ~\n"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		accepted(texts[i]);
		cr_assert(config.policy.has_section, "%s", texts[i]);
		cr_assert_eq(config.policy.rule_count, 0);
	}
}

Test(config_yaml, access_refused)
{
	REFUSED("access: all\n", 1, "access: a list of rules");
	REFUSED("access: {identity: 'dns:a'}\n", 1, "access: a list of rules");
	REFUSED("access:\n  - dns:a\n", 2, "identity, allow and on");
	REFUSED("access:\n  -\n", 2, "identity, allow and on");
	REFUSED("access:\n  - allow: [read]\n    on: [a]\n", 2, "identity is missing");
	REFUSED("access:\n  - identity: 'dns:a'\n    on: [a]\n", 2, "allow is missing");
	REFUSED("access:\n  - identity: 'dns:a'\n    allow: [read]\n", 2, "on is missing");
	REFUSED("access:\n  - identity: 'dns:a'\n    verbs: [read]\n", 3, "unknown key verbs",
		"identity, allow and on");
	REFUSED("access:\n  - {[a]: b}\n", 2, "unknown key");
	REFUSED("access:\n  - identity: 'dns:a'\n    identity: 'dns:b'\n", 3,
		"identity stands twice");
	REFUSED("access:\n  - allow: [read]\n    allow: [list]\n", 3, "allow stands twice");
	REFUSED("access:\n  - on: [a]\n    on: [b]\n", 3, "on stands twice");

	REFUSED(RULE("dns", "[read]", "[a]"), 2, "KIND:PATTERN", "dns, uri, email");
	REFUSED(RULE("'dns:'", "[read]", "[a]"), 2, "KIND:PATTERN");
	REFUSED(RULE("['dns:a']", "[read]", "[a]"), 2, "KIND:PATTERN");
	REFUSED(RULE("'host:a'", "[read]", "[a]"), 2, "kind host",
		"dns, uri, email, ip, cn, ou, spki");
	REFUSED(RULE("'DNS:a'", "[read]", "[a]"), 2, "kind DNS");
	REFUSED(RULE("':a'", "[read]", "[a]"), 2, "kind ");
	REFUSED(RULE("'ip:10.0.0.0/8'", "[read]", "[a]"), 2, "10.0.0.0/8", "no address");
	REFUSED(RULE("'ip:localhost'", "[read]", "[a]"), 2, "no address");
	REFUSED(RULE("'ip:1.2.3'", "[read]", "[a]"), 2, "no address");

	REFUSED(RULE("'dns:a'", "read", "[a]"), 3, "access allow: a list");
	REFUSED(RULE("'dns:a'", "[]", "[a]"), 3, "access allow: a list");
	REFUSED(RULE("'dns:a'", "[read, fly]", "[a]"), 3, "\"fly\"", "read, list, write, delete");
	REFUSED(RULE("'dns:a'", "[[read]]", "[a]"), 3, "read, list, write, delete");
	REFUSED(RULE("'dns:a'", "['*']", "[a]"), 3, "read, list, write, delete");

	REFUSED(RULE("'dns:a'", "[read]", "blocks/**"), 4, "access on: a list");
	REFUSED(RULE("'dns:a'", "[read]", "[]"), 4, "access on: a list");
	REFUSED(RULE("'dns:a'", "[read]", "['']"), 4, "BUCKET/KEY");
	REFUSED(RULE("'dns:a'", "[read]", "[/blocks/**]"), 4, "BUCKET/KEY", "before the bucket");
}

Test(config_yaml, access_pins)
{
	static const char *const bad[] = {"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
					  "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
					  "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUU",
					  "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==",
					  "sha256/47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
					  "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU==",
					  "sha256/*",
					  "SHA256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
					  "sha1/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="};
	char text[200];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(text, sizeof(text), RULE("'spki:%s'", "[read]", "[a]"), bad[i]);
		REFUSED(text, 2, "spki:sha256/", "base64");
	}
}

/* One more than may be, of each. */
Test(config_yaml, access_bounds)
{
	size_t size = 64 * 1024, used;
	char *text = malloc(size);

	snprintf(text, size, RULE("'dns:%0*d'", "[read]", "[a]"), PATTERN_BYTES_MAX, 1);
	accepted(text);
	config_fini(&config);
	snprintf(text, size, RULE("'dns:%0*d'", "[read]", "[a]"), PATTERN_BYTES_MAX + 1, 1);
	REFUSED(text, 2, "longer than 512 bytes");
	snprintf(text, size, RULE("'dns:a'", "[read]", "['%0*d']"), PATTERN_BYTES_MAX + 1, 1);
	REFUSED(text, 4, "longer than 512 bytes");

	for (unsigned count = ACCESS_PATTERNS_MAX; count <= ACCESS_PATTERNS_MAX + 1; count++) {
		used = (size_t)snprintf(text, size, RULE("'dns:a'", "[read]", ""));
		for (unsigned i = 0; i < count; i++)
			used += (size_t)snprintf(text + used, size - used, "      - a%u\n", i);
		if (count == ACCESS_PATTERNS_MAX)
			accepted(text);
		else
			REFUSED(text, 5 + ACCESS_PATTERNS_MAX, "at most 32");
		config_fini(&config);
	}
	for (unsigned count = ACCESS_RULES_MAX; count <= ACCESS_RULES_MAX + 1; count++) {
		used = (size_t)snprintf(text, size, "access:\n");
		for (unsigned i = 0; i < count; i++)
			used += (size_t)snprintf(text + used, size - used,
						 "- {identity: 'dns:a', allow: [read], on: [a]}\n");
		if (count == ACCESS_RULES_MAX)
			accepted(text);
		else
			REFUSED(text, 2, "at most 256 rules");
		config_fini(&config);
	}
	free(text);
}

/* ---- Long texts in messages ------------------------------------------------------------------ */

/* Whatever is long in the file or its name, the message is there and ends in time. */
static void check_long(const char *before, char letter, size_t count, const char *behind,
		       const char *word)
{
	static char name[PATH_MAX], text[4096];
	size_t len = strlen(before);

	memset(name, 'n', sizeof(name) - 1);
	strcpy(text, before);
	memset(text + len, letter, count);
	strcpy(text + len + count, behind);
	config_init(&config);
	memset(error, 0x55, sizeof(error));
	cr_assert_eq(config_parse_yaml(&config, text, strlen(text), name, error), -EINVAL);
	cr_assert_not_null(memchr(error, '\0', sizeof(error)));
	cr_assert_not_null(strstr(error, word), "no %s: %s", word, error);
	config_fini(&config);
}

Test(config_yaml, long_messages)
{
	check_long("", 'k', 900, ": x\n", "unknown key kkkk");
	check_long("tls_server_config: {", 'k', 900, ": x}\n", "client_ca_file");
	check_long("workers: ", '9', 3000, "\n", "from 0 to 64");
	check_long("tls_path: ", 'a', 3000, "\n", "auto, kernel, user");
	check_long("access: [{identity: '", 'k', 3000, ":a'}]\n", "spki");
	check_long("access: [{identity: 'dns:a', allow: ['", 'k', 3000, "']}]\n", "delete");
	check_long("access: [{identity: 'ip:", '1', 500, "'}]\n", "no address");
	check_long("root: !<", 't', 500, "> x\n", "tag tttt");
}

/* What the manual page shows as an example is a file that can be used. */
Test(config_yaml, example_is_accepted)
{
	accepted(config_example());
	cr_assert_eq(config.listen_count, 2);
	cr_assert_eq(config.policy.rule_count, 2);
	config_fini(&config);
}
