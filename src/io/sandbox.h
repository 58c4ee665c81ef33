/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process gives up once it has everything it needs: listeners, keys,
 * the root folder, its rings. What a bug in it could then be made to do is bounded
 * by the kernel.
 *
 *   Landlock      files: the root folder (read only unless writable), and the folders of
 *                 the files that are read again while it runs, read only. TCP: nothing
 *                 is bound or connected (Linux 6.7). Devices' ioctls (6.10), abstract
 *                 unix sockets and signals to others (6.12): none.
 *   seccomp       the system calls of sandbox_seccomp.c's table, no others: no program is
 *                 started, no socket made, no memory made executable, no ring set up.
 *   the rest      no new privileges; no core dumps and no debugger of the same user, for
 *                 there are keys in this memory; of capabilities those over files at most.
 *
 * seccomp does not see what io_uring does. Two things bound that: each ring takes
 * the operations that io/ring.c uses and no others (whether there is a sandbox or
 * not), and after sandbox_enter no ring can be set up. What a ring opens is under
 * Landlock as everything else is.
 *
 * What it does not do: objects and keys that this process may read, a bug may still
 * read, and with writable change; and as a client's data goes out through sockets
 * that are open, so may they. A kernel without Landlock leaves files as they are.
 *
 * Source: Documentation/userspace-api/landlock.rst and seccomp_filter.rst of Linux.
 */
#ifndef SLUICE_IO_SANDBOX_H
#define SLUICE_IO_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* The least version of Landlock that is of use: before it, no rule could let objects move between
 * folders. */
#define SANDBOX_LANDLOCK_MIN  2

#define SANDBOX_FILES_MAX     72
#define SANDBOX_WARNINGS_MAX  (SANDBOX_FILES_MAX + 4)
#define SANDBOX_WARNING_BYTES 512

struct sandbox_plan {
	int root_fd;
	bool writable;
	bool has_epoll; /* the loops: over epoll, else over io_uring */
	/* Files that are opened again by these names; "" is none. What stands beside them can be
	 * read, too: files are replaced by renaming, and by links that point elsewhere. */
	const char *file[SANDBOX_FILES_MAX];
};

struct sandbox_report {
	int landlock_abi;   /* in force with what this version of it can; 0: not in force */
	int landlock_error; /* then, a negative errno */
	int seccomp_error;  /* 0: in force */
	/* Sentences: what could not be enforced, why, and the cure. */
	unsigned warning_count;
	char warning[SANDBOX_WARNINGS_MAX][SANDBOX_WARNING_BYTES];
};

/*
 * For good. Called once, by a thread that is the only one: those that it starts later are in it,
 * those that were there are not, but for seccomp. Never fails: what could not be done is in the
 * report.
 */
void sandbox_enter(const struct sandbox_plan *plan, struct sandbox_report *report);

/* What the kernel has, asked without entering anything. Landlock's version, or a negative errno:
 * -ENOSYS (not built in), -EOPNOTSUPP (built in, not turned on), -EPERM (refused). A filter around
 * this process may answer the first and the last as well. */
int sandbox_landlock_abi(void);
/* 0, or the negative errno with which a filter of system calls would be refused. */
int sandbox_seccomp_error(void);
/* Is a filter of system calls around this process? After sandbox_enter: our own. */
bool sandbox_is_filtered(void);
/* Why it is not in force and what cures it, for a sentence "... is"; is_filtered: before
 * sandbox_enter. */
const char *sandbox_landlock_cure(int error, bool is_filtered);
const char *sandbox_seccomp_cure(int error, bool is_filtered);

#endif
