/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

void must_fail(const char *expr, const char *file, int line)
{
	fprintf(stderr, "sluice: %s:%d: must(%s) is false; this is a bug, please report it\n", file,
		line, expr);
	abort();
}
