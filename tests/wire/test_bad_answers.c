/* SPDX-License-Identifier: Apache-2.0 */
/* sluice bench against a server that sends records which cannot be opened: test_bad_records.c from
 * the other side. */
#include "wire/wire_bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(bad_answers, .timeout = WIRE_TIMEOUT);

/*
 * A server's bad record behind an answer of its: the answer counts, the next request is sent, and
 * then the server is told by the alert what was wrong, and the user by a sentence; whoever opens
 * the records. In kernel TLS the error comes out of sending that request.
 */
WIRE_TEST(bad_answers, a_bad_record_behind_an_answer)
{
	static const char answer[] = "HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n";
	static const int alerts[] = {20, 50}; /* of a damaged record, of a head that is none */
	struct wire_server server = {0};
	struct wire_flight *flight = calloc(1, sizeof(*flight));
	char addr[64], text[RECORD_PLAIN_MAX];

	must(flight != NULL);
	wire_env_need(&server.env);
	for (size_t i = 0; i < ARRAY_LEN(alerts); i++) {
		struct wire_client client = {0};
		int listen_fd = wire_bench_listen(addr);
		wire_bench_begin(&server,
				 &(struct wire_bench){.target = "data/size-1", .addr = addr});
		wire_accept(&client, &server, listen_fd);
		cr_assert_gt(wire_read(&client, text, sizeof(text)), 0);
		cr_assert(strncmp(text, "GET /data/?", 11) == 0, "%.40s", text);
		wire_flight_text(flight, &client, answer);
		uint8_t *bad = flight->byte + flight->used;
		wire_flight_text(flight, &client, answer);
		bad[i == 0 ? RECORD_HEADER : 2] ^= 1;
		cr_assert(wire_flight_send(flight, &client));
		size_t n = wire_read(&client, text, sizeof(text));
		cr_assert(n > 0 && strncmp(text, "HEAD /data/size-1 ", 18) == 0,
			  "the connection ended %s", wire_end_text(client.end));
		wire_expect_alert(&client, alerts[i]);
		wire_disconnect(&client);
		close(listen_fd);
		wire_program_end(&server.env, &wire_bench_program);
		cr_assert_eq(wire_bench_program.exit_code, 5, "%s", wire_bench_program.err);
		cr_assert_not_null(
			strstr(wire_bench_program.err, "a record of the server cannot be used"),
			"%s", wire_bench_program.err);
	}
	free(flight);
}
