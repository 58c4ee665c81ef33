/* SPDX-License-Identifier: Apache-2.0 */
#include "base/groups.h"

#include <string.h>
#include <strings.h>

#include "base/must.h"

static const struct {
	const char *label, *go_name, *registry_name;
} rows[] = {
#define ROW(id, label, go_name, registry_name) {label, go_name, registry_name},
	TLS_GROUPS(ROW)
#undef ROW
};

const char *tls_group_label(enum tls_group group)
{
	must((unsigned)group <= TLS_GROUP_COUNT);
	return group == TLS_GROUP_OTHER ? "other" : rows[group].label;
}

enum tls_group tls_group_by_go_name(const char *name)
{
	for (int i = 0; i < TLS_GROUP_COUNT; i++)
		if (strcmp(rows[i].go_name, name) == 0)
			return (enum tls_group)i;
	return TLS_GROUP_OTHER;
}

enum tls_group tls_group_by_registry_name(const char *name)
{
	for (int i = 0; i < TLS_GROUP_COUNT; i++)
		if (strcasecmp(rows[i].registry_name, name) == 0)
			return (enum tls_group)i;
	return TLS_GROUP_OTHER;
}
