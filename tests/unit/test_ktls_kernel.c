/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel TLS as this machine's kernel does it, with a loopback connection whose two ends both have
 * their keys in the kernel, or one of them in our hands. Skipped, with the reason, where the kernel
 * has no TLS; SLUICE_EXPECT_KTLS in the environment makes that a failure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tls/aead.h"
#include "tls/ktls.h"
#include "tls/ktls_probe.h"

#define CIPHER     TLS_CIPHER_AES_128_GCM
#define WAIT_MS    60000 /* for what must come */
#define DATA_BYTES 64

static const struct ktls_sys *sys = &ktls_sys_kernel;
static const struct traffic_key first_key = {.key = {1}, .iv = {2}};
static const struct traffic_key second_key = {.key = {3}, .iv = {4}};
static int kernel_fd, peer_fd; /* the kernel's TLS is on kernel_fd */

/* kernel_fd has the ULP, or the test is skipped. */
static void set_up(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listen_fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(bind(listen_fd, (struct sockaddr *)&address, len), 0);
	cr_assert_eq(listen(listen_fd, 1), 0);
	cr_assert_eq(getsockname(listen_fd, (struct sockaddr *)&address, &len), 0);
	peer_fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(connect(peer_fd, (struct sockaddr *)&address, len), 0);
	kernel_fd = accept(listen_fd, NULL, NULL);
	cr_assert(kernel_fd >= 0);
	close(listen_fd);

	int r = ktls_attach(sys, kernel_fd);
	if (r < 0 && getenv("SLUICE_EXPECT_KTLS") == NULL)
		cr_skip_test("this machine's kernel has no TLS ULP (%s)", strerrorname_np(-r));
	cr_assert_eq(r, 0, "no TLS ULP, and SLUICE_EXPECT_KTLS is set");
}

static void tear_down(void)
{
	close(kernel_fd);
	close(peer_fd);
}

TestSuite(ktls_kernel, .init = set_up, .fini = tear_down, .timeout = 600);

static void expect_readable(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	cr_assert_eq(poll(&pollfd, 1, WAIT_MS), 1);
}

/* Seals by hand and sends. */
static void peer_sends(struct aead *aead, enum record_type type, const void *data, size_t len)
{
	uint8_t record[DATA_BYTES + RECORD_OVERHEAD];
	memcpy(record + RECORD_HEADER, data, len);
	int n = aead_seal(aead, record, len, type, 0);
	cr_assert_eq(send(peer_fd, record, (size_t)n, MSG_NOSIGNAL), n);
}

static void expect_record(enum record_type type_wanted, const char *wanted, size_t len)
{
	uint8_t data[4 * DATA_BYTES];
	enum record_type type;
	expect_readable(kernel_fd);
	cr_assert_eq(ktls_recv(sys, kernel_fd, data, sizeof(data), &type), (ssize_t)len);
	cr_expect_eq(type, type_wanted);
	cr_expect_arr_eq(data, wanted, len);
}

static struct aead *peer_key(bool is_sealing)
{
	struct aead *aead = aead_new(CIPHER, &first_key, is_sealing);
	cr_assert_not_null(aead);
	cr_assert_eq(
		ktls_install(sys, kernel_fd, is_sealing ? KTLS_RX : KTLS_TX, CIPHER, &first_key, 0),
		0);
	return aead;
}

Test(ktls_kernel, a_second_attach_is_eexist)
{
	cr_expect_eq(ktls_attach(sys, kernel_fd), -EEXIST);
}

Test(ktls_kernel, data_control_data_and_fin_in_their_order)
{
	struct aead *aead = peer_key(true);
	peer_sends(aead, RECORD_DATA, "one", 3);
	peer_sends(aead, RECORD_ALERT, "\1\132", 2);
	peer_sends(aead, RECORD_DATA, "two", 3);
	close(peer_fd);
	peer_fd = -1;
	expect_record(RECORD_DATA, "one", 3);
	expect_record(RECORD_ALERT, "\1\132", 2);
	expect_record(RECORD_DATA, "two", 3);
	expect_record(RECORD_DATA, "", 0);
	aead_free(aead);
}

