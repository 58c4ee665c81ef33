/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox of a running server, seen from outside. (Inside, all other scenarios are in it.) */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <linux/capability.h>

#include "io/sandbox.h"
#include "wire/wire.h"

TestSuite(sandbox, .timeout = WIRE_TIMEOUT);

#define STATUS_BYTES 8192

/* A thread's status in /proc. False: it has ended since it was listed, as the sweeper's does. */
static bool read_status(const char *path, char text[STATUS_BYTES])
{
	FILE *file = fopen(path, "r");

	if (file == NULL)
		return false;
	size_t len = fread(text, 1, STATUS_BYTES - 1, file);
	fclose(file);
	text[len] = '\0';
	return len > 0;
}

/* The value of a field, "Seccomp:\t2". */
static unsigned long long field_of(const char *status, const char *name, int base)
{
	char wanted[32];

	snprintf(wanted, sizeof(wanted), "\n%s:", name);
	const char *found = strstr(status, wanted);
	cr_assert_not_null(found, "no %s in: %s", name, status);
	return strtoull(found + strlen(wanted), NULL, base);
}

/* Every thread of the server: its filter, privileges and capabilities. Returns how many there were.
 */
static unsigned check_threads(const struct wire_server *server, unsigned seccomp,
			      unsigned no_new_privs, unsigned long long capabilities)
{
	static const char *const sets[] = {"CapPrm", "CapEff", "CapInh", "CapAmb"};
	char dir[64], path[PATH_MAX], status[STATUS_BYTES];
	unsigned count = 0;

	snprintf(dir, sizeof(dir), "/proc/%d/task", (int)server->pid);
	DIR *tasks = opendir(dir);
	cr_assert_not_null(tasks);
	for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/status", dir, entry->d_name);
		if (!read_status(path, status))
			continue;
		cr_expect_eq(field_of(status, "Seccomp", 10), seccomp, "%s", path);
		cr_expect_eq(field_of(status, "NoNewPrivs", 10), no_new_privs, "%s", path);
		for (size_t i = 0; i < ARRAY_LEN(sets); i++)
			cr_expect_eq(field_of(status, sets[i], 16) & ~capabilities, 0, "%s: %s",
				     path, sets[i]);
		count++;
	}
	closedir(tasks);
	return count;
}

/* Files of /proc that belong to root are of a process that leaves no core and takes no debugger. */
static bool is_dumpable(const struct wire_server *server)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)server->pid);
	cr_assert_eq(stat(path, &st), 0);
	return st.st_uid != 0;
}

static void expect_line(struct wire_server *server)
{
	char line[WIRE_LINE_MAX], wanted[64];
	int abi = sandbox_landlock_abi();

	snprintf(wanted, sizeof(wanted), "sandbox=\"landlock abi=%d seccomp\"", abi);
	wire_log_line(server, line, "msg=serving ",
		      abi >= SANDBOX_LANDLOCK_MIN ? wanted : "sandbox=seccomp", NULL);
	if (abi < 0)
		wire_log_has(server, "level=warn", "files are not confined", "sandbox.md");
	else if (abi < 6)
		wire_log_has(server, "level=warn", "does not refuse", "6.12");
	else
		cr_expect_eq(wire_log_count(server, "sandbox: "), 0);
}

Test(sandbox, every_thread_is_in_it)
{
	struct wire_server server = {.writable = true};
	unsigned long long files =
		1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_FOWNER;

	wire_server_root(&server);
	wire_server_start(&server);
	/* The main thread, two workers, and those for the disk. */
	cr_expect_geq(check_threads(&server, 2, 1, files), 3 + 2 * OFFLOAD_THREADS_MAX);
	expect_line(&server);
	wire_server_stop(&server);
}

Test(sandbox, of_an_unprivileged_server)
{
	struct wire_server server = {.unprivileged = true};

	wire_server_start(&server);
	wire_serves_others(&server);
	check_threads(&server, 2, 1, 0);
	cr_expect_not(is_dumpable(&server));
	expect_line(&server);
	wire_server_stop(&server);
}

Test(sandbox, can_be_turned_off)
{
	struct wire_server server = {.unprivileged = true, .option = {"--no-sandbox"}};

	wire_server_start(&server);
	wire_serves_others(&server);
	check_threads(&server, 0, 0, ~0ull);
	cr_expect(is_dumpable(&server));
	wire_log_has(&server, "level=warn", "--no-sandbox");
	wire_log_has(&server, "msg=serving ", "sandbox=off");
	wire_server_stop(&server);
}

/* An object that is a bucket's, and nobody else's: an unprivileged server writes, lists, removes.
 */
Test(sandbox, an_unprivileged_server_writes)
{
	struct wire_server server = {.unprivileged = true, .writable = true};
	struct wire_client client = {0};
	struct wire_response response;
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/data", wire_server_root(&server));
	cr_assert_eq(chmod(server.own_root, 0777), 0);
	cr_assert_eq(chmod(path, 0777), 0);
	wire_server_start(&server);
	wire_connect(&client, &server);
	for (int i = 0; i < 2; i++) { /* made, and replaced */
		cr_assert(wire_send(&client,
				    "PUT /data/a/b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
				    "\r\n12345"));
		wire_read_head(&client, &response);
		cr_assert_eq(response.status, 200, "%s", response.head);
	}
	wire_ask(&client, "PUT", "/data/c", "x-amz-copy-source: /data/a/b\r\nContent-Length: 0\r\n",
		 &response);
	cr_assert_eq(response.status, 200, "%s", response.head);
	wire_read_text(&client, &response);
	wire_get(&client, "/data?list-type=2", "", &response);
	wire_read_text(&client, &response);
	cr_assert_not_null(strstr(response.text, "<Key>a/b</Key>"), "%s", response.text);
	wire_ask(&client, "DELETE", "/data/a/b", "", &response);
	cr_assert_eq(response.status, 204, "%s", response.head);
	wire_disconnect(&client);
	wire_server_stop(&server);
}
