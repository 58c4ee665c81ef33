/* SPDX-License-Identifier: Apache-2.0 */
/* The first word of the command line: what goes to which output, and the exit code. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

#include "base/build_version.h"

TestSuite(cli, .timeout = WIRE_TIMEOUT);

static struct wire_program program;

/* argv[1] and [2]; NULL: there is none. */
static void run(const char *first, const char *second, int exit_code)
{
	struct wire_env env;
	char *argv[4] = {NULL};

	wire_env_read(&env);
	argv[0] = env.program;
	argv[1] = (char *)(uintptr_t)first;
	argv[2] = (char *)(uintptr_t)second;
	wire_program_run(&env, argv, &program);
	cr_assert_eq(program.exit_code, exit_code, "%s %s: %d, not %d", first, second,
		     program.exit_code, exit_code);
}

Test(cli, version)
{
	static const char *const words[] = {"--version", "version"};
	char expected[128];

	snprintf(expected, sizeof(expected), "sluice %s\n", build_version());
	for (int i = 0; i < 2; i++) {
		run(words[i], NULL, 0);
		cr_assert_str_eq(program.out, expected);
		cr_assert_str_empty(program.err);
	}
	run("version", "--verbose", 2);
	cr_assert_not_null(strstr(program.err, "unexpected argument --verbose"));
}

Test(cli, help)
{
	static const char *const words[] = {"--help", "-h", "help"};

	for (int i = 0; i < 3; i++) {
		run(words[i], NULL, 0);
		cr_assert_not_null(strstr(program.out, "\n  serve "));
		cr_assert_not_null(strstr(program.out, "\n  probe "));
		cr_assert_str_empty(program.err);
	}
	run("serve", "--help", 0);
	cr_assert_not_null(strstr(program.out, "\n  --tls-path=auto|kernel|user\n"));
	cr_assert_str_empty(program.err);
	run("probe", "--help", 0);
	cr_assert_not_null(strstr(program.out, "--json"));
}

/* `sluice help COMMAND` is `sluice COMMAND --help`, for every command that --help lists. */
Test(cli, help_of_each_command)
{
	static const char *const commands[] = {"serve", "check", "probe",  "bench",
					       "scrub", "help",  "version"};
	static struct wire_program wanted;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		run(commands[i], "--help", 0);
		wanted = program;
		cr_assert_not_null(strstr(wanted.out, "Usage: sluice "), "%s", wanted.out);
		cr_assert_not_null(strstr(wanted.out, "\nExit codes:\n  0     "), "%s", wanted.out);
		run("help", commands[i], 0);
		cr_assert_str_eq(program.out, wanted.out, "%s", commands[i]);
		cr_assert_str_empty(program.err);
	}
	run("help", "srve", 2);
	cr_assert_not_null(strstr(program.err, "unknown command srve; did you mean serve?"), "%s",
			   program.err);
}

/* Usage goes to stderr when it was not asked for. */
Test(cli, nothing)
{
	run(NULL, NULL, 2);
	cr_assert_str_empty(program.out);
	cr_assert_not_null(strstr(program.err, "Usage: sluice "));
}

Test(cli, unknown_command)
{
	run("srve", NULL, 2);
	cr_assert_str_empty(program.out);
	cr_assert_str_eq(program.err, "sluice: unknown command srve; did you mean serve? (known: "
				      "serve, check, probe, bench, scrub, help, version)\n");
	run("hlep", NULL, 2);
	cr_assert_not_null(strstr(program.err, "did you mean help?"), "%s", program.err);
	run("verson", NULL, 2);
	cr_assert_not_null(strstr(program.err, "did you mean version?"), "%s", program.err);
	run("--serve", NULL, 2);
	run("", NULL, 2);
	run("teleport", "--help", 2);
	cr_assert_null(strstr(program.err, "did you mean"), "%s", program.err);
	run("probe", "--no-such", 2);
	cr_assert_not_null(strstr(program.err, "--no-such"));
}

/* All that is missing in one line, not one after the other. */
Test(cli, missing_options)
{
	run("bench", NULL, 2);
	cr_assert_str_eq(
		program.err,
		"sluice bench: --target, --cert, --key and --ca are required; see --help\n");
	run("serve", NULL, 2);
	cr_assert_not_null(
		strstr(program.err, "--root, --listen, --cert, --key and --client-ca are required"),
		"%s", program.err);
	run("check", "--root=/", 2);
	cr_assert_not_null(
		strstr(program.err, "sluice check: --listen, --cert, --key and --client-ca are"),
		"%s", program.err);
	run("bench", "--ca=x", 2);
	cr_assert_str_eq(program.err,
			 "sluice bench: --target, --cert and --key are required; see --help\n");
}

Test(cli, booleans)
{
	run("probe", "--json=maybe", 2);
	cr_assert_not_null(strstr(program.err, "--json: \"maybe\""), "%s", program.err);
	run("bench", "--no-json", 2);
	cr_assert_not_null(strstr(program.err, "are required"), "%s", program.err);
	run("probe", "json", 2);
	cr_assert_not_null(strstr(program.err, "unexpected argument json"), "%s", program.err);
}

Test(cli, manual_pages)
{
	run("--man", NULL, 0);
	cr_assert_eq(strncmp(program.out, ".TH SLUICE 1 ", 13), 0);
	run("--man", "serve", 0);
	cr_assert_eq(strncmp(program.out, ".TH SLUICE-SERVE 1 ", 19), 0);
	run("--man", "nothing", 2);
	cr_assert_str_empty(program.out);
}

/* What could not be written is no success. */
Test(cli, full_output)
{
	struct wire_env env;
	char command[PATH_MAX + 64];
	char *argv[] = {(char *)(uintptr_t) "/bin/sh", (char *)(uintptr_t) "-c", command, NULL};

	wire_env_read(&env);
	snprintf(command, sizeof(command), "'%s' --version >/dev/full", env.program);
	wire_program_run(&env, argv, &program);
	cr_assert_eq(program.exit_code, 1);
	cr_assert_not_null(strstr(program.err, "No space left"), "%s", program.err);
}
