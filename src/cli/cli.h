/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands; one file each. argv[0] is the subcommand's name. */
#ifndef SLUICE_CLI_CLI_H
#define SLUICE_CLI_CLI_H

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

int cli_serve(int argc, char *const argv[]);
int cli_probe(int argc, char *const argv[]);

#endif
