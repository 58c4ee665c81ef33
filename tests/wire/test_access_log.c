/* SPDX-License-Identifier: Apache-2.0 */
/* The line that every request leaves. */
#include "wire/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

TestSuite(access_log, .timeout = WIRE_TIMEOUT);

/* The value of name=VALUE in a logfmt line without quotes. */
static const char *value_of(const char *line, const char *name, char out[WIRE_VALUE_MAX])
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), " %s=", name);
	const char *at = strstr(line, wanted);
	cr_assert_not_null(at, "no %s in %s", name, line);
	at += strlen(wanted);
	size_t len = *at == '"' ? strcspn(at + 1, "\"") + 2 : strcspn(at, " ");
	must(len < WIRE_VALUE_MAX);
	memcpy(out, at, len);
	out[len] = '\0';
	return out;
}

Test(access_log, every_field)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char line[WIRE_LINE_MAX], value[WIRE_VALUE_MAX], wanted[WIRE_VALUE_MAX];
	struct sockaddr_in self;
	socklen_t len = sizeof(self);

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_get(&client, "/data/size-131073", "Range: bytes=1-131071\r\n", &response);
	wire_read_object(&client, &response, 131073, 1, 131071);
	wire_log_line(&server, line, "msg=request ", NULL);
	cr_assert_str_eq(value_of(line, "identity", value), "dns:good.clients.test");
	cr_assert_str_eq(value_of(line, "serial", value), "64"); /* 100, in hex */
	cr_assert_str_eq(value_of(line, "method", value), "GET");
	cr_assert_str_eq(value_of(line, "path", value), "/data/size-131073");
	cr_assert_str_eq(value_of(line, "status", value), "206");
	cr_assert_str_eq(value_of(line, "bytes", value), "131071");
	double duration = strtod(value_of(line, "duration", value), NULL);
	cr_assert(duration > 0 && duration < 5 * server.env.time_scale, "duration=%s", value);
	value_of(line, "tx", value);
	value_of(line, "rx", value);
	value_of(line, "engine", value);
	cr_assert_eq(strncmp(line, "ts=", 3), 0, "%s", line);
	cr_assert_str_eq(value_of(line, "level", value), "info");
	wire_field(&response, "x-amz-request-id", wanted);
	cr_assert_str_eq(value_of(line, "id", value), wanted);

	getsockname(client.sock_fd, (struct sockaddr *)&self, &len);
	snprintf(wanted, sizeof(wanted), "%s:%u", inet_ntoa(self.sin_addr), ntohs(self.sin_port));
	cr_assert_str_eq(value_of(line, "remote", value), wanted);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(access_log, bytes_of_each_kind_of_answer)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char bytes[64];

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_ask(&client, "HEAD", "/data/size-100", "", &response);
	wire_log_has(&server, "method=HEAD ", "status=200 ", "bytes=0 ");
	wire_get(&client, "/data/size-100", "If-None-Match: *\r\n", &response);
	wire_log_has(&server, "method=GET ", "status=304 ", "bytes=0 ");
	wire_get(&client, "/data/missing", "", &response);
	wire_read_error(&client, &response, 404, "NoSuchKey");
	snprintf(bytes, sizeof(bytes), "bytes=%zu ", strlen(response.text));
	wire_log_has(&server, "method=GET ", "status=404 ", bytes);
	wire_get(&client, "/data/size-0", "", &response);
	wire_log_has(&server, "method=GET ", "path=/data/size-0 ", "status=200 ", "bytes=0 ");
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* The path stands as it was asked for, encoded; whatever it holds, the line stays one line. */
Test(access_log, path_is_escaped)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	char line[WIRE_LINE_MAX];

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_ask_refused(&client, "GET", "/data/x%0Ats=1%20level=error%22%1b[31m", "", 404,
			 "NoSuchKey");
	wire_log_line(&server, line, "msg=request ", "status=404 ", NULL);
	cr_assert_not_null(strstr(line, "%0Ats=1%20level=error%22%1b[31m"), "%s", line);
	wire_ask_refused(&client, "GET", "/data/\"quote\\=", "", 404, "NoSuchKey");
	wire_log_line(&server, line, "quote", NULL);
	cr_assert_not_null(strstr(line, " path=\"/data/\\\"quote\\\\=\" "), "%s", line);
	for (const char *at = line; *at != '\0'; at++)
		cr_assert((unsigned char)*at >= ' ', "a control byte in %s", line);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* A refused head may hold anything. */
Test(access_log, refused_head)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_send(&client, "GET /data/\x1b[31m HTTP/1.1\r\n\r\n");
	wire_read_head(&client, &response);
	wire_read_error(&client, &response, 400, "BadRequest");
	wire_log_has(&server, "msg=request ", "status=400 ", "error=BadRequest", "detail=");
	cr_assert_eq(wire_log_count(&server, "\x1b"), 0);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

