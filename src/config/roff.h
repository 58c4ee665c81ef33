/* SPDX-License-Identifier: Apache-2.0 */
/* Text in a manual page (man(7)). */
#ifndef SLUICE_CONFIG_ROFF_H
#define SLUICE_CONFIG_ROFF_H

#include <stdio.h>

/* Text as it is to be read: bytes that mean something to roff are escaped, also inside the quotes
 * of a macro's argument. The line that text begins on must be empty, or text be no first word. */
void roff_text(FILE *out, const char *text);
/* A paragraph; an empty line separates it from what stands before. */
void roff_paragraph(FILE *out, const char *text);
/* ".SH TITLE" */
void roff_section(FILE *out, const char *title);
/* A tagged paragraph: the tag in bold, then the text. */
void roff_item(FILE *out, const char *tag, const char *text);
/* Lines as they stand, indented. */
void roff_example(FILE *out, const char *text);

#endif
