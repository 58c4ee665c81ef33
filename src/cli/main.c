/* SPDX-License-Identifier: Apache-2.0 */
/* The first word of the command line. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* Options in the place of a command. */
static const char *const synonyms[][2] = {
	{"--help", "help"}, {"-h", "help"}, {"--version", "version"}};

static int print_man(int argc, char *const argv[])
{
	const struct command *page = argc > 2 ? command_find(argv[2]) : NULL;

	if (argc > 2 && page == NULL)
		return command_refuse(argv[2]);
	command_print_man(stdout, page);
	return EXIT_OK;
}

static int run(int argc, char *const argv[])
{
	if (argc < 2) {
		commands_print_help(stderr);
		return EXIT_USAGE;
	}
	const char *word = argv[1];
	if (strcmp(word, "--man") == 0) /* for the build, which makes files of the pages */
		return print_man(argc, argv);
	for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++)
		if (strcmp(word, synonyms[i][0]) == 0)
			word = synonyms[i][1];
	const struct command *command = command_find(word);
	return command != NULL ? command->run(argc - 1, argv + 1) : command_refuse(word);
}

int main(int argc, char *argv[])
{
	int code = run(argc, argv);

	/* With its output redirected to a full disk, a command has not succeeded. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("sluice: standard output");
		return code == EXIT_OK ? EXIT_ERROR : code;
	}
	return code;
}
