/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/probe_target.h"

#include "cli/json.h"

static void put_names(struct json *json, const struct identity *names)
{
	char text[IDENTITY_BYTES_MAX + 16];

	json_open(json, "names", '[');
	for (unsigned i = 0; names != NULL && i < names->count; i++) {
		if (names->name[i].kind > IDENTITY_IP)
			continue; /* of the subject, or the key */
		snprintf(text, sizeof(text), "%s:%.*s", identity_kind_label(names->name[i].kind),
			 names->name[i].len, identity_name_text(names, i));
		json_put_text(json, NULL, text);
	}
	json_close(json, ']');
}

static void put_chain(struct json *json, const struct inspection *tls)
{
	json_open(json, "chain", '[');
	for (unsigned i = 0; i < tls->cert_count; i++) {
		const struct inspected_cert *cert = &tls->cert[i];
		json_open(json, NULL, '{');
		json_put_text(json, "subject", cert->subject);
		json_put_text(json, "issuer", cert->issuer);
		put_names(json, cert->names);
		json_put_number(json, "not_before", (long)cert->not_before);
		json_put_number(json, "not_after", (long)cert->not_after);
		json_put_text(json, "serial", cert->serial);
		json_put_text(json, "key", cert->key);
		json_put_text(json, "signature", cert->signature);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_put_number(json, "chain_certificates", tls->chain_count);
	json_put_bool(json, "trusted", tls->is_trusted);
	json_put_text(json, "trusted_by", tls->anchor);
	json_put_text(json, "trust_error", tls->trust_error);
	json_put_bool(json, "name_matches", tls->is_named);
}

static void put_tls(struct json *json, const struct inspection *tls)
{
	json_open(json, "tls", '{');
	json_put_bool(json, "established", tls->is_established);
	json_put_seconds(json, "handshake_seconds", tls->handshake_ns);
	json_put_text(json, "version", tls->version);
	json_put_text(json, "cipher", tls->cipher);
	json_put_text(json, "group", tls->group);
	json_put_text(json, "alpn", tls->alpn);
	json_put_number(json, "alert", tls->alert);
	json_close(json, '}');
}

static void put_client_cert(struct json *json, const struct inspection *tls)
{
	char identity[512] = "";

	if (tls->identity != NULL)
		identity_format(tls->identity, identity, sizeof(identity));
	json_open(json, "client_certificate", '{');
	json_put_bool(json, "asked_for", tls->is_cert_asked_for);
	json_open(json, "cas", '[');
	for (unsigned i = 0; i < tls->ca_count && i < INSPECT_CAS_MAX; i++)
		json_put_text(json, NULL, tls->ca[i]);
	json_close(json, ']');
	json_put_bool(json, "shown", tls->is_cert_shown);
	json_put_bool(json, "accepted",
		      tls->is_cert_shown && tls->is_answered && tls->end != INSPECT_ALERT);
	json_put_text(json, "identity", identity);
	json_close(json, '}');
}

static void put_ktls(struct json *json, const struct survey *survey)
{
	enum tls_cipher cipher = survey->tls.tls_cipher;
	bool can = survey->ktls.ulp_errno == 0 && cipher < TLS_CIPHER_COUNT;

	json_open(json, "ktls", '{');
	json_put_bool(json, "ulp", survey->ktls.ulp_errno == 0);
	json_put_bool(json, "tx", can && survey->ktls.tx[cipher]);
	json_put_bool(json, "rx", can && survey->ktls.rx[cipher]);
	json_close(json, '}');
}

void probe_target_print_json(const struct target *target, const struct survey *survey,
			     int exit_code, FILE *out)
{
	struct json json = {.out = out, .is_first = true};

	json_open(&json, NULL, '{');
	json_put_text(&json, "target", target->authority);
	json_put_text(&json, "address", survey->address);
	json_put_text(&json, "server_name", survey->server_name);
	json_put_bool(&json, "connected", survey->is_connected);
	json_put_seconds(&json, "connect_seconds", survey->connect_ns);
	if (survey->is_inspected) {
		put_tls(&json, &survey->tls);
		put_chain(&json, &survey->tls);
		put_client_cert(&json, &survey->tls);
		put_ktls(&json, survey);
	}
	json_put_text(&json, "error", survey->error);
	json_put_number(&json, "exit_code", exit_code);
	json_close(&json, '}');
	fputc('\n', out);
}
