/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <yaml.h>

#include "base/must.h"

#define ARGUMENTS_MAX 24

struct wire_program wire_bench_program;

/* Starts it. */
void wire_bench_begin(const struct wire_server *server, const struct wire_bench *run)
{
	const struct wire_env *env = &server->env;
	char text[8][PATH_MAX + 64];
	char *argv[ARGUMENTS_MAX] = {(char *)(uintptr_t)env->program, (char *)(uintptr_t) "bench"};
	unsigned count = 2;
	const char *cert = run->cert != NULL ? run->cert : "good";

	snprintf(text[0], sizeof(text[0]), "--target=%s/%s",
		 run->addr != NULL ? run->addr : server->addr, run->target);
	snprintf(text[1], sizeof(text[1]), "--cert=%s/certs/%s.crt", env->dir, cert);
	snprintf(text[2], sizeof(text[2]), "--key=%s/certs/%s.key", env->dir, cert);
	snprintf(text[3], sizeof(text[3]), "--ca=%s/certs/%s.crt", env->dir,
		 run->ca != NULL ? run->ca : "ca");
	snprintf(text[4], sizeof(text[4]), "--server-name=%s",
		 run->name != NULL ? run->name : "localhost");
	snprintf(text[5], sizeof(text[5]), "--tls-path=%s", env->tls_path);
	snprintf(text[6], sizeof(text[6]), "--timeout=%dms", wire_patience_ms(env));
	for (unsigned i = 0; i < 7; i++)
		argv[count++] = text[i];
	for (unsigned i = 0; i < ARRAY_LEN(run->option) && run->option[i] != NULL; i++)
		argv[count++] = (char *)(uintptr_t)run->option[i];
	must(count < ARGUMENTS_MAX);
	wire_program_begin(&wire_bench_program, argv);
}

void wire_bench_run(const struct wire_server *server, const struct wire_bench *run)
{
	wire_bench_begin(server, run);
	wire_program_end(&server->env, &wire_bench_program);
}

void wire_bench_exits(int code)
{
	cr_assert_eq(wire_bench_program.exit_code, code, "exit code %d\n%s%s",
		     wire_bench_program.exit_code, wire_bench_program.out, wire_bench_program.err);
	if (code == 0)
		cr_assert_str_empty(wire_bench_program.err,
				    "no live line where there is no terminal");
}

/* The number behind "name": in the report, from the place of within on. */
double wire_bench_number(const char *within, const char *name)
{
	char quoted[64];
	const char *at = strstr(wire_bench_program.out, within);

	snprintf(quoted, sizeof(quoted), "\"%s\":", name);
	at = at != NULL ? strstr(at, quoted) : NULL;
	cr_assert_not_null(at, "no %s in %s", name, wire_bench_program.out);
	return strtod(at + strlen(quoted), NULL);
}

/* JSON is YAML: libyaml finds a comma or bracket that is wrong. */
void wire_bench_json(void)
{
	yaml_parser_t parser;
	yaml_document_t document;

	must(yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (const unsigned char *)wire_bench_program.out,
				     strlen(wire_bench_program.out));
	cr_assert(yaml_parser_load(&parser, &document), "%s: %s", parser.problem,
		  wire_bench_program.out);
	cr_assert_eq(yaml_document_get_root_node(&document)->type, YAML_MAPPING_NODE);
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	cr_assert_eq(strchr(wire_bench_program.out, '\n'),
		     wire_bench_program.out + strlen(wire_bench_program.out) - 1);
}

/* Every connection went the way that this run of the tests is about. */
void wire_bench_path(const struct wire_server *server)
{
	double connections = wire_bench_number("\"tls\":", "connections");

	if (!server->env.is_kernel)
		return;
	cr_assert_float_eq(wire_bench_number("\"tls\":", "rx_kernel"), connections, 0);
	cr_assert_float_eq(wire_bench_number("\"tls\":", "tx_kernel"), connections, 0);
}

pid_t wire_bench_beside(void (*what)(const struct wire_server *, const char *),
			const struct wire_server *server, const char *argument)
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		what(server, argument);
		_exit(0);
	}
	return pid;
}

void wire_bench_beside_end(pid_t pid)
{
	kill(pid, SIGKILL);
	must(waitpid(pid, NULL, 0) == pid);
}

int wire_bench_listen(char addr[64])
{
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 &&
	     listen(fd, 8) == 0 && getsockname(fd, (struct sockaddr *)&name, &len) == 0);
	snprintf(addr, 64, "127.0.0.1:%d", ntohs(name.sin_port));
	return fd;
}
