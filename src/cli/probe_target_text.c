/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/probe_target.h"

#include <string.h>

#include "base/date.h"

#define DAY_S 86400

static double ms_of(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void print_connection(const struct target *target, const struct survey *survey, FILE *out)
{
	fprintf(out, "target: %s", target->authority);
	if (survey->address[0] != '\0' && strcmp(survey->address, target->authority) != 0)
		fprintf(out, ", %s", survey->address);
	if (survey->is_connected)
		fprintf(out, ", connected in %.1f ms", ms_of(survey->connect_ns));
	fprintf(out, "\n");
}

static void print_tls(const struct inspection *tls, FILE *out)
{
	if (!tls->is_established)
		return;
	fprintf(out, "TLS: %s, %s, group %s, handshake in %.1f ms\n", tls->version, tls->cipher,
		tls->group[0] != '\0' ? tls->group : "none", ms_of(tls->handshake_ns));
	fprintf(out, "ALPN: http/1.1 offered, %s chosen\n",
		tls->alpn[0] != '\0' ? tls->alpn : "nothing");
}

/* ---- The chain ------------------------------------------------------------------------------- */

/* " (29 days left)" */
static void print_left(int64_t left_s, FILE *out)
{
	int64_t of = left_s < 0 ? -left_s : left_s;
	bool in_days = of >= 2 * DAY_S;

	fprintf(out, " (%lld %s %s)", (long long)(in_days ? of / DAY_S : of / 3600),
		in_days ? "days" : "hours", left_s < 0 ? "ago" : "left");
}

static void print_names(const struct identity *names, FILE *out)
{
	bool is_first = true;

	fprintf(out, "   names:");
	for (unsigned i = 0; names != NULL && i < names->count; i++) {
		if (names->name[i].kind > IDENTITY_IP)
			continue; /* of the subject, or the key */
		fprintf(out, "%s %s:%.*s", is_first ? "" : ",",
			identity_kind_label(names->name[i].kind), names->name[i].len,
			identity_name_text(names, i));
		is_first = false;
	}
	fprintf(out, "%s\n", names == NULL ? " unreadable" : is_first ? " none" : "");
}

static void print_chain(const struct inspection *tls, int64_t now, FILE *out)
{
	char from[DATE_BYTES], until[DATE_BYTES];

	if (tls->chain_count > 0)
		fprintf(out, "chain: %u certificate%s sent\n", tls->chain_count,
			tls->chain_count == 1 ? "" : "s");
	for (unsigned i = 0; i < tls->cert_count; i++) {
		const struct inspected_cert *cert = &tls->cert[i];
		fprintf(out, "%2u %s, issued by %s\n", i, cert->subject, cert->issuer);
		if (i == 0)
			print_names(cert->names, out);
		fprintf(out, "   valid from %s until %s", date_format(cert->not_before, from),
			date_format(cert->not_after, until));
		print_left(cert->not_after - now, out);
		fprintf(out, "\n   key %s, signed with %s, serial %s\n", cert->key, cert->signature,
			cert->serial);
	}
	if (tls->chain_count > tls->cert_count)
		fprintf(out, "   ... %u more\n", tls->chain_count - tls->cert_count);
}

static void print_trust(const struct survey *survey, FILE *out)
{
	const struct inspection *tls = &survey->tls;

	if (tls->cert_count == 0)
		return;
	if (tls->is_trusted)
		fprintf(out, "trusted: yes, by %s\n", tls->anchor);
	else
		fprintf(out, "trusted: no: %s\n", tls->trust_error);
	if (tls->is_named)
		fprintf(out, "name: yes, the certificate is for %s\n", survey->server_name);
	else
		fprintf(out, "name: no: %s\n", tls->name_error);
}

/* ---- Our certificate ------------------------------------------------------------------------- */

static const char *fate_of_cert(const struct inspection *tls)
{
	if (!tls->is_cert_asked_for)
		return "not asked for";
	if (!tls->is_cert_shown)
		return tls->identity == NULL ? "asked for; none shown (--cert)"
					     : "asked for; not shown to a server that is not "
					       "trusted, or is another";
	if (tls->end == INSPECT_ALERT)
		return "asked for, shown, refused";
	return tls->is_answered
		       ? "asked for, shown, accepted"
		       : "asked for and shown; the server has not said what it makes of it";
}

static void print_client_cert(const struct inspection *tls, FILE *out)
{
	char identity[512];

	if (tls->is_established || tls->is_cert_asked_for)
		fprintf(out, "client certificate: %s\n", fate_of_cert(tls));
	for (unsigned i = 0; i < tls->ca_count && i < INSPECT_CAS_MAX; i++)
		fprintf(out, "   the server names the CA %s\n", tls->ca[i]);
	if (tls->ca_count > INSPECT_CAS_MAX)
		fprintf(out, "   ... and %u more\n", tls->ca_count - INSPECT_CAS_MAX);
	if (tls->identity == NULL)
		return;
	identity_format(tls->identity, identity, sizeof(identity));
	fprintf(out, "identity of --cert, as sluice serve logs it: %s\n", identity);
}

static void print_ktls(const struct survey *survey, FILE *out)
{
	const struct inspection *tls = &survey->tls;
	const struct ktls_caps *caps = &survey->ktls;

	if (!tls->is_established)
		return;
	if (caps->ulp_errno != 0)
		fprintf(out, "kernel TLS here: no (TCP ULP \"tls\": %s)\n",
			strerrorname_np(-caps->ulp_errno));
	else if (tls->tls_cipher == TLS_CIPHER_COUNT)
		fprintf(out, "kernel TLS here: not used for %s\n", tls->cipher);
	else
		fprintf(out, "kernel TLS here: TX %s, RX %s of %s\n",
			caps->tx[tls->tls_cipher] ? "yes" : "no",
			caps->rx[tls->tls_cipher] ? "yes" : "no", tls->cipher);
	fprintf(out, "kernel TLS there: cannot be seen from here; a sluice server says it in its "
		     "log (tx=, rx=)\n");
}

void probe_target_print_text(const struct target *target, const struct survey *survey, int64_t now,
			     FILE *out)
{
	print_connection(target, survey, out);
	if (survey->is_inspected) {
		print_tls(&survey->tls, out);
		print_chain(&survey->tls, now, out);
		print_trust(survey, out);
		print_client_cert(&survey->tls, out);
		print_ktls(survey, out);
	}
	/* nginx, for one, lets such a client in and refuses its requests. */
	bool lacks_cert =
		survey->is_inspected && survey->tls.is_cert_asked_for && !survey->tls.is_cert_shown;
	fprintf(out, "verdict: %s%s\n",
		survey->outcome == CLIENT_OK ? "a connection works" : survey->error,
		survey->outcome == CLIENT_OK && lacks_cert
			? ", without the client certificate that the server asks for; it may "
			  "refuse "
			  "requests"
			: "");
}
