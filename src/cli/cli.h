/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands; one file each. argv[0] is the subcommand's name. */
#ifndef SLUICE_CLI_CLI_H
#define SLUICE_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "client/session.h"
#include "server/server.h"

/* Exit codes of every subcommand but probe (enum probe_verdict). What they mean to each command is
 * in exit_codes.c alone. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_ERROR = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_DENIED = 4,
	EXIT_TLS = 5,
	EXIT_NETWORK = 6,
	EXIT_INTEGRITY = 7,
	EXIT_PARTIAL = 8,
	EXIT_DRAIN_DEADLINE = 9
};

/* command NULL: what the codes mean whatever the command, for sluice itself. */
void exit_codes_print_help(FILE *out, const char *command);
/* The section EXIT STATUS of a manual page. */
void exit_codes_print_man(FILE *out, const char *command);
/* Does the table have the code for this command? */
bool exit_code_is_listed(const char *command, int code);

/* What the outcome of a server, or of a client, is to the shell. */
enum exit_code exit_code_of_server(enum server_outcome outcome);
enum exit_code exit_code_of_client(enum client_outcome outcome);

int cli_serve(int argc, char *const argv[]);
int cli_check(int argc, char *const argv[]);
int cli_probe(int argc, char *const argv[]);
int cli_bench(int argc, char *const argv[]);
int cli_scrub(int argc, char *const argv[]);
int cli_help(int argc, char *const argv[]);
int cli_version(int argc, char *const argv[]);
/* The section OPTIONS of their manual pages. */
void cli_bench_print_man(FILE *out);
void cli_probe_print_man(FILE *out);
void cli_scrub_print_man(FILE *out);

/* One row makes the dispatch, the line of `sluice --help`, and the manual page. */
struct command {
	const char *name;
	int (*run)(int argc, char *const argv[]);
	const char *summary;          /* no capital, no full stop */
	const char *synopsis;         /* what follows the name */
	const char *description;      /* paragraphs, each of one line */
	void (*print_man)(FILE *out); /* the sections between DESCRIPTION and EXIT STATUS; NULL */
};

extern const struct command commands[];
extern const size_t commands_count;

/* NULL: there is none. */
const struct command *command_find(const char *name);
/* Says on stderr that there is no such command, and which are near or known. EXIT_USAGE. */
int command_refuse(const char *name);
void commands_print_help(FILE *out);
/* "Usage: sluice NAME SYNOPSIS" is the caller's: the paragraphs behind it, of the lines of a
 * terminal. */
void command_print_description(FILE *out, const char *name);
/* The manual page of a command in roff; NULL: of sluice itself. */
void command_print_man(FILE *out, const struct command *command);

#endif
