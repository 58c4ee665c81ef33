/* SPDX-License-Identifier: Apache-2.0 */
/* The userspace record layer over a socket pair; the other end seals and opens by hand. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <openssl/evp.h>

#include "tls/record.h"

#define CIPHER TLS_CIPHER_AES_128_GCM

static struct record record;
static struct pool rx_bufs;
static struct metrics metrics;
static struct tx_buf *tx_buf;
static int peer_fd;
static struct traffic_secret peer_tx_secret, peer_rx_secret;
static struct aead *peer_tx, *peer_rx; /* what the peer seals and opens with */

static struct aead *aead_of(const struct traffic_secret *secret, bool sealing)
{
	struct traffic_key key;
	cr_assert_eq(traffic_key_derive(CIPHER, secret, &key), 0);
	struct aead *aead = aead_new(CIPHER, &key, sealing);
	cr_assert_not_null(aead);
	return aead;
}

static void set_up(void)
{
	int fd[2];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	peer_fd = fd[1];
	cr_assert_eq(pool_init(&rx_bufs, sizeof(struct rx_buf), 1), 0);
	peer_rx_secret = (struct traffic_secret){.len = 32, .byte = {1}};
	peer_tx_secret = (struct traffic_secret){.len = 32, .byte = {2}};
	record = (struct record){.sock_fd = fd[0],
				 .cipher = CIPHER,
				 .tx = &record_tx_user,
				 .rx = &record_rx_user,
				 .sys = &ktls_sys_kernel,
				 .metrics = &metrics,
				 .rx_bufs = &rx_bufs,
				 .records_per_key = 1000,
				 .tx_secret = peer_rx_secret,
				 .rx_secret = peer_tx_secret,
				 .tx_aead = aead_of(&peer_rx_secret, true),
				 .rx_aead = aead_of(&peer_tx_secret, false)};
	peer_tx = aead_of(&peer_tx_secret, true);
	peer_rx = aead_of(&peer_rx_secret, false);
	tx_buf = malloc(sizeof(*tx_buf));
	tx_buf->at = tx_buf->end = 0;
	record.tx_buf = tx_buf;
}

static void tear_down(void)
{
	record.tx_buf = NULL;
	record_fini(&record);
	pool_fini(&rx_bufs); /* must()s that the rx_buf came back */
	aead_free(peer_tx);
	aead_free(peer_rx);
	free(tx_buf);
	close(record.sock_fd);
	close(peer_fd);
}

TestSuite(record_user, .init = set_up, .fini = tear_down);

/* Seals one record as the peer and returns its length. */
static size_t peer_seal(uint8_t *out, enum record_type type, const void *data, size_t len)
{
	memcpy(out + RECORD_HEADER, data, len);
	int n = aead_seal(peer_tx, out, len, type, 0);
	cr_assert(n > 0);
	return (size_t)n;
}

static void peer_send(enum record_type type, const void *data, size_t len)
{
	static uint8_t sealed[RECORD_SEALED_MAX];
	size_t n = peer_seal(sealed, type, data, len);
	cr_assert_eq(write(peer_fd, sealed, n), (ssize_t)n);
}

/* The next record that our side sent, opened. Returns its plaintext's length. */
static int peer_take(uint8_t *plain, enum record_type *type)
{
	static uint8_t sealed[RECORD_SEALED_MAX];
	cr_assert_eq(read(peer_fd, sealed, RECORD_HEADER), RECORD_HEADER);
	size_t body = (size_t)sealed[3] << 8 | sealed[4];
	cr_assert_eq(read(peer_fd, sealed + RECORD_HEADER, body), (ssize_t)body);
	int n = aead_open(peer_rx, sealed, RECORD_HEADER + body, type);
	cr_assert(n >= 0, "our record does not open");
	memcpy(plain, sealed + RECORD_HEADER, (size_t)n);
	return n;
}

static ssize_t receive(char *out, size_t size)
{
	return record_recv(&record, out, size);
}

Test(record_user, a_record_that_comes_byte_by_byte_is_given_once_whole)
{
	uint8_t sealed[64];
	char out[64];
	size_t n = peer_seal(sealed, RECORD_DATA, "hello", 5);
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(receive(out, sizeof(out)), -EAGAIN);
		cr_assert_eq(write(peer_fd, sealed + i, 1), 1);
	}
	cr_assert_eq(receive(out, sizeof(out)), 5);
	cr_expect_arr_eq(out, "hello", 5);
	cr_expect_null(record.rx_buf, "an idle record layer holds no buffer");
}

