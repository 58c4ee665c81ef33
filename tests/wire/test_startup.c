/* SPDX-License-Identifier: Apache-2.0 */
/* Mistakes of the operator: one clear line, the documented exit code, and the same from
 * `sluice check`. */
#include "wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(startup, .timeout = WIRE_TIMEOUT);

/* cli.h; typed again so that a change of the documented codes is seen. */
enum { USAGE = 2, NOT_FOUND = 3, TLS = 5, NETWORK = 6 };

#define ARGS_MAX 16

/* A command line that is right; a mistake replaces one option of it. */
struct command {
	struct wire_env env;
	char text[ARGS_MAX][PATH_MAX];
	unsigned count;
};

static void command_add(struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void command_add(struct command *command, const char *format, ...)
{
	va_list values;

	must(command->count < ARGS_MAX);
	va_start(values, format);
	vsnprintf(command->text[command->count++], PATH_MAX, format, values);
	va_end(values);
}

static struct command *command_new(void)
{
	struct command *command = calloc(1, sizeof(*command));

	must(command != NULL);
	wire_env_read(&command->env);
	command_add(command, "%s", command->env.program);
	command_add(command, "serve");
	command_add(command, "--root=%s/root", command->env.dir);
	command_add(command, "--listen=127.0.0.1:0");
	command_add(command, "--admin-listen=127.0.0.1:0");
	command_add(command, "--cert=%s/certs/server.crt", command->env.dir);
	command_add(command, "--key=%s/certs/server.key", command->env.dir);
	command_add(command, "--client-ca=%s/certs/ca.crt", command->env.dir);
	command_add(command, "--tls-path=auto");
	return command;
}

/* Replaces the option of that name, or adds it. An empty value takes it away. */
static void command_set(struct command *command, const char *name, const char *value)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < command->count; i++) {
		if (strncmp(command->text[i], name, len) != 0 || command->text[i][len] != '=')
			continue;
		memmove(command->text[i], command->text[i + 1],
			(command->count - i - 1) * PATH_MAX);
		command->count--;
		break;
	}
	if (value[0] != '\0')
		command_add(command, "%s=%s", name, value);
}

static void command_set_file(struct command *command, const char *name, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.1000s/%s", command->env.dir, file);
	command_set(command, name, path);
}

/* Lines that hold the word. */
static unsigned lines_of(const char *text, const char *word)
{
	unsigned count = 0;
	const char *end;

	for (; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		const char *found = strstr(text, word);
		count += found != NULL && found < end;
	}
	return count;
}

/*
 * It leaves with exit_code, and says in one line what is wrong: all of the words up to NULL. When
 * only the start itself shows it, warnings about this machine may stand before.
 */
static void run_expect(struct command *command, int exit_code, const char *const *words)
{
	char *argv[ARGS_MAX + 1] = {NULL};
	struct wire_program program;

	for (unsigned i = 0; i < command->count; i++)
		argv[i] = command->text[i];
	wire_program_run(&command->env, argv, &program);
	const char *last = command->text[command->count - 1];
	cr_assert_eq(program.exit_code, exit_code, "%s: exit code %d, not %d: %s%s", last,
		     program.exit_code, exit_code, program.err, program.out);
	cr_assert_eq(strlen(program.out), 0, "on stdout: %s", program.out);
	unsigned lines = lines_of(program.err, "");
	if (exit_code == NETWORK)
		lines -= lines_of(program.err, " level=warn ") +
			 lines_of(program.err, " level=info ");
	cr_assert_eq(lines, 1, "not one line: %s", program.err);
	for (; *words != NULL; words++)
		cr_assert_not_null(strstr(program.err, *words), "no \"%s\" in: %s", *words,
				   program.err);
}

/* A start, and a check of one. */
static void refused(struct command *command, int exit_code, const char *const *words)
{
	run_expect(command, exit_code, words);
	snprintf(command->text[1], PATH_MAX, "check");
	run_expect(command, exit_code, words);
	free(command);
}

#define REFUSED(command, exit_code, ...)                                                           \
	refused(command, exit_code, (const char *const[]){__VA_ARGS__, NULL})

static void file_write(const struct command *command, const char *name, const char *text,
		       char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.1000s/%s", command->env.dir, name);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file, "%s: %s", path, strerror(errno));
	fputs(text, file);
	fclose(file);
}

/* ---- Files ---------------------------------------------------------------------------------- */

