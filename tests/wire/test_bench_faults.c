/* SPDX-License-Identifier: Apache-2.0 */
/* sluice bench and what is wrong with servers, links and rights. */
#include "wire/wire_bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/must.h"
#include "wire/wire_put.h"

TestSuite(bench_faults, .timeout = WIRE_TIMEOUT);

/* ---- What is wrong is found ------------------------------------------------------------------ */

static void damage(const struct wire_server *server, const char *path)
{
	int fd = open(path, O_WRONLY);

	(void)server;
	for (char byte = 'a'; fd >= 0; byte++) {
		if (pwrite(fd, &byte, 1, 40000) != 1)
			break;
		usleep(20000);
	}
}

WIRE_TEST(bench_faults, verify_finds_a_byte_that_changes)
{
	static const char *const mixes[] = {"--mix=whole", "--mix=range:16KiB", "--mix=thanos"};
	struct wire_server server = {0};
	char path[PATH_MAX + 32], duration[64];
	static char bytes[65536];

	wire_limit_option(&server, "--duration", 2000, duration);
	snprintf(path, sizeof(path), "%s/data/object", wire_server_root(&server));
	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	must(fd >= 0 && write(fd, bytes, sizeof(bytes)) == sizeof(bytes) && close(fd) == 0);
	wire_server_start(&server);
	pid_t pid = wire_bench_beside(damage, &server, path);
	for (size_t i = 0; i < ARRAY_LEN(mixes); i++) {
		wire_bench_run(&server,
			       &(struct wire_bench){.target = "data",
						    .option = {mixes[i], duration, "--warmup=0",
							       "--verify", "--json"}});
		wire_bench_exits(7);
		cr_assert_gt(wire_bench_number("errors", "integrity"), 0, "%s", mixes[i]);
		cr_assert_not_null(strstr(wire_bench_program.err,
					  "/data/object: bytes are not what they were"),
				   "%s", wire_bench_program.err);
	}
	wire_bench_beside_end(pid);
	wire_server_stop(&server);
}

static const struct {
	struct wire_bench run;
	int code;
	const char *says;
} failures[] = {
	{{.target = "absent"}, 3, "answers 404"},
	{{.target = "data/no-such-prefix"}, 3, "answers 404"},
	{{.target = "data/size-1", .ca = "other-ca"}, 5, "not issued by a CA of --ca"},
	{{.target = "data/size-1", .name = "elsewhere.test"}, 5, "not for this name"},
	{{.target = "data/size-1", .cert = "wrong-ca"}, 5, "alert"},
	{{.target = "data/size-1", .cert = "revoked", .option = {"--mix=put:1"}}, 5, "alert"},
	{{.target = "data/size-1", .cert = "server"}, 5, "not for a client"},
	{{.target = "data/size-1", .cert = "absent"}, 5, "cannot read the client certificate"},
	{{.target = "data/size-1", .addr = "127.0.0.1:1"}, 6, "refused"},
	{{.target = "data/size-1", .addr = "no-such-host.invalid:1"}, 6, "no-such-host"},
	{{.target = "data/size-1", .option = {"--mix=halves"}}, 2, "use whole, range:SIZE"},
	{{.target = ""}, 2, "use HOST:PORT/bucket"},
	{{.target = "data", .option = {"--connection=1"}}, 2, "did you mean --connections"},
};

/* The other port of the same server. */
WIRE_TEST(bench_faults, a_port_that_speaks_plain_http)
{
	struct wire_server server = {.may_differ = true};

	wire_server_start(&server);
	wire_bench_run(&server, &(struct wire_bench){.target = "data", .addr = server.admin_addr});
	wire_bench_exits(5);
	cr_assert_not_null(
		strstr(wire_bench_program.err, "speaks plain HTTP on this port, not TLS"), "%s",
		wire_bench_program.err);
	wire_server_stop(&server);
}

/* Accepts and closes, until the test ends. */
static pid_t closer_start(char addr[64])
{
	int listen_fd = wire_bench_listen(addr);
	pid_t pid = fork();
	must(pid >= 0);
	if (pid > 0) {
		close(listen_fd);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		close(accept(listen_fd, NULL, NULL));
}

/* A write to a connection that is gone is a failure like others, and no signal that ends us. */
WIRE_TEST(bench_faults, a_server_that_closes_at_once)
{
	struct wire_server server = {0};
	char addr[64];

	wire_env_read(&server.env);
	pid_t pid = closer_start(addr);
	for (int i = 0; i < 10; i++) {
		wire_bench_run(&server,
			       &(struct wire_bench){.target = "data/size-1",
						    .addr = addr,
						    .option = {"--mix=handshake", "--requests=5"}});
		cr_assert(wire_bench_program.exit_code == 5 || wire_bench_program.exit_code == 6,
			  "exit code %d: %s", wire_bench_program.exit_code, wire_bench_program.err);
	}
	wire_bench_beside_end(pid);
}

WIRE_TEST(bench_faults, exit_codes)
{
	struct wire_server server = {.wants_crl = true, .may_differ = true};

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		wire_bench_run(&server, &failures[i].run);
		wire_bench_exits(failures[i].code);
		cr_assert_not_null(strstr(wire_bench_program.err, failures[i].says), "%zu: %s", i,
				   wire_bench_program.err);
		cr_assert_str_empty(wire_bench_program.out);
	}
	wire_server_stop(&server);
}

