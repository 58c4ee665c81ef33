/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets. */
#ifndef SLUICE_SERVER_LISTENER_H
#define SLUICE_SERVER_LISTENER_H

#include <sys/socket.h>

#include "base/limits.h"

/*
 * Opens count sockets that share the address ("HOST:PORT", "[V6]:PORT", ":PORT"; port 0: any), one
 * for each worker, non-blocking, listening. On success bound (ADDR_TEXT_MAX bytes) says the address
 * with the real port. 0, or a negative errno with one line in error: -EINVAL: not an address;
 * -EADDRINUSE: somebody else, or another sluice, listens there.
 */
int listener_open(const char *address, int *sock_fds, unsigned count, char bound[ADDR_TEXT_MAX],
		  char error[ERROR_TEXT_MAX]);

/* "1.2.3.4:567" or "[::1]:567" */
void address_format(const struct sockaddr_storage *address, char out[ADDR_TEXT_MAX]);

#endif
