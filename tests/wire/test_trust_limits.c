/* SPDX-License-Identifier: Apache-2.0 */
/* How long a connection and a certificate last, and how many connections one client has. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

#include "wire/wire_trust.h"

TestSuite(trust_limits, .timeout = WIRE_TIMEOUT);

static void is_served(struct wire_client *client)
{
	wire_fetch(client, "/data/size-100", 100, 100);
}

/* ---- Age and number -------------------------------------------------------------------------- */

/* Its last response says so, and is whole. */
Test(trust_limits, connection_of_great_age)
{
	struct wire_server server = {.option = {"--max-connection-age=100ms"}};
	struct wire_client client = {0};
	struct wire_response response;
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_connect(&client, &server);
	cr_assert(wire_is_silent(&client, 150)); /* idle, it is left alone */
	wire_get(&client, "/data/size-131073", "", &response);
	cr_assert(response.says_close);
	wire_read_object(&client, &response, 131073, 0, 131073);
	wire_expect_end(&client, WIRE_END_CLOSE_NOTIFY);
	wire_closed(&server, "max_age", 1);
	wire_disconnect(&client);
	wire_server_stop(&server);
}

Test(trust_limits, too_many_connections_of_one)
{
	struct wire_server server = {.option = {"--max-connections-per-identity=2"}};
	struct wire_client one = {0}, two = {0}, three = {0}, four = {0};
	struct wire_client other = {.cert = WIRE_CERT_URI};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_connect(&one, &server);
	is_served(&one);
	wire_connect(&two, &server);
	is_served(&two);
	wire_connect(&three, &server);
	wire_expect_end(&three, WIRE_END_CLOSE_NOTIFY);
	wire_closed(&server, "identity_limit", 1);
	wire_connect(&other, &server);
	is_served(&other);
	wire_disconnect(&three);
	wire_disconnect(&two);
	wire_closed(&server, "client_done", 1);
	wire_connect(&four, &server);
	is_served(&four);
	is_served(&one);
	wire_disconnect(&one);
	wire_disconnect(&four);
	wire_disconnect(&other);
	wire_server_stop(&server);
}

/* ---- What the metrics say of the files ------------------------------------------------------- */

Test(trust_limits, ends_of_certificates)
{
	struct wire_server server = {0};
	struct wire_trust trust;
	char answer[WIRE_ADMIN_MAX], want[PATH_MAX];

	wire_trust_start(&trust, &server);
	cr_assert_eq(wire_admin_get(&server, "/metrics", answer), 200);
	snprintf(want, sizeof(want),
		 "sluice_certificate_not_after_timestamp_seconds{usage=\"server\",path=\"%s/"
		 "server.crt\",subject=\"CN=server\",serial=\"65\"} ",
		 trust.dir);
	const char *line = strstr(answer, want);
	cr_assert_not_null(line, "%s is not there", want);
	double left = strtod(line + strlen(want), NULL) - (double)time(NULL);
	cr_assert(left > 29.5 * 86400 && left < 30.5 * 86400, "%f seconds", left);
	snprintf(want, sizeof(want),
		 "sluice_crl_next_update_timestamp_seconds{path=\"%s/clients.crl\",issuer=\"CN=ca"
		 "\"} ",
		 trust.dir);
	cr_assert_not_null(strstr(answer, want), "%s is not there", want);
	cr_assert_not_null(strstr(answer, "usage=\"client_ca\""));
	wire_server_stop(&server);
}
