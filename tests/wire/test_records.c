/* SPDX-License-Identifier: Apache-2.0 */
/* Empty, padded, damaged and unknown records; alerts, and the ends that they announce. */
#include "wire/wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(records, .timeout = WIRE_TIMEOUT);

#define GET_100 "GET /data/size-100 HTTP/1.1\r\nHost: localhost\r\n\r\n"

static void expect_object(struct wire_client *client)
{
	struct wire_response response;

	wire_read_head(client, &response);
	cr_assert_eq(response.status, 200);
	wire_read_object(client, &response, 100, 0, 100);
}

static void raw_connect(struct wire_client *client, struct wire_server *server)
{
	wire_connect(client, server);
	wire_raw_begin(client);
}

static void empty_add(struct wire_flight *flight, struct wire_client *client, int count)
{
	for (int i = 0; i < count; i++)
		wire_flight_add(flight, client, RECORD_DATA, NULL, 0, i % 3 == 2 ? 100 : 0);
}

/* Legal, and no end of anything (RFC 8446 section 5.1). */
Test(records, empty)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_flight *flight = calloc(1, sizeof(*flight));

	must(flight != NULL);
	wire_server_start(&server);
	raw_connect(&client, &server);
	for (int round = 0; round < 20; round++) {
		empty_add(flight, &client, 5);
		wire_flight_text(flight, &client, "GET /data/size-100 HT");
		empty_add(flight, &client, 30);
		wire_flight_text(flight, &client, "TP/1.1\r\nHost: localhost\r\n");
		cr_assert(wire_flight_send(flight, &client));
		empty_add(flight, &client, 1);
		cr_assert(wire_flight_send(flight, &client));
		wire_flight_text(flight, &client, "\r\n");
		empty_add(flight, &client, 3);
		cr_assert(wire_flight_send(flight, &client));
		expect_object(&client);
	}
	wire_disconnect(&client);
	wire_closed(&server, "client_done", 1);
	free(flight);
	wire_server_stop(&server);
}

/* Work for nothing has an end. The kernel drops runs of them by itself, so that fewer are seen. */
Test(records, flood_of_empty_ones)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_flight *flight = calloc(1, sizeof(*flight));

	must(flight != NULL);
	wire_server_start(&server);
	raw_connect(&client, &server);
	empty_add(flight, &client, 1000);
	wire_flight_send(flight, &client);
	if (server.env.is_kernel) {
		cr_assert(wire_is_silent(&client, 300) || client.end == WIRE_END_NONE);
	} else {
		wire_expect_alert(&client, 10);
		wire_closed(&server, "record_flood", 1);
	}
	wire_disconnect(&client);
	free(flight);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

Test(records, padded)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_flight *flight = calloc(1, sizeof(*flight));
	const size_t most = RECORD_PLAIN_MAX - strlen(GET_100);
	const size_t pads[] = {1, 2, 15, 16, 17, 255, 256, 4096, most - 1, most};

	must(flight != NULL);
	wire_server_start(&server);
	raw_connect(&client, &server);
	for (size_t i = 0; i < ARRAY_LEN(pads); i++) {
		wire_flight_add(flight, &client, RECORD_DATA, GET_100, strlen(GET_100), pads[i]);
		wire_flight_add(flight, &client, RECORD_DATA, GET_100, strlen(GET_100), 0);
		cr_assert(wire_flight_send(flight, &client));
		expect_object(&client);
		expect_object(&client);
	}
	wire_disconnect(&client);
	free(flight);
	wire_server_stop(&server);
}

/* The padding of a real library. */
Test(records, padded_by_a_library)
{
	struct wire_server server = {0};
	struct wire_client client = {.padding_block = 512};

	wire_server_start(&server);
	wire_connect(&client, &server);
	for (int i = 0; i < 10; i++)
		wire_fetch(&client, "/data/size-16385", 16385, 16385);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The head of a request in records of one byte, in one segment; and one full record of requests. */
Test(records, smallest_and_largest)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_flight *flight = calloc(1, sizeof(*flight));
	char full[RECORD_PLAIN_MAX];
	int count = 0;

	must(flight != NULL);
	wire_server_start(&server);
	raw_connect(&client, &server);
	for (const char *at = GET_100; *at != '\0'; at++)
		wire_flight_add(flight, &client, RECORD_DATA, at, 1, 0);
	cr_assert(wire_flight_send(flight, &client));
	expect_object(&client);

	size_t used = 0;
	for (; used + 2 * strlen(GET_100) <= sizeof(full); count++) {
		memcpy(full + used, GET_100, strlen(GET_100));
		used += strlen(GET_100);
	}
	/* The last request fills the record to its last byte. */
	int filler = (int)(sizeof(full) - used - strlen(GET_100) - strlen("X: \r\n"));
	if (filler >= 0) {
		char *last = NULL;
		must(asprintf(&last,
			      "GET /data/size-100 HTTP/1.1\r\nHost: localhost\r\nX: %0*d\r\n\r\n",
			      filler, 0) > 0);
		memcpy(full + used, last, strlen(last));
		used += strlen(last);
		free(last);
		count++;
	}
	wire_flight_add(flight, &client, RECORD_DATA, full, used, 0);
	cr_assert(wire_flight_send(flight, &client));
	for (int i = 0; i < count; i++)
		expect_object(&client);
	wire_disconnect(&client);
	free(flight);
	wire_server_stop(&server);
}

