/* SPDX-License-Identifier: Apache-2.0 */
/* Command line and file together: what counts, and every message for what is refused. */
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

TestSuite(config, .timeout = 60);

static struct config config;
static char error[ERROR_TEXT_MAX];

/* ---- The command line ---------------------------------------------------------------------- */

#define ARGS_MAX 40
#define REQUIRED                                                                                   \
	"--root=/srv", "--listen=:8443", "--cert=s.crt", "--key=s.key", "--client-ca=ca.crt"

static int load_args(const char *const *args)
{
	char *argv[ARGS_MAX + 2] = {(char *)(uintptr_t) "serve"};
	int argc = 1;

	for (; *args != NULL; args++) {
		must(argc <= ARGS_MAX);
		argv[argc++] = (char *)(uintptr_t)*args;
	}
	memset(error, 0x55, sizeof(error));
	int r = config_load(&config, argc, argv, error);
	if (r < 0) {
		cr_assert_eq(r, -EINVAL);
		cr_assert_not_null(memchr(error, '\0', sizeof(error)), "not ended");
		for (const char *at = error; *at != '\0'; at++)
			cr_assert((unsigned char)*at >= 0x20, "not one line: %s", error);
	}
	return r;
}

#define LOAD(...) load_args((const char *const[]){__VA_ARGS__, NULL})

static void says(const char *const *words)
{
	for (; *words != NULL; words++)
		cr_assert_not_null(strstr(error, *words), "no \"%s\" in: %s", *words, error);
}

#define SAYS(...) says((const char *const[]){__VA_ARGS__, NULL})

Test(config, both_ways_to_write_a_value)
{
	cr_assert_eq(LOAD("--root", "/srv", "--listen=:1", "--listen", ":2", "--cert=c", "--key",
			  "k", "--client-ca=ca", "--workers", "3", "--log.level=debug"),
		     CONFIG_READY, "%s", error);
	cr_assert_str_eq(config.root, "/srv");
	cr_assert_eq(config.listen_count, 2);
	cr_assert_str_eq(config.listen[0], ":1");
	cr_assert_str_eq(config.listen[1], ":2");
	cr_assert_str_eq(config.key_file, "k");
	cr_assert_eq(config.workers, 3);
	cr_assert_eq(config.log_level, LOG_LEVEL_DEBUG);
	config_fini(&config);
}

Test(config, value_with_equals_sign)
{
	cr_assert_eq(LOAD(REQUIRED, "--root=/a=b"), CONFIG_READY, "%s", error);
	cr_assert_str_eq(config.root, "/a=b", "and the last counts");
	cr_assert_eq(LOAD(REQUIRED, "--root=--x"), CONFIG_READY, "%s", error);
	cr_assert_str_eq(config.root, "--x");
}

Test(config, booleans)
{
	cr_assert_eq(LOAD(REQUIRED), CONFIG_READY, "%s", error);
	cr_assert(config.access_log && !config.check_config);
	cr_assert_eq(LOAD(REQUIRED, "--no-access-log", "--check-config"), CONFIG_READY);
	cr_assert(!config.access_log && config.check_config);
	cr_assert_eq(LOAD(REQUIRED, "--access-log=false", "--check-config=true"), CONFIG_READY);
	cr_assert(!config.access_log && config.check_config);
	cr_assert_eq(LOAD(REQUIRED, "--no-access-log", "--access-log"), CONFIG_READY);
	cr_assert(config.access_log);
	/* It takes no value behind a space. */
	cr_assert_eq(LOAD(REQUIRED, "--access-log", "false"), -EINVAL);
	SAYS("unexpected argument", "false");
	cr_assert_eq(LOAD(REQUIRED, "--no-root"), -EINVAL);
	SAYS("unknown option --no-root");
}

