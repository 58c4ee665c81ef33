/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What takes rights away counts at once, whatever else is wrong with the files; and only what would
 * be worse than what is in force is left out.
 */
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "wire/wire_trust.h"

TestSuite(trust_taken, .timeout = WIRE_TIMEOUT);

#define PARTIAL "sluice_config_reloads_total{result=\"partial\"}"
#define WHOLE   "sluice_config_reloads_total{result=\"ok\"}"

/* A file of a row: written text (it begins with a line end), or the parts of certs. */
struct file {
	const char *name;
	const char *part[3];
};

/* Trusted before are ca and other-ca, with a list each that revokes nobody; two clients are
 * connected: one of ca, which the list ca.crl revokes, and one of other-ca. */
static const struct row {
	const char *what;
	struct file file[3];
	const char *result;   /* the counter that goes up */
	const char *flaw;     /* the label that sluice_trust_flaws counts, NULL: none */
	bool is_revoked_out;  /* the client of ca */
	bool is_stranger_out; /* the one of other-ca */
} rows[] = {
	{"nothing is wrong",
	 {{"clients.crl", {"ca.crl", "other-ca.crl"}}},
	 WHOLE,
	 NULL,
	 true,
	 false},
	{"the list of the other CA has ended",
	 {{"clients.crl", {"ca.crl", "other-stale.crl"}}},
	 PARTIAL,
	 "crl_kept",
	 true,
	 false},
	{"the list of the other CA is not there",
	 {{"clients.crl", {"ca.crl"}}},
	 PARTIAL,
	 "crl_kept",
	 true,
	 false},
	{"half of the list of the other CA is there",
	 {{"clients.crl", {"ca.crl", "\n-----BEGIN X509 CRL-----\nAAAA\n"}}},
	 PARTIAL,
	 "crl_kept",
	 true,
	 false},
	{"a list is a delta",
	 {{"clients.crl", {"ca.crl", "other-ca.crl", "delta.crl"}}},
	 PARTIAL,
	 "crl_unusable",
	 true,
	 false},
	{"the server's certificate has ended",
	 {{"server.crt", {"old-server.crt"}},
	  {"server.key", {"old-server.key"}},
	  {"clients.crl", {"ca.crl", "other-ca.crl"}}},
	 PARTIAL,
	 "certificate_kept",
	 true,
	 false},
	{"the server's key is of another certificate",
	 {{"server.key", {"new-server.key"}}, {"clients.crl", {"ca.crl", "other-ca.crl"}}},
	 PARTIAL,
	 "certificate_kept",
	 true,
	 false},
	{"the server's certificate is one of a client",
	 {{"server.crt", {"good.crt"}}, {"server.key", {"good.key"}}, {"clients.crt", {"ca.crt"}}},
	 PARTIAL,
	 "certificate_kept",
	 false,
	 true},
	{"the bundle of CAs is none",
	 {{"clients.crt", {"\nno PEM\n"}}, {"clients.crl", {"ca.crl", "other-ca.crl"}}},
	 PARTIAL,
	 "ca_kept",
	 true,
	 false},
	{"the configuration cannot be read, and a list revokes",
	 {{"sluice.yml", {"\nacces: []\n"}}, {"clients.crl", {"ca.crl", "other-ca.crl"}}},
	 PARTIAL,
	 NULL,
	 true,
	 false},
	{"the configuration cannot be read, and a CA is gone",
	 {{"sluice.yml", {"\n{\n"}}, {"clients.crt", {"ca.crt"}}},
	 PARTIAL,
	 "crl_foreign",
	 false,
	 true},
	{"a CA is gone, and its list is still there",
	 {{"clients.crt", {"ca.crt"}}},
	 WHOLE,
	 "crl_foreign",
	 false,
	 true},
	{"a CA and its list are gone",
	 {{"clients.crt", {"ca.crt"}}, {"clients.crl", {"none.crl"}}},
	 WHOLE,
	 NULL,
	 false,
	 true},
	{"a CA is gone, and the lists are none",
	 {{"clients.crt", {"ca.crt"}}, {"clients.crl", {"\nno PEM\n"}}},
	 PARTIAL,
	 "crl_kept",
	 false,
	 true},
	{"a CA is gone, and a leaf is in its place",
	 {{"clients.crt", {"ca.crt", "good.crt"}}},
	 PARTIAL,
	 "ca_unusable",
	 false,
	 true},
	{"a CA is gone, and the server's key is of another certificate",
	 {{"clients.crt", {"ca.crt"}}, {"server.key", {"new-server.key"}}},
	 PARTIAL,
	 "certificate_kept",
	 false,
	 true},
	{"both at once, and nothing else is right",
	 {{"clients.crt", {"ca.crt", "good.crt"}},
	  {"clients.crl", {"ca.crl", "\n-----BEGIN X509 CRL-----\n"}},
	  {"server.key", {"new-server.key"}}},
	 PARTIAL,
	 "certificate_kept",
	 true,
	 true},
};

