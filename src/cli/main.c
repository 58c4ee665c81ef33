/* SPDX-License-Identifier: Apache-2.0 */
/* The first word of the command line. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "config/options.h"

static int refuse_command(const char *name)
{
	unsigned best = text_near(name) + 1;
	const char *nearest = NULL;

	fprintf(stderr, "sluice: unknown command %.40s", name);
	for (size_t i = 0; i < commands_count; i++) {
		unsigned distance = text_distance(name, commands[i].name, best);
		if (distance < best) {
			best = distance;
			nearest = commands[i].name;
		}
	}
	if (nearest != NULL)
		fprintf(stderr, "; did you mean %s?", nearest);
	fputs(" (known:", stderr);
	for (size_t i = 0; i < commands_count; i++)
		fprintf(stderr, "%s %s", i > 0 ? "," : "", commands[i].name);
	fputs(")\n", stderr);
	return EXIT_USAGE;
}

static int run(int argc, char *const argv[])
{
	if (argc < 2) {
		commands_print_help(stderr);
		return EXIT_USAGE;
	}
	const char *word = argv[1];
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		commands_print_help(stdout);
		return EXIT_OK;
	}
	if (strcmp(word, "--version") == 0) {
		printf("sluice %s\n", SLUICE_VERSION);
		return EXIT_OK;
	}
	if (strcmp(word, "--man") == 0) { /* for the build, which makes files of the pages */
		const struct command *page = argc > 2 ? command_find(argv[2]) : NULL;
		if (argc > 2 && page == NULL)
			return refuse_command(argv[2]);
		command_print_man(stdout, page);
		return EXIT_OK;
	}
	const struct command *command = command_find(word);
	return command != NULL ? command->run(argc - 1, argv + 1) : refuse_command(word);
}

int main(int argc, char *argv[])
{
	int code = run(argc, argv);

	/* A full disk behind a redirection is an error, not an empty file. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("sluice: standard output");
		return code == EXIT_OK ? EXIT_ERROR : code;
	}
	return code;
}
