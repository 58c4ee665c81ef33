/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of a server as users have it: its standard error is a pipe, a socket or
 * a terminal, not a file. What comes out is copied to a file, which tests read
 * through wire_server_read.c.
 */
#ifndef SLUICE_TESTS_WIRE_LOG_H
#define SLUICE_TESTS_WIRE_LOG_H

enum wire_log_kind {
	WIRE_LOG_PIPE, /* what a test gets when it says nothing */
	WIRE_LOG_FILE,
	WIRE_LOG_STREAM,   /* a unix socket, as journald's */
	WIRE_LOG_DATAGRAM, /* a unix socket that keeps messages apart */
	WIRE_LOG_TERMINAL,
	WIRE_LOG_FOREIGN_PIPE, /* one that the server's user may not open again */
	WIRE_LOG_KIND_COUNT
};

struct wire_log;

/* file_fd: where it is copied to, taken over. *server_fd: for the server, closed by the caller.
 * Aborts the program when it cannot. */
struct wire_log *wire_log_new(enum wire_log_kind kind, int file_fd, int *server_fd);
/* Everything that the server has written until now is in the file when this returns. NULL is fine.
 */
void wire_log_sync(struct wire_log *log);
/* From now on nobody reads; and reads again. */
void wire_log_stop(struct wire_log *log);
void wire_log_resume(struct wire_log *log);
/* After wire_log_stop: the reader is gone, for good. */
void wire_log_leave(struct wire_log *log);
/* After the server has left: copies the rest and frees. NULL is fine. */
void wire_log_free(struct wire_log *log);

#endif