WIRE_TEST(bench_faults, denied_in_whole_and_in_part)
{
	struct wire_server server = {0};
	char file[PATH_MAX], option[PATH_MAX + 16];

	wire_env_read(&server.env);
	snprintf(file, sizeof(file), "%s/bench-rules.%d.yml", server.env.dir, (int)getpid());
	snprintf(option, sizeof(option), "--config=%s", file);
	FILE *out = fopen(file, "w");
	must(out != NULL &&
	     fputs("access:\n"
		   "  - identity: \"dns:good.clients.test\"\n"
		   "    allow: [read, list]\n"
		   "    on: [\"data\", \"data/size-163*\", \"data/size-16384\"]\n"
		   "  - identity: \"dns:good.clients.test\"\n"
		   "    allow: [list]\n"
		   "    on: [\"data/**\"]\n",
		   out) >= 0 &&
	     fclose(out) == 0);
	server.option[0] = option;
	wire_server_start(&server);

	/* size-16000 may be listed and not read. */
	wire_bench_run(&server,
		       &(struct wire_bench){.target = "data/size-16",
					    .option = {"--requests=40", "--warmup=0", "--json"}});
	wire_bench_exits(8);
	cr_assert_float_eq(wire_bench_number("requests", "failed"), 10, 0);
	cr_assert_float_eq(wire_bench_number("requests", "succeeded"), 30, 0);
	cr_assert_float_eq(wire_bench_number("statuses", "403"), 10, 0);
	cr_assert_float_eq(wire_bench_number("errors", "status"), 10, 0);

	wire_bench_run(&server, &(struct wire_bench){.target = "data/size-100"});
	wire_bench_exits(4);
	wire_bench_run(&server, &(struct wire_bench){.target = "data", .cert = "uri"});
	wire_bench_exits(4);
	wire_bench_run(&server,
		       &(struct wire_bench){.target = "data", .option = {"--mix=put:10MiB"}});
	wire_bench_exits(4);
	wire_server_stop(&server);
}

/* ---- Another server -------------------------------------------------------------------------- */

static const char nginx_conf[] =
	"daemon off; master_process off; pid %1$s/pid; error_log %1$s/log;\n"
	"events { worker_connections 64; }\n"
	"http { access_log off; keepalive_requests 7;\n"
	" client_body_temp_path %1$s/a; proxy_temp_path %1$s/b; fastcgi_temp_path %1$s/c;\n"
	" uwsgi_temp_path %1$s/d; scgi_temp_path %1$s/e;\n"
	" server { listen %2$s ssl; root %3$s/root; ssl_protocols TLSv1.3;\n"
	"  ssl_certificate %3$s/certs/server.crt; ssl_certificate_key %3$s/certs/server.key;\n"
	"  ssl_client_certificate %3$s/certs/ca.crt; ssl_verify_client on; } }\n";

static void nginx(const struct wire_server *server, const char *conf)
{
	(void)server;
	execlp("nginx", "nginx", "-c", conf, NULL);
	execl("/usr/sbin/nginx", "nginx", "-c", conf, NULL);
}

/* nginx sends session tickets behind the handshake, lists nothing, and ends connections. The
 * address is that of a server of ours that has been stopped. */
WIRE_TEST(bench_nginx, tickets)
{
	struct wire_server server = {0};
	char dir[PATH_MAX], conf[PATH_MAX + 16], log[PATH_MAX + 16];
	const struct wire_bench load = {.target = "data/size-1048577",
					.option = {"--mix=range:16KiB", "--requests=100",
						   "--warmup=0", "--verify", "--connections=2",
						   "--json"}};

	if (access("/usr/sbin/nginx", X_OK) != 0)
		cr_skip_test("nginx is missing (Debian: nginx-light)");
	wire_server_start(&server);
	wire_server_stop(&server);
	snprintf(dir, sizeof(dir), "%s/nginx.%d", server.env.dir, (int)getpid());
	must(mkdir(dir, 0755) == 0);
	snprintf(conf, sizeof(conf), "%s/conf", dir);
	snprintf(log, sizeof(log), "%s/log", dir);
	FILE *out = fopen(conf, "w");
	must(out != NULL);
	fprintf(out, nginx_conf, dir, server.addr, server.env.dir); /* NOLINT */
	must(fclose(out) == 0);
	pid_t pid = wire_bench_beside(nginx, &server, conf);
	/* Until it listens. */
	uint64_t end_ms = wire_patience_end(&server.env);
	for (wire_bench_run(&server, &load); wire_bench_program.exit_code == 6;
	     wire_bench_run(&server, &load)) {
		cr_assert_lt(wire_now_ms(), end_ms, "nginx does not listen");
		usleep(50000);
	}
	wire_bench_beside_end(pid);
	wire_bench_exits(0);
	wire_bench_path(&server);
	cr_assert_float_eq(wire_bench_number("requests", "succeeded"), 100, 0);
	cr_assert_gt(wire_bench_number("\"tls\":", "connections"), 10);
}
