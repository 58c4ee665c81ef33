/* SPDX-License-Identifier: Apache-2.0 */
/* Which way the bytes of a file go, and that the program says so truly. */
#include "wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(engine, .timeout = WIRE_TIMEOUT);

/* Of /proc/net/tls_stat: connections whose keys the kernel's own code has had, since boot. */
static uint64_t tls_stat(const char *name)
{
	char line[128], found[64];
	uint64_t value;
	FILE *file = fopen("/proc/net/tls_stat", "re");

	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%63s %" SCNu64, found, &value) == 2 && strcmp(found, name) == 0) {
			fclose(file);
			return value;
		}
	}
	fclose(file);
	return 0;
}

static uint64_t sent_bytes(struct wire_server *server, const char *tx, const char *engine)
{
	char name[96];

	snprintf(name, sizeof(name), "sluice_sent_bytes_total{tx=\"%s\",engine=\"%s\"}", tx,
		 engine);
	return wire_metric(server, name);
}

/* Every byte is counted once, under the engine that moved it: the log's word and the counter agree
 * with the configuration. */
Test(engine, forced_engine_moves_the_bytes)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	uint64_t kernel_connections = tls_stat("TlsTxSw");
	char engine[64];

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/big", WIRE_BIG_SEED, server.env.big_bytes);
	wire_fetch(&client, "/data/size-131073", 131073, 131073);
	uint64_t bytes = server.env.big_bytes + 131073;
	const char *tx = server.env.is_kernel ? "kernel" : "user";
	bool is_auto = strcmp(server.engine, "auto") == 0;
	const char *used = !server.env.is_kernel ? "copy" : is_auto ? "sendfile" : server.engine;
	snprintf(engine, sizeof(engine), "engine=%s ", used);
	wire_log_has(&server, "msg=request ", "path=/data/big ", engine);
	wire_log_has(&server, "msg=request ", "path=/data/size-131073 ", engine);
	wire_metric_reaches(&server, "sluice_http_response_body_bytes_total", bytes);
	cr_assert_eq(wire_metric(&server, "sluice_http_response_body_bytes_total"), bytes);
	cr_assert_eq(sent_bytes(&server, tx, used), bytes, "%s %s: %" PRIu64, tx, used,
		     sent_bytes(&server, tx, used));
	uint64_t all = sent_bytes(&server, "kernel", "sendfile") +
		       sent_bytes(&server, "kernel", "splice") +
		       sent_bytes(&server, "kernel", "copy") + sent_bytes(&server, "user", "copy");
	cr_assert_eq(all, bytes, "counted %" PRIu64 " of %" PRIu64, all, bytes);
	if (server.env.is_kernel)
		cr_assert_gt(tls_stat("TlsTxSw"), kernel_connections, "/proc/net/tls_stat");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A small body goes with its head; a large cached one by sendfile where the kernel seals. */
Test(engine, auto_chooses_by_size)
{
	struct wire_server server = {.engine = "auto"};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_fetch(&client, "/data/size-1048577", 1048577, 1048577);
	wire_log_has(&server, "msg=request ", "path=/data/size-100 ", "engine=copy ");
	wire_log_has(&server, "msg=request ", "path=/data/size-1048577 ",
		     server.env.is_kernel ? "engine=sendfile " : "engine=copy ");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* tx and rx of the metrics, and the reason why not. */
Test(engine, path_is_counted)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char name[96];

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-100", 100, 100);
	const char *path = server.env.is_kernel ? "kernel" : "user";
	snprintf(name, sizeof(name), "sluice_tls_connections_total{tx=\"%s\",rx=\"%s\"}", path,
		 path);
	cr_assert_eq(wire_metric(&server, name), 1);
	const char *reason = strcmp(server.tls_path, "user") == 0 ? "configured" : "no_ulp";
	static const char *const directions[] = {"tx", "rx"};
	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof(name),
			 "sluice_ktls_fallback_total{direction=\"%s\",reason=\"%s\"}",
			 directions[i], reason);
		cr_assert_eq(wire_metric(&server, name), server.env.is_kernel ? 0u : 1u, "%s",
			     name);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* auto serves everyone, and says by which way. */
Test(engine, auto_path)
{
	struct wire_server server = {.tls_path = "auto", .may_differ = true};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-131073", 131073, 131073);
	wire_disconnect(&client);
	if (server.env.has_ulp) {
		wire_log_has(&server, "msg=request ", " tx=kernel ", " rx=kernel ");
	} else {
		wire_log_has(&server, "msg=request ", " tx=user ", " rx=user ");
		wire_log_has(&server, "msg=\"userspace TLS\"", "reason=no_ulp ");
	}
	wire_server_stop(&server);
}

#define COPIED_BY_KERNEL_TLS "sluice_sent_bytes_total{tx=\"kernel\",engine=\"copy\"}"

/* Pages of the file that are in the page cache. */
static size_t cached_pages(const char *path, size_t bytes)
{
	unsigned char in_core[4096];
	size_t pages = (bytes + 4095) / 4096, count = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	must(pages <= sizeof(in_core));
	void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	cr_assert(map != MAP_FAILED);
	cr_assert_eq(mincore(map, bytes, in_core), 0);
	munmap(map, bytes);
	for (size_t i = 0; i < pages; i++)
		count += in_core[i] & 1;
	return count;
}

/* Nothing of the file is cached: read ahead of sending, never by a thread that others need. On a
 * file system that lives in memory nothing can be evicted, and it is a download like any other. */
Test(engine, cold_file)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char path[PATH_MAX];
	const uint64_t bytes = 8 << 20;

	wire_pattern_write(wire_server_root(&server), "data/cold", 11, bytes);
	snprintf(path, sizeof(path), "%.1000s/data/cold", server.root);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_eq(fsync(fd), 0);
	cr_assert_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	close(fd);
	bool is_cold = cached_pages(path, bytes) == 0;
	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/cold", 11, bytes);
	/* What is not there goes through a buffer, and through the ring unless the disk is faster
	 * than we are. */
	if (is_cold && strcmp(server.engine, "sendfile") == 0)
		cr_assert_gt(wire_metric(&server, COPIED_BY_KERNEL_TLS), 0);
	uint64_t cold_reads = wire_metric(&server, "sluice_cold_reads_total");
	wire_fetch(&client, "/data/cold", 11, bytes);
	if (is_cold && strcmp(server.engine, "splice") != 0)
		cr_assert_eq(wire_metric(&server, "sluice_cold_reads_total"), cold_reads,
			     "the second time it was not read from the cache");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A network that nobody else has, its loopback up. */
static void network_make(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("no network of its own (needs root): %s", strerror(errno));
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0, "lo: %s", strerror(errno));
	close(fd);
}

static void sysctl_set(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	cr_assert(fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value), "%s: %s",
		  path, strerror(errno));
	close(fd);
}

/* Where the operator lets little wait in a socket, it is full before TCP has a segment that it
 * would send by itself: what is there must go all the same. */
static void serves_with(const char *sysctl, const char *value)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	network_make();
	sysctl_set(sysctl, value);
	wire_server_start(&server);
	wire_connect(&client, &server);
	for (int i = 0; i < 3; i++)
		wire_fetch(&client, "/data/size-1048577", 1048577, 1048577);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(engine, little_may_wait_unsent)
{
	serves_with("tcp_notsent_lowat", "16384");
}

Test(engine, small_send_buffers)
{
	serves_with("tcp_wmem", "4096 16384 32768");
}
