/* SPDX-License-Identifier: Apache-2.0 */
/* sluice probe */
#include "cli/probe.h"

#include <stddef.h>
#include <string.h>

#include "base/must.h"
#include "cli/cli.h"
#include "config/options.h"
#include "config/roff.h"

struct probe_config {
	bool json;
};

static const struct option rows[] = {
	{"json", NULL, OPTION_BOOL, offsetof(struct probe_config, json), "false", 0, 0, NULL,
	 "BOOL", "Print one JSON object on one line instead of the report."},
};
static const struct option_table table = {rows, ARRAY_LEN(rows), NULL};

static void print_help(FILE *out)
{
	const char *at = command_find("probe")->description;
	char paragraph[1024];

	fputs("Usage: sluice probe [options]\n\n", out);
	for (; *at != '\0'; at += strcspn(at, "\n") + 1) {
		snprintf(paragraph, sizeof(paragraph), "%.*s", (int)strcspn(at, "\n"), at);
		help_print_wrapped(out, paragraph, 0);
	}
	fputc('\n', out);
	options_print_help(out, &table);
	exit_codes_print_help(out, "probe");
}

void cli_probe_print_man(FILE *out)
{
	roff_section(out, "OPTIONS");
	roff_text(out, OPTIONS_FORM "\n");
	options_print_man(out, &table);
}

int cli_probe(int argc, char *const argv[])
{
	char error[ERROR_TEXT_MAX];
	struct probe_config config;
	struct probe_facts facts;
	struct probe_report report;

	int r = options_load(&config, &table, argc, argv, error);
	if (r < 0) {
		fprintf(stderr, "sluice probe: %s\n", error);
		return EXIT_USAGE;
	}
	if (r == OPTIONS_HELP) {
		print_help(stdout);
		return EXIT_OK;
	}
	probe_facts_gather(&facts);
	probe_judge(&facts, &report);
	if (config.json)
		probe_print_json(&facts, &report, stdout);
	else
		probe_print_text(&facts, &report, stdout);
	return (int)report.verdict;
}
