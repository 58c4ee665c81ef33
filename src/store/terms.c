/* SPDX-License-Identifier: Apache-2.0 */
#include "store/terms.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "store/version.h"

int terms_check(const struct store_sys *sys, const struct put_terms *terms, int fd,
		const struct facts *facts)
{
	char etag[ETAG_BYTES];

	if (terms->mode != PUT_IF_PRESENT)
		return 0;
	if (!S_ISREG(facts->mode))
		return -ENOKEY;
	int r = terms->etag != NULL ? version_read(sys, fd, facts, etag) : 0;
	if (r < 0)
		return r;
	bool is_met = (terms->etag == NULL || strcmp(etag, terms->etag) == 0) &&
		      (!terms->has_size || facts->size == terms->size) &&
		      (!terms->has_modified || facts->modified.tv_sec == terms->modified);
	return is_met ? 0 : -EKEYREJECTED;
}
