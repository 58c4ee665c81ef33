/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real `sluice serve` process, its log and its metrics.
 *
 *	struct wire_server server = {.option = {"--idle-timeout=1s"}};
 *	wire_server_start(&server);
 *	...
 *	wire_server_stop(&server);
 *
 * The process ends with the test, however the test ends. Every test program has a loopback address
 * of its own, so two that run at the same time never meet on a port.
 */
#ifndef SLUICE_TESTS_WIRE_SERVER_H
#define SLUICE_TESTS_WIRE_SERVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/wire_env.h"
#include "wire/wire_log.h"

#define WIRE_OPTIONS_MAX 12
#define WIRE_ADDR_MAX    32

struct wire_server {
	/* Set by the test before the start. */
	const char *option[WIRE_OPTIONS_MAX]; /* beside the usual ones, which they override */
	const char *root;                     /* NULL: the shared one */
	bool wants_crl;                       /* --crl */
	bool lists_certificates;              /* of its own, in its file: no --cert and --key */
	bool has_client_cas; /* the test's configuration names the CAs of clients */
	bool writable;       /* --writable, and every client may do everything */
	bool unprivileged;   /* as nobody, when the tests run as root */
	bool may_differ;     /* do not check the data path at the end */
	bool may_lose_lines; /* of the log */
	enum wire_log_kind log_kind;
	const char *tls_path; /* NULL: as the run wants it */
	const char *engine;

	/* Set by the start. */
	struct wire_env env;
	pid_t pid;
	pid_t jitter;             /* wire_jitter.h; 0: none */
	char addr[WIRE_ADDR_MAX]; /* "127.1.2.3:4567" of the object port */
	char admin_addr[WIRE_ADDR_MAX];
	struct sockaddr_in sock_addr;
	struct sockaddr_in admin_sock_addr;
	char log_path[PATH_MAX];
	struct wire_log *log;    /* NULL: the server writes the file itself */
	char own_root[PATH_MAX]; /* wire_server_root */
};

/*
 * Before the start: makes "NAME=MSms", an option with a time limit that the test will wait for,
 * long enough for this machine as it is now. Returns the milliseconds.
 */
int wire_limit_option(struct wire_server *server, const char *name, int ms, char option[64]);
/* Starts it and waits until /-/ready answers 200; fails or skips the test otherwise. */
void wire_server_start(struct wire_server *server);
/* A store of the test's own, empty but for the bucket "data"; before the start. */
const char *wire_server_root(struct wire_server *server);

/*
 * Checks the data path of every request in the log and of all connections in the metrics, sends
 * SIGTERM, waits, and checks that it leaves with 0 and without a word of a bug.
 */
void wire_server_stop(struct wire_server *server);
/* SIGTERM alone; and the wait for the exit code alone (-1: a signal ended it, SIGKILL of ours
 * included, when patience is at its end). */
void wire_server_terminate(struct wire_server *server);
int wire_server_wait(struct wire_server *server);
/* Ends the jitter of a run with --jitter: for a test that stops the server itself. */
void wire_server_steady(struct wire_server *server);
/* Stops all threads of the server; what is sent to it waits in the kernel. And lets them run again.
 */
void wire_server_pause(struct wire_server *server);
void wire_server_resume(struct wire_server *server);
bool wire_server_is_running(const struct wire_server *server);

/* ---- Metrics -------------------------------------------------------------------------------- */

/* The sample's value now; name with its labels as they are printed. Fails when it is not there. */
uint64_t wire_metric(struct wire_server *server, const char *name);
/* Waits until the sample is at least value. */
void wire_metric_reaches(struct wire_server *server, const char *name, uint64_t value);
/* The same, and asserts that it is no more: for what is counted after the client has its answer. */
void wire_metric_is(struct wire_server *server, const char *name, uint64_t value);
/* Waits until the sample, a gauge, is at most value. */
void wire_metric_falls(struct wire_server *server, const char *name, uint64_t value);
void wire_closed(struct wire_server *server, const char *reason, uint64_t count);
void wire_handshake_failed(struct wire_server *server, const char *reason, uint64_t count);

/* ---- Log ------------------------------------------------------------------------------------ */

/* Waits for a line that holds all of the words (up to NULL); it is copied to line. */
#define WIRE_LINE_MAX 8192
void wire_log_line(struct wire_server *server, char line[WIRE_LINE_MAX], ...)
	__attribute__((sentinel));
/* The same without keeping it. */
#define wire_log_has(server, ...)                                                                  \
	do {                                                                                       \
		char wire_line[WIRE_LINE_MAX];                                                     \
		wire_log_line(server, wire_line, __VA_ARGS__, NULL);                               \
	} while (0)
/* Lines that hold the word: now (lines of what the client knows to be done may be still to come);
 * and, waited for, exactly so many. */
unsigned wire_log_count(const struct wire_server *server, const char *word);
void wire_log_counts(const struct wire_server *server, const char *word, unsigned count);

/* ---- The admin port ------------------------------------------------------------------------- */

#define WIRE_ADMIN_MAX (512 * 1024)
/* Sends text to the admin port and reads to its end of file. Returns the HTTP status, 0: it closed
 * without an answer, -1: no connection. out holds everything, ends in NUL; may be NULL. */
int wire_admin(const struct wire_server *server, const char *text, char *out);
int wire_admin_get(const struct wire_server *server, const char *path, char *out);
/* The same for /-/ready, again while it says that the root did not answer in time (ROOT_ANSWER_MS):
 * on a busy machine it is asked by a thread that got no processor. */
int wire_ready(const struct wire_server *server, char *out);

/* ---- Other programs ------------------------------------------------------------------------- */

struct wire_program {
	int exit_code; /* -1: a signal ended it, or we, out of patience */
	char out[16384];
	char err[16384];
	/* While it runs. */
	pid_t pid;
	int out_fd, err_fd; /* -1: ended */
};
/* Runs argv[0] to its end, both outputs caught. */
void wire_program_run(const struct wire_env *env, char *const argv[], struct wire_program *program);

/* The same in steps: starts it; waits until it says the word on stderr; waits for its end. */
void wire_program_begin(struct wire_program *program, char *const argv[]);
void wire_program_says(const struct wire_env *env, struct wire_program *program, const char *word);
void wire_program_end(const struct wire_env *env, struct wire_program *program);

#endif
