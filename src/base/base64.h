/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648 section 4), of short things: digests. */
#ifndef SLUICE_BASE_BASE64_H
#define SLUICE_BASE_BASE64_H

#include <stddef.h>
#include <sys/types.h>

/* Of len bytes, with NUL. */
#define BASE64_TEXT_BYTES(len) (((len) + 2) / 3 * 4 + 1)

/* out: BASE64_TEXT_BYTES(len). Returns the length without NUL. */
size_t base64_encode(const void *data, size_t len, char *out);
/* Strict: padded, no other character, unused bits zero. Returns the bytes written to out, or
 * -EINVAL (also: more than size). */
ssize_t base64_decode(const char *text, size_t len, void *out, size_t size);

#endif
