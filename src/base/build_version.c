/* SPDX-License-Identifier: Apache-2.0 */
/* Alone in its file, so that a new commit compiles nothing else. */
#include "base/build_version.h"

#include "base/build_version_text.h" /* written by build_version.cmake at each build */

const char *build_version(void)
{
	return BUILD_VERSION_TEXT;
}
