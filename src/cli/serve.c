/* SPDX-License-Identifier: Apache-2.0 */
/* sluice serve */
#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"
#include "cli/cli.h"
#include "config/config.h"
#include "server/server.h"

enum exit_code exit_code_of_server(enum server_outcome outcome)
{
	switch (outcome) {
	case SERVER_STOPPED:
		return EXIT_OK;
	case SERVER_CUT:
		return EXIT_DRAIN_DEADLINE;
	case SERVER_ERROR:
		return EXIT_ERROR;
	case SERVER_ROOT_MISSING:
		return EXIT_NOT_FOUND;
	case SERVER_ROOT_FORBIDDEN:
		return EXIT_DENIED;
	case SERVER_TLS_ERROR:
		return EXIT_TLS;
	case SERVER_NETWORK_ERROR:
		return EXIT_NETWORK;
	}
	must(!"an outcome of the table");
	return EXIT_ERROR;
}

int cli_serve(int argc, char *const argv[])
{
	char error[ERROR_TEXT_MAX];
	struct config *config = malloc(sizeof(*config));
	if (config == NULL) {
		fprintf(stderr, "sluice serve: no memory\n");
		return EXIT_ERROR;
	}
	int code = EXIT_OK;
	int r = config_load(config, CONFIG_SERVE, argc, argv, error);
	if (r < 0) {
		fprintf(stderr, "sluice serve: %s\n", error);
		code = EXIT_USAGE;
	} else if (r == CONFIG_HELP_SHOWN) {
		exit_codes_print_help(stdout, "serve");
	} else if (r == CONFIG_READY) {
		code = exit_code_of_server(server_run(config, argc, argv));
	}
	config_fini(config);
	free(config);
	return code;
}
