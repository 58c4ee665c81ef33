/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets. */
#ifndef SLUICE_SERVER_LISTENER_H
#define SLUICE_SERVER_LISTENER_H

#include <sys/socket.h>

#include "base/limits.h"

struct listener_plan {
	const char *flag;    /* the option that named the address, "--listen" */
	const char *address; /* "HOST:PORT", "[V6]:PORT", ":PORT"; port 0: any */
	unsigned count;      /* of sockets, one for each worker */
};

/*
 * Opens sockets that share the address, non-blocking, listening. On success bound (ADDR_TEXT_MAX
 * bytes) says the address with the real port. 0, or a negative errno with one line in error: which
 * address of which option, why, and what to do; -EINVAL: the address cannot be resolved.
 */
int listener_open(const struct listener_plan *plan, int *sock_fds, char bound[ADDR_TEXT_MAX],
		  char error[ERROR_TEXT_MAX]);

/* That line. error: of socket, bind or listen, positive. privileged_below: ports below need a
 * capability. */
void listener_explain(const struct listener_plan *plan, int error, unsigned privileged_below,
		      char out[ERROR_TEXT_MAX]);

/* "1.2.3.4:567" or "[::1]:567" */
void address_format(const struct sockaddr_storage *address, char out[SOCKET_TEXT_MAX]);

#endif
