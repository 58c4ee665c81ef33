/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where log lines go: standard error, whatever it is, and how it is written
 * without waiting for who reads it. One for all logs of a process; constant after
 * log_sink_init, which belongs before a sandbox.
 *
 *   file       write
 *   socket     send with MSG_DONTWAIT (journald, container runtimes)
 *   pipe       pwritev2 with RWF_NOWAIT (Linux 6.4), else as a terminal
 *   terminal   a description of its own, non-blocking, where /proc lets one be had;
 *              else write when poll says that there is room
 *
 * The descriptor is shared with other processes, so it is never made non-blocking
 * itself. After log_sink_init the calls are write, sendto, pwritev2 and poll.
 */
#ifndef SLUICE_BASE_LOG_SINK_H
#define SLUICE_BASE_LOG_SINK_H

#include <stddef.h>

enum log_sink_kind { LOG_SINK_FILE, LOG_SINK_SOCKET, LOG_SINK_PIPE, LOG_SINK_OWN, LOG_SINK_POLLED };

struct log_sink {
	int fd;
	enum log_sink_kind kind; /* OWN: fd is non-blocking and ours */
};

struct log;

/* fd is borrowed, and may be closed or broken: then every line is lost. */
void log_sink_init(struct log_sink *sink, int fd);
void log_sink_fini(struct log_sink *sink);

/* For log.c: lines, the last whole, to log's sink. Returns the bytes that went out. */
size_t log_sink_write(struct log *log, const char *text, size_t len);

#endif