Test(config, unknown_options)
{
	cr_assert_eq(LOAD("--max-conections=3"), -EINVAL);
	SAYS("unknown option --max-conections", "did you mean --max-connections?");
	cr_assert_eq(LOAD("--rot", "/srv"), -EINVAL);
	SAYS("unknown option --rot", "did you mean --root?");
	cr_assert_eq(LOAD("--no-acces-log"), -EINVAL);
	SAYS("--no-acces-log");
	cr_assert_eq(LOAD("--teleport=yes"), -EINVAL);
	SAYS("unknown option --teleport", "--help");
	cr_assert_null(strstr(error, "did you mean"), "%s", error);
	cr_assert_eq(LOAD("--x"), -EINVAL);
	cr_assert_null(strstr(error, "did you mean"), "%s", error);
	cr_assert_eq(LOAD("-v"), -EINVAL);
	SAYS("unexpected argument -v");
	cr_assert_eq(LOAD("--"), -EINVAL);
	SAYS("unexpected argument --");
	cr_assert_eq(LOAD(""), -EINVAL);
	cr_assert_eq(LOAD("/srv"), -EINVAL);
	SAYS("unexpected argument /srv");
	cr_assert_eq(LOAD("--=x"), -EINVAL);
	cr_assert_eq(LOAD("--a\nlevel=error"), -EINVAL);
	SAYS("--a?level");
}

Test(config, missing_values)
{
	cr_assert_eq(LOAD("--root"), -EINVAL);
	SAYS("--root needs a value", "--root=DIR");
	/* The next option is not taken for the value. */
	cr_assert_eq(LOAD("--root", "--listen=:1"), -EINVAL);
	SAYS("--root needs a value");
	cr_assert_eq(LOAD(REQUIRED, "--config"), -EINVAL);
	SAYS("--config needs a value");
	cr_assert_eq(LOAD(REQUIRED, "--root="), -EINVAL);
	SAYS("--root: ");
}

Test(config, refused_values_name_the_option)
{
	cr_assert_eq(LOAD(REQUIRED, "--workers=many"), -EINVAL);
	SAYS("--workers: \"many\"", "from 0 to 64");
	cr_assert_eq(LOAD(REQUIRED, "--tls-path", "sometimes"), -EINVAL);
	SAYS("--tls-path: \"sometimes\"", "auto, kernel, user");
}

Test(config, required)
{
	static const char *const all[] = {REQUIRED};
	static const char *const keys[] = {"root", "listen", "tls_server_config.cert_file",
					   "tls_server_config.key_file",
					   "tls_server_config.client_ca_file"};

	for (size_t skip = 0; skip < ARRAY_LEN(all); skip++) {
		const char *args[ARGS_MAX] = {NULL};
		char flag[32];
		for (size_t i = 0, count = 0; i < ARRAY_LEN(all); i++)
			if (i != skip)
				args[count++] = all[i];
		cr_assert_eq(load_args(args), -EINVAL, "%s", all[skip]);
		snprintf(flag, sizeof(flag), "%.*s is required", (int)strcspn(all[skip], "="),
			 all[skip]);
		SAYS(flag, keys[skip]);
	}
}

Test(config, impossible_combinations)
{
	cr_assert_eq(LOAD(REQUIRED, "--tls-path=user", "--send-engine=sendfile"), -EINVAL);
	SAYS("--send-engine=sendfile", "--tls-path=user", "copy");
	cr_assert_eq(LOAD(REQUIRED, "--send-engine=splice", "--tls-path=user"), -EINVAL);
	SAYS("--send-engine=splice", "--tls-path=user");
	cr_assert_eq(LOAD(REQUIRED, "--tls-path=user", "--send-engine=copy"), CONFIG_READY);
	cr_assert_eq(LOAD(REQUIRED, "--tls-path=user"), CONFIG_READY);
	cr_assert_eq(LOAD(REQUIRED, "--tls-path=kernel", "--send-engine=splice"), CONFIG_READY);
	cr_assert_eq(LOAD(REQUIRED, "--send-engine=sendfile"), CONFIG_READY);
}

/* ---- The file ------------------------------------------------------------------------------ */

static char dir[] = "/tmp/sluice-config-XXXXXX";
static char file[PATH_MAX];

static void write_file(const char *text)
{
	if (file[0] == '\0') {
		cr_assert_not_null(mkdtemp(dir));
		snprintf(file, sizeof(file), "%s/sluice.yml", dir);
	}
	FILE *out = fopen(file, "w");
	cr_assert_not_null(out, "%s", file);
	fputs(text, out);
	fclose(out);
}

static void remove_files(void)
{
	if (file[0] == '\0')
		return;
	unlink(file);
	rmdir(dir);
}

