/* SPDX-License-Identifier: Apache-2.0 */
#include "store/terms.h"

#include <errno.h>
#include <stddef.h>

#include "store/object.h"

int terms_check(const struct put_terms *terms, const struct stat *st)
{
	if (terms->mode != PUT_IF_PRESENT)
		return 0;
	if (!S_ISREG(st->st_mode))
		return -ENOKEY;
	bool is_met = (terms->etag == NULL || object_has_etag(st, terms->etag)) &&
		      (!terms->has_size || (uint64_t)st->st_size == terms->size) &&
		      (!terms->has_modified || st->st_mtim.tv_sec == terms->modified);
	return is_met ? 0 : -EKEYREJECTED;
}