Test(ktls_kernel, an_empty_record_is_readable_and_then_eagain)
{
	struct aead *aead = peer_key(true);
	enum record_type type;
	uint8_t data[DATA_BYTES];
	peer_sends(aead, RECORD_DATA, "", 0);
	expect_readable(kernel_fd);
	cr_expect_eq(ktls_recv(sys, kernel_fd, data, sizeof(data), &type), -EAGAIN);
	peer_sends(aead, RECORD_DATA, "more", 4);
	expect_record(RECORD_DATA, "more", 4);
	uint64_t seq;
	cr_expect_eq(ktls_record_seq(sys, kernel_fd, KTLS_RX, CIPHER, &seq), 0);
	cr_expect_eq(seq, 2, "the empty one was counted");
	aead_free(aead);
}

Test(ktls_kernel, a_forged_record_is_ebadmsg)
{
	struct aead *aead = peer_key(true);
	enum record_type type;
	uint8_t data[DATA_BYTES], record[3 + RECORD_OVERHEAD];
	memcpy(record + RECORD_HEADER, "one", 3);
	cr_assert_eq(aead_seal(aead, record, 3, RECORD_DATA, 0), (int)sizeof(record));
	record[RECORD_HEADER] ^= 1;
	cr_assert_eq(send(peer_fd, record, sizeof(record), MSG_NOSIGNAL), (ssize_t)sizeof(record));
	expect_readable(kernel_fd);
	cr_expect_eq(ktls_recv(sys, kernel_fd, data, sizeof(data), &type), -EBADMSG);
	aead_free(aead);
}

/* A whole record of the kernel, opened by hand. Returns its plaintext's length. */
static int peer_opens(struct aead *aead, uint8_t *record, size_t bytes_max, enum record_type *type)
{
	size_t have = 0, wanted = RECORD_HEADER;
	while (have < wanted) {
		expect_readable(peer_fd);
		ssize_t n = recv(peer_fd, record + have, wanted - have, 0);
		cr_assert(n > 0);
		have += (size_t)n;
		if (have == RECORD_HEADER && wanted == RECORD_HEADER)
			wanted += (size_t)record[3] << 8 | record[4];
		cr_assert(wanted <= bytes_max);
	}
	return aead_open(aead, record, have, type);
}

Test(ktls_kernel, a_control_record_first_seals_what_was_left_open)
{
	struct aead *aead = peer_key(false);
	uint8_t record[DATA_BYTES + RECORD_OVERHEAD];
	enum record_type type;
	uint64_t seq;
	cr_assert_eq(send(kernel_fd, "tail", 4, MSG_MORE | MSG_NOSIGNAL), 4);
	cr_assert_eq(ktls_send_control(sys, kernel_fd, RECORD_ALERT, "\1\0", 2), 2);
	cr_expect_eq(peer_opens(aead, record, sizeof(record), &type), 4);
	cr_expect_eq(type, RECORD_DATA);
	cr_expect_arr_eq(record + RECORD_HEADER, "tail", 4);
	cr_expect_eq(peer_opens(aead, record, sizeof(record), &type), 2);
	cr_expect_eq(type, RECORD_ALERT);
	cr_expect_arr_eq(record + RECORD_HEADER, "\1\0", 2);
	cr_expect_eq(ktls_record_seq(sys, kernel_fd, KTLS_TX, CIPHER, &seq), 0);
	cr_expect_eq(seq, 2);
	aead_free(aead);
}

Test(ktls_kernel, the_first_sequence_number_is_the_one_given)
{
	uint64_t seq;
	cr_assert_eq(ktls_install(sys, kernel_fd, KTLS_TX, CIPHER, &first_key, 0x123456), 0);
	cr_assert_eq(ktls_record_seq(sys, kernel_fd, KTLS_TX, CIPHER, &seq), 0);
	cr_expect_eq(seq, 0x123456);
}

/* Linux >= 6.14 waits for the next key; before, it reads on with the old one and takes no other. */
Test(ktls_kernel, after_a_keyupdate_the_next_key_or_the_end)
{
	struct ktls_caps caps;
	struct aead *aead = peer_key(true);
	enum record_type type;
	uint8_t data[DATA_BYTES];
	cr_assert_eq(ktls_probe(&caps, false), 0);
	peer_sends(aead, RECORD_HANDSHAKE, "\x18\0\0\1\0", 5);
	cr_assert_eq(aead_rekey(aead, &second_key), 0);
	peer_sends(aead, RECORD_DATA, "after", 5);
	expect_record(RECORD_HANDSHAKE, "\x18\0\0\1\0", 5);
	int r = ktls_install(sys, kernel_fd, KTLS_RX, CIPHER, &second_key, 0);
	if (caps.rekey == KTLS_YES) {
		cr_assert_eq(r, 0);
		expect_record(RECORD_DATA, "after", 5);
	} else {
		cr_expect_eq(r, -EBUSY);
		cr_expect_eq(ktls_recv(sys, kernel_fd, data, sizeof(data), &type), -EBADMSG);
	}
	aead_free(aead);
}

