/* SPDX-License-Identifier: Apache-2.0 */
/* The table of subcommands. */
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "cli/cli.h"
#include "config/config.h"

static const struct {
	const char *name;
	int (*run)(int argc, char *const argv[]);
	const char *help;
} commands[] = {
	{"serve", cli_serve, "serve the files of a folder over mutual TLS"},
	{"probe", cli_probe, "tell what this machine's kernel TLS and io_uring can do"},
};

static void print_usage(FILE *out)
{
	fprintf(out, "Usage: sluice COMMAND [options]\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\n`sluice COMMAND --help` tells more; `sluice --version` the version.\n");
}

int main(int argc, char *argv[])
{
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_usage(stdout);
		return EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("sluice %s\n", SLUICE_VERSION);
		return EXIT_OK;
	}
	if (strcmp(argv[1], "--man-options") == 0) { /* for the build of the manual page */
		config_print_man(stdout);
		return EXIT_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "sluice: unknown command %s; known are", argv[1]);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(stderr, "%s %s", i > 0 ? "," : "", commands[i].name);
	fprintf(stderr, "\n");
	return EXIT_USAGE;
}
