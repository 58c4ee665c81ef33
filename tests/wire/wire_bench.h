/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of sluice bench, and what they report. */
#ifndef SLUICE_TESTS_WIRE_BENCH_H
#define SLUICE_TESTS_WIRE_BENCH_H

#include "wire/wire.h"

/* What a run is about, where it is not the usual. */
struct wire_bench {
	const char *target; /* behind the address and a slash */
	const char *addr;   /* NULL: the server's */
	const char *cert;   /* NULL: good */
	const char *ca;     /* NULL: ca */
	const char *name;   /* NULL: localhost */
	const char *option[10];
};

/* The one that runs, or has run last. */
extern struct wire_program wire_bench_program;

/* Starts it. */
void wire_bench_begin(const struct wire_server *server, const struct wire_bench *run);
/* To its end. */
void wire_bench_run(const struct wire_server *server, const struct wire_bench *run);
void wire_bench_exits(int code);
/* The number behind "name": in the report, from the place of within on. */
double wire_bench_number(const char *within, const char *name);
/* The report is JSON, one line. */
void wire_bench_json(void);
/* Every connection went the way that this run of the tests is about. */
void wire_bench_path(const struct wire_server *server);

/* A process that does something beside the run, and ends with the test. */
pid_t wire_bench_beside(void (*what)(const struct wire_server *, const char *),
			const struct wire_server *server, const char *argument);
/* Ends it before. */
void wire_bench_beside_end(pid_t pid);
/* Listens on the loopback for what bench is to meet; addr: of it. Returns the socket. */
int wire_bench_listen(char addr[64]);

#endif
