/* SPDX-License-Identifier: Apache-2.0 */
/* What every refusal of a YAML file looks like, for the fuzz targets. */
#ifndef SLUICE_TESTS_YAML_ERROR_H
#define SLUICE_TESTS_YAML_ERROR_H

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "base/must.h"

#define FILE_NAME "fuzz.yml"

/* "FILE:LINE: " and something to read, on one line. */
static inline void yaml_error_check(int r, const char *error)
{
	must(r == -EINVAL);
	must(memchr(error, '\0', ERROR_TEXT_MAX) != NULL);
	must(strncmp(error, FILE_NAME ":", sizeof(FILE_NAME)) == 0);
	const char *line = error + sizeof(FILE_NAME);
	size_t digits = strspn(line, "0123456789");
	must(digits > 0 && line[0] != '0' && strncmp(line + digits, ": ", 2) == 0);
	for (const char *at = line + digits + 2; *at != '\0'; at++)
		must((unsigned char)*at >= 0x20 && *at != 0x7f);
	must(strlen(line + digits) > 8);
}

#endif
