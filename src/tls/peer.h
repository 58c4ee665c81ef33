/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients' certificates that were verified, each kept once however many connections it opened:
 * who it is, and its chain, so that it can be verified again when trust has changed, and need not
 * be as long as it has not: a client that comes again with the same chain, to the same context,
 * before anything of either has ended, is found here. Those that have no connection are kept within
 * PEER_IDLE_BYTES_MAX, the latest of them.
 *
 *   handshake_finish -> peer -> connection ... peer_check(newer context) ... peer_release
 *
 * One table for all threads, with a lock of its own; nothing here is on the data path. Never holds
 * a secret.
 */
#ifndef SLUICE_TLS_PEER_H
#define SLUICE_TLS_PEER_H

#include "access/identity.h"
#include "base/reasons.h"
#include "tls/tls_ctx.h"

struct peer;
struct peers;

/* NULL: no memory. */
struct peers *peers_new(void);
/* Every peer must have been released. NULL is fine. */
void peers_free(struct peers *peers);

/* Who it is; lives as long as the reference. */
const struct identity *peer_identity(const struct peer *peer);
/* Of its certificate, upper-case hex; the same. */
const char *peer_serial(const struct peer *peer);
/*
 * One more connection of its client (of all peers with its first name, the one that logs show), of
 * which there may be conns_max. False: there are as many already. True: peer_leave, before the
 * reference is released, takes it back.
 */
bool peer_admit(struct peer *peer, unsigned conns_max);
void peer_leave(struct peer *peer);

/*
 * Would this certificate be let in by ctx, too? Chain, revocation and client_allowed_sans are
 * looked at; the time is not: that a certificate has ended matters when a connection begins.
 * HANDSHAKE_FAILURE_COUNT: yes; else why not (HANDSHAKE_INTERNAL: no memory to tell). A verdict is
 * remembered: of contexts older than one that was asked before, the answer is the newest one's.
 */
enum handshake_failure peer_check(struct peer *peer, struct tls_ctx *ctx);
/* Asks it for every peer of a connection, so that who asks next is answered at once; the others
 * are forgotten. */
void peers_check(struct peers *peers, struct tls_ctx *ctx);

/* Gives the reference back: the connection ends. NULL is fine. */
void peer_release(struct peer *peer);

#endif
