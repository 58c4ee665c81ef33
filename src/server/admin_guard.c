/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admin_guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Of a Host in a message; the rest is cut. */
#define HOST_SHOWN_MAX 100

void admin_guard_init(struct admin_guard *guard, const char *address)
{
	const char *colon = strrchr(address, ':');
	size_t len = colon != NULL ? (size_t)(colon - address) : 0;

	memset(guard, 0, sizeof(*guard));
	if (len < sizeof(guard->listen_host))
		memcpy(guard->listen_host, address, len);
	if (gethostname(guard->host_name, sizeof(guard->host_name) - 1) < 0)
		guard->host_name[0] = '\0';
}

/* Of HOST or HOST:PORT; an IPv6 address keeps its brackets. http_head_parse has checked its form.
 */
static struct slice without_port(struct slice host)
{
	size_t from = 0;

	if (host.len > 0 && host.at[0] == '[') {
		const char *end = memchr(host.at, ']', host.len);
		from = end != NULL ? (size_t)(end - host.at) : host.len;
	}
	const char *colon = memchr(host.at + from, ':', host.len - from);
	if (colon != NULL)
		host.len = (size_t)(colon - host.at);
	return host;
}

/* As browsers write one: four decimal numbers, or in brackets. What else may be read as an address
 * (0x7f.1, 2130706433) they have rewritten before they send it. */
static bool is_ip_address(struct slice host)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char address[sizeof(struct in6_addr)];
	bool is_ipv6 = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
	size_t len = is_ipv6 ? host.len - 2 : host.len;

	if (len >= sizeof(text))
		return false;
	memcpy(text, host.at + (is_ipv6 ? 1 : 0), len);
	text[len] = '\0';
	return inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text, address) == 1;
}

static bool is_name(struct slice host, const char *name)
{
	return name[0] != '\0' && slice_is(host, name);
}

static bool is_ours(const struct admin_guard *guard, struct slice host)
{
	host = without_port(host);
	return is_ip_address(host) || slice_is(host, "localhost") ||
	       is_name(host, guard->listen_host) || is_name(host, guard->host_name);
}

static bool refuse_host(struct slice host, char why[ADMIN_GUARD_TEXT_BYTES])
{
	int shown = host.len < HOST_SHOWN_MAX ? (int)host.len : HOST_SHOWN_MAX;

	snprintf(
		why, ADMIN_GUARD_TEXT_BYTES,
		"refused: Host %.*s is not a name of this server; use its IP address or localhost, "
		"as in curl -H 'Host: localhost', or write the name in --admin-listen\n",
		shown, host.at);
	return false;
}

static bool refuse_page(const char *field, char why[ADMIN_GUARD_TEXT_BYTES])
{
	snprintf(why, ADMIN_GUARD_TEXT_BYTES,
		 "refused: a page of another site asks for this (%s)\n", field);
	return false;
}

/* Scheme, host and port of the page are those that it asks: "http://" and Host. */
static bool is_same_origin(struct slice origin, struct slice host)
{
	static const char scheme[] = "http://";
	size_t len = sizeof(scheme) - 1;

	return host.at != NULL && origin.len == len + host.len &&
	       slice_is((struct slice){origin.at, len}, scheme) &&
	       strncasecmp(origin.at + len, host.at, host.len) == 0;
}

bool admin_guard_allows(const struct admin_guard *guard, const struct http_head *head,
			char why[ADMIN_GUARD_TEXT_BYTES])
{
	struct slice host = head->known[HTTP_FIELD_HOST]; /* of an absolute target, its own */

	if (host.at != NULL && !is_ours(guard, host))
		return refuse_host(host, why);
	for (unsigned i = 0; i < head->field_count; i++) {
		struct slice name = head->field[i].name, value = head->field[i].value;
		if (slice_is(name, "host") && !is_ours(guard, value))
			return refuse_host(value, why);
		if (slice_is(name, "origin") && !is_same_origin(value, host))
			return refuse_page("Origin", why);
		if (slice_is(name, "sec-fetch-site") && !slice_is(value, "same-origin") &&
		    !slice_is(value, "none"))
			return refuse_page("Sec-Fetch-Site", why);
	}
	return true;
}
