/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/greeting.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/must.h"

/* Openings of other protocols that look like a method: SMTP, LMTP, FTP, IRC, Redis, the PROXY
 * protocol of load balancers. */
static const char *const others[] = {"EHLO ", "HELO ", "LHLO ", "USER ", "PASS ",
				     "AUTH ", "NICK ", "PING ", "HELLO", "PROXY"};

static bool is_capital(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* A method is a token of capital letters, three at least, then a blank and the target, which begins
 * with '/', "http", or '*' (RFC 9112 section 3.2), or for CONNECT with a name. */
enum greeting_kind greeting_judge(const char *bytes, size_t have)
{
	size_t letters = 0;

	must(have <= GREETING_BYTES);
	while (letters < have && is_capital(bytes[letters]))
		letters++;
	if (have == 0)
		return GREETING_UNKNOWN;
	if (letters == 0)
		return GREETING_BINARY;
	if (letters < have && (letters < 3 || bytes[letters] != ' '))
		return GREETING_TEXT;
	if (have < GREETING_BYTES)
		return GREETING_UNKNOWN;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (memcmp(bytes, others[i], GREETING_BYTES) == 0)
			return GREETING_TEXT;
	bool is_target = letters != 3 || strchr("/*hH", bytes[4]) != NULL;
	return is_target ? GREETING_HTTP : GREETING_TEXT;
}

int greeting_step(struct greeting *greeting, int sock_fd)
{
	while (greeting->kind == GREETING_UNKNOWN) {
		char *to = greeting->byte + greeting->have;
		ssize_t n = recv(sock_fd, to, 1, MSG_PEEK | MSG_DONTWAIT);
		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		greeting->kind = greeting_judge(greeting->byte, greeting->have + 1u);
		if (greeting->kind == GREETING_BINARY)
			break;
		n = recv(sock_fd, to, 1, MSG_DONTWAIT);
		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		greeting->have++;
	}
	return 0;
}
