/* SPDX-License-Identifier: Apache-2.0 */
/* sluice serve --check-access: one question to the access rules. */
#include "cli/check_access.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "tls/client_cert.h"

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
	       identity_kind_label(rule->kind), rule->pattern);
}

static void print_decision(const struct config *config, const struct decision *decision,
			   const char *verb)
{
	const char *place = config->check_place;

	printf("%s: ", decision->allow ? "allow" : "deny");
	if (decision->rule >= 0) {
		print_rule(config, decision->rule);
		printf(" lets it %s %s\n", verb, place);
	} else if (!config->policy.has_section) {
		printf("there is no access section: every verified client may read and list\n");
	} else if (decision->about >= 0) {
		print_rule(config, decision->about);
		printf(" is about it, but neither that one nor a later one lets it %s %s\n", verb,
		       place);
	} else {
		printf("no rule is about this identity\n");
	}
}

int cli_check_access(const struct config *config)
{
	enum access_verb verb = (enum access_verb)(1u << config->check_verb);
	const char *slash = strchr(config->check_place, '/');
	char bucket[PATH_MAX], error[ERROR_TEXT_MAX];
	struct identity *identity = NULL;

	int r = client_cert_identity(config, config->identity_cert_file, &identity, error);
	if (r < 0) {
		if (r == -EACCES)
			printf("deny: %s\n", error);
		else
			fprintf(stderr, "sluice serve: %s\n", error);
		return EXIT_TLS;
	}
	snprintf(bucket, sizeof(bucket), "%.*s", (int)(slash - config->check_place),
		 config->check_place);
	print_identity(identity);
	struct decision decision =
		policy_decide(&config->policy, identity, verb, bucket, slash + 1);
	print_decision(config, &decision, access_verb_words[config->check_verb]);
	identity_free(identity);
	return decision.allow ? EXIT_OK : EXIT_DENIED;
}