#define WHOLE_FILE                                                                                 \
	"listen: [\"0.0.0.0:8443\", ':8444']\n"                                                    \
	"admin_listen: none\n"                                                                     \
	"root: store # a comment\n"                                                                \
	"tls_server_config:\n"                                                                     \
	"  cert_file: server.crt\n"                                                                \
	"  key_file: /etc/server.key\n"                                                            \
	"  client_ca_file: ../ca.crt\n"                                                            \
	"  crl_file: ca.crl\n"                                                                     \
	"  cipher_suites: [TLS_AES_256_GCM_SHA384]\n"                                              \
	"  client_allowed_sans: [a.example, b.example]\n"                                          \
	"  client_auth_type: RequireAndVerifyClientCert\n"                                         \
	"  min_version: TLS13\n"                                                                   \
	"  max_version: TLS13\n"                                                                   \
	"  prefer_server_cipher_suites: true\n"                                                    \
	"  curve_preferences: []\n"                                                                \
	"  cert: ''\n"                                                                             \
	"tls_path: user\n"                                                                         \
	"send_engine: copy\n"                                                                      \
	"workers: 2\n"                                                                             \
	"max_connections: 100\n"                                                                   \
	"records_per_key: 64\n"                                                                    \
	"min_rate: 2KiB\n"                                                                         \
	"handshake_timeout: 1s\n"                                                                  \
	"head_timeout: 2s\n"                                                                       \
	"idle_timeout: 1m30s\n"                                                                    \
	"drain_timeout: 500ms\n"                                                                   \
	"log_level: warn\n"                                                                        \
	"log_format: json\n"                                                                       \
	"access_log: false\n"

Test(config, whole_file, .fini = remove_files)
{
	char flag[PATH_MAX + 16], path[PATH_MAX + 16];

	write_file(WHOLE_FILE);
	snprintf(flag, sizeof(flag), "--config=%s", file);
	cr_assert_eq(LOAD(flag), CONFIG_READY, "%s", error);
	cr_assert_eq(config.listen_count, 2);
	cr_assert_str_eq(config.listen[0], "0.0.0.0:8443");
	cr_assert_str_eq(config.listen[1], ":8444");
	cr_assert_str_empty(config.admin_listen);
	/* relative paths are seen from the file's folder */
	snprintf(path, sizeof(path), "%s/store", dir);
	cr_assert_str_eq(config.root, path);
	snprintf(path, sizeof(path), "%s/server.crt", dir);
	cr_assert_str_eq(config.cert_file, path);
	cr_assert_str_eq(config.key_file, "/etc/server.key");
	snprintf(path, sizeof(path), "%s/../ca.crt", dir);
	cr_assert_str_eq(config.client_ca_file, path);
	snprintf(path, sizeof(path), "%s/ca.crl", dir);
	cr_assert_str_eq(config.crl_file, path);
	cr_assert_eq(config.cipher_count, 1);
	cr_assert_eq(config.ciphers[0], TLS_CIPHER_AES_256_GCM);
	cr_assert_eq(config.allowed_san_count, 2);
	cr_assert_str_eq(config.allowed_sans[1], "b.example");
	cr_assert_eq(config.tls_path, TLS_PATH_USER);
	cr_assert_eq(config.send_engine, SEND_ENGINE_COPY);
	cr_assert_eq(config.workers, 2);
	cr_assert_eq(config.conns_max, 100);
	cr_assert_eq(config.records_per_key, 64);
	cr_assert_eq(config.min_rate_bytes, 2048);
	cr_assert_eq(config.handshake_timeout_ms, 1000);
	cr_assert_eq(config.head_timeout_ms, 2000);
	cr_assert_eq(config.idle_timeout_ms, 90000);
	cr_assert_eq(config.drain_timeout_ms, 500);
	cr_assert_eq(config.log_level, LOG_LEVEL_WARN);
	cr_assert_eq(config.log_format, LOG_FORMAT_JSON);
	cr_assert_not(config.access_log);
	config_fini(&config);
}