Test(record_user, two_records_in_one_segment_are_both_given_without_another_poll)
{
	uint8_t sealed[128];
	char out[64];
	size_t n = peer_seal(sealed, RECORD_DATA, "one", 3);
	n += peer_seal(sealed + n, RECORD_DATA, "two", 3);
	cr_assert_eq(write(peer_fd, sealed, n), (ssize_t)n);
	cr_assert_eq(receive(out, sizeof(out)), 3);
	cr_assert(record_has_buffered(&record), "the socket will not be readable again");
	cr_assert_eq(receive(out, sizeof(out)), 3);
	cr_expect_arr_eq(out, "two", 3);
	cr_expect_not(record_has_buffered(&record));
}

Test(record_user, a_record_longer_than_the_readers_buffer_comes_in_pieces)
{
	static char data[RECORD_PLAIN_MAX], out[RECORD_PLAIN_MAX];
	size_t have = 0;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 13);
	peer_send(RECORD_DATA, data, sizeof(data));
	while (have < sizeof(out)) {
		ssize_t n = receive(out + have,
				    sizeof(out) - have > 1000 ? 1000 : sizeof(out) - have + 5);
		cr_assert(n > 0);
		have += (size_t)n;
	}
	cr_expect_arr_eq(out, data, sizeof(data));
}

Test(record_user, close_notify_is_the_end_of_file_and_fin_alone_is_not)
{
	char out[16];
	peer_send(RECORD_ALERT, "\x01\x00", 2);
	cr_expect_eq(receive(out, sizeof(out)), 0);
	cr_expect_eq(record.why, CLOSE_CLIENT_DONE);
}

Test(record_user, fin_without_close_notify_is_told)
{
	char out[16];
	shutdown(peer_fd, SHUT_WR);
	cr_expect_eq(receive(out, sizeof(out)), -EPIPE);
	cr_expect_eq(record.why, CLOSE_CLIENT_TRUNCATED);
}

Test(record_user, fatal_alerts_and_strange_records_end_it)
{
	static const struct {
		const char *what;
		int type;
		const char *data;
		size_t len;
		enum close_reason why;
	} rows[] = {
		{"bad_certificate", RECORD_ALERT, "\x02\x2a", 2, CLOSE_CLIENT_ALERT},
		{"alert of one byte", RECORD_ALERT, "\x01", 1, CLOSE_UNEXPECTED_RECORD},
		{"ClientHello", RECORD_HANDSHAKE, "\x01\x00\x00\x01\x00", 5,
		 CLOSE_UNEXPECTED_RECORD},
		{"KeyUpdate with 2", RECORD_HANDSHAKE, "\x18\x00\x00\x01\x02", 5,
		 CLOSE_UNEXPECTED_RECORD},
		{"KeyUpdate and more", RECORD_HANDSHAKE, "\x18\x00\x00\x01\x00\x18", 6,
		 CLOSE_UNEXPECTED_RECORD},
		{"ChangeCipherSpec", 20, "\x01", 1, CLOSE_UNEXPECTED_RECORD},
		{"type 0x63", 0x63, "x", 1, CLOSE_UNEXPECTED_RECORD},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[64];
		record.due = 0;
		peer_send((enum record_type)rows[i].type, rows[i].data, rows[i].len);
		cr_expect_lt(receive(out, sizeof(out)), 0, "%s", rows[i].what);
		cr_expect_eq(record.why, rows[i].why, "%s", rows[i].what);
	}
}

Test(record_user, a_changed_record_is_answered_with_bad_record_mac)
{
	uint8_t sealed[64], plain[64];
	char out[16];
	enum record_type type;
	size_t n = peer_seal(sealed, RECORD_DATA, "hello", 5);
	sealed[n - 1] ^= 1;
	cr_assert_eq(write(peer_fd, sealed, n), (ssize_t)n);
	cr_assert_eq(receive(out, sizeof(out)), -EBADMSG);
	cr_expect_eq(record.why, CLOSE_RECORD_BAD);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_assert_eq(peer_take(plain, &type), 2);
	cr_expect_eq(type, RECORD_ALERT);
	cr_expect(plain[0] == 2 && plain[1] == ALERT_BAD_RECORD_MAC);
}

