/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of an operator, read once and as a whole: a configuration, a certificate, a key. It may be
 * a pipe (a shell's <(...)). One that nobody writes to is empty, and a writer that does not come to
 * an end is waited for FILE_PIPE_WAIT_MS: a server that reads its files anew must go on.
 */
#ifndef SLUICE_BASE_FILE_BYTES_H
#define SLUICE_BASE_FILE_BYTES_H

#include <stddef.h>

struct file_bytes {
	char *at; /* no NUL at the end; NULL: nothing was read */
	size_t len;
	size_t size; /* allocated */
};

/* Up to bytes_max of its bytes; whoever wants to know of more asks for one more. 0; a negative
 * errno: that of opening or reading, -ENOMEM, -ETIMEDOUT; *bytes is empty then. */
int file_bytes_read(struct file_bytes *bytes, const char *path, size_t bytes_max);
/* The same bytes as those of a file that holds the text. 0 or -ENOMEM. */
int file_bytes_copy(struct file_bytes *bytes, const char *text);
/* Wipes what was read, and frees it. Also of what is empty. */
void file_bytes_fini(struct file_bytes *bytes);

#endif
