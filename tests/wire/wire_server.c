/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "wire/wire_jitter.h"

#define ARGV_MAX     40
#define ARG_MAX_     (PATH_MAX + 32)
#define START_TRIES  5
#define POLL_MS      5
#define NOBODY       65534
#define EXIT_NETWORK 6 /* cli.h: the port is taken, among others */

struct arguments {
	char *argv[ARGV_MAX];
	unsigned count;
};

static void argument_add(struct arguments *arguments, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void argument_add(struct arguments *arguments, const char *format, ...)
{
	va_list values;

	must(arguments->count < ARGV_MAX - 1);
	va_start(values, format);
	must(vasprintf(&arguments->argv[arguments->count], format, values) >= 0);
	va_end(values);
	arguments->argv[++arguments->count] = NULL;
}

static void arguments_free(struct arguments *arguments)
{
	for (unsigned i = 0; i < arguments->count; i++)
		free(arguments->argv[i]);
}

/* Does the test set this option itself? */
static bool is_overridden(const struct wire_server *server, const char *option)
{
	size_t name_len = strcspn(option, "=");

	for (unsigned i = 0; i < WIRE_OPTIONS_MAX && server->option[i] != NULL; i++)
		if (strncmp(server->option[i], option, name_len) == 0 &&
		    strcspn(server->option[i], "=") == name_len)
			return true;
	return false;
}

static void usual_add(struct arguments *arguments, const struct wire_server *server,
		      const char *name, const char *value)
{
	if (!is_overridden(server, name))
		argument_add(arguments, "%s=%s", name, value);
}

static void certificate_add(struct arguments *arguments, const struct wire_server *server,
			    const char *name, const char *file)
{
	if (!is_overridden(server, name))
		argument_add(arguments, "%s=%s/certs/%s", name, server->env.dir, file);
}

/* Rules by which every client may do everything. Returns the file, which lives as long as this
 * process. */
static const char *rules_write(const struct wire_server *server)
{
	static const char *const kinds[] = {"dns", "uri", "email", "cn"};
	static char path[PATH_MAX];

	must(snprintf(path, sizeof(path), "%s/rules.%d.yml", server->env.dir, (int)getpid()) <
	     PATH_MAX);
	FILE *out = fopen(path, "w");
	must(out != NULL);
	fputs("access:\n", out);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		fprintf(out,
			"  - identity: \"%s:**\"\n    allow: [read, list, write, delete]\n"
			"    on: [\"**\"]\n",
			kinds[i]);
	must(fclose(out) == 0);
	return path;
}

static void arguments_make(const struct wire_server *server, struct arguments *arguments)
{
	*arguments = (struct arguments){0};
	argument_add(arguments, "%s", server->env.program);
	argument_add(arguments, "serve");
	if (server->root != NULL)
		usual_add(arguments, server, "--root", server->root);
	else
		argument_add(arguments, "--root=%s/root", server->env.dir);
	usual_add(arguments, server, "--listen", server->addr);
	usual_add(arguments, server, "--admin-listen", server->admin_addr);
	if (!server->lists_certificates) {
		certificate_add(arguments, server, "--cert", "server.crt");
		certificate_add(arguments, server, "--key", "server.key");
	}
	if (!server->has_client_cas)
		certificate_add(arguments, server, "--client-ca", "ca.crt");
	if (server->wants_crl)
		certificate_add(arguments, server, "--crl", "ca.crl");
	if (server->writable) {
		argument_add(arguments, "--writable");
		argument_add(arguments, "--config=%s", rules_write(server));
	}
	usual_add(arguments, server, "--tls-path", server->tls_path);
	usual_add(arguments, server, "--send-engine", server->engine);
	usual_add(arguments, server, "--io-engine", server->env.io_engine);
	usual_add(arguments, server, "--workers", "2");
	usual_add(arguments, server, "--log.level", "debug");
	for (unsigned i = 0; i < WIRE_OPTIONS_MAX && server->option[i] != NULL; i++)
		argument_add(arguments, "%s", server->option[i]);
}

/* Two ports that are free now, of this process' own address. */
static void ports_choose(struct wire_server *server)
{
	struct sockaddr_in *addr[2] = {&server->sock_addr, &server->admin_sock_addr};
	char *text[2] = {server->addr, server->admin_addr};
	int fd[2];

	for (int i = 0; i < 2; i++) {
		socklen_t len = sizeof(*addr[i]);
		uint32_t host = (127u << 24) | ((uint32_t)getpid() & 0xffffff);
		*addr[i] =
			(struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		must(fd[i] >= 0);
		must(bind(fd[i], (struct sockaddr *)addr[i], len) == 0);
		must(getsockname(fd[i], (struct sockaddr *)addr[i], &len) == 0);
		char host_text[INET_ADDRSTRLEN];
		must(inet_ntop(AF_INET, &addr[i]->sin_addr, host_text, sizeof(host_text)) != NULL);
		snprintf(text[i], WIRE_ADDR_MAX, "%s:%u", host_text, ntohs(addr[i]->sin_port));
	}
	close(fd[0]);
	close(fd[1]);
}

/* A log that no other server of this run has. */
static int log_create(struct wire_server *server)
{
	for (unsigned number = 1; number < 1000; number++) {
		must(snprintf(server->log_path, sizeof(server->log_path), "%s/logs/%s.%s.%u.log",
			      server->env.dir, criterion_current_test->category,
			      criterion_current_test->name, number) < PATH_MAX);
		int fd = open(server->log_path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC,
			      0644);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

/* In the child. The program is opened first: nobody may lack the way to it. A script (SLUICE_BIN)
 * has to be opened again by its interpreter, so it is started by its name. */
static void execute(const struct wire_server *server, char *const argv[], pid_t parent)
{
	bool drops = server->unprivileged && geteuid() == 0;
	int program_fd = open(argv[0], O_RDONLY | O_CLOEXEC);

	if (drops && (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
		dprintf(STDERR_FILENO, "setuid: %s\n", strerror(errno));
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* after setuid, which clears it */
	if (getppid() != parent)
		_exit(127);
	signal(SIGPIPE, SIG_DFL);
	if (drops)
		fexecve(program_fd, argv, environ);
	execv(argv[0], argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void launch(struct wire_server *server)
{
	struct arguments arguments;
	pid_t parent = getpid();
	int file_fd = log_create(server), log_fd;

	cr_assert_geq(file_fd, 0, "%s: %s", server->log_path, strerror(errno));
	server->log = wire_log_new(server->log_kind, file_fd, &log_fd);
	arguments_make(server, &arguments);
	server->pid = fork();
	cr_assert_geq(server->pid, 0);
	if (server->pid == 0) {
		dup2(log_fd, STDERR_FILENO);
		dup2(log_fd, STDOUT_FILENO);
		execute(server, arguments.argv, parent);
	}
	close(log_fd);
	arguments_free(&arguments);
	if (server->env.jitter != 0)
		server->jitter = wire_jitter_begin(server->env.jitter, server->pid);
}

/* The server has left: the rest of what it said. */
static void log_finish(struct wire_server *server)
{
	wire_log_free(server->log);
	server->log = NULL;
}

/* 0: it answers; otherwise the exit code with which it has left. */
static int ready_wait(struct wire_server *server)
{
	uint64_t end_ms = wire_patience_end(&server->env);

	while (wire_admin_get(server, "/-/ready", NULL) != 200) {
		int status;
		if (waitpid(server->pid, &status, WNOHANG) == server->pid) {
			server->pid = 0;
			log_finish(server);
			return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status)
									     : 255;
		}
		cr_assert_lt(wire_now_ms(), end_ms, "the server is not ready in time");
		poll(NULL, 0, POLL_MS);
	}
	return 0;
}

int wire_limit_option(struct wire_server *server, const char *name, int ms, char option[64])
{
	if (server->env.dir[0] == '\0')
		wire_env_need(&server->env);
	int limit_ms = wire_limit_ms(&server->env, ms);
	snprintf(option, 64, "%s=%dms", name, limit_ms);
	return limit_ms;
}

void wire_server_start(struct wire_server *server)
{
	int exit_code = EXIT_NETWORK;

	if (server->env.dir[0] == '\0') /* wire_server_root has read it otherwise */
		wire_env_need(&server->env);
	signal(SIGPIPE, SIG_IGN);
	if (server->tls_path == NULL)
		server->tls_path = server->env.tls_path;
	if (server->engine == NULL)
		server->engine = server->env.engine;
	for (int i = 0; i < START_TRIES && exit_code == EXIT_NETWORK; i++) {
		ports_choose(server);
		launch(server);
		exit_code = ready_wait(server);
	}
	cr_assert_eq(exit_code, 0, "the server left at once with exit code %d", exit_code);
}

const char *wire_server_root(struct wire_server *server)
{
	char path[PATH_MAX + 8];

	wire_env_need(&server->env);
	must(snprintf(server->own_root, sizeof(server->own_root), "%s/root-%d-XXXXXX",
		      server->env.dir, getpid()) < PATH_MAX);
	cr_assert_not_null(mkdtemp(server->own_root), "%s: %s", server->own_root, strerror(errno));
	snprintf(path, sizeof(path), "%s/data", server->own_root);
	cr_assert_eq(mkdir(path, 0755), 0);
	chmod(server->own_root, 0755);
	server->root = server->own_root;
	return server->root;
}

void wire_server_terminate(struct wire_server *server)
{
	cr_assert(server->pid > 0 && kill(server->pid, SIGTERM) == 0, "the server is gone");
}

bool wire_server_is_running(const struct wire_server *server)
{
	siginfo_t info = {0};
	return waitid(P_PID, (id_t)server->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

void wire_server_steady(struct wire_server *server)
{
	wire_jitter_end(server->jitter, server->pid);
	server->jitter = 0;
}

void wire_server_pause(struct wire_server *server)
{
	siginfo_t info = {0};

	wire_server_steady(server);
	cr_assert(server->pid > 0 && kill(server->pid, SIGSTOP) == 0, "the server is gone");
	/* All of its threads have stopped when it is told. */
	cr_assert_eq(waitid(P_PID, (id_t)server->pid, &info, WSTOPPED | WEXITED | WNOWAIT), 0);
	cr_assert_eq(info.si_code, CLD_STOPPED, "the server has left");
}

void wire_server_resume(struct wire_server *server)
{
	cr_assert_eq(kill(server->pid, SIGCONT), 0);
	if (server->env.jitter != 0)
		server->jitter = wire_jitter_begin(server->env.jitter, server->pid);
}

int wire_server_wait(struct wire_server *server)
{
	uint64_t end_ms = wire_patience_end(&server->env);
	int status;

	while (waitpid(server->pid, &status, WNOHANG) == 0) {
		if (wire_now_ms() >= end_ms) {
			kill(server->pid, SIGKILL);
			waitpid(server->pid, &status, 0);
			break;
		}
		poll(NULL, 0, POLL_MS);
	}
	server->pid = 0;
	log_finish(server);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Each line of a request holds fields. One pass: the server may still be writing. */
static void lines_check(const struct wire_server *server, const char *fields)
{
	char line[WIRE_LINE_MAX];
	wire_log_sync(server->log);
	FILE *log = fopen(server->log_path, "re");

	must(log != NULL);
	while (fgets(line, sizeof(line), log) != NULL)
		cr_assert(strstr(line, " msg=request ") == NULL || strstr(line, fields) != NULL,
			  "a request without%s: %s", fields, line);
	fclose(log);
}

/* Every request of this run went the way that the run is about. */
static void data_path_check(struct wire_server *server)
{
	static const char *const paths[] = {"kernel", "user"};
	const char *wanted = server->env.is_kernel ? "kernel" : "user";
	char name[96], fields[64];

	if (strcmp(server->tls_path, server->env.tls_path) != 0)
		wanted = server->tls_path;
	for (int tx = 0; tx < 2; tx++) {
		for (int rx = 0; rx < 2; rx++) {
			snprintf(name, sizeof(name),
				 "sluice_tls_connections_total{tx=\"%s\",rx=\"%s\"}", paths[tx],
				 paths[rx]);
			if (strcmp(paths[tx], wanted) != 0 || strcmp(paths[rx], wanted) != 0)
				cr_assert_eq(wire_metric(server, name), 0, "%s, in a run for %s",
					     name, wanted);
		}
	}
	snprintf(fields, sizeof(fields), " tx=%s rx=%s ", wanted, wanted);
	lines_check(server, fields);
}

void wire_server_stop(struct wire_server *server)
{
	static const char *const bugs[] = {"must(", "Sanitizer", "runtime error:"};

	cr_assert(wire_server_is_running(server), "the server has left by itself");
	if (!server->may_differ)
		data_path_check(server);
	if (!server->may_lose_lines)
		cr_assert_eq(wire_metric(server, "sluice_log_lines_lost_total"), 0);
	wire_server_terminate(server);
	int exit_code = wire_server_wait(server);
	cr_assert_eq(exit_code, 0, "exit code %d after SIGTERM", exit_code);
	for (size_t i = 0; i < ARRAY_LEN(bugs); i++)
		cr_assert_eq(wire_log_count(server, bugs[i]), 0, "\"%s\" in the log", bugs[i]);
}
