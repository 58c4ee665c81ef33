/* SPDX-License-Identifier: Apache-2.0 */
/* What must be so of an object for a write or a removal to happen: looked at under its lock. */
#ifndef SLUICE_STORE_TERMS_H
#define SLUICE_STORE_TERMS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "store/facts.h"
#include "store/sys.h"

enum put_mode {
	PUT_REPLACES,  /* an object of this key, if there is one */
	PUT_IF_ABSENT, /* If-None-Match: * */
	PUT_IF_PRESENT /* If-Match, and what else is said of the object */
};

/* PUT_IF_PRESENT: all that is given holds. */
struct put_terms {
	enum put_mode mode;
	const char *etag; /* NULL: any */
	bool has_size, has_modified;
	uint64_t size;
	time_t modified; /* seconds */
};

/* Does what is there, open, meet the terms? 0; -ENOKEY: it is no object; -EKEYREJECTED: another
 * than the terms want; another negative errno: its version could not be read. Of PUT_IF_ABSENT
 * nothing is asked here. */
int terms_check(const struct store_sys *sys, const struct put_terms *terms, int fd,
		const struct facts *facts);

#endif