Test(record_user, plaintext_and_oversized_records_are_refused)
{
	char out[16];
	cr_assert_eq(write(peer_fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	cr_expect_eq(receive(out, sizeof(out)), -EPROTO);
	cr_expect_eq(record.why, CLOSE_RECORD_BAD);
	cr_expect_eq(record.alert, ALERT_UNEXPECTED_MESSAGE);
}

/* Seals what aead_seal would not: bytes of inner plaintext that may be too many or end in no type.
 */
static size_t seal_anything(uint8_t *sealed, const uint8_t *inner, size_t inner_bytes)
{
	struct traffic_key key;
	cr_assert_eq(traffic_key_derive(CIPHER, &peer_tx_secret, &key), 0);
	size_t body = inner_bytes + RECORD_TAG;
	const uint8_t head[RECORD_HEADER] = {23, 3, 3, (uint8_t)(body >> 8), (uint8_t)body};
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;
	memcpy(sealed, head, sizeof(head));
	cr_assert(EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key.key, key.iv) == 1 &&
		  EVP_EncryptUpdate(ctx, NULL, &n, head, sizeof(head)) == 1 &&
		  EVP_EncryptUpdate(ctx, sealed + sizeof(head), &n, inner, (int)inner_bytes) == 1 &&
		  EVP_EncryptFinal_ex(ctx, sealed + sizeof(head) + inner_bytes, &n) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, RECORD_TAG,
				      sealed + sizeof(head) + inner_bytes) == 1);
	EVP_CIPHER_CTX_free(ctx);
	return RECORD_HEADER + body;
}

/* RFC 8446 sections 5.2 and 5.4: each has its own alert. */
Test(record_user, inner_plaintext_that_is_too_long_or_has_no_type)
{
	static uint8_t inner[RECORD_PLAIN_MAX + 2], sealed[RECORD_SEALED_MAX];
	static char out[RECORD_PLAIN_MAX];

	inner[0] = RECORD_DATA; /* too long by its padding alone */
	size_t n = seal_anything(sealed, inner, sizeof(inner));
	cr_assert_eq(write(peer_fd, sealed, n), (ssize_t)n);
	cr_expect_eq(receive(out, sizeof(out)), -EMSGSIZE);
	cr_expect_eq(record.alert, ALERT_RECORD_OVERFLOW);
}

Test(record_user, inner_plaintext_without_a_type)
{
	static const uint8_t zeros[100];
	uint8_t sealed[200];
	char out[100];

	size_t n = seal_anything(sealed, zeros, sizeof(zeros));
	cr_assert_eq(write(peer_fd, sealed, n), (ssize_t)n);
	cr_expect_eq(receive(out, sizeof(out)), -EPROTO);
	cr_expect_eq(record.alert, ALERT_UNEXPECTED_MESSAGE);
}

Test(record_user, a_part_of_a_record_is_told_of)
{
	uint8_t sealed[64];
	char out[16];
	size_t n = peer_seal(sealed, RECORD_DATA, "hello", 5);

	cr_expect_not(record_holds_part(&record));
	cr_assert_eq(write(peer_fd, sealed, 3), 3);
	cr_assert_eq(receive(out, sizeof(out)), -EAGAIN);
	cr_expect(record_holds_part(&record));
	cr_assert_eq(write(peer_fd, sealed + 3, n - 3), (ssize_t)(n - 3));
	cr_assert_eq(receive(out, sizeof(out)), 5);
	cr_expect_not(record_holds_part(&record));
}

Test(record_user, a_length_over_the_limit_is_refused_before_its_bytes_come)
{
	char out[16];
	cr_assert_eq(write(peer_fd, "\x17\x03\x03\x41\x01", 5), 5); /* 16384 + 257 */
	cr_expect_eq(receive(out, sizeof(out)), -EMSGSIZE);
	cr_expect_eq(record.why, CLOSE_RECORD_BAD);
}

static void peer_keyupdate(uint8_t request)
{
	uint8_t message[5] = {24, 0, 0, 1, request};
	struct traffic_key key;
	peer_send(RECORD_HANDSHAKE, message, sizeof(message));
	cr_assert_eq(traffic_secret_update(CIPHER, &peer_tx_secret), 0);
	cr_assert_eq(traffic_key_derive(CIPHER, &peer_tx_secret, &key), 0);
	cr_assert_eq(aead_rekey(peer_tx, &key), 0);
}

