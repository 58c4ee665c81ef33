/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this request to the admin port change something? A page in an operator's browser can send
 * requests to a port that only the operator reaches, and name it as it likes:
 *
 *   DNS rebinding   the page's own name is made to resolve to our address: Host is a foreign name
 *   CSRF            a form or script sends to us from elsewhere: Origin is foreign, or
 *                   Sec-Fetch-Site says so
 *
 * Programs (curl, a configuration reloader) send no Origin and may set any Host. Pure.
 */
#ifndef SLUICE_SERVER_ADMIN_GUARD_H
#define SLUICE_SERVER_ADMIN_GUARD_H

#include <limits.h>
#include <stdbool.h>

#include "base/limits.h"
#include "http/head.h"

#define ADMIN_GUARD_TEXT_BYTES 512

/* The names, besides localhost and IP addresses, by which Host may call this server; "": none. */
struct admin_guard {
	char listen_host[ADDR_TEXT_MAX];
	char host_name[HOST_NAME_MAX + 1];
};

/* address: --admin-listen as it was written, HOST:PORT. Asks for the machine's host name. */
void admin_guard_init(struct admin_guard *guard, const char *address);
/*
 * Host, in every place that names one, is an IP address, localhost or a name of guard, with any
 * port or none (only HTTP/1.0 may have no Host at all); there is no Origin, or it is the same as
 * Host; Sec-Fetch-Site is absent, same-origin or none. False: why is one line for the client.
 */
bool admin_guard_allows(const struct admin_guard *guard, const struct http_head *head,
			char why[ADMIN_GUARD_TEXT_BYTES]);

#endif
