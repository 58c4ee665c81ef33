/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Criterion's own main, but that
 *  - the suite "slow" is there only with WIRE_SLOW=1: a test that is filtered out would be told as
 *    skipped, and a skip is something that a machine lacks;
 *  - stderr is kept for wire_run.c, as WIRE_REPORT_FD: with --tap Criterion takes it away.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/internal/ordered-set.h>

/* Takes the suite out of the set; NULL: it is not there. */
static struct criterion_ordered_set_node *suite_take(struct criterion_test_set *tests,
						     const char *name)
{
	struct criterion_ordered_set_node **at = &tests->suites->first;

	for (; *at != NULL; at = &(*at)->next) {
		struct criterion_ordered_set_node *node = *at;
		struct criterion_suite_set *suite = (void *)(node + 1);
		if (strcmp(suite->suite.name, name) != 0)
			continue;
		*at = node->next;
		tests->suites->size--;
		tests->tests -= suite->tests->size;
		return node;
	}
	return NULL;
}

/* At the end, so that criterion_finalize frees it too. */
static void suite_give(struct criterion_test_set *tests, struct criterion_ordered_set_node *node)
{
	node->next = tests->suites->first;
	tests->suites->first = node;
	tests->suites->size++;
}

static void report_fd_keep(void)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100));
	setenv("WIRE_REPORT_FD", number, 1);
}

int main(int argc, char *argv[])
{
	report_fd_keep();
	struct criterion_test_set *tests = criterion_initialize();
	struct criterion_ordered_set_node *slow = NULL;
	const char *wants_slow = getenv("WIRE_SLOW");
	int failed = 0;

	if (wants_slow == NULL || strcmp(wants_slow, "1") != 0)
		slow = suite_take(tests, "slow");
	if (criterion_handle_args(argc, argv, true))
		failed = !criterion_run_all_tests(tests);
	if (slow != NULL)
		suite_give(tests, slow);
	criterion_finalize(tests);
	return failed;
}
