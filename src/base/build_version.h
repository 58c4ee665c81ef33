/* SPDX-License-Identifier: Apache-2.0 */
/* The version of this build: the one place that knows it. */
#ifndef SLUICE_BASE_BUILD_VERSION_H
#define SLUICE_BASE_BUILD_VERSION_H

/* "0.1.0" of a release or a tarball, "0.1.0-42-g0123456789ab" of a commit, "...-dirty" of a changed
 * work tree (build_version.cmake). Static. */
const char *build_version(void);

#endif
