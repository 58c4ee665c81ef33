/* SPDX-License-Identifier: Apache-2.0 */
/* The table of subcommands, its help and its manual pages. */
#include "cli/cli.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/build_version.h"
#include "config/roff.h"

TestSuite(commands, .timeout = 600);

Test(commands, table)
{
	for (size_t i = 0; i < commands_count; i++) {
		cr_assert_eq(command_find(commands[i].name), &commands[i]);
		cr_assert_not_null(commands[i].run);
		size_t len = strlen(commands[i].summary);
		cr_assert_neq(commands[i].summary[len - 1], '.');
		cr_assert_eq(commands[i].description[strlen(commands[i].description) - 1], '\n');
	}
	cr_assert_eq(command_find("serve")->run, cli_serve);
	cr_assert_eq(command_find("probe")->run, cli_probe);
	cr_assert_null(command_find("serv"));
	cr_assert_null(command_find("--help"));
	cr_assert_null(command_find(""));
}

/* ---- Exit codes ---------------------------------------------------------------------------- */

/* No command leaves with a code that its --help and its page do not have. */
Test(commands, every_outcome_has_its_exit_code_in_the_table)
{
	for (int i = SERVER_STOPPED; i <= SERVER_NETWORK_ERROR; i++) {
		int code = exit_code_of_server((enum server_outcome)i);
		cr_expect(exit_code_is_listed("serve", code), "serve: %d", code);
		cr_expect(i == SERVER_CUT || exit_code_is_listed("check", code), "check: %d", code);
		cr_expect(exit_code_is_listed(NULL, code), "sluice: %d", code);
	}
	for (int i = CLIENT_OK; i <= CLIENT_PARTIAL; i++) {
		int code = exit_code_of_client((enum client_outcome)i);
		cr_expect(exit_code_is_listed("bench", code), "bench: %d", code);
		cr_expect(exit_code_is_listed(NULL, code), "sluice: %d", code);
	}
	for (size_t i = 0; i < commands_count; i++) {
		cr_expect(exit_code_is_listed(commands[i].name, EXIT_OK), "%s", commands[i].name);
		cr_expect(exit_code_is_listed(commands[i].name, EXIT_USAGE), "%s",
			  commands[i].name);
	}
	cr_expect_eq(exit_code_of_server(SERVER_CUT), 9, "as the unit's SuccessExitStatus has it");
	cr_expect(exit_code_is_listed(NULL, EXIT_DENIED));
	cr_expect_not(exit_code_is_listed("bench", EXIT_DRAIN_DEADLINE));
	cr_expect_not(exit_code_is_listed("no such command", EXIT_OK));
}

static char *text;
static size_t text_len;

static FILE *begin(void)
{
	free(text);
	text = NULL;
	return open_memstream(&text, &text_len);
}

Test(commands, help_names_them_all)
{
	FILE *out = begin();

	commands_print_help(out);
	fclose(out);
	for (size_t i = 0; i < commands_count; i++) {
		cr_assert_not_null(strstr(text, commands[i].name));
		cr_assert_not_null(strstr(text, commands[i].summary));
	}
	free(text);
}

/* The sections of a page, in the order in which manual pages have them. */
static void check_page(const char *title, const char *name, const char *const *sections)
{
	const char *at = text;

	cr_assert_eq(strncmp(text, ".TH ", 4), 0, "%s", text);
	cr_assert_eq(strncmp(text + 4, title, strlen(title)), 0, "%s", text);
	cr_assert_not_null(strstr(text, build_version()));
	for (; *sections != NULL; sections++) {
		char heading[40];
		snprintf(heading, sizeof(heading), "\n.SH %s\n", *sections);
		at = strstr(at, heading);
		cr_assert_not_null(at, "%s: no %s, or not in its place", title, *sections);
		at++;
	}
	/* NAME is what apropos(1) reads: one line, "name \- words". */
	const char *line = strstr(text, "\n.SH NAME\n") + strlen("\n.SH NAME\n");
	cr_assert_eq(strncmp(line, name, strlen(name)), 0, "%s", line);
	cr_assert_eq(strncmp(line + strlen(name), " \\- ", 4), 0, "%s", line);
}

#define SECTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(commands, manual_pages)
{
	FILE *out = begin();
	command_print_man(out, NULL);
	fclose(out);
	check_page(
		"SLUICE 1 ", "sluice",
		SECTIONS("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "EXIT STATUS"));
	for (size_t i = 0; i < commands_count; i++)
		cr_assert_not_null(strstr(text, commands[i].name));

	for (const char *const *name = (const char *const[]){"help", "version", NULL};
	     *name != NULL; name++) {
		char title[32], roff_name[32];
		snprintf(title, sizeof(title), "SLUICE-%s 1 ",
			 (*name)[0] == 'h' ? "HELP" : "VERSION");
		snprintf(roff_name, sizeof(roff_name), "sluice\\-%s", *name);
		out = begin();
		command_print_man(out, command_find(*name));
		fclose(out);
		check_page(title, roff_name,
			   SECTIONS("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "SEE ALSO"));
	}

	out = begin();
	command_print_man(out, command_find("serve"));
	fclose(out);
	check_page("SLUICE-SERVE 1 ", "sluice\\-serve",
		   SECTIONS("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "CONFIGURATION FILE",
			    "EXIT STATUS", "SEE ALSO"));

	out = begin();
	command_print_man(out, command_find("probe"));
	fclose(out);
	check_page(
		"SLUICE-PROBE 1 ", "sluice\\-probe",
		SECTIONS("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"));

	out = begin();
	command_print_man(out, command_find("scrub"));
	fclose(out);
	check_page(
		"SLUICE-SCRUB 1 ", "sluice\\-scrub",
		SECTIONS("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"));

	out = begin();
	command_print_man(out, command_find("bench"));
	fclose(out);
	check_page(
		"SLUICE-BENCH 1 ", "sluice\\-bench",
		SECTIONS("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"));
	free(text);
}

/* ---- roff ---------------------------------------------------------------------------------- */

static void check_roff(const char *plain, const char *expected)
{
	FILE *out = begin();

	roff_text(out, plain);
	fclose(out);
	cr_assert_str_eq(text, expected);
}

Test(commands, roff)
{
	check_roff("", "");
	check_roff("a b, c", "a b, c");
	check_roff("--a-b", "\\-\\-a\\-b");
	check_roff(".TH\n.x 'y' a.b", "\\&.TH\n\\&.x \\(aqy\\(aq a.b");
	check_roff("'x", "\\(aqx");
	check_roff("a\\b", "a\\eb");
	check_roff("\"a\" `b` ^ ~", "\\(dqa\\(dq \\(gab\\(ga \\(ha \\(ti");
	check_roff("a,b,c,", "a,\\:b,\\:c,");
	free(text);
}
