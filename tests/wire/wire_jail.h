/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store with something beside it that no one may reach, and eyes on that from outside:
 *
 *   JAIL/secret  JAIL/outside/secret  JAIL/outside/HIDDEN...   whose bytes or names no answer holds
 *   JAIL/root/                                                 the store; links in it lead out
 *
 * inotify tells of every file beside the store that is opened, read or changed, by whatever way;
 * what lies there is compared, down to its times and bytes, when all is over.
 */
#ifndef SLUICE_TESTS_WIRE_JAIL_H
#define SLUICE_TESTS_WIRE_JAIL_H

#include "wire/wire.h"

#define JAIL_WORD_BYTES 48

struct jail {
	char dir[PATH_MAX - 64];
	char root[PATH_MAX];
	char secret[JAIL_WORD_BYTES]; /* what the files beside the store say */
	char hidden[JAIL_WORD_BYTES]; /* a name beside the store that nobody asks for */
	int watch_fd;
	char *before; /* what lay there */
};

/* Makes it, and the bucket "data" with size-100 and links/: set server->root, then start. */
void jail_make(struct jail *jail, struct wire_server *server);
/* Does the text hold what only lies outside? */
bool jail_is_in(const struct jail *jail, const char *text);
/* Nothing was opened or changed out there; NULL, or what was. Ends the watch. */
const char *jail_check(struct jail *jail);

#endif
