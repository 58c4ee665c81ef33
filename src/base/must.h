/* SPDX-License-Identifier: Apache-2.0 */
/*
 * must(): an assertion that stays on in every build.
 *
 * Use it for what only a bug of ours can make false: arguments, the state on
 * entry, sums. Never for what comes from a peer, a disk or the kernel; that is
 * an error, and errors are returned.
 */
#ifndef SLUICE_BASE_MUST_H
#define SLUICE_BASE_MUST_H

/* Prints "FILE:LINE: must(EXPR) is false" to stderr and aborts. Never returns. */
_Noreturn void must_fail(const char *expr, const char *file, int line);

#define must(expr)                 ((expr) ? (void)0 : must_fail(#expr, __FILE__, __LINE__))

#define ARRAY_LEN(a)               (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(p, type, mem) ((type *)((char *)(p)-offsetof(type, mem)))

#endif
