/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store with something beside it that no one may reach, and eyes on that from outside:
 *
 *   JAIL/secret  JAIL/1/secret  JAIL/1/2/secret  JAIL/1/2/outside/...    no answer holds their
 * bytes JAIL/1/2/root/                                                       the store; links lead
 * out
 *
 * inotify tells of every file beside the store that is opened, read or changed, by whatever way;
 * what lies there is compared, down to its times and bytes, when all is over.
 *
 * A server that does let out must do no harm to the machine: it runs as nobody where the tests run
 * as root, and what leads to the machine's own files (jail_is_real) may only ever be read.
 */
#ifndef SLUICE_TESTS_WIRE_JAIL_H
#define SLUICE_TESTS_WIRE_JAIL_H

#include "wire/wire.h"

#define JAIL_WORD_BYTES 48

struct jail {
	char dir[PATH_MAX / 2];    /* JAIL */
	char place[PATH_MAX - 64]; /* JAIL/1/2 */
	char root[PATH_MAX];
	char secret[JAIL_WORD_BYTES]; /* what the files beside the store say */
	char hidden[JAIL_WORD_BYTES]; /* a name beside the store that nobody asks for */
	int watch_fd;
	char *before; /* what lay there */
};

/* Makes it, and the bucket "data" with size-100 and links/. Sets server->root, and that the server
 * is unprivileged; then start. */
void jail_make(struct jail *jail, struct wire_server *server);
/* Would this name, were it taken at its word, lead to files that are not the test's? */
bool jail_is_real(const char *name);
/* Does the text hold what only lies outside? */
bool jail_is_in(const struct jail *jail, const char *text);
/* Nothing was opened or changed out there: NULL, or what was. Ends the watch. */
const char *jail_check(struct jail *jail);

#endif
