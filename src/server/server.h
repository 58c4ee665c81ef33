/* SPDX-License-Identifier: Apache-2.0 */
/* `sluice serve` as a whole: workers, admin listener, signals, from start to drained stop. */
#ifndef SLUICE_SERVER_SERVER_H
#define SLUICE_SERVER_SERVER_H

#include "config/config.h"

/* How server_run ended; cli/serve.c makes the exit code of it. */
enum server_outcome {
	SERVER_STOPPED, /* on a signal, everything finished */
	SERVER_CUT,     /* on a signal, but --drain-timeout or a second signal cut responses */
	SERVER_ERROR,   /* ring, memory, threads */
	SERVER_ROOT_MISSING,
	SERVER_ROOT_FORBIDDEN, /* it may not be read, or with --writable not be written */
	SERVER_TLS_ERROR,      /* certificates, keys, CA; or kernel TLS wanted and not there */
	SERVER_NETWORK_ERROR   /* an address cannot be listened on */
};

/* Runs until SIGTERM or SIGINT. Errors are one line in the log, each. argc, argv: what config was
 * loaded from, to load it again. */
enum server_outcome server_run(struct config *config, int argc, char *const argv[]);

/*
 * Everything that server_run does before it serves, and no more: SERVER_STOPPED, or what server_run
 * would have ended with. Errors, warnings and notes go to standard error, a line each; *warnings
 * counts the warnings. The process is in the sandbox afterwards.
 */
enum server_outcome server_check(struct config *config, unsigned *warnings);

#endif
