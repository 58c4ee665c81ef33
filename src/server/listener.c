/* SPDX-License-Identifier: Apache-2.0 */
#include "server/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOST_TEXT_MAX  128 /* of an address in text, and its scope or name */
/* The ring of a server that was killed holds its listeners for some milliseconds more; nothing
 * tells when they are gone. */
#define REBIND_MS      500
#define REBIND_STEP_MS 20

void address_format(const struct sockaddr_storage *address, char out[ADDR_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN] = "?";
	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)address;
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(out, ADDR_TEXT_MAX, "%s:%u", host, ntohs(in->sin_port));
	} else {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
			inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], host, sizeof(host));
			snprintf(out, ADDR_TEXT_MAX, "%s:%u", host, ntohs(in6->sin6_port));
			return;
		}
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(out, ADDR_TEXT_MAX, "[%s]:%u", host, ntohs(in6->sin6_port));
	}
}

/* ":PORT" is every address of both families, where the kernel has IPv6. */
static int every_family(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return AF_INET;
	close(fd);
	return AF_INET6;
}

/* Splits "HOST:PORT"; an empty host is every address. */
static int resolve(const char *text, struct sockaddr_storage *address, socklen_t *len,
		   char error[ERROR_TEXT_MAX])
{
	char host[HOST_TEXT_MAX] = "";
	const char *colon = strrchr(text, ':');
	size_t host_len = colon != NULL ? (size_t)(colon - text) : sizeof(host);

	if (colon == NULL || colon[1] == '\0' || host_len >= sizeof(host)) {
		snprintf(error, ERROR_TEXT_MAX,
			 "listen address %s: write it as HOST:PORT, [IPV6]:PORT or :PORT", text);
		return -EINVAL;
	}
	memcpy(host, text, host_len);
	if (host[0] == '[' && host[host_len - 1] == ']') {
		memmove(host, host + 1, host_len - 2);
		host[host_len - 2] = '\0';
	}
	struct addrinfo hints = {.ai_family = host[0] == '\0' ? every_family() : AF_UNSPEC,
				 .ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	int r = getaddrinfo(host[0] != '\0' ? host : NULL, colon + 1, &hints, &found);
	if (r != 0 || found == NULL) {
		snprintf(error, ERROR_TEXT_MAX, "listen address %s: %s", text, gai_strerror(r));
		return -EINVAL;
	}
	memcpy(address, found->ai_addr, found->ai_addrlen);
	*len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int open_one(const struct sockaddr_storage *address, socklen_t len, bool is_shared)
{
	int one = 1, zero = 0;
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address->ss_family == AF_INET6) /* [::] takes IPv4 too, whatever net.ipv6.bindv6only */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (is_shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0)
		goto fail;
	if (bind(fd, (const struct sockaddr *)address, len) < 0)
		goto fail;
	if (listen(fd, LISTEN_BACKLOG) < 0)
		goto fail;
	return fd;
fail:;
	int r = -errno;
	close(fd);
	return r;
}

int listener_open(const char *text, int *sock_fds, unsigned count, char bound[ADDR_TEXT_MAX],
		  char error[ERROR_TEXT_MAX])
{
	struct sockaddr_storage address;
	socklen_t len;
	unsigned made = 0;

	int r = resolve(text, &address, &len, error);
	if (r < 0)
		return r;
	/* Alone first: with SO_REUSEPORT a second server of the same user would share the port
	 * without a word, and each would get half of the connections. */
	int alone;
	for (int waited_ms = 0;; waited_ms += REBIND_STEP_MS) {
		alone = open_one(&address, len, false);
		if (alone != -EADDRINUSE || waited_ms >= REBIND_MS)
			break;
		poll(NULL, 0, REBIND_STEP_MS);
	}
	if (alone < 0) {
		r = alone;
		goto fail;
	}
	getsockname(alone, (struct sockaddr *)&address, &len); /* port 0: which one it became */
	close(alone);

	for (; made < count; made++) {
		sock_fds[made] = open_one(&address, len, true);
		if (sock_fds[made] < 0) {
			r = sock_fds[made];
			goto fail;
		}
	}
	address_format(&address, bound);
	return 0;
fail:
	while (made > 0)
		close(sock_fds[--made]);
	snprintf(error, ERROR_TEXT_MAX, "cannot listen on %s: %s%s", text, strerrordesc_np(-r),
		 r == -EADDRINUSE ? " (stop the other program, or choose another port)" : "");
	return r;
}
