/* SPDX-License-Identifier: Apache-2.0 */
/* CAs that may vouch only for the names that are theirs. */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "wire/wire_trust.h"

TestSuite(client_cas, .timeout = WIRE_TIMEOUT);

#define REFUSED 40 /* handshake_failure */

/* ca: "good.clients.test,second.clients.test" and others; other-ca has issued good.clients.test,
 * too. */
static const char entries[] =
	"client_cas:\n"
	"  - {name: ours, ca_file: ca.crt, crl_file: ca.crl, vouches_for: [%s]}\n"
	"  - {name: theirs, ca_file: other-ca.crt, vouches_for: [%s]}\n"
	"access:\n"
	"  - {identity: \"dns:*.clients.test\", allow: [read], on: [\"data/size-100\"], ca: "
	"[ours]}\n"
	"  - {identity: \"dns:*.clients.test\", allow: [read], on: [\"data/size-0\"]}\n"
	"  - {identity: \"uri:**\", allow: [read], on: [\"data/size-1\"]}\n";

static void configure(struct wire_trust *trust, const char *ours, const char *theirs)
{
	char text[1024];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), entries, ours, theirs);
#pragma GCC diagnostic pop
	wire_trust_write(trust, "sluice.yml", text);
}

static void begin(struct wire_trust *trust, struct wire_server *server, const char *ours,
		  const char *theirs)
{
	server->has_client_cas = true;
	wire_trust_prepare(trust, server);
	wire_trust_put(trust, "ca.crt", "ca.crt", NULL);
	wire_trust_put(trust, "ca.crl", "none.crl", NULL);
	wire_trust_put(trust, "other-ca.crt", "other-ca.crt", NULL);
	configure(trust, ours, theirs);
	wire_trust_serve(trust);
}

/* What a new connection gets: the status of each, or by which alert it is refused. */
static void gets(struct wire_server *server, enum wire_cert cert, int alert, int of_ours,
		 int of_all)
{
	struct wire_client client = {.cert = cert};

	wire_prepare(&client, server);
	if (alert != 0) {
		wire_handshake_refused(&client, alert);
		wire_disconnect(&client);
		return;
	}
	cr_assert(wire_handshake(&client));
	struct wire_response response;
	wire_get(&client, "/data/size-100", "", &response);
	cr_assert_eq(response.status, of_ours, "%s: %d", wire_cert_name(cert), response.status);
	wire_read_text(&client, &response);
	wire_get(&client, "/data/size-0", "", &response);
	cr_assert_eq(response.status, of_all, "%s: %d", wire_cert_name(cert), response.status);
	wire_read_text(&client, &response);
	wire_disconnect(&client);
}

Test(client_cas, names_of_others_count_for_nothing)
{
	struct wire_server server = {0};
	struct wire_trust trust;
	char line[WIRE_LINE_MAX];

	begin(&trust, &server, "\"dns:*.clients.test\"", "\"dns:*.theirs.test\"");
	gets(&server, WIRE_CERT_GOOD, 0, 200, 200);
	gets(&server, WIRE_CERT_WRONG_CA, REFUSED, 0, 0); /* good.clients.test, by theirs */
	wire_log_line(&server, line, "reason=name_not_vouched", "subject=\"CN=wrong-ca\"",
		      "identity=dns:good.clients.test", "issuer=\"CN=other-ca\"", NULL);
	/* A URI that ours may not vouch for; its DNS name counts. */
	gets(&server, WIRE_CERT_URI, 0, 200, 200);
	wire_log_has(&server, "msg=request ", "identity=dns:uri.clients.test ca=ours");
	gets(&server, WIRE_CERT_CN_ONLY, REFUSED, 0, 0);
	wire_server_stop(&server);
}

Test(client_cas, rules_of_a_ca)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	begin(&trust, &server, "\"**\"", "\"**\"");
	gets(&server, WIRE_CERT_GOOD, 0, 200, 200);
	gets(&server, WIRE_CERT_WRONG_CA, 0, 403, 200);
	gets(&server, WIRE_CERT_CN_ONLY, 0, 403, 403);
	wire_server_stop(&server);
}

/* Lists are those of the entry: theirs needs none, and ours revokes. */
Test(client_cas, lists)
{
	struct wire_server server = {0};
	struct wire_client revoked = {.cert = WIRE_CERT_REVOKED};
	struct wire_trust trust;
	char byte;

	begin(&trust, &server, "\"**\"", "\"**\"");
	wire_connect(&revoked, &server);
	wire_trust_put(&trust, "ca.crl", "ca.crl", NULL);
	cr_assert_eq(wire_read(&revoked, &byte, 1), 0);
	wire_trust_reloaded(&trust, 1);
	gets(&server, WIRE_CERT_REVOKED, 44, 0, 0);
	gets(&server, WIRE_CERT_WRONG_CA, 0, 403, 200);
	/* A list of the other entry's CA is none of this one's. */
	wire_trust_put(&trust, "ca.crl", "ca.crl", "other-ca.crl", NULL);
	wire_trust_reloaded(&trust, 2);
	cr_assert_eq(wire_metric(&server, "sluice_trust_flaws{reason=\"crl_foreign\"}"), 1);
	wire_disconnect(&revoked);
	wire_server_stop(&server);
}

/* What a CA may vouch for becomes less, or more: who is connected by that comes again. */
Test(client_cas, vouching_is_changed)
{
	struct wire_server server = {0};
	struct wire_client good = {0}, stranger = {.cert = WIRE_CERT_WRONG_CA},
			   uri = {.cert = WIRE_CERT_URI};
	struct wire_trust trust;
	char byte;

	begin(&trust, &server, "\"dns:**\"", "\"**\"");
	wire_connect(&good, &server);
	wire_connect(&stranger, &server);
	wire_connect(&uri, &server);
	configure(&trust, "\"**\"", "\"dns:*.theirs.test\"");
	cr_assert_eq(wire_read(&stranger, &byte, 1), 0, "it has no name any more");
	cr_assert_eq(wire_read(&uri, &byte, 1), 0, "it has a better name");
	wire_trust_reloaded(&trust, 1);
	gets(&server, WIRE_CERT_WRONG_CA, REFUSED, 0, 0);
	gets(&server, WIRE_CERT_URI, 0, 200, 200);
	wire_log_has(&server, "msg=request ", "identity=uri:spiffe://test/ns/a/sa/store ca=ours");
	wire_disconnect(&good);
	wire_disconnect(&stranger);
	wire_disconnect(&uri);
	wire_server_stop(&server);
}

/* An anchor of two entries: a start refuses it; a server that runs lets it count where it has. */
Test(client_cas, one_anchor_in_two_entries)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	begin(&trust, &server, "\"dns:*.clients.test\"", "\"**\"");
	wire_trust_put(&trust, "other-ca.crt", "other-ca.crt", "ca.crt", NULL);
	wire_metric_reaches(&server, "sluice_config_reload_attempts_total", 1);
	wire_trust_refused(&trust, 1);
	wire_log_has(&server, "level=error", "is in both entries ours and theirs of client_cas");
	gets(&server, WIRE_CERT_CN_ONLY, REFUSED, 0, 0);
	gets(&server, WIRE_CERT_GOOD, 0, 200, 200);
	wire_server_stop(&server);
}
