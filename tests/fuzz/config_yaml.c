/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a configuration file: no read outside of them, either a message of one line that
 * begins with file and line, or a configuration whose every field keeps the contract of
 * config/config.h and options.c; and the rules that came out decide about a fixed client.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "config/config.h"
#include "config/options.h"
#include "yaml_error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ended within size, and one line. */
static void check_text(const char *text, size_t size)
{
	must(memchr(text, '\0', size) != NULL);
	for (; *text != '\0'; text++)
		must((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_name(const char *text, size_t bytes_max)
{
	must(text[0] != '\0');
	check_text(text, bytes_max + 1);
}

static void check_fields(const struct config *config)
{
	must(config->listen_count <= LISTENERS_MAX);
	for (unsigned i = 0; i < config->listen_count; i++) {
		check_text(config->listen[i], ADDR_TEXT_MAX);
		must(strchr(config->listen[i], ':') != NULL);
	}
	check_text(config->admin_listen, ADDR_TEXT_MAX);
	check_text(config->root, PATH_MAX);
	check_text(config->tls.cert_file, PATH_MAX);
	check_text(config->tls.key_file, PATH_MAX);
	check_text(config->tls.client_ca_file, PATH_MAX);
	check_text(config->tls.crl_file, PATH_MAX);
	must(config->config_file[0] == '\0' && config->check_object[0] == '\0');
	must(config->tls.cipher_count >= 1 && config->tls.cipher_count <= TLS_CIPHER_COUNT);
	for (unsigned i = 0; i < config->tls.cipher_count; i++)
		for (unsigned j = 0; j < i; j++)
			must(config->tls.ciphers[i] != config->tls.ciphers[j]);
	must(config->tls.groups <= TLS_GROUPS_ALL);
	must(config->tls.certificate_count <= CERTIFICATES_MAX);
	for (unsigned i = 0; i < config->tls.certificate_count; i++) {
		check_name(tls_settings_cert_file(&config->tls, i), PATH_MAX - 1);
		check_name(tls_settings_key_file(&config->tls, i), PATH_MAX - 1);
	}
	must(config->tls.allowed_san_count <= ALLOWED_SANS_MAX);
	for (unsigned i = 0; i < config->tls.allowed_san_count; i++)
		check_name(config->tls.allowed_sans[i], CONFIG_BYTES_MAX);
	must(config->tls_path <= TLS_PATH_USER && config->send_engine <= SEND_ENGINE_COPY);
	must(config->log_level <= LOG_LEVEL_ERROR && config->log_format <= LOG_FORMAT_JSON);
}

/* Every number that came is one that its flag accepts. */
static void check_numbers(const struct config *config)
{
	for (size_t i = 0; i < options_count; i++) {
		const struct option *option = &options[i];
		const void *field = (const char *)config + option->offset;
		uint64_t value;

		if (option->type == OPTION_UNSIGNED || option->type == OPTION_DURATION)
			value = *(const unsigned *)field;
		else if (option->type == OPTION_U64 || option->type == OPTION_BYTES)
			value = *(const uint64_t *)field;
		else
			continue;
		must(value >= option->min && value <= option->max);
	}
}

static void check_client_cas(const struct config *config)
{
	must(config->tls.client_ca_count <= CLIENT_CAS_MAX);
	for (unsigned i = 0; i < config->tls.client_ca_count; i++) {
		const struct client_ca *ca = &config->tls.client_ca[i];
		check_name(ca->name, CA_NAME_MAX - 1);
		check_name(ca->ca_file, PATH_MAX - 1);
		check_text(ca->crl_file, PATH_MAX);
		must(ca->vouch_count >= 1 && ca->vouch_count <= CA_VOUCHES_MAX);
		for (unsigned j = 0; j < ca->vouch_count; j++) {
			must((unsigned)ca->vouches_for[j].kind <= IDENTITY_KIND_COUNT &&
			     ca->vouches_for[j].kind != IDENTITY_SPKI);
			check_name(ca->vouches_for[j].text, PATTERN_BYTES_MAX);
		}
	}
}

static void check_rules(const struct policy *policy)
{
	must(policy->has_section || policy->rule_count == 0);
	must(policy->rule_count <= ACCESS_RULES_MAX);
	for (unsigned i = 0; i < policy->rule_count; i++) {
		const struct access_rule *rule = &policy->rule[i];
		must((unsigned)rule->who.kind < IDENTITY_KIND_COUNT && rule->line > 0);
		check_name(rule->who.text, PATTERN_BYTES_MAX);
		must(rule->ca_count <= CLIENT_CAS_MAX);
		for (unsigned j = 0; j < rule->ca_count; j++)
			check_name(rule->ca[j], CA_NAME_MAX - 1);
		must(rule->verbs > 0 && rule->verbs < 2 * ACCESS_DELETE);
		must(rule->on_count >= 1 && rule->on_count <= ACCESS_PATTERNS_MAX);
		for (unsigned j = 0; j < rule->on_count; j++)
			check_name(rule->on[j], PATTERN_BYTES_MAX);
	}
}

static const struct identity *client(void)
{
	static struct identity *identity;

	if (identity == NULL) {
		struct identity_builder *builder = identity_builder_new();
		must(identity_builder_add(builder, IDENTITY_DNS, "thanos-store.monitoring", 23) ==
		     0);
		must(identity_builder_add(builder, IDENTITY_URI, "spiffe://prod/store", 19) == 0);
		must(identity_builder_add(builder, IDENTITY_IP, "192.0.2.1", 9) == 0);
		identity = identity_builder_finish(builder);
		identity_builder_free(builder);
	}
	return identity;
}

/* What is allowed is allowed by a rule that holds the verb, and nothing is without one. */
static void check_decisions(const struct policy *policy)
{
	static const char *const places[][2] = {
		{"", ""}, {"blocks", ""}, {"blocks", "01J/chunks/000001"}, {"blocks", "*"}};

	for (unsigned verb = ACCESS_READ; verb <= ACCESS_DELETE; verb *= 2) {
		for (size_t i = 0; i < ARRAY_LEN(places); i++) {
			struct decision decision =
				policy_decide(policy, client(), (enum access_verb)verb,
					      places[i][0], places[i][1]);
			if (policy->has_section)
				must(decision.allow == (decision.rule >= 0));
			else
				must(decision.allow == (verb <= ACCESS_LIST));
			if (decision.rule < 0)
				continue;
			must((unsigned)decision.rule < policy->rule_count);
			must((policy->rule[decision.rule].verbs & verb) != 0);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	char error[ERROR_TEXT_MAX];
	char *text = malloc(size > 0 ? size : 1);

	must(text != NULL);
	memcpy(text, data, size);
	memset(error, 'x', sizeof(error));
	config_init(&config);
	int r = config_parse_yaml(&config, text, size, FILE_NAME, error);
	if (r == 0) {
		must(error[0] == '\0');
		check_fields(&config);
		check_numbers(&config);
		check_client_cas(&config);
		check_rules(&config.policy);
		check_decisions(&config.policy);
	} else {
		yaml_error_check(r, error);
	}
	config_fini(&config);
	free(text);
	return 0;
}