Test(record_user, a_keyupdate_changes_the_key_and_is_answered_when_it_asks)
{
	uint8_t plain[64];
	char out[64];
	enum record_type type;
	struct traffic_key key;

	peer_keyupdate(0);
	peer_send(RECORD_DATA, "a", 1);
	cr_assert_eq(receive(out, sizeof(out)), 1);
	cr_expect_eq(record.due, 0, "not asked, not answered");

	peer_keyupdate(1);
	peer_send(RECORD_DATA, "b", 1);
	cr_assert_eq(receive(out, sizeof(out)), 1);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_assert_eq(peer_take(plain, &type), 5);
	cr_expect_eq(type, RECORD_HANDSHAKE);
	cr_expect_arr_eq(plain, "\x18\x00\x00\x01\x00", 5);

	/* What follows is sealed with the next key. */
	cr_assert_eq(traffic_secret_update(CIPHER, &peer_rx_secret), 0);
	cr_assert_eq(traffic_key_derive(CIPHER, &peer_rx_secret, &key), 0);
	cr_assert_eq(aead_rekey(peer_rx, &key), 0);
	struct iovec iov[TX_RECORDS_MAX];
	record_tx_room(&record, 0, iov);
	memcpy(iov[0].iov_base, "new", 3);
	cr_assert_eq(record_tx_seal(&record, 3), 0);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_assert_eq(peer_take(plain, &type), 3);
	cr_expect_arr_eq(plain, "new", 3);
}

Test(record_user, a_flood_of_keyupdates_is_stopped)
{
	char out[64];
	ssize_t r = -EAGAIN;
	int sent = 0;
	while (r == -EAGAIN && sent < 3 * KEYUPDATES_PER_SECOND_MAX) {
		peer_keyupdate(0);
		sent++;
		r = receive(out, sizeof(out));
	}
	cr_expect_eq(r, -EPROTO);
	cr_expect_eq(record.why, CLOSE_KEYUPDATE_FLOOD);
	cr_expect_gt(sent, KEYUPDATES_PER_SECOND_MAX);
}

Test(record_user, empty_records_are_no_end_of_file_and_a_flood_of_them_is_stopped)
{
	char out[64];
	ssize_t r = -EAGAIN;
	peer_send(RECORD_DATA, "", 0);
	peer_send(RECORD_DATA, "x", 1);
	while ((r = receive(out, sizeof(out))) == -EAGAIN)
		;
	cr_assert_eq(r, 1);
	int sent = 0;
	do {
		peer_send(RECORD_DATA, "", 0);
		r = receive(out, sizeof(out));
	} while (r == -EAGAIN && ++sent < 2000);
	cr_expect_eq(r, -EPROTO);
	cr_expect_eq(record.why, CLOSE_RECORD_FLOOD);
}

Test(record_user, an_empty_control_record_is_refused)
{
	char out[64];
	peer_send(RECORD_HANDSHAKE, "", 0); /* RFC 8446 section 5.1 forbids it */
	cr_expect_eq(receive(out, sizeof(out)), -EPROTO);
	cr_expect_eq(record.alert, ALERT_UNEXPECTED_MESSAGE);
}

Test(record_user, a_keyupdate_that_requests_nothing_known_is_an_illegal_parameter)
{
	char out[64];
	peer_send(RECORD_HANDSHAKE, "\x18\x00\x00\x01\x02", 5); /* RFC 8446 section 4.6.3 */
	cr_expect_eq(receive(out, sizeof(out)), -EPROTO);
	cr_expect_eq(record.alert, ALERT_ILLEGAL_PARAMETER);
}

Test(record_user, a_keyupdate_of_another_length_is_a_decode_error)
{
	char out[64];
	peer_send(RECORD_HANDSHAKE, "\x18\x00\x00\x02\x00\x00", 6); /* RFC 8446 section 6 */
	cr_expect_eq(receive(out, sizeof(out)), -EPROTO);
	cr_expect_eq(record.alert, ALERT_DECODE_ERROR);
}

