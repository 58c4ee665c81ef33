/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 section 3 has it: no overlong form, no surrogate, nothing above U+10FFFF. */
#ifndef SLUICE_BASE_UTF8_H
#define SLUICE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes (1-4) of the character at the start of text; 0: what stands there is not UTF-8, or ends
 * before its time. len > 0. NUL is a character. */
size_t utf8_char_bytes(const char *text, size_t len);
/* All of text. Empty text is. */
bool utf8_is_valid(const char *text, size_t len);

#endif