/* Flags count more than the file, wherever --config stands; their paths stay as they are. */
Test(config, flags_override_the_file, .fini = remove_files)
{
	write_file(WHOLE_FILE);
	cr_assert_eq(LOAD("--root=here", "--listen=:1", "--config", file, "--crl=x.crl",
			  "--log.level=error", "--access-log", "--admin-listen=:3",
			  "--cipher-suites=TLS_CHACHA20_POLY1305_SHA256"),
		     CONFIG_READY, "%s", error);
	cr_assert_str_eq(config.root, "here");
	cr_assert_str_eq(config.crl_file, "x.crl");
	cr_assert_eq(config.listen_count, 1, "the list is replaced");
	cr_assert_str_eq(config.listen[0], ":1");
	cr_assert_eq(config.log_level, LOG_LEVEL_ERROR);
	cr_assert(config.access_log);
	cr_assert_str_eq(config.admin_listen, ":3");
	cr_assert_eq(config.cipher_count, 1);
	cr_assert_eq(config.ciphers[0], TLS_CIPHER_CHACHA20);
	cr_assert_eq(config.workers, 2, "what no flag names is the file's");
	config_fini(&config);
}

/* A flag of the command line and a key of the file can be impossible together. */
Test(config, combination_of_flag_and_file, .fini = remove_files)
{
	write_file("tls_path: user\n");
	cr_assert_eq(LOAD(REQUIRED, "--config", file, "--send-engine=splice"), -EINVAL);
	SAYS("--send-engine=splice", "--tls-path=user");
}

Test(config, file_in_the_current_folder, .fini = remove_files)
{
	write_file("root: store\n");
	cr_assert_eq(chdir(dir), 0);
	cr_assert_eq(
		LOAD("--config=sluice.yml", "--listen=:1", "--cert=c", "--key=k", "--client-ca=a"),
		CONFIG_READY, "%s", error);
	cr_assert_str_eq(config.root, "store");
}

Test(config, path_that_gets_too_long, .fini = remove_files)
{
	static char text[PATH_MAX + 16];

	snprintf(text, sizeof(text), "root: %0*d\n", PATH_MAX - 4, 1);
	write_file(text);
	cr_assert_eq(LOAD(REQUIRED, "--config", file), -EINVAL);
	SAYS(file, "root", "too long");
}

Test(config, file_that_cannot_be_read, .fini = remove_files)
{
	cr_assert_eq(LOAD(REQUIRED, "--config=/nonexistent/sluice.yml"), -EINVAL);
	SAYS("/nonexistent/sluice.yml", "No such file");
	cr_assert_eq(LOAD(REQUIRED, "--config=/tmp"), -EINVAL);
	SAYS("/tmp", "Is a directory");
}

/* The bound, from both sides. */
Test(config, size_of_the_file, .fini = remove_files)
{
	char *text = malloc(CONFIG_BYTES_MAX + 2);

	memset(text, '#', CONFIG_BYTES_MAX + 1);
	text[CONFIG_BYTES_MAX] = '\0';
	write_file(text);
	cr_assert_eq(LOAD(REQUIRED, "--config", file), CONFIG_READY, "%s", error);
	text[CONFIG_BYTES_MAX] = '#';
	text[CONFIG_BYTES_MAX + 1] = '\0';
	write_file(text);
	cr_assert_eq(LOAD(REQUIRED, "--config", file), -EINVAL);
	SAYS(file, "1048576 bytes");
	free(text);
}

/* A pipe, as a shell gives one for <(...). */
Test(config, file_from_a_pipe)
{
	int fds[2];
	char flag[40];

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(write(fds[1], "workers: 3\n", 11), 11);
	close(fds[1]);
	snprintf(flag, sizeof(flag), "--config=/dev/fd/%d", fds[0]);
	cr_assert_eq(LOAD(REQUIRED, flag), CONFIG_READY, "%s", error);
	cr_assert_eq(config.workers, 3);
}

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

#define REFUSED(text, line, ...) refused(text, line, (const char *const[]){__VA_ARGS__, NULL})

Test(config, yaml_that_says_nothing)
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
		cr_assert_eq(config.cipher_count, 3);
	}
}

Test(config, yaml_forms)
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
	cr_assert_eq(config.cipher_count, 3, "an empty list of cipher suites is the default");
	accepted("admin_listen: ''\n");
	cr_assert_str_empty(config.admin_listen);
	accepted("root: &r /srv\ntls_server_config: {cert_file: *r}\n");
	cr_assert_str_eq(config.cert_file, "/srv");
	accepted("root: 'null'\n");
	cr_assert_str_eq(config.root, "null", "in quotes it is a name");
	accepted("root: /srv\r\nworkers: 3\r\n");
	cr_assert_str_eq(config.root, "/srv");
	cr_assert_eq(config.workers, 3);
}