/* RFC 8446 section 5.1 */
Test(record_user, a_keyupdate_may_be_cut_over_records)
{
	static const uint8_t update[] = {24, 0, 0, 1, 0};
	char out[64];

	for (size_t i = 0; i < sizeof(update); i++)
		peer_send(RECORD_HANDSHAKE, (const char *)update + i, 1);
	cr_assert_eq(traffic_secret_update(CIPHER, &peer_tx_secret), 0);
	aead_free(peer_tx);
	peer_tx = aead_of(&peer_tx_secret, true);
	peer_send(RECORD_DATA, "hello", 5);
	cr_assert_eq(receive(out, sizeof(out)), 5);
	cr_expect_eq(metrics.value[METRIC_REKEYS_RX], 1);

	peer_send(RECORD_HANDSHAKE, (const char *)update, 4);
	peer_send(RECORD_DATA, "between", 7);
	cr_expect_eq(receive(out, sizeof(out)), -EPROTO);
	cr_expect_eq(record.alert, ALERT_UNEXPECTED_MESSAGE);
}

/* Fills the room with a pattern that starts at from. */
static void fill(size_t from, size_t bytes)
{
	struct iovec iov[TX_RECORDS_MAX];
	size_t done = 0;
	while (done < bytes) {
		unsigned count = record_tx_room(&record, done, iov);
		cr_assert(count > 0);
		size_t n = iov[0].iov_len < bytes - done ? iov[0].iov_len : bytes - done;
		for (size_t i = 0; i < n; i++)
			((uint8_t *)iov[0].iov_base)[i] = (uint8_t)((from + done + i) * 7);
		done += n;
	}
}