/* A record that does not decrypt. */
Test(records, damaged)
{
	static const size_t at[] = {RECORD_HEADER, RECORD_HEADER + 10}; /* and the last byte */
	struct wire_server server = {0};
	struct wire_flight *flight = calloc(1, sizeof(*flight));

	must(flight != NULL);
	wire_server_start(&server);
	for (size_t i = 0; i <= ARRAY_LEN(at); i++) {
		struct wire_client client = {0};
		raw_connect(&client, &server);
		wire_flight_text(flight, &client, GET_100);
		flight->byte[i < ARRAY_LEN(at) ? at[i] : flight->used - 1] ^= 1;
		wire_flight_send(flight, &client);
		wire_expect_alert(&client, 20);
		wire_disconnect(&client);
	}
	wire_closed(&server, "record_bad", ARRAY_LEN(at) + 1);
	wire_log_has(&server, "reason=record_bad ", "alert_sent=bad_record_mac ");
	free(flight);
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* Sealed properly once, sent twice: the second has the wrong sequence number. */
Test(records, replayed)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_flight *flight = calloc(1, sizeof(*flight));

	must(flight != NULL);
	wire_server_start(&server);
	raw_connect(&client, &server);
	wire_flight_text(flight, &client, GET_100);
	cr_assert(wire_write_tcp(&client, flight->byte, flight->used));
	expect_object(&client);
	wire_write_tcp(&client, flight->byte, flight->used);
	wire_expect_gone(&client);
	wire_closed(&server, "record_bad", 1);
	wire_disconnect(&client);
	free(flight);
	wire_server_stop(&server);
}

/* Record heads that cannot be, and text without any TLS. */
Test(records, not_a_record)
{
	static const struct {
		const char *data;
		size_t len;
		int alert; /* of userspace TLS; the kernel does not say what was wrong */
	} rows[] = {
		{"GET / HTTP/1.1\r\n\r\n", 18, 10},
		{"\x17\x03\x03\x42\x00zzzzzzzz", 13, 22}, /* longer than a record may be */
		{"\x17\x03\x03\x00\x00zzzzzzzz", 13, 20}, /* no room for a tag */
		{"\x17\x02\x00\x00\x20zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 38, 50},
		{"\x15\x03\x03\x00\x02\x02\x28zzzzzz", 13, 10}, /* an alert in the clear */
	};
	struct wire_server server = {0};

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire_client client = {0};
		raw_connect(&client, &server);
		wire_write_tcp(&client, rows[i].data, rows[i].len);
		if (server.env.is_kernel)
			wire_expect_gone(&client);
		else
			wire_expect_alert(&client, rows[i].alert);
		cr_assert_neq(client.end, WIRE_END_CLOSE_NOTIFY, "row %zu", i);
		wire_disconnect(&client);
	}
	wire_closed(&server, "record_bad", ARRAY_LEN(rows));
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* Content types that RFC 8446 does not know inside a sealed record. */
Test(records, unknown_types)
{
	static const int types[] = {20, 24, 99, 255};
	struct wire_server server = {0};

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct wire_client client = {0};
		raw_connect(&client, &server);
		wire_raw_record(&client, (enum record_type)types[i], "x", 1, 0);
		wire_expect_alert(&client, 10);
		wire_disconnect(&client);
	}
	wire_closed(&server, "unexpected_record", ARRAY_LEN(types));
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* ---- Alerts and ends ------------------------------------------------------------------------ */

/* RFC 8446 section 6.2: nothing is sent in answer. The log says which one it was. */
Test(records, fatal_alert)
{
	static const struct {
		uint8_t alert[2];
		const char *received;
	} rows[] = {{{2, 80}, "alert_received=internal_error "},
		    {{2, 20}, "alert_received=bad_record_mac "},
		    {{1, 42}, "alert_received=bad_certificate "}, /* the level counts for nothing */
		    {{2, 199}, "alert_received=alert_199 "}};
	char line[WIRE_LINE_MAX];
	struct wire_server server = {0};

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire_client client = {0};
		raw_connect(&client, &server);
		wire_fetch(&client, "/data/size-100", 100, 100);
		wire_raw_record(&client, RECORD_ALERT, rows[i].alert, 2, 0);
		wire_expect_end(&client, WIRE_END_FIN);
		wire_closed(&server, "client_alert", i + 1);
		wire_log_line(&server, line, "msg=\"connection closed\"", rows[i].received, NULL);
		cr_assert_null(strstr(line, "alert_sent="), "%s", line);
		wire_disconnect(&client);
	}
	wire_serves_others(&server);
	wire_server_stop(&server);
}

