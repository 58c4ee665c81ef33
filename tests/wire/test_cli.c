/* SPDX-License-Identifier: Apache-2.0 */
/* The first word of the command line: what goes to which output, and the exit code. */
#include "wire/wire.h"

#include <string.h>

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
	wire_program_run(&env, argv, 10000, &program);
	cr_assert_eq(program.exit_code, exit_code, "%s %s: %d, not %d", first, second,
		     program.exit_code, exit_code);
}

Test(cli, version)
{
	run("--version", NULL, 0);
	cr_assert_str_eq(program.out, "sluice " SLUICE_VERSION "\n");
	cr_assert_str_empty(program.err);
}

Test(cli, help)
{
	static const char *const words[] = {"--help", "-h"};

	for (int i = 0; i < 2; i++) {
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
	cr_assert_str_eq(
		program.err,
		"sluice: unknown command srve; did you mean serve? (known: serve, check, probe, bench)\n");
	run("--serve", NULL, 2);
	run("", NULL, 2);
	run("teleport", "--help", 2);
	cr_assert_null(strstr(program.err, "did you mean"), "%s", program.err);
	run("probe", "--no-such", 2);
	cr_assert_not_null(strstr(program.err, "--no-such"));
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
	wire_program_run(&env, argv, 10000, &program);
	cr_assert_eq(program.exit_code, 1);
	cr_assert_not_null(strstr(program.err, "No space left"), "%s", program.err);
}
