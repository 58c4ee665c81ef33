/* SPDX-License-Identifier: Apache-2.0 */
/* HOST:PORT/bucket[/prefix], as a command line has it. */
#ifndef SLUICE_CLIENT_TARGET_H
#define SLUICE_CLIENT_TARGET_H

#include <stdbool.h>

#include "base/limits.h"
#include "base/text.h"

struct target {
	char host[SERVER_NAME_BYTES_MAX + 1]; /* without the brackets of an IPv6 address */
	char port[6];
	char authority[SERVER_NAME_BYTES_MAX + 16]; /* as given, for Host */
	char bucket[BUCKET_BYTES_MAX + 1];
	char prefix[OBJECT_KEY_BYTES_MAX + 1]; /* "": none */
};

/* Prefix and bucket are taken as they are, not decoded. 0, or -EINVAL with one line in error. */
int target_parse(struct target *target, const char *text, char error[ERROR_TEXT_MAX]);

/* HOST:PORT or [IPV6]:PORT alone; bucket and prefix are empty. As above. */
int target_parse_authority(struct target *target, const char *text, char error[ERROR_TEXT_MAX]);

/* Adds a key, or with is_query a value of a query, percent-encoded: all but the unreserved bytes of
 * RFC 3986 section 2.3 and, in a key, the slash. */
void target_put_encoded(struct text *out, const char *value, bool is_query);

#endif