Test(startup, missing_root)
{
	struct command *command = command_new();

	command_set(command, "--root", "/nonexistent/store");
	REFUSED(command, NOT_FOUND, "/nonexistent/store");
}

Test(startup, root_is_a_file)
{
	struct command *command = command_new();

	command_set_file(command, "--root", "root/data/size-1");
	REFUSED(command, NOT_FOUND, "root/data/size-1");
}

Test(startup, missing_key)
{
	struct command *command = command_new();

	command_set(command, "--key", "/nonexistent/server.key");
	REFUSED(command, TLS, "/nonexistent/server.key");
}

Test(startup, missing_certificate)
{
	struct command *command = command_new();

	command_set(command, "--cert", "/nonexistent/server.crt");
	REFUSED(command, TLS, "/nonexistent/server.crt");
}

Test(startup, certificate_is_no_certificate)
{
	struct command *command = command_new();
	char path[PATH_MAX];

	file_write(command, "no.crt", "this is no PEM\n", path);
	command_set(command, "--cert", path);
	REFUSED(command, TLS, path);
}

Test(startup, key_of_another_certificate)
{
	struct command *command = command_new();

	command_set_file(command, "--key", "certs/good.key");
	REFUSED(command, TLS, "good.key", "does not belong");
}

Test(startup, certificate_of_a_client)
{
	struct command *command = command_new();

	command_set_file(command, "--cert", "certs/good.crt");
	command_set_file(command, "--key", "certs/good.key");
	REFUSED(command, TLS, "good.crt", "serverAuth");
}

Test(startup, expired_certificate)
{
	struct command *command = command_new();

	command_set_file(command, "--cert", "certs/old-server.crt");
	command_set_file(command, "--key", "certs/old-server.key");
	REFUSED(command, TLS, "old-server.crt", "expired");
}

Test(startup, missing_client_ca)
{
	struct command *command = command_new();

	command_set(command, "--client-ca", "/nonexistent/ca.crt");
	REFUSED(command, TLS, "/nonexistent/ca.crt");
}

Test(startup, missing_crl)
{
	struct command *command = command_new();

	command_set(command, "--crl", "/nonexistent/ca.crl");
	REFUSED(command, TLS, "/nonexistent/ca.crl");
}

Test(startup, crl_is_no_crl)
{
	struct command *command = command_new();

	command_set_file(command, "--crl", "certs/ca.crt");
	REFUSED(command, TLS, "ca.crt");
}

/* ---- Options -------------------------------------------------------------------------------- */

Test(startup, unknown_option)
{
	struct command *command = command_new();

	command_set(command, "--no-such-option", "1");
	REFUSED(command, USAGE, "--no-such-option");
}

Test(startup, required_options)
{
	static const char *const names[] = {"--root", "--listen", "--cert", "--key", "--client-ca"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct command *command = command_new();
		command_set(command, names[i], "");
		REFUSED(command, USAGE, names[i] + 2);
	}
}

