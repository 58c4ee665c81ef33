/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry of client_cas: CAs of one organisation, its lists, and the names that its certificates
 * may have. What else stands in them counts for nothing.
 */
#ifndef SLUICE_ACCESS_CLIENT_CA_H
#define SLUICE_ACCESS_CLIENT_CA_H

#include <limits.h>

#include "access/identity_pattern.h"
#include "base/limits.h"

struct client_ca {
	char name[CA_NAME_MAX];  /* "": not an entry, but client_ca_file, which may vouch for all */
	char ca_file[PATH_MAX];  /* each certificate in it is an anchor */
	char crl_file[PATH_MAX]; /* "": its CAs need no lists */
	struct identity_pattern vouches_for[CA_VOUCHES_MAX];
	unsigned vouch_count; /* 0 with an entry: not read yet */
};

void client_ca_fini(struct client_ca *ca);
/* 0, or -ENOMEM and *to is empty. */
int client_ca_copy(struct client_ca *to, const struct client_ca *from);
bool client_ca_is_same(const struct client_ca *a, const struct client_ca *b);

/*
 * *identity, of a certificate that ca has issued, without the names that ca may not vouch for, and
 * with its name. Keys (spki) speak for themselves, but are no name. 0; -EACCES: no name is left;
 * -ENOMEM. On failure it is as it was.
 */
int client_ca_vouch(const struct client_ca *ca, struct identity **identity);

#endif
