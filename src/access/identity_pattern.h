/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern of names of an identity, "dns:thanos-*.monitoring"; what it matches, access/policy.h
 * says. */
#ifndef SLUICE_ACCESS_IDENTITY_PATTERN_H
#define SLUICE_ACCESS_IDENTITY_PATTERN_H

#include <stdbool.h>

#include "access/identity.h"

struct identity_pattern {
	enum identity_kind kind; /* IDENTITY_KIND_COUNT: any, text is "**" */
	char *text;              /* without its "dns:"; NULL: none yet */
};

/* Is it about the identity's name of this index? */
bool identity_pattern_matches(const struct identity_pattern *pattern,
			      const struct identity *identity, unsigned index);
bool identity_pattern_is_same(const struct identity_pattern *a, const struct identity_pattern *b);

#endif
