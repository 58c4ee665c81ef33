/* SPDX-License-Identifier: Apache-2.0 */
#include "server/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST_TEXT_MAX  128 /* of an address in text, and its scope or name */
/* The ring of a server that was killed holds its listeners for some milliseconds more; nothing
 * tells when they are gone. */
#define REBIND_MS      500
#define REBIND_STEP_MS 20

void address_format(const struct sockaddr_storage *address, char out[SOCKET_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN] = "?";
	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)address;
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(out, SOCKET_TEXT_MAX, "%s:%u", host, ntohs(in->sin_port));
	} else {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
			inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], host, sizeof(host));
			snprintf(out, SOCKET_TEXT_MAX, "%s:%u", host, ntohs(in6->sin6_port));
			return;
		}
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(out, SOCKET_TEXT_MAX, "[%.39s]:%u", host, ntohs(in6->sin6_port));
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

/* ---- What is wrong, and what to do --------------------------------------------------------- */

/* net.ipv4.ip_unprivileged_port_start, of IPv6 too. */
static unsigned privileged_below(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
	char text[16] = "";

	if (file != NULL) {
		if (fgets(text, sizeof(text), file) == NULL)
			text[0] = '\0';
		fclose(file);
	}
	/* Where it cannot be read: Linux' own default. */
	return text[0] != '\0' ? (unsigned)strtoul(text, NULL, 10) : 1024;
}

static unsigned port_of(const char *address)
{
	const char *colon = strrchr(address, ':');
	return colon != NULL ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
}

/* What to do, behind the errno's own words; "": nothing that we know. */
static void advise(const struct listener_plan *plan, int error, unsigned below, char *out,
		   size_t size)
{
	unsigned port = port_of(plan->address);

	switch (error) {
	case EACCES:
	case EPERM:
		if (port != 0 && port < below)
			snprintf(out, size,
				 "; ports below %u need CAP_NET_BIND_SERVICE: grant it (systemd: "
				 "AmbientCapabilities=CAP_NET_BIND_SERVICE; a file: setcap "
				 "cap_net_bind_service=+ep), or choose a port from %u up",
				 below, below);
		else
			snprintf(out, size,
				 "; a security policy forbids this port (SELinux, AppArmor, "
				 "systemd's SocketBindDeny=)");
		break;
	case EADDRINUSE:
		if (port == 0)
			snprintf(out, size, "; no port is free");
		else
			snprintf(out, size,
				 "; `ss -ltnp 'sport = :%u'` shows the program that listens there: "
				 "stop it, or choose another port for %s",
				 port, plan->flag);
		break;
	case EADDRNOTAVAIL:
		snprintf(out, size,
			 "; no interface of this machine has this address (`ip address` lists "
			 "them); :%u listens on all",
			 port);
		break;
	case EAFNOSUPPORT:
		snprintf(out, size, "; this kernel has no %s, use an address of the other family",
			 plan->address[0] == '[' ? "IPv6" : "IPv4");
		break;
	case EINVAL:
	case ENODEV:
		snprintf(out, size,
			 "; a link-local address needs its interface, as in [fe80::1%%eth0]:%u",
			 port);
		break;
	case EMFILE:
	case ENFILE:
		snprintf(out, size, "; raise the limit of open files (LimitNOFILE=, ulimit -n)");
		break;
	default:
		out[0] = '\0';
	}
}

void listener_explain(const struct listener_plan *plan, int error, unsigned privileged_below,
		      char out[ERROR_TEXT_MAX])
{
	char advice[ERROR_TEXT_MAX / 2];

	advise(plan, error, privileged_below, advice, sizeof(advice));
	snprintf(out, ERROR_TEXT_MAX, "cannot listen on %s (%s): %s%s", plan->address, plan->flag,
		 strerrordesc_np(error), advice);
}

static int refuse_name(const struct listener_plan *plan, int code, char error[ERROR_TEXT_MAX])
{
	snprintf(error, ERROR_TEXT_MAX,
		 "cannot listen on %s (%s): %s; use an address of this machine, or a name that "
		 "resolves to one",
		 plan->address, plan->flag,
		 code == EAI_SYSTEM ? strerrordesc_np(errno) : gai_strerror(code));
	return -EINVAL;
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* Splits "HOST:PORT"; an empty host is every address. */
static int resolve(const struct listener_plan *plan, struct sockaddr_storage *address,
		   socklen_t *len, char error[ERROR_TEXT_MAX])
{
	char host[HOST_TEXT_MAX] = "";
	const char *text = plan->address, *colon = strrchr(text, ':');
	size_t host_len = colon != NULL ? (size_t)(colon - text) : sizeof(host);

	if (colon == NULL || colon[1] == '\0' || host_len >= sizeof(host)) {
		snprintf(error, ERROR_TEXT_MAX,
			 "%s: %s is no address; use HOST:PORT, [IPV6]:PORT or :PORT", plan->flag,
			 text);
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
	if (r != 0 || found == NULL)
		return refuse_name(plan, r, error);
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

int listener_open(const struct listener_plan *plan, int *sock_fds, char bound[ADDR_TEXT_MAX],
		  char error[ERROR_TEXT_MAX])
{
	struct sockaddr_storage address;
	socklen_t len;
	unsigned made = 0;

	int r = resolve(plan, &address, &len, error);
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

	for (; made < plan->count; made++) {
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
	listener_explain(plan, -r, privileged_below(), error);
	return r;
}
