/* SPDX-License-Identifier: Apache-2.0 */
/* stderr is kept for wire_run.c, as WIRE_REPORT_FD: with --tap Criterion takes it away. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/criterion_main.h"

static void report_fd_keep(void)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100));
	setenv("WIRE_REPORT_FD", number, 1);
}

int main(int argc, char *argv[])
{
	report_fd_keep();
	criterion_main(argc, argv);
}
