/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands; one file each. argv[0] is the subcommand's name. */
#ifndef SLUICE_CLI_CLI_H
#define SLUICE_CLI_CLI_H

#include <stddef.h>
#include <stdio.h>

/* Exit codes of every subcommand but probe (0 kernel TLS usable, 1 with warnings, 2 not usable). */
enum exit_code {
	EXIT_OK = 0,
	EXIT_ERROR = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_DENIED = 4,
	EXIT_TLS = 5,
	EXIT_NETWORK = 6,
	EXIT_INTEGRITY = 7,
	EXIT_PARTIAL = 8
};

#include "server/server.h"
/* Of serve and check. */
int cli_exit_code_of(enum server_outcome outcome);

int cli_serve(int argc, char *const argv[]);
int cli_check(int argc, char *const argv[]);
int cli_probe(int argc, char *const argv[]);
int cli_bench(int argc, char *const argv[]);
/* The sections OPTIONS and EXIT STATUS of its manual page. */
void cli_bench_print_man(FILE *out);

/* One row makes the dispatch, the line of `sluice --help`, and the manual page. */
struct command {
	const char *name;
	int (*run)(int argc, char *const argv[]);
	const char *summary;          /* no capital, no full stop */
	const char *synopsis;         /* behind the name */
	const char *description;      /* paragraphs, each of one line */
	void (*print_man)(FILE *out); /* the sections behind DESCRIPTION */
};

extern const struct command commands[];
extern const size_t commands_count;

/* NULL: there is none. */
const struct command *command_find(const char *name);
void commands_print_help(FILE *out);
/* The manual page of a command in roff; NULL: of sluice itself. */
void command_print_man(FILE *out, const struct command *command);

#endif
