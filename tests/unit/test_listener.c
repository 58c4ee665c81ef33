/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of an address that cannot be listened on: which option, why, what to do. */
#include "server/listener.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/must.h"

TestSuite(listener, .timeout = 600);

static const struct {
	const char *flag, *address;
	int error;
	const char *says[3];
	const char * not ; /* in it; NULL: nothing */
} rows[] = {
	{"--listen",
	 ":443",
	 EACCES,
	 {"ports below 1024 need CAP_NET_BIND_SERVICE", "AmbientCapabilities=", "from 1024 up"},
	 NULL},
	{"--admin-listen",
	 "[::1]:1023",
	 EACCES,
	 {"CAP_NET_BIND_SERVICE", "setcap cap_net_bind_service=+ep", NULL},
	 NULL},
	{"--listen", "127.0.0.1:1024", EACCES, {"SELinux", NULL}, "CAP_NET_BIND_SERVICE"},
	{"--listen", "127.0.0.1:8443", EPERM, {"SocketBindDeny=", NULL}, "CAP_NET_BIND_SERVICE"},
	{"--listen", "127.0.0.1:0", EACCES, {"SELinux", NULL}, "CAP_NET_BIND_SERVICE"},
	{"--admin-listen",
	 "127.0.0.1:10943",
	 EADDRINUSE,
	 {"`ss -ltnp 'sport = :10943'`", "another port for --admin-listen", NULL},
	 NULL},
	{"--listen", "127.0.0.1:0", EADDRINUSE, {"no port is free", NULL}, "ss -ltnp"},
	{"--listen",
	 "192.0.2.1:8443",
	 EADDRNOTAVAIL,
	 {"no interface of this machine has this address", "`ip address`", ":8443 listens on all"},
	 NULL},
	{"--listen", "[::1]:8443", EAFNOSUPPORT, {"no IPv6", NULL}, NULL},
	{"--listen", "127.0.0.1:8443", EAFNOSUPPORT, {"no IPv4", NULL}, NULL},
	{"--listen", "[fe80::1]:8443", EINVAL, {"[fe80::1%eth0]:8443", NULL}, NULL},
	{"--listen", ":8443", EMFILE, {"LimitNOFILE=", NULL}, NULL},
	{"--listen", ":8443", ENOMEM, {"Cannot allocate memory", NULL}, ";"},
};

Test(listener, every_error_names_option_address_cause_and_cure)
{
	char text[ERROR_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct listener_plan plan = {rows[i].flag, rows[i].address, 1};
		listener_explain(&plan, rows[i].error, 1024, text);
		cr_expect(strstr(text, rows[i].flag) != NULL, "%s", text);
		cr_expect(strstr(text, rows[i].address) != NULL, "%s", text);
		cr_expect(strstr(text, strerrordesc_np(rows[i].error)) != NULL, "%s", text);
		for (size_t w = 0; w < ARRAY_LEN(rows[i].says) && rows[i].says[w] != NULL; w++)
			cr_expect(strstr(text, rows[i].says[w]) != NULL, "no \"%s\" in: %s",
				  rows[i].says[w], text);
		cr_expect(rows[i].not == NULL || strstr(text, rows[i].not ) == NULL, "%s", text);
	}
}

/* The bound is the machine's, not the number 1024. */
Test(listener, the_privileged_ports_are_those_of_the_machine)
{
	const struct listener_plan plan = {"--listen", ":80", 1};
	char text[ERROR_TEXT_MAX];

	listener_explain(&plan, EACCES, 0, text);
	cr_expect(strstr(text, "CAP_NET_BIND_SERVICE") == NULL, "%s", text);
	listener_explain(&plan, EACCES, 81, text);
	cr_expect(strstr(text, "ports below 81 need CAP_NET_BIND_SERVICE") != NULL, "%s", text);
}