Test(config, yaml_syntax)
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
	SAYS("f.yml:1: root: ");
}

Test(config, yaml_shapes)
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

Test(config, yaml_tags)
{
	REFUSED("workers: 1\nroot: !env HOME\n", 2, "!env", "tag");
	REFUSED("workers: !!int 1\n", 1, "int", "tag");
	REFUSED("listen: !list [':1']\n", 1, "!list");
	REFUSED("!config\nroot: x\n", 1, "!config");
	accepted("root: !!str x\n");
}

Test(config, yaml_one_document)
{
	REFUSED("root: /srv\n---\nworkers: 1\n", 3, "second document");
	REFUSED("---\n---\nworkers: 1\n", 3, "second document");
	REFUSED("root: /srv\n...\n]\n", 3, "not YAML");
	accepted("---\nroot: /srv\n...\n");
}

Test(config, yaml_duplicates)
{
	REFUSED("root: a\nworkers: 1\nroot: a\n", 3, "root stands twice", "line 1");
	REFUSED("tls_server_config:\n  cert_file: a\n  cert_file: b\n", 3,
		"tls_server_config.cert_file stands twice", "line 2");
	REFUSED("tls_server_config: {}\ntls_server_config: {}\n", 2, "stands twice");
	REFUSED("access: []\naccess: []\n", 2, "access stands twice");
	REFUSED("tls_server_config: {cert: '', cert: ''}\n", 1, "stands twice");
}

/* The nearest first, then all that are known. */
Test(config, yaml_unknown_keys)
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

Test(config, yaml_refused_values_name_the_key)
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
	REFUSED("tls_server_config: {min_version: TLS12}\n", 1, "min_version", "TLS12", "TLS13");
	REFUSED("tls_server_config:\n  client_allowed_sans: ['']\n", 2, "client_allowed_sans");
}

/* What exporter-toolkit knows and this port does not do, with what to do instead. */
Test(config, yaml_of_exporter_toolkit)
{
	REFUSED("tls_server_config: {cert: '-----BEGIN'}\n", 1,
		"tls_server_config.cert: ", "cert_file");
	REFUSED("tls_server_config:\n  key: x\n", 2, "tls_server_config.key: ", "key_file");
	REFUSED("tls_server_config: {client_ca: x}\n", 1, "client_ca_file");
	REFUSED("tls_server_config: {curve_preferences: [CurveP521]}\n", 1, "curve_preferences",
		"X25519");
	REFUSED("tls_server_config: {prefer_server_cipher_suites: false}\n", 1, "always counts");
	REFUSED("root: x\nhttp_server_config: {http2: true}\n", 2, "http_server_config",
		"certificate", "leave it out");
	REFUSED("basic_auth_users: {a: b}\n", 1, "basic_auth_users", "leave it out");
	REFUSED("rate_limit: {interval: 1s}\n", 1, "rate_limit", "leave it out");
}

/* Deep, wide and recursive files end in a message, soon. */
Test(config, yaml_bombs)
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

Test(config, access_rules)
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
	cr_assert_eq(policy->rule[0].kind, IDENTITY_DNS);
	cr_assert_str_eq(policy->rule[0].pattern, "thanos-*.monitoring");
	cr_assert_eq(policy->rule[0].verbs, ACCESS_READ | ACCESS_LIST);
	cr_assert_eq(policy->rule[0].on_count, 2);
	cr_assert_str_eq(policy->rule[0].on[0], "blocks/**");
	cr_assert_str_eq(policy->rule[0].on[1], "other");
	cr_assert_eq(policy->rule[0].line, 3);
	cr_assert_eq(policy->rule[1].kind, IDENTITY_SPKI);
	cr_assert_str_eq(policy->rule[1].pattern, PIN);
	cr_assert_eq(policy->rule[1].verbs, ACCESS_WRITE | ACCESS_DELETE);
	cr_assert_eq(policy->rule[2].kind, IDENTITY_URI);
	cr_assert_str_eq(policy->rule[2].pattern, "spiffe://a/**");
	cr_assert_eq(policy->rule[3].kind, IDENTITY_IP);
	cr_assert_str_eq(policy->rule[3].pattern, "2001:db8::1", "as certificates' are written");
	cr_assert_str_eq(policy->rule[4].pattern, "10.0.*");
	cr_assert_eq(policy->rule[5].kind, IDENTITY_CN);
	cr_assert_str_eq(policy->rule[5].pattern, "a: b");
	config_fini(&config);
}

