/* SPDX-License-Identifier: Apache-2.0 */
/* sluice probe */
#include "cli/probe.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/must.h"
#include "cli/cli.h"
#include "cli/probe_target.h"
#include "config/options.h"
#include "config/roff.h"

struct probe_config {
	bool json;
	char target[PATH_MAX]; /* "": this machine */
	char cert_file[PATH_MAX];
	char key_file[PATH_MAX];
	char ca_file[PATH_MAX];
	char server_name[PATH_MAX];
	unsigned timeout_ms; /* 0: not given */
};

#define AT(field)       offsetof(struct probe_config, field)
#define TIMEOUT_MS      10000 /* of --target, if nothing is said */
#define TIMEOUT_DEFAULT "Default: 10s."

static const struct option rows[] = {
	{"json", NULL, OPTION_BOOL, AT(json), "false", 0, 0, NULL, "BOOL",
	 "Print one JSON object on one line instead of the report."},
	{"target", NULL, OPTION_TEXT, AT(target), NULL, 0, 0, NULL, "HOST:PORT",
	 "Instead of this machine, probe a connection to a TLS server: chain, dates, names, group, "
	 "cipher, ALPN, what the server makes of --cert, and what fails."},
	{"cert", NULL, OPTION_PATH, AT(cert_file), NULL, 0, 0, NULL, "FILE",
	 "With --target: certificate of the client and its chain, PEM. It is shown only to a "
	 "server "
	 "that is trusted."},
	{"key", NULL, OPTION_PATH, AT(key_file), NULL, 0, 0, NULL, "FILE",
	 "With --target: private key of the certificate, PEM."},
	{"ca", NULL, OPTION_PATH, AT(ca_file), NULL, 0, 0, NULL, "FILE",
	 "With --target: CA certificates that may have issued the server's, PEM, instead of those "
	 "of this machine."},
	{"server-name", NULL, OPTION_TEXT, AT(server_name), NULL, 0, 0, NULL, "NAME",
	 "With --target: DNS name or address that the server's certificate must have, if it is not "
	 "the host of --target."},
	{"timeout", NULL, OPTION_DURATION, AT(timeout_ms), NULL, 10, 3600000, NULL, "TIME",
	 "With --target: maximum time of connection and handshake. " TIMEOUT_DEFAULT},
};
static const struct option_table table = {rows, ARRAY_LEN(rows), NULL};

static void print_help(FILE *out)
{
	fputs("Usage: sluice probe [--json]\n"
	      "       sluice probe --target HOST:PORT [--cert FILE --key FILE] [--ca FILE]\n"
	      "                    [--server-name NAME] [--timeout TIME] [--json]\n\n",
	      out);
	command_print_description(out, "probe");
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

/* ---- A server -------------------------------------------------------------------------------- */

/* 0, or -EINVAL with one line in error. */
static int check(const struct probe_config *config, struct target *target,
		 char error[ERROR_TEXT_MAX])
{
	const bool is_given[] = {config->cert_file[0] != '\0', config->key_file[0] != '\0',
				 config->ca_file[0] != '\0', config->server_name[0] != '\0',
				 config->timeout_ms != 0};
	static const char *const flags[] = {"cert", "key", "ca", "server-name", "timeout"};
	char why[ERROR_TEXT_MAX];

	for (size_t i = 0; config->target[0] == '\0' && i < ARRAY_LEN(flags); i++) {
		if (!is_given[i])
			continue;
		snprintf(error, ERROR_TEXT_MAX, "--%s needs --target", flags[i]);
		return -EINVAL;
	}
	if (is_given[0] != is_given[1]) {
		snprintf(error, ERROR_TEXT_MAX, "--%s needs --%s", flags[is_given[1]],
			 flags[is_given[0]]);
		return -EINVAL;
	}
	if (config->target[0] == '\0' || target_parse_authority(target, config->target, why) == 0)
		return 0;
	snprintf(error, ERROR_TEXT_MAX, "--target: %.500s", why);
	return -EINVAL;
}

static int probe_target(const struct probe_config *config, const struct target *target)
{
	const struct survey_options what = {
		.target = target,
		.files = {.cert_file = config->cert_file,
			  .key_file = config->key_file,
			  .ca_file = config->ca_file,
			  .server_name = config->server_name},
		.timeout_ms = config->timeout_ms != 0 ? config->timeout_ms : TIMEOUT_MS};
	struct survey survey;

	signal(SIGPIPE, SIG_IGN); /* a server that closes at once is an answer like others */
	survey_run(&what, &survey);
	int code = (int)exit_code_of_client(survey.outcome);
	if (config->json)
		probe_target_print_json(target, &survey, code, stdout);
	else
		probe_target_print_text(target, &survey, (int64_t)time(NULL), stdout);
	survey_fini(&survey);
	return code;
}

/* ---- This machine ---------------------------------------------------------------------------- */

static int probe_machine(const struct probe_config *config)
{
	struct probe_facts facts;
	struct probe_report report;

	probe_facts_gather(&facts);
	probe_judge(&facts, &report);
	if (config->json)
		probe_print_json(&facts, &report, stdout);
	else
		probe_print_text(&facts, &report, stdout);
	return (int)report.verdict;
}

int cli_probe(int argc, char *const argv[])
{
	char error[ERROR_TEXT_MAX];
	struct probe_config config = {0};
	struct target target;

	int r = options_load(&config, &table, argc, argv, error);
	if (r == OPTIONS_HELP) {
		print_help(stdout);
		return EXIT_OK;
	}
	if (r == OPTIONS_READY)
		r = check(&config, &target, error);
	if (r < 0) {
		fprintf(stderr, "sluice probe: %s\n", error);
		return EXIT_USAGE;
	}
	return config.target[0] != '\0' ? probe_target(&config, &target) : probe_machine(&config);
}
