/* SPDX-License-Identifier: Apache-2.0 */
/* The media type of a file of which nothing is known but its name. */
#ifndef SLUICE_HTTP_MEDIA_TYPE_H
#define SLUICE_HTTP_MEDIA_TYPE_H

#define MEDIA_TYPE_DEFAULT "application/octet-stream"

/* By the extension of the key's last component, in any case of letters; MEDIA_TYPE_DEFAULT where it
 * has none, or one that is not in the table. */
const char *media_type_of(const char *object_key);

#endif