/* No section allows reading; a section without rules allows nothing. */
Test(config, access_empty)
{
	static const char *const texts[] = {"access: []\n", "access:\n", "access: ~\n"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		accepted(texts[i]);
		cr_assert(config.policy.has_section, "%s", texts[i]);
		cr_assert_eq(config.policy.rule_count, 0);
	}
}

#define RULE(identity, allow, on)                                                                  \
	"access:\n  - identity: " identity "\n    allow: " allow "\n    on: " on "\n"

Test(config, access_refused)
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

Test(config, access_pins)
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
Test(config, access_bounds)
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

Test(config, long_messages)
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

/* ---- Help and manual page -------------------------------------------------------------------- */

static char *printed(void (*print)(FILE *out))
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	print(out);
	fclose(out);
	return text;
}

Test(config, help_names_every_option)
{
	char *text = printed(config_print_help), words[200];

	for (size_t i = 0; i < options_count; i++) {
		if (options[i].flag == NULL)
			continue;
		snprintf(words, sizeof(words), "\n  --%s=", options[i].flag);
		cr_assert_not_null(strstr(text, words), "no --%s", options[i].flag);
		if (options[i].initial == NULL)
			continue;
		snprintf(words, sizeof(words), "%s.", options[i].initial);
		cr_assert_not_null(strstr(text, words), "no default of --%s", options[i].flag);
	}
	for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1)
		cr_assert_leq(strcspn(at, "\n"), 100, "%.120s", at);
	free(text);
}

Test(config, help_is_asked_for)
{
	static const char *const flags[] = {"--help", "-h"};

	for (int i = 0; i < 2; i++) {
		FILE *out = tmpfile();
		int saved = dup(STDOUT_FILENO);
		fflush(stdout);
		dup2(fileno(out), STDOUT_FILENO);
		int r = LOAD(flags[i]); /* without anything that is required */
		fflush(stdout);
		dup2(saved, STDOUT_FILENO);
		close(saved);
		struct stat st;
		cr_assert_eq(fstat(fileno(out), &st), 0);
		cr_assert_eq(r, CONFIG_HELP_SHOWN);
		cr_assert_gt(st.st_size, 1000);
		fclose(out);
	}
}

/* Text of roff without its escapes. */
static void unescape(char *text)
{
	char *out = text;

	for (; *text != '\0'; text++) {
		if (text[0] == '\\' && text[1] == '-') {
			*out++ = '-';
			text++;
		} else if (text[0] == '\\' && (text[1] == ':' || text[1] == '&')) {
			text++;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

Test(config, manual_page_names_every_option_and_key)
{
	static const char *const macros[] = {".SH ", ".TP\n", ".B ",   ".PP\n",
					     ".RS ", ".RE\n", ".nf\n", ".fi\n"};
	char *text = printed(config_print_man), words[200];

	for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1) {
		bool is_known = *at != '.' && *at != '\'';
		for (size_t i = 0; i < ARRAY_LEN(macros); i++)
			is_known |= strncmp(at, macros[i], strlen(macros[i])) == 0;
		cr_assert(is_known, "text or no macro: %.60s", at);
	}
	unescape(text);
	for (size_t i = 0; i < options_count; i++) {
		if (options[i].flag != NULL) {
			snprintf(words, sizeof(words), "\n.B --%s=", options[i].flag);
			cr_assert_not_null(strstr(text, words), "no --%s", options[i].flag);
		}
		if (options[i].key != NULL) {
			snprintf(words, sizeof(words), "\n.B %s\n", options[i].key);
			cr_assert_not_null(strstr(text, words), "no %s", options[i].key);
		}
	}
	free(text);
}

/* What the manual page shows as an example is a file that can be used. */
Test(config, example_is_accepted)
{
	accepted(config_example());
	cr_assert_eq(config.listen_count, 2);
	cr_assert_eq(config.policy.rule_count, 2);
	config_fini(&config);
}
