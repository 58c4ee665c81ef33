/* SPDX-License-Identifier: Apache-2.0 */
/* sluice probe */
#include "cli/probe.h"

#include <string.h>

#include "cli/cli.h"

static void print_help(FILE *out)
{
	fprintf(out,
		"Usage: sluice probe [--json]\n\n"
		"Tells what this machine offers for serving with kernel TLS: the kernel's TLS\n"
		"and its ciphers, both tried on a loopback connection with made-up keys; rekey;\n"
		"a self-test for CVE-2026-74611; io_uring, pipes, limits; the kernel's\n"
		"configuration. What is lacking is a line that begins with \"warning:\" and\n"
		"names the page of kconfig-notes/ that tells the cure. Run it as the user, and\n"
		"in the container or unit, that is to serve: the limits are theirs.\n\n"
		"As root it loads the kernel's module tls if it can.\n\n"
		"  --json   one JSON object on one line instead of the report\n"
		"  --help   this text\n\n"
		"Exit codes: 0 kernel TLS is usable; 1 it is, with warnings; 2 it is not (or\n"
		"the arguments were wrong).\n");
}

int cli_probe(int argc, char *const argv[])
{
	struct probe_facts facts;
	struct probe_report report;
	bool is_json = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			is_json = true;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_help(stdout);
			return EXIT_OK;
		} else {
			fprintf(stderr,
				"sluice probe: unknown argument %s; --json and --help are known\n",
				argv[i]);
			return EXIT_USAGE;
		}
	}
	probe_facts_gather(&facts);
	probe_judge(&facts, &report);
	if (is_json)
		probe_print_json(&facts, &report, stdout);
	else
		probe_print_text(&facts, &report, stdout);
	return (int)report.verdict;
}