/* Whose handshake has failed, whatever it is that was wrong with the certificate. */
Test(access_log, failed_handshake)
{
	static const struct {
		enum wire_cert cert;
		int alert;
		const char *reason, *words;
	} rows[] = {
		{WIRE_CERT_EXPIRED, 45, "reason=certificate_expired",
		 "subject=\"CN=expired\" identity=dns:expired.clients.test serial="},
		{WIRE_CERT_NOT_YET_VALID, 42, "reason=certificate_not_yet_valid",
		 "subject=\"CN=early\" identity=dns:early.clients.test serial="},
		{WIRE_CERT_WRONG_CA, 48, "reason=unknown_ca",
		 "subject=\"CN=wrong-ca\" identity=dns:good.clients.test serial="},
		{WIRE_CERT_SELF_SIGNED, 48, "reason=unknown_ca", "subject=\"CN=self\""},
		{WIRE_CERT_WRONG_PURPOSE, 43, "reason=wrong_purpose", "subject=\"CN=purpose\""},
		{WIRE_CERT_BY_MIDDLE, 48, "reason=unknown_ca", "issuer=\"CN=middle\" not_after=2"},
		{WIRE_CERT_NONE, 116, "reason=no_client_certificate", "tls_error="},
	};
	struct wire_server server = {0};
	char line[WIRE_LINE_MAX], number[16];

	wire_server_start(&server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire_client client = {.cert = rows[i].cert};
		wire_prepare(&client, &server);
		wire_handshake_refused(&client, rows[i].alert);
		wire_disconnect(&client);
		wire_log_line(&server, line, "msg=\"handshake failed\"", rows[i].reason,
			      rows[i].words, NULL);
		if (rows[i].cert == WIRE_CERT_NONE) {
			cr_assert_null(strstr(line, "subject="), "%s", line);
			continue;
		}
		snprintf(number, sizeof(number), " serial=%02X ", 100u + rows[i].cert);
		cr_assert_not_null(strstr(line, number), "%s, not %s", line, number);
		cr_assert_not_null(strstr(line, "Z"), "%s", line);
	}
	wire_server_stop(&server);
}

Test(access_log, can_be_turned_off)
{
	struct wire_server server = {.option = {"--access-log=false"}};
	struct wire_client client = {0};

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_fetch(&client, "/data/size-100", 100, 100);
	wire_disconnect(&client);
	wire_closed(&server, "client_done", 1);
	wire_server_stop(&server);
	cr_assert_eq(wire_log_count(&server, "/data/size-100"), 0);
}

Test(access_log, json)
{
	struct wire_server server = {.option = {"--log.format=json"}};
	struct wire_client client = {0};
	char line[WIRE_LINE_MAX];

	wire_server_start(&server);
	wire_connect(&client, &server);
	wire_ask_refused(&client, "GET", "/data/\"quote\\=", "", 404, "NoSuchKey");
	wire_log_line(&server, line, "\"msg\":\"request\"", "\"status\":404", NULL);
	cr_assert_not_null(strstr(line, "\"path\":\"/data/\\\"quote\\\\=\""), "%s", line);
	cr_assert_eq(line[0], '{');
	cr_assert_eq(line[strlen(line) - 1], '}');
	wire_disconnect(&client);
	wire_closed(&server, "client_done", 1);
	server.may_differ = true; /* the check of the data path reads logfmt */
	wire_server_stop(&server);
}

/* However long a client's words are, the line has its end: who hides there is not found by status.
 */
Test(access_log, long_words_hide_nothing)
{
	struct wire_server server = {0};
	struct wire_client client = {0};
	struct wire_response response;
	char text[8001], id[WIRE_VALUE_MAX];

	wire_server_start(&server);
	wire_connect(&client, &server);
	for (int i = 0; i < 2; i++) {
		memset(text, i == 0 ? 'M' : '"', sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		wire_send(&client, "%s /data/%s HTTP/1.1\r\nHost: h\r\n\r\n", i == 0 ? text : "GET",
			  i == 0 ? "x" : text);
		wire_read_head(&client, &response);
		wire_read_text(&client, &response);
		wire_field(&response, "x-amz-request-id", id);
		wire_log_has(&server, "msg=request ", "identity=dns:good.clients.test ",
			     i == 0 ? "status=501 " : "status=400 ",
			     i == 0 ? "error=NotImplemented " : "error=KeyTooLongError ", id);
	}
	wire_disconnect(&client);
	wire_server_stop(&server);
}
