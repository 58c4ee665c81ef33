/* SPDX-License-Identifier: Apache-2.0 */
/* sluice check: would a start of serve succeed; and, with a client's certificate, may it? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "config/config.h"
#include "server/server.h"
#include "tls/client_cert.h"

/* ---- One question to the access rules ------------------------------------------------------- */

static void print_identity(const struct identity *identity)
{
	printf("identity:");
	for (unsigned i = 0; i < identity->count; i++)
		printf(" %s:%.*s", identity_kind_label(identity->name[i].kind),
		       identity->name[i].len, identity_name_text(identity, i));
	printf("\n");
}

static void print_rule(const struct config *config, int index)
{
	const struct access_rule *rule = &config->policy.rule[index];
	printf("rule %d (%s:%u, %s:%s)", index + 1, config->config_file, rule->line,
	       identity_kind_label(rule->who.kind), rule->who.text);
}

static void print_decision(const struct config *config, const struct decision *decision,
			   const char *verb)
{
	const char *object = config->check_object;

	printf("%s: ", decision->allow ? "allow" : "deny");
	if (decision->rule >= 0) {
		print_rule(config, decision->rule);
		printf(" allows %s on %s\n", verb, object);
	} else if (!config->policy.has_section) {
		printf("without an access section every verified client may read and list\n");
	} else if (decision->about >= 0) {
		print_rule(config, decision->about);
		printf(" matches this identity, but neither it nor a later rule allows %s on %s\n",
		       verb, object);
	} else {
		printf("no rule matches this identity\n");
	}
}

/* A rule may allow what the server as a whole does not do. */
static bool is_read_only(const struct config *config, enum access_verb verb)
{
	return !config->writable && (verb == ACCESS_WRITE || verb == ACCESS_DELETE);
}

static int check_client(const struct config *config)
{
	enum access_verb verb = (enum access_verb)(1u << config->check_verb);
	const char *slash = strchr(config->check_object, '/');
	char bucket[PATH_MAX], error[ERROR_TEXT_MAX];
	struct identity *identity = NULL;

	int r = client_cert_identity(&config->tls, config->check_identity_cert, &identity, error);
	if (r < 0) {
		if (r == -EACCES)
			printf("deny: %s\n", error);
		else
			fprintf(stderr, "sluice check: %s\n", error);
		return EXIT_TLS;
	}
	snprintf(bucket, sizeof(bucket), "%.*s", (int)(slash - config->check_object),
		 config->check_object);
	print_identity(identity);
	struct decision decision =
		policy_decide(&config->policy, identity, verb, bucket, slash + 1);
	bool is_refused = decision.allow && is_read_only(config, verb);
	if (is_refused)
		printf("deny: the server is read-only; --writable (in the file: writable: true) "
		       "lets the access rules decide\n");
	else
		print_decision(config, &decision, access_verb_words[config->check_verb]);
	identity_free(identity);
	return decision.allow && !is_refused ? EXIT_OK : EXIT_DENIED;
}

/* ---- A start -------------------------------------------------------------------------------- */

static int check_start(struct config *config)
{
	unsigned warnings = 0;
	enum server_outcome outcome = server_check(config, &warnings);

	if (outcome != SERVER_STOPPED)
		return exit_code_of_server(outcome);
	if (warnings == 0)
		printf("configuration OK\n");
	else
		printf("configuration OK, %u warning%s\n", warnings, warnings == 1 ? "" : "s");
	return warnings > 0 && config->check_is_strict ? EXIT_ERROR : EXIT_OK;
}

int cli_check(int argc, char *const argv[])
{
	char error[ERROR_TEXT_MAX];
	struct config *config = malloc(sizeof(*config));
	if (config == NULL) {
		fprintf(stderr, "sluice check: no memory\n");
		return EXIT_ERROR;
	}
	int code = EXIT_OK;
	int r = config_load(config, CONFIG_CHECK, argc, argv, error);
	if (r < 0) {
		fprintf(stderr, "sluice check: %s\n", error);
		code = EXIT_USAGE;
	} else if (r == CONFIG_HELP_SHOWN) {
		exit_codes_print_help(stdout, "check");
	} else {
		code = config->check_identity_cert[0] != '\0' ? check_client(config)
							      : check_start(config);
	}
	config_fini(config);
	free(config);
	return code;
}