static void put(struct wire_trust *trust, const struct file *file)
{
	char text[65536], path[PATH_MAX];
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_LEN(file->part) && file->part[i] != NULL; i++) {
		const char *part = file->part[i];
		if (part[0] == '\n') {
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", part);
			continue;
		}
		snprintf(path, sizeof(path), "%s/certs/%s", trust->server->env.dir, part);
		FILE *in = fopen(path, "r");
		cr_assert_not_null(in, "%s", path);
		used += fread(text + used, 1, sizeof(text) - used - 1, in);
		fclose(in);
	}
	text[used] = '\0';
	wire_trust_write(trust, file->name, text);
}

/* The server lets it go. */
static void is_let_go(struct wire_client *client, uint64_t since_ms, const char *what)
{
	char byte;

	cr_assert_eq(wire_read(client, &byte, 1), 0, "%s: it is served on", what);
	wire_report("%s: %s is out after %llu ms", what, wire_cert_name(client->cert),
		    (unsigned long long)(wire_now_ms() - since_ms));
}

static void comes_in_or_not(struct wire_server *server, enum wire_cert cert, int alert)
{
	struct wire_client client = {.cert = cert};

	wire_prepare(&client, server);
	if (alert != 0) {
		wire_handshake_refused(&client, alert);
	} else {
		cr_assert(wire_handshake(&client));
		wire_fetch(&client, "/data/size-100", 100, 100);
	}
	wire_disconnect(&client);
}

/* All that was changed so far has been read. */
static void settle(struct wire_server *server)
{
	for (int i = 0; i < 2; i++)
		cr_assert_eq(wire_admin(server, "POST /-/reload HTTP/1.0\r\n\r\n", NULL), 200);
}

static void begin(struct wire_trust *trust, struct wire_server *server)
{
	wire_trust_pair(trust, "server");
	wire_trust_write(trust, "sluice.yml",
			 "access:\n  - {identity: \"dns:**\", allow: [read], on: [\"**\"]}\n");
	wire_trust_put(trust, "clients.crt", "ca.crt", "other-ca.crt", NULL);
	wire_trust_put(trust, "clients.crl", "none.crl", "other-ca.crl", NULL);
	settle(server);
}

static void check(struct wire_trust *trust, struct wire_server *server, const struct row *row)
{
	struct wire_client revoked = {.cert = WIRE_CERT_REVOKED},
			   stranger = {.cert = WIRE_CERT_WRONG_CA};
	struct wire_client good = {0};
	char flaw[128];

	wire_connect(&revoked, server);
	wire_connect(&stranger, server);
	wire_connect(&good, server);
	uint64_t before = wire_metric(server, row->result), since_ms = wire_now_ms();
	for (size_t i = 0; i < ARRAY_LEN(row->file) && row->file[i].name != NULL; i++)
		put(trust, &row->file[i]);
	if (row->is_revoked_out)
		is_let_go(&revoked, since_ms, row->what);
	if (row->is_stranger_out)
		is_let_go(&stranger, since_ms, row->what);
	/* Until then a worker may let somebody in, to let him go the next moment. */
	wire_metric_reaches(server, row->result, before + 1);
	if (!row->is_revoked_out)
		wire_fetch(&revoked, "/data/size-100", 100, 100);
	if (!row->is_stranger_out)
		wire_fetch(&stranger, "/data/size-100", 100, 100);
	comes_in_or_not(server, WIRE_CERT_REVOKED, row->is_revoked_out ? 44 : 0);
	comes_in_or_not(server, WIRE_CERT_WRONG_CA, row->is_stranger_out ? 48 : 0);
	wire_fetch(&good, "/data/size-100", 100, 100);
	if (row->flaw != NULL) {
		snprintf(flaw, sizeof(flaw), "sluice_trust_flaws{reason=\"%s\"}", row->flaw);
		wire_metric_reaches(server, flaw, 1);
	}
	cr_assert_eq(wire_metric(server, "sluice_config_last_reload_successful"),
		     strcmp(row->result, WHOLE) == 0, "%s", row->what);
	wire_disconnect(&good);
	wire_disconnect(&revoked);
	wire_disconnect(&stranger);
}

