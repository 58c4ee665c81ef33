/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of io/sandbox. */
#ifndef SLUICE_IO_SANDBOX_PRIVATE_H
#define SLUICE_IO_SANDBOX_PRIVATE_H

#include <stdint.h>

#include <linux/filter.h>

#include "io/sandbox.h"

/* The sanitizers' run time is in the process, and does what we never do: it reads /proc/self/maps
 * and the program, looks for leaks with a process that traces this one. Builds with a sanitizer
 * have rows for it; what is shipped has none. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

void sandbox_warn(struct sandbox_report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Needs no_new_privs. 0 or a negative errno; fills landlock_abi and warnings of the report. */
int sandbox_landlock_enter(const struct sandbox_plan *plan, struct sandbox_report *report);

/* ---- seccomp -------------------------------------------------------------------------------- */

#define SANDBOX_FILTER_MAX 1024

/* Makes the filter; returns the number of its instructions, 0: there is none for this processor.
 * Of plan: writable and has_epoll. pid: of this process, the only one that may be sent a signal. */
unsigned sandbox_filter_make(const struct sandbox_plan *plan, int pid,
			     struct sock_filter code[SANDBOX_FILTER_MAX]);
/* Needs no_new_privs. All threads. 0 or a negative errno. */
int sandbox_seccomp_enter(const struct sandbox_plan *plan);

#endif
