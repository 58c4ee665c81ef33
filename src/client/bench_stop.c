/* SPDX-License-Identifier: Apache-2.0 */
#include "client/bench_stop.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

int bench_stop_begin(struct bench_stop *stop)
{
	sigset_t set;

	*stop = (struct bench_stop){.fd = -1, .name = ""};
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	stop->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (stop->fd < 0)
		return -errno;
	sigprocmask(SIG_BLOCK, &set, &stop->before);
	return 0;
}

unsigned bench_stop_take(struct bench_stop *stop)
{
	struct signalfd_siginfo info;

	while (read(stop->fd, &info, sizeof(info)) == sizeof(info)) {
		stop->count++;
		stop->name = info.ssi_signo == SIGINT    ? "SIGINT"
			     : info.ssi_signo == SIGTERM ? "SIGTERM"
							 : "SIGHUP";
	}
	return stop->count;
}

void bench_stop_end(struct bench_stop *stop)
{
	if (stop->fd < 0)
		return;
	close(stop->fd);
	stop->fd = -1;
	sigprocmask(SIG_SETMASK, &stop->before, NULL);
}
