/* SPDX-License-Identifier: Apache-2.0 */
/* The first bytes of a client: HTTP in plain, another protocol, or for the library to judge. */
#include "tls/greeting.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/must.h"

TestSuite(greeting, .timeout = 600);

static const struct {
	const char *says;
	enum greeting_kind kind;
} rows[] = {
	{"GET / HTTP/1.1\r\n", GREETING_HTTP},
	{"GET http://a/ HTTP/1.1\r\n", GREETING_HTTP},
	{"GET * HTTP/1.1\r\n", GREETING_HTTP},
	{"PUT /a HTTP/1.1\r\n", GREETING_HTTP},
	{"HEAD / HTTP/1.1\r\n", GREETING_HTTP},
	{"POST / HTTP/1.1\r\n", GREETING_HTTP},
	{"DELETE / HTTP/1.1\r\n", GREETING_HTTP},
	{"OPTIONS * HTTP/1.1\r\n", GREETING_HTTP},
	{"CONNECT a:1 HTTP/1.1\r\n", GREETING_HTTP},
	{"TRACE / HTTP/1.1\r\n", GREETING_HTTP},
	{"PATCH / HTTP/1.1\r\n", GREETING_HTTP},
	{"PRI * HTTP/2.0\r\n", GREETING_HTTP},
	{"PROPFIND / HTTP/1.1\r\n", GREETING_HTTP},
	{"LOCK / HTTP/1.1\r\n", GREETING_HTTP},
	{"PURGE / HTTP/1.1\r\n", GREETING_HTTP},
	{"EHLO client.example\r\n", GREETING_TEXT},
	{"USER anonymous\r\n", GREETING_TEXT},
	{"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", GREETING_TEXT},
	{"HELLO 3\r\n", GREETING_TEXT},
	{"SSH-2.0-x\r\n", GREETING_TEXT},
	{"GET x\r\n", GREETING_TEXT},
	{"A b c\r\n", GREETING_TEXT},
	{"Get / HTTP/1.1\r\n", GREETING_TEXT},
	{"get / HTTP/1.1\r\n", GREETING_BINARY},
	{"\x16\x03\x01\x02\x01", GREETING_BINARY},
	{"\x80\x2e\x01\x03\x01", GREETING_BINARY},
	{"\r\nGET / HTTP/1.1\r\n", GREETING_BINARY},
};

/* However the bytes come, in one piece or one by one, the verdict is the same, at the first byte
 * that can tell; what is for the library is still there. */
Test(greeting, each_opening_by_pieces_of_every_size)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].says);
		for (size_t piece = 1; piece <= len; piece++) {
			struct greeting greeting = {0};
			int fds[2], r = -EAGAIN;
			char rest[64];
			must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
			cr_expect_eq(greeting_step(&greeting, fds[0]), -EAGAIN);
			for (size_t at = 0; r == -EAGAIN && at < len; at += piece) {
				size_t bytes = len - at < piece ? len - at : piece;
				must(write(fds[1], rows[i].says + at, bytes) == (ssize_t)bytes);
				r = greeting_step(&greeting, fds[0]);
			}
			cr_expect_eq(r, 0, "%s", rows[i].says);
			cr_expect_eq(greeting.kind, rows[i].kind, "%s in pieces of %zu: %d",
				     rows[i].says, piece, (int)greeting.kind);
			cr_expect_leq(greeting.have, GREETING_BYTES);
			if (greeting.kind == GREETING_BINARY)
				cr_expect(recv(fds[0], rest, sizeof(rest), 0) > 0 &&
						  rest[0] == rows[i].says[0],
					  "the library must find the first byte");
			close(fds[0]);
			close(fds[1]);
		}
	}
}

Test(greeting, the_end_comes_first)
{
	struct greeting greeting = {0};
	int fds[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	must(write(fds[1], "GET", 3) == 3 && close(fds[1]) == 0);
	cr_expect_eq(greeting_step(&greeting, fds[0]), -EPIPE);
	cr_expect_eq(greeting.kind, GREETING_UNKNOWN);
	close(fds[0]);
}