Test(ktls_kernel, without_the_next_key_nothing_is_read)
{
	struct ktls_caps caps;
	enum record_type type;
	uint8_t data[DATA_BYTES];
	cr_assert_eq(ktls_probe(&caps, false), 0);
	if (caps.rekey != KTLS_YES)
		cr_skip_test("this machine's kernel cannot change keys (before Linux 6.14)");
	struct aead *aead = peer_key(true);
	peer_sends(aead, RECORD_HANDSHAKE, "\x18\0\0\1\0", 5);
	expect_record(RECORD_HANDSHAKE, "\x18\0\0\1\0", 5);
	cr_expect_eq(ktls_recv(sys, kernel_fd, data, sizeof(data), &type), -EKEYEXPIRED);
	aead_free(aead);
}

/* ---- The probe ------------------------------------------------------------------------------ */

Test(ktls_kernel, the_probe_finds_what_every_supported_kernel_has)
{
	struct ktls_caps caps;
	cr_assert_eq(ktls_probe(&caps, true), 0);
	cr_expect_eq(caps.ulp_errno, 0);
	for (int i = 0; i < TLS_CIPHER_COUNT; i++) {
		cr_expect(caps.tx[i], "%s TX", tls_cipher_label((enum tls_cipher)i));
		cr_expect(caps.rx[i], "%s RX", tls_cipher_label((enum tls_cipher)i));
	}
	cr_expect_neq(caps.rekey, KTLS_UNTESTED);
	cr_expect_eq(caps.no_pad, KTLS_YES);
	cr_expect_neq(caps.pad_safe, KTLS_UNTESTED);
	cr_assert_eq(ktls_probe(&caps, false), 0);
	cr_expect_eq(caps.pad_safe, KTLS_UNTESTED, "only the full probe takes the self-test");
}

/* The kernel's own count of records that it decrypted twice because they were padded. */
static long retries(void)
{
	char line[128];
	long count = -1;
	FILE *file = fopen("/proc/net/tls_stat", "r");
	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "TlsDecryptRetry", strlen("TlsDecryptRetry")) == 0)
			count = strtol(line + strlen("TlsDecryptRetry"), NULL, 10);
	fclose(file);
	return count;
}

Test(ktls_kernel, the_padding_self_test_meets_the_code_in_question)
{
	struct ktls_caps caps;
	long before = retries();
	cr_assert(before >= 0);
	cr_assert_eq(ktls_probe(&caps, true), 0);
	cr_expect(retries() >= before + 2, "one record alone shows nothing");
}

/* ---- Where there is none ------------------------------------------------------------------- */

Test(ktls_probe, without_the_ulp_everything_is_no)
{
	struct ktls_caps caps;
	memset(&caps, 0xff, sizeof(caps));
	cr_assert_eq(ktls_probe(&caps, true), 0);
	if (caps.ulp_errno == 0)
		cr_skip_test("this machine's kernel has TLS");
	cr_expect(caps.ulp_errno < 0);
	for (int i = 0; i < TLS_CIPHER_COUNT; i++) {
		cr_expect_not(caps.tx[i]);
		cr_expect_not(caps.rx[i]);
	}
	cr_expect_eq(caps.rekey, KTLS_UNTESTED);
	cr_expect_eq(caps.no_pad, KTLS_UNTESTED);
	cr_expect_eq(caps.pad_safe, KTLS_UNTESTED);
}

/* A loopback pair needs three descriptors. */
Test(ktls_probe, without_a_descriptor_it_says_so_and_no)
{
	struct ktls_caps caps;
	struct rlimit limit;
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 32;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	int fd = 0, last = -1;
	while (fd >= 0) {
		last = fd;
		fd = dup(STDERR_FILENO);
	}
	cr_assert(last > STDERR_FILENO);
	close(last); /* one is left: not enough */
	int r = ktls_probe(&caps, true);
	close(last - 1); /* Criterion needs some itself */
	close(last - 2);
	cr_expect_eq(r, -EMFILE);
	cr_expect_eq(caps.ulp_errno, -EMFILE);
	cr_expect_not(caps.tx[0]);
}
