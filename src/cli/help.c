/* SPDX-License-Identifier: Apache-2.0 */
/* sluice help, sluice version */
#include <string.h>

#include "base/build_version.h"
#include "cli/cli.h"

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int refuse_argument(const char *name, const char *argument)
{
	fprintf(stderr, "sluice %s: unexpected argument %.100s; see sluice %s --help\n", name,
		argument, name);
	return EXIT_USAGE;
}

static void print_own_help(const char *name)
{
	const struct command *command = command_find(name);

	printf("Usage: sluice %s%s%s\n\n%s", command->name, command->synopsis[0] != '\0' ? " " : "",
	       command->synopsis, command->description);
	fputc('\n', stdout);
	exit_codes_print_help(stdout, name);
}

int cli_help(int argc, char *const argv[])
{
	char help[] = "--help";

	if (argc < 2) {
		commands_print_help(stdout);
		return EXIT_OK;
	}
	if (argc > 2)
		return refuse_argument("help", argv[2]);
	if (is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
		print_own_help("help");
		return EXIT_OK;
	}
	const struct command *command = command_find(argv[1]);
	if (command == NULL)
		return command_refuse(argv[1]);
	char *const of_command[] = {argv[1], help, NULL};
	return command->run(2, of_command);
}

int cli_version(int argc, char *const argv[])
{
	if (argc == 2 && is_help(argv[1])) {
		print_own_help("version");
		return EXIT_OK;
	}
	if (argc > 1)
		return refuse_argument("version", argv[1]);
	printf("sluice %s\n", build_version());
	return EXIT_OK;
}
