/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Criterion's own main, but for its end: the process that starts the tests leaves without looking
 * for leaks. Criterion 2.4 has one of its own there now and then (48 bytes), for which
 * LeakSanitizer ended it before its report was written. Every test is a process of its own, and
 * looks for its leaks.
 */
#ifndef SLUICE_TESTS_CRITERION_MAIN_H
#define SLUICE_TESTS_CRITERION_MAIN_H

#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

static inline _Noreturn void criterion_main(int argc, char *argv[])
{
	struct criterion_test_set *tests = criterion_initialize();
	int failed = 0;

	if (criterion_handle_args(argc, argv, true))
		failed = !criterion_run_all_tests(tests);
	criterion_finalize(tests);
	fflush(NULL);
	_exit(failed);
}

#endif
