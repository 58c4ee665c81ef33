/* SPDX-License-Identifier: Apache-2.0 */
#include "store/names.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/limits.h"

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool store_key_is_private(const char *key)
{
	for (const char *at = key; at != NULL; at = strchr(at, '/')) {
		at += *at == '/';
		size_t len = strcspn(at, "/");
		if ((len == sizeof(STORE_PRIVATE) - 1 &&
		     strncasecmp(at, STORE_PRIVATE, len) == 0) ||
		    (len == sizeof(STORE_MARKER) - 1 && strncasecmp(at, STORE_MARKER, len) == 0))
			return true;
	}
	return false;
}

bool store_key_is_marker(const char *key)
{
	size_t len = strlen(key);
	return len > 0 && key[len - 1] == '/';
}

bool store_bucket_name_is_valid(const char *name, size_t len)
{
	if (len < BUCKET_BYTES_MIN || len > BUCKET_BYTES_MAX)
		return false;
	if (!is_alnum(name[0]) || !is_alnum(name[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_alnum(name[i]) && name[i] != '-' && name[i] != '_' && name[i] != '.')
			return false;
		if (name[i] == '.' && name[i - 1] == '.')
			return false;
	}
	return true;
}

int store_random(char out[STORE_RANDOM_BYTES])
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -errno;
	snprintf(out, STORE_RANDOM_BYTES, "%016llx%016llx", (unsigned long long)random[0],
		 (unsigned long long)random[1]);
	return 0;
}
