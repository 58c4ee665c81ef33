/* SPDX-License-Identifier: Apache-2.0 */
/* Running another program to its end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/must.h"
#include "wire/wire_server.h"

/* Reads what is there; false: end of file. What does not fit is dropped. */
static bool output_take(int fd, char *out, size_t size)
{
	size_t have = strlen(out);
	char scratch[4096];
	ssize_t n;

	if (have + 1 < size)
		n = read(fd, out + have, size - 1 - have);
	else
		n = read(fd, scratch, sizeof(scratch));
	if (n > 0 && have + 1 < size)
		out[have + (size_t)n] = '\0';
	return n > 0;
}

static pid_t spawn(char *const argv[], int out_fd, int err_fd)
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	dup2(null_fd, STDIN_FILENO);
	dup2(out_fd, STDOUT_FILENO);
	dup2(err_fd, STDERR_FILENO);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

void wire_program_begin(struct wire_program *program, char *const argv[])
{
	int out[2], err[2];

	*program = (struct wire_program){.exit_code = -1};
	must(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
	program->pid = spawn(argv, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	program->out_fd = out[0];
	program->err_fd = err[0];
}

/* What has come, until end_ms. False: both outputs have ended, or the time has. */
static bool outputs_take(struct wire_program *program, uint64_t end_ms)
{
	struct pollfd wait[2] = {{.fd = program->out_fd, .events = POLLIN},
				 {.fd = program->err_fd, .events = POLLIN}};
	uint64_t now_ms = wire_now_ms();

	if (program->out_fd < 0 && program->err_fd < 0)
		return false;
	if (now_ms >= end_ms || poll(wait, 2, (int)(end_ms - now_ms)) <= 0)
		return false;
	if (wait[0].revents != 0 &&
	    !output_take(program->out_fd, program->out, sizeof(program->out))) {
		close(program->out_fd);
		program->out_fd = -1;
	}
	if (wait[1].revents != 0 &&
	    !output_take(program->err_fd, program->err, sizeof(program->err))) {
		close(program->err_fd);
		program->err_fd = -1;
	}
	return true;
}

void wire_program_says(const struct wire_env *env, struct wire_program *program, const char *word)
{
	uint64_t end_ms = wire_patience_end(env);

	while (strstr(program->err, word) == NULL)
		cr_assert(outputs_take(program, end_ms), "no \"%s\" in: %s", word, program->err);
}

void wire_program_end(const struct wire_env *env, struct wire_program *program)
{
	uint64_t end_ms = wire_patience_end(env);
	int status;

	while (outputs_take(program, end_ms))
		;
	if (program->out_fd >= 0 || program->err_fd >= 0)
		kill(program->pid, SIGKILL);
	must(waitpid(program->pid, &status, 0) == program->pid);
	if (WIFEXITED(status))
		program->exit_code = WEXITSTATUS(status);
	if (program->out_fd >= 0)
		close(program->out_fd);
	if (program->err_fd >= 0)
		close(program->err_fd);
	program->out_fd = program->err_fd = -1;
}

void wire_program_run(const struct wire_env *env, char *const argv[], struct wire_program *program)
{
	wire_program_begin(program, argv);
	wire_program_end(env, program);
}