/* A list that has ended is in force, and another revokes. */
Test(trust_taken, beside_a_list_that_has_ended)
{
	struct wire_server server = {0};
	struct wire_client revoked = {.cert = WIRE_CERT_REVOKED};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	wire_trust_put(&trust, "clients.crt", "ca.crt", "other-ca.crt", NULL);
	wire_trust_put(&trust, "clients.crl", "none.crl", "other-stale.crl", NULL);
	settle(&server);
	wire_connect(&revoked, &server);
	uint64_t before = wire_metric(&server, WHOLE), since_ms = wire_now_ms();
	wire_trust_put(&trust, "clients.crl", "ca.crl", "other-stale.crl", NULL);
	is_let_go(&revoked, since_ms, "a list that has ended is in force");
	wire_trust_reloaded(&trust, before + 1);
	comes_in_or_not(&server, WIRE_CERT_REVOKED, 44);
	cr_assert_eq(wire_metric(&server, "sluice_trust_flaws{reason=\"crl_expired\"}"), 1);
	wire_log_has(&server, "level=error", "clients.crl", "is past its next update");
	wire_disconnect(&revoked);
	wire_server_stop(&server);
}

/* ---- Each certificate of the bundle is an anchor --------------------------------------------- */

static const struct {
	const char *what;
	const char *cas[3];
	const char *crls[3];
	int middle, sibling; /* the alert by which the client of this CA is refused, 0: let in */
} anchors[] = {
	{"the intermediate alone", {"middle.crt"}, {"middle.crl"}, 0, 48},
	{"the root alone, and the leaf sends no chain", {"ca.crt"}, {"none.crl"}, 48, 48},
	{"root and intermediate", {"ca.crt", "middle.crt"}, {"none.crl", "middle.crl"}, 0, 48},
	{"the root's list revokes the intermediate",
	 {"ca.crt", "middle.crt"},
	 {"no-middle.crl", "middle.crl"},
	 44,
	 48},
	{"the intermediate alone again, whose root's list is no matter",
	 {"middle.crt"},
	 {"no-middle.crl", "middle.crl"},
	 0,
	 48},
	/* Where there are lists each leaf is to be covered by one. */
	{"both intermediates, one without a list",
	 {"middle.crt", "sibling.crt"},
	 {"middle.crl"},
	 0,
	 48},
};

Test(trust_taken, an_intermediate_is_an_anchor)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	for (size_t i = 0; i < ARRAY_LEN(anchors); i++) {
		put(&trust,
		    &(struct file){"clients.crl", {anchors[i].crls[0], anchors[i].crls[1]}});
		put(&trust, &(struct file){"clients.crt", {anchors[i].cas[0], anchors[i].cas[1]}});
		cr_assert_eq(wire_admin(&server, "POST /-/reload HTTP/1.0\r\n\r\n", NULL), 200,
			     "%s", anchors[i].what);
		comes_in_or_not(&server, WIRE_CERT_BY_MIDDLE, anchors[i].middle);
		comes_in_or_not(&server, WIRE_CERT_BY_SIBLING, anchors[i].sibling);
	}
	wire_server_stop(&server);
}

Test(trust_taken, whatever_else_is_wrong)
{
	struct wire_server server = {0};
	struct wire_trust trust;

	wire_trust_start(&trust, &server);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin(&trust, &server);
		check(&trust, &server, &rows[i]);
	}
	wire_server_stop(&server);
}