Test(record_user, a_full_buffer_through_a_narrow_socket_arrives_whole_and_in_order)
{
	static uint8_t plain[RECORD_PLAIN_MAX];
	int small = 4608;
	size_t total = record_tx_room_bytes(&record), arrived = 0;
	static uint8_t wire[sizeof(((struct tx_buf *)0)->byte)];
	size_t wire_bytes = 0;

	setsockopt(record.sock_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	fill(0, total);
	cr_assert_eq(record_tx_seal(&record, total), 0);
	int r, waits = 0;
	while ((r = record_tx_flush(&record, false)) == -EAGAIN) {
		ssize_t n = read(peer_fd, wire + wire_bytes, sizeof(wire) - wire_bytes);
		cr_assert(n > 0);
		wire_bytes += (size_t)n;
		waits++;
		/* What has left is what the peer can open: whole records, and not before. */
		size_t left = total - record_tx_unsent(&record);
		cr_expect_eq(left % RECORD_PLAIN_MAX, 0);
		cr_expect_geq(left, wire_bytes / TX_SLOT_BYTES * RECORD_PLAIN_MAX);
		cr_expect_leq(left, record.tx_buf->at);
	}
	cr_assert_eq(r, 0);
	cr_expect_eq(record_tx_unsent(&record), 0);
	cr_expect_gt(waits, 3, "the socket was not narrow");
	ssize_t n;
	while ((n = read(peer_fd, wire + wire_bytes, sizeof(wire) - wire_bytes)) > 0)
		wire_bytes += (size_t)n;

	for (size_t at = 0; at < wire_bytes;) {
		size_t len = RECORD_HEADER + ((size_t)wire[at + 3] << 8 | wire[at + 4]);
		enum record_type type;
		int m = aead_open(peer_rx, wire + at, len, &type);
		cr_assert_eq(m, RECORD_PLAIN_MAX);
		memcpy(plain, wire + at + RECORD_HEADER, (size_t)m);
		for (int i = 0; i < m; i++)
			cr_assert_eq(plain[i], (uint8_t)((arrived + (size_t)i) * 7));
		arrived += (size_t)m;
		at += len;
	}
	cr_expect_eq(arrived, total);
}

Test(record_user, the_last_record_may_be_a_short_one)
{
	fill(0, RECORD_PLAIN_MAX + 100);
	cr_expect_eq(record_tx_unsent(&record), 0, "it is not sealed");
	cr_assert_eq(record_tx_seal(&record, RECORD_PLAIN_MAX + 100), 0);
	cr_expect_eq(record_tx_unsent(&record), RECORD_PLAIN_MAX + 100);
	record.tx_buf->at = TX_SLOT_BYTES - 1;
	cr_expect_eq(record_tx_unsent(&record), RECORD_PLAIN_MAX + 100);
	record.tx_buf->at = TX_SLOT_BYTES;
	cr_expect_eq(record_tx_unsent(&record), 100);
	record.tx_buf->at = record.tx_buf->end;
	cr_expect_eq(record_tx_unsent(&record), 0);
}

Test(record_user, the_record_limit_is_seen_and_a_new_key_lifts_it)
{
	record.records_per_key = 3;
	for (int i = 0; i < 3; i++) {
		cr_expect_not(record_tx_limit_reached(&record));
		fill(0, 1);
		cr_assert_eq(record_tx_seal(&record, 1), 0);
		cr_assert_eq(record_tx_flush(&record, false), 0);
	}
	cr_expect(record_tx_limit_reached(&record));
	cr_assert_eq(record_tx_rekey(&record), 0);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_expect_not(record_tx_limit_reached(&record));
}

Test(record_user, close_notify_is_sent_once_and_after_the_data)
{
	uint8_t plain[64];
	enum record_type type;
	fill(0, 10);
	cr_assert_eq(record_tx_seal(&record, 10), 0);
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_assert_eq(peer_take(plain, &type), 10);
	cr_assert_eq(peer_take(plain, &type), 2);
	cr_expect_eq(type, RECORD_ALERT);
	cr_expect(plain[0] == 1 && plain[1] == 0);
	cr_expect_eq(read(peer_fd, plain, 1), -1, "and nothing more");
}

/* ---- A client's side: tickets -----------------------------------------------------------------
 */

/* A NewSessionTicket of so many bytes, its header included. */
static size_t make_ticket(uint8_t *out, size_t bytes)
{
	memset(out, 0x5a, bytes);
	out[0] = 4;
	out[1] = 0;
	out[2] = (uint8_t)((bytes - 4) >> 8);
	out[3] = (uint8_t)(bytes - 4);
	return bytes;
}

Test(record_user, a_client_drops_tickets)
{
	static uint8_t message[8000];
	static char out[RECORD_PLAIN_MAX];

	record.is_client = true;
	peer_send(RECORD_HANDSHAKE, message, make_ticket(message, 200));
	/* Two in one record; one over two records; an empty one. */
	size_t n = make_ticket(message, 100);
	n += make_ticket(message + n, 300);
	peer_send(RECORD_HANDSHAKE, message, n);
	n = make_ticket(message, 6000);
	peer_send(RECORD_HANDSHAKE, message, 2500);
	peer_send(RECORD_HANDSHAKE, message + 2500, n - 2500);
	peer_send(RECORD_HANDSHAKE, message, make_ticket(message, 4));
	peer_send(RECORD_DATA, "hello", 5);
	cr_assert_eq(receive(out, sizeof(out)), 5);
	cr_assert_arr_eq(out, "hello", 5);
}

Test(record_user, a_keyupdate_behind_a_ticket_counts)
{
	static const uint8_t update[] = {24, 0, 0, 1, 0};
	uint8_t message[205];
	char out[RECORD_PLAIN_MAX];

	record.is_client = true;
	size_t n = make_ticket(message, 200);
	memcpy(message + n, update, sizeof(update));
	peer_send(RECORD_HANDSHAKE, message, sizeof(message));
	cr_assert_eq(traffic_secret_update(CIPHER, &peer_tx_secret), 0);
	aead_free(peer_tx);
	peer_tx = aead_of(&peer_tx_secret, true);
	peer_send(RECORD_DATA, "hello", 5);
	cr_assert_eq(receive(out, sizeof(out)), 5);
}

Test(record_user, a_server_refuses_tickets)
{
	uint8_t message[200];
	char out[RECORD_PLAIN_MAX];

	peer_send(RECORD_HANDSHAKE, message, make_ticket(message, sizeof(message)));
	cr_assert_eq(receive(out, sizeof(out)), -EPROTO);
	cr_assert_eq(record.why, CLOSE_UNEXPECTED_RECORD);
}

Test(record_user, a_flood_of_tickets_ends_a_client)
{
	uint8_t message[50];
	char out[RECORD_PLAIN_MAX];
	ssize_t n = -EAGAIN;

	record.is_client = true;
	for (int i = 0; i < 1000 && n == -EAGAIN; i++) {
		peer_send(RECORD_HANDSHAKE, message, make_ticket(message, sizeof(message)));
		n = receive(out, sizeof(out));
	}
	cr_assert_eq(n, -EPROTO);
	cr_assert_eq(record.why, CLOSE_RECORD_FLOOD);
}