Test(startup, values_that_cannot_be)
{
	static const char *const rows[][2] = {
		{"--tls-path", "sometimes"},
		{"--send-engine", "teleport"},
		{"--workers", "many"},
		{"--workers", "-1"},
		{"--workers", "1000000"},
		{"--max-connections", "0"},
		{"--idle-timeout", "soon"},
		{"--handshake-timeout", "0s"},
		{"--log.level", "loud"},
		{"--log.format", "xml"},
		{"--listen", "nowhere"},
		{"--listen", "127.0.0.1:99999"},
		{"--cipher-suites", "TLS_RSA_WITH_NULL_MD5"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct command *command = command_new();
		command_set(command, rows[i][0], rows[i][1]);
		REFUSED(command, USAGE, rows[i][0] + 2, rows[i][1]);
	}
}

/* ---- The file ------------------------------------------------------------------------------- */

struct yaml_row {
	const char *text;
	const char *line; /* ":LINE" of the message */
	const char *word;
};

static void yaml_refused(const struct yaml_row *row)
{
	struct command *command = command_new();
	char path[PATH_MAX];

	file_write(command, "wrong.yml", row->text, path);
	command_set(command, "--config", path);
	REFUSED(command, USAGE, "wrong.yml", row->line, row->word);
}

Test(startup, mistakes_in_the_file)
{
	static const struct yaml_row rows[] = {
		{"log_level: info\n\nno_such_key: 1\n", ":3", "no_such_key"},
		{"tls_server_config:\n  cert_fil: x\n", ":2", "cert_fil"},
		{"workers: [1, 2]\n", ":1", "workers"},
		{"workers: many\n", ":1", "workers"},
		{"listen: 127.0.0.1:1\nlisten: 127.0.0.1:2\n", ":2", "listen"},
		{"tls_server_config:\n  client_auth_type: NoClientCert\n", ":2",
		 "client_auth_type"},
		{"tls_server_config:\n  max_version: TLS12\n", ":2", "max_version"},
		{"workers: 1\n  root: x\n", ":2", ""},
		{"access:\n  - identity: \"dns:a\"\n    allow: [fly]\n", ":3", "allow"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		yaml_refused(&rows[i]);
}

Test(startup, missing_file)
{
	struct command *command = command_new();

	command_set(command, "--config", "/nonexistent/sluice.yml");
	REFUSED(command, USAGE, "/nonexistent/sluice.yml");
}

/* ---- Check ---------------------------------------------------------------------------------- */

/* Runs `sluice check` with the options of command; returns what it said. */
static void check_run(struct command *command, struct wire_program *program)
{
	char *argv[ARGS_MAX + 1] = {NULL};

	snprintf(command->text[1], PATH_MAX, "check");
	for (unsigned i = 0; i < command->count; i++)
		argv[i] = command->text[i];
	wire_program_run(&command->env, argv, program);
}

Test(startup, check_of_what_is_right)
{
	struct command *command = command_new();
	struct wire_program program;

	check_run(command, &program);
	cr_assert_eq(program.exit_code, 0, "exit code %d: %s", program.exit_code, program.err);
	cr_assert_eq(strncmp(program.out, "configuration OK", 16), 0, "%s", program.out);
	free(command);
}

/* Each warning of a start is one of a check, and --strict makes a failure of it. */
Test(startup, check_gives_warnings)
{
	static const char *const words[] = {"warning: --writable without access rules",
					    "warning: --durability=relaxed"};
	struct command *command = command_new();
	struct wire_program program;

	command_add(command, "--writable");
	command_add(command, "--durability=relaxed");
	check_run(command, &program);
	cr_assert_eq(program.exit_code, 0, "exit code %d: %s", program.exit_code, program.err);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		cr_assert_not_null(strstr(program.err, words[i]), "no \"%s\" in %s", words[i],
				   program.err);
	char counted[64];
	snprintf(counted, sizeof(counted), "configuration OK, %u warnings\n",
		 lines_of(program.err, "warning: "));
	cr_assert_str_eq(program.out, counted);
	command_add(command, "--strict");
	check_run(command, &program);
	cr_assert_eq(program.exit_code, 1, "exit code %d: %s", program.exit_code, program.err);
	free(command);
}

/* A check beside the server that it is about: its ports are in use, and that is no error. */
Test(startup, check_beside_a_running_server)
{
	struct wire_server server = {0};
	struct command *command = command_new();
	struct wire_program program;

	wire_server_start(&server);
	command_set(command, "--listen", server.addr);
	command_set(command, "--admin-listen", server.admin_addr);
	check_run(command, &program);
	cr_assert_eq(program.exit_code, 0, "exit code %d: %s", program.exit_code, program.err);
	cr_assert_eq(lines_of(program.err, "is in use"), 2, "%s", program.err);
	wire_server_stop(&server);
	free(command);
}

/* ---- Network -------------------------------------------------------------------------------- */

Test(startup, port_in_use)
{
	struct wire_server server = {0};
	static const char *const names[] = {"--listen", "--admin-listen"};

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct command *command = command_new();
		/* The admin port of the other: it is not shared between processes. */
		command_set(command, names[i], server.admin_addr);
		run_expect(command, NETWORK,
			   (const char *const[]){server.admin_addr, names[i], "ss -ltnp", NULL});
		free(command);
	}
	wire_server_stop(&server);
}

/* The first port that needs no capability: below it, this machine refuses who has none. */
static unsigned unprivileged_from(void)
{
	unsigned port = 0;
	FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");

	if (file != NULL && fscanf(file, "%u", &port) != 1)
		port = 0;
	if (file != NULL)
		fclose(file);
	return port;
}

Test(startup, privileged_port)
{
	static const char *const names[] = {"--listen", "--admin-listen"};

	if (unprivileged_from() < 2)
		cr_skip_test("this machine has no privileged ports");
	/* Not even root's: what is executed from here has no such capability. */
	if (prctl(PR_CAPBSET_DROP, CAP_NET_BIND_SERVICE) < 0)
		cr_assert_neq(geteuid(), 0, "PR_CAPBSET_DROP: %s", strerror(errno));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct command *command = command_new();
		command_set(command, names[i], "127.0.0.1:1");
		run_expect(command, NETWORK,
			   (const char *const[]){names[i], "127.0.0.1:1", "Permission denied",
						 "CAP_NET_BIND_SERVICE",
						 "AmbientCapabilities=", "setcap", NULL});
		free(command);
	}
}

Test(startup, address_of_no_interface)
{
	static const struct {
		const char *address, *says;
	} rows[] = {{"192.0.2.1:8443", "no interface of this machine has this address"},
		    {"no-such-host.invalid:8443", "a name that resolves to one"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct command *command = command_new();
		command_set(command, "--listen", rows[i].address);
		run_expect(
			command, NETWORK,
			(const char *const[]){"(--listen)", rows[i].address, rows[i].says, NULL});
		free(command);
	}
}

/* Two servers on one object port would share its clients by chance. */
Test(startup, object_port_in_use)
{
	struct wire_server server = {0};
	struct command *command = command_new();

	wire_server_start(&server);
	command_set(command, "--listen", server.addr);
	run_expect(command, NETWORK, (const char *const[]){server.addr, NULL});
	free(command);
	wire_server_stop(&server);
}

/* ":PORT" is every address of both families, as Go's is; IPv4 clients are logged as such. */
Test(startup, address_of_all)
{
	static const struct {
		const char *host, *remote;
	} rows[] = {{"127.0.0.1", "remote=127.0.0.1:"}, {"::1", "remote=[::1]:"}};
	struct wire_server server = {.option = {"--listen=:0"}};
	char line[WIRE_LINE_MAX], port[8];

	wire_server_start(&server);
	wire_log_line(&server, line, "listening on https://[::]:", NULL);
	cr_assert_eq(sscanf(strstr(line, "[::]:") + 5, "%7[0-9]", port), 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
		struct addrinfo *found = NULL;
		cr_assert_eq(getaddrinfo(rows[i].host, port, &hints, &found), 0);
		int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		cr_assert(connect(fd, found->ai_addr, found->ai_addrlen) == 0, "%s", rows[i].host);
		cr_assert_eq(write(fd, "no TLS\r\n\r\n", 10), 10);
		wire_log_has(&server, "msg=\"handshake failed\"", rows[i].remote);
		close(fd);
		freeaddrinfo(found);
	}
	wire_server_stop(&server);
}

Test(startup, address_given_twice)
{
	static const char *const names[] = {"--listen", "--admin-listen"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct command *command = command_new();
		command_set(command, "--listen", "127.0.0.1:18443");
		command_add(command, "%s=127.0.0.1:18443", names[i]);
		REFUSED(command, USAGE, "127.0.0.1:18443", "twice");
	}
}

Test(startup, address_of_nobody)
{
	struct command *command = command_new();

	command_set(command, "--listen", "192.0.2.1:8443");
	run_expect(command, NETWORK, (const char *const[]){"192.0.2.1:8443", NULL});
	free(command);
}

/* ---- Kernel TLS ----------------------------------------------------------------------------- */

/* Refused at once, by name, where the kernel has none; started where it has. */
Test(startup, kernel_path_needs_the_ulp)
{
	struct command *command = command_new();

	command_set(command, "--tls-path", "kernel");
	if (!command->env.has_ulp) {
		REFUSED(command, TLS, "TLS ULP");
		return;
	}
	free(command);
	struct wire_server server = {.tls_path = "kernel", .may_differ = true};
	wire_server_start(&server);
	wire_serves_others(&server);
	wire_log_has(&server, "msg=request ", " tx=kernel ", " rx=kernel ");
	wire_server_stop(&server);
}

/* Engines that only the kernel's record layer can have. */
Test(startup, engine_needs_the_kernel_path)
{
	static const char *const engines[] = {"sendfile", "splice"};

	for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
		struct command *command = command_new();
		command_set(command, "--tls-path", "user");
		command_set(command, "--send-engine", engines[i]);
		REFUSED(command, USAGE, "send-engine", "tls-path");
	}
}
