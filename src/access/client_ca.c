/* SPDX-License-Identifier: Apache-2.0 */
#include "access/client_ca.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void client_ca_fini(struct client_ca *ca)
{
	for (unsigned i = 0; i < ca->vouch_count; i++)
		free(ca->vouches_for[i].text);
	*ca = (struct client_ca){0};
}

int client_ca_copy(struct client_ca *to, const struct client_ca *from)
{
	*to = *from;
	for (to->vouch_count = 0; to->vouch_count < from->vouch_count; to->vouch_count++) {
		struct identity_pattern *pattern = &to->vouches_for[to->vouch_count];
		pattern->text = strdup(from->vouches_for[to->vouch_count].text);
		if (pattern->text != NULL)
			continue;
		client_ca_fini(to);
		return -ENOMEM;
	}
	return 0;
}

bool client_ca_is_same(const struct client_ca *a, const struct client_ca *b)
{
	if (strcmp(a->name, b->name) != 0 || a->vouch_count != b->vouch_count ||
	    (a->crl_file[0] == '\0') != (b->crl_file[0] == '\0'))
		return false;
	for (unsigned i = 0; i < a->vouch_count; i++)
		if (!identity_pattern_is_same(&a->vouches_for[i], &b->vouches_for[i]))
			return false;
	return true;
}

static bool may_vouch_for(const struct client_ca *ca, const struct identity *identity,
			  unsigned index)
{
	for (unsigned i = 0; i < ca->vouch_count; i++)
		if (identity_pattern_matches(&ca->vouches_for[i], identity, index))
			return true;
	return false;
}

static bool may_vouch_for_any(const struct client_ca *ca)
{
	for (unsigned i = 0; i < ca->vouch_count; i++)
		if (ca->vouches_for[i].kind == IDENTITY_KIND_COUNT)
			return true;
	return false;
}

int client_ca_vouch(const struct client_ca *ca, struct identity **identity)
{
	const struct identity *all = *identity;
	unsigned names = 0;

	if (ca->name[0] == '\0')
		return 0;
	struct identity_builder *builder = identity_builder_new();
	if (builder == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < all->count; i++) {
		bool is_key = all->name[i].kind == IDENTITY_SPKI;
		if (!is_key && !may_vouch_for(ca, all, i))
			continue;
		names += !is_key;
		/* It was in one before. */
		identity_builder_add(builder, all->name[i].kind, identity_name_text(all, i),
				     all->name[i].len);
	}
	bool is_any_left = names > 0 || may_vouch_for_any(ca);
	struct identity *vouched = is_any_left ? identity_builder_finish(builder) : NULL;
	identity_builder_free(builder);
	if (vouched == NULL)
		return is_any_left ? -ENOMEM : -EACCES;
	memcpy(vouched->ca, ca->name, sizeof(vouched->ca));
	identity_free(*identity);
	*identity = vouched;
	return 0;
}
