/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first bytes of a client, before the library sees any: one that begins with text does not
 * speak TLS, and one that begins with HTTP can be told so. The library would tell for four methods,
 * and send an alert to the others, in front of any answer.
 *
 * A TLS record begins with its type, which is no letter: it is left where it is, and costs one
 * peek.
 */
#ifndef SLUICE_TLS_GREETING_H
#define SLUICE_TLS_GREETING_H

#include <stddef.h>

#define GREETING_BYTES 5 /* the shortest that tells: "GET /" */

enum greeting_kind {
	GREETING_UNKNOWN, /* not enough bytes yet */
	GREETING_BINARY,  /* a TLS record, or for the library to say what not */
	GREETING_HTTP,    /* the method of a request */
	GREETING_TEXT     /* another protocol that begins with letters */
};

struct greeting {
	enum greeting_kind kind;
	unsigned char have;
	char byte[GREETING_BYTES + 1]; /* ends in NUL */
};

enum greeting_kind greeting_judge(const char *bytes, size_t have);

/* Looks at what has come; text is taken out of the socket, anything else is not. 0: .kind is known;
 * -EAGAIN; -EPIPE: the peer has closed; or another negative errno of the socket. */
int greeting_step(struct greeting *greeting, int sock_fd);

#endif
