/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When trust is read again: a file of it has changed, SIGHUP, POST /-/reload.
 *
 * The folders of the files are watched (inotify), not the files: what replaces a
 * file by a rename, or swaps the symbolic link on the way to it as Kubernetes
 * does, is seen. Where nothing tells (a network file system, a link from
 * elsewhere), a look at the files' stat(2) every RELOAD_LOOK_MS does.
 *
 *   event ---> due ---> stat, read, check ---> good: the owner takes it
 *     ^                        | bad, in part: the owner takes the rest, at once
 *     '--- RELOAD_RETRY_MS <---+---> bad since RELOAD_GIVE_UP_MS: the old stays, one word why
 *
 * A pair that is being written, half of it there, is so not reported but waited
 * for, while a list beside it counts. What was refused is read again at every look, for nothing of
 * the files needs to change for it to become good (a list of the future, want of descriptors). For
 * the main thread alone; never blocks but for reading the files.
 */
#ifndef SLUICE_SERVER_RELOAD_H
#define SLUICE_SERVER_RELOAD_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/trust.h"

/* From the first event to reading: what belongs together is mostly written in this time. */
#define RELOAD_SETTLE_MS  50
#define RELOAD_RETRY_MS   100
/* How long a change may look broken before it is. */
#define RELOAD_GIVE_UP_MS 2000
#define RELOAD_LOOK_MS    5000

struct reload;

struct reload_owner {
	/* Reads config and files anew. One line in error, which is "" before: not all of it can be
	 * taken up. With it NULL, or what is to be in force none the less. */
	struct trust *(*load)(void *arg, char error[ERROR_TEXT_MAX]);
	/* It is in force from here on; taken over. */
	void (*adopt)(void *arg, struct trust *trust, bool is_whole);
	/* Of what could not be taken up the old stays. Said once for as long as files and error are
	 * the same and nobody asks. */
	void (*refused)(void *arg, const char *error);
	void *arg;
};

/* Watches the files that config names. To be called before they are read for the first time: what
 * changes after that is seen. NULL: no memory. */
struct reload *reload_new(const struct reload_owner *owner, const struct config *config,
			  uint64_t now_ms);
void reload_free(struct reload *reload);

/* Reads anew soon, whatever the files look like. Returns a ticket. */
uint64_t reload_request(struct reload *reload, uint64_t now_ms);

enum reload_state { RELOAD_PENDING, RELOAD_DONE, RELOAD_REFUSED };
/* What has become of a request; error: of RELOAD_REFUSED, as long as nothing else is asked. */
enum reload_state reload_state(const struct reload *reload, uint64_t ticket, const char **error);

/* What to poll, and for how long at most (milliseconds). */
struct pollfd reload_poll(const struct reload *reload);
int reload_timeout_ms(const struct reload *reload, uint64_t now_ms);
/* After poll(): takes events, and reads anew what is due. */
void reload_step(struct reload *reload, uint64_t now_ms);

#endif