/* user_canceled announces a close_notify and is nothing by itself (RFC 8446 section 6.1). */
Test(records, user_canceled)
{
	static const uint8_t alert[] = {1, 90};
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	raw_connect(&client, &server);
	wire_raw_record(&client, RECORD_ALERT, alert, sizeof(alert), 0);
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_shutdown(&client);
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_closed(&server, "client_done", 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* RFC 8446 section 6.1: it closes one direction. The answer that is owed still comes. */
Test(records, close_notify_while_a_response_is_pending)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, "GET /data/big HTTP/1.1\r\nHost: localhost\r\n\r\n" GET_100);
	wire_shutdown(&client);
	wire_read_head(&client, &response);
	wire_read_object(&client, &response, WIRE_BIG_SEED, 0, server.env.big_bytes);
	expect_object(&client);
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_closed(&server, "client_done", 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(records, close_notify_is_answered)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_shutdown(&client);
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_closed(&server, "client_done", 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Half a record has the time of half a head, where it can be seen: kernels from 6.12 on keep it to
 * themselves, and the connection is idle. */
Test(records, half_a_record)
{
	char head[64], idle[64], line[WIRE_LINE_MAX];
	struct wire_server server = {.option = {head, idle}};
	struct wire_client client = {0};

	wire_limit_option(&server, "--head-timeout", 300, head);
	wire_limit_option(&server, "--idle-timeout", 2000, idle);
	wire_server_start(&server);
	raw_connect(&client, &server);
	wire_write_tcp(&client, "\x17\x03\x03\x00\x40half", 9);
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_log_line(&server, line, "msg=\"connection closed\"", NULL);
	bool was_idle = server.env.is_kernel && strstr(line, "reason=idle_timeout") != NULL;
	wire_closed(&server, was_idle ? "idle_timeout" : "head_timeout", 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Processor time of the server so far, in clock ticks. */
static unsigned long ticks_of(const struct wire_server *server)
{
	char path[64], text[1024] = "";
	unsigned long user, system;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)server->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	/* Fields 14 and 15; the second, in brackets, may hold anything. */
	cr_assert_eq(sscanf(strrchr(text, ')') + 1,
			    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system),
		     2);
	return user + system;
}

/* A record in pieces, with pauses: served, and nothing spins meanwhile: that would be in every
 * round, while what others take of an emulated processor is in some. */
Test(records, record_in_pieces)
{
	double least = 1;
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_flight *flight = calloc(1, sizeof(*flight));

	must(flight != NULL);
	wire_server_start(&server);
	raw_connect(&client, &server);
	for (int round = 0; round < 3; round++) {
		wire_flight_text(flight, &client, GET_100);
		size_t piece = flight->used / 3;
		unsigned long before = ticks_of(&server);
		uint64_t since_ms = wire_now_ms();
		cr_assert(wire_write_tcp(&client, flight->byte, piece));
		cr_assert(wire_is_silent(&client, 300));
		cr_assert(wire_write_tcp(&client, flight->byte + piece, piece));
		cr_assert(wire_is_silent(&client, 300));
		uint64_t pause_ms = wire_now_ms() - since_ms;
		uint64_t busy_ms =
			(ticks_of(&server) - before) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK);
		double share = (double)busy_ms / (double)pause_ms;
		least = share < least ? share : least;
		cr_assert(wire_write_tcp(&client, flight->byte + 2 * piece,
					 flight->used - 2 * piece));
		flight->used = 0;
		expect_object(&client);
		wire_fetch(&client, "/data/size-100", 100, 100);
	}
	cr_assert_lt(least, 1.0 / 3, "busy for %.2f of the time", least);
	cr_assert_eq(wire_metric(&server, "sluice_tls_empty_records_total"), 0);
	wire_disconnect(&client);
	free(flight);
	wire_server_stop(&server);
}

/* A FIN may be anybody's: without close_notify it is a cut. */
Test(records, fin_without_close_notify)
{
	struct wire_server server = {0};
	struct wire_client idle = {0}, half = {0};

	wire_server_start(&server);
	wire_connect(&idle, &server);
	wire_fetch(&idle, "/data/size-100", 100, 100);
	shutdown(idle.sock_fd, SHUT_WR);
	wire_expect_gone(&idle);
	wire_closed(&server, "client_truncated", 1);
	wire_connect(&half, &server);
	wire_send(&half, "GET /data/size-100 HT");
	shutdown(half.sock_fd, SHUT_WR);
	wire_expect_gone(&half);
	wire_closed(&server, "client_truncated", 2);
	wire_disconnect(&idle);
	wire_disconnect(&half);
	wire_server_stop(&server);
}

/* Half a request and a proper close: also a cut, and never served. */
Test(records, close_notify_inside_a_request)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, "GET /data/size-100 HT");
	wire_shutdown(&client);
	wire_expect_gone(&client);
	wire_closed(&server, "client_truncated", 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
	cr_assert_eq(wire_log_count(&server, "msg=request "), 0);
}

Test(records, reset_while_idle)
{
	struct wire_server server = {0};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_reset(&client);
	wire_closed(&server, "client_reset", 1);
	wire_serves_others(&server);
	wire_server_stop(&server);
}
