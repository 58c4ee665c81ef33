/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/wire_env.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "wire/wire_run.h"
#include "wire/wire_speed.h"

/* Longer than any time limit that a test gives to the server. */
#define PATIENCE_MS 60000

static const char *setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);
	return value != NULL && value[0] != '\0' ? value : otherwise;
}

static bool is_one_of(const char *value, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(value, *words) == 0)
			return true;
	return false;
}

/* The ULP needs a connected socket; attaching it also loads the module where that is allowed. */
static bool ulp_is_there(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t addr_len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_there = false;

	if (listener >= 0 && client >= 0 &&
	    bind(listener, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
	    listen(listener, 1) == 0 &&
	    getsockname(listener, (struct sockaddr *)&addr, &addr_len) == 0 &&
	    connect(client, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		is_there = setsockopt(client, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) == 0;
	close(client);
	close(listener);
	return is_there;
}

static bool kernel_is_at_least(int major_min, int minor_min)
{
	struct utsname name;
	int major = 0, minor = 0;

	if (uname(&name) < 0 || sscanf(name.release, "%d.%d", &major, &minor) != 2)
		return false;
	return major > major_min || (major == major_min && minor >= minor_min);
}

static void program_find(struct wire_env *env)
{
	const char *given = setting("SLUICE_BIN", NULL);
	char self[PATH_MAX];

	if (given != NULL) {
		cr_assert_not_null(realpath(given, env->program), "SLUICE_BIN=%s: %s", given,
				   strerror(errno));
		return;
	}
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	cr_assert_gt(n, 0);
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	cr_assert_lt(snprintf(env->program, sizeof(env->program), "%s/../sluice", self),
		     (int)sizeof(env->program));
	cr_assert_eq(access(env->program, X_OK), 0, "%s: %s (or name it by SLUICE_BIN)",
		     env->program, strerror(errno));
}

void wire_env_read(struct wire_env *env)
{
	static const char *const paths[] = {"user", "kernel", "auto", NULL};
	static const char *const io_engines[] = {"auto", "uring", "epoll", NULL};
	static const char *const engines[] = {"copy", "sendfile", "splice", "auto", NULL};

	*env = (struct wire_env){0};
	program_find(env);
	env->expects_ktls = strcmp(setting("SLUICE_EXPECT_KTLS", "0"), "1") == 0;
	env->is_slow = strcmp(setting("WIRE_SLOW", "0"), "1") == 0;
	env->is_guest = strcmp(setting("WIRE_GUEST", "0"), "1") == 0;
	env->tls_path = setting("WIRE_TLS_PATH", env->expects_ktls ? "kernel" : "user");
	env->engine = setting("WIRE_ENGINE", "copy");
	env->io_engine = setting("WIRE_IO_ENGINE", "auto");
	env->time_scale = strtod(setting("WIRE_TIME_SCALE", "1"), NULL);
	env->jitter = strtoul(setting("WIRE_JITTER", "0"), NULL, 10);
	env->big_bytes = wire_big_bytes();
	cr_assert(is_one_of(env->tls_path, paths), "WIRE_TLS_PATH=%s", env->tls_path);
	cr_assert(is_one_of(env->engine, engines), "WIRE_ENGINE=%s", env->engine);
	cr_assert(is_one_of(env->io_engine, io_engines), "WIRE_IO_ENGINE=%s", env->io_engine);
	cr_assert(env->time_scale >= 1 && env->time_scale <= 1000, "WIRE_TIME_SCALE is 1 to 1000");

	const char *dir = setting("WIRE_DIR", "");
	cr_assert_lt(strlen(dir), sizeof(env->dir));
	strcpy(env->dir, dir);
	env->has_ulp = ulp_is_there();
	env->can_rekey = env->has_ulp && kernel_is_at_least(6, 14);
	env->is_kernel =
		strcmp(env->tls_path, "kernel") == 0 ||
		(strcmp(env->tls_path, "auto") == 0 && (env->has_ulp || env->expects_ktls));
}

void wire_env_need(struct wire_env *env)
{
	wire_env_read(env);
	if (strcmp(env->tls_path, "kernel") == 0 && !env->has_ulp && !env->expects_ktls)
		cr_skip_test("WIRE_TLS_PATH=kernel, and this kernel has no TLS ULP");
	cr_assert(!env->expects_ktls || env->has_ulp,
		  "SLUICE_EXPECT_KTLS=1, and this kernel has no TLS ULP");
}

int wire_patience_ms(const struct wire_env *env)
{
	return wire_ms(env, PATIENCE_MS);
}

uint64_t wire_patience_end(const struct wire_env *env)
{
	return wire_now_ms() + (uint64_t)wire_patience_ms(env);
}

int wire_ms(const struct wire_env *env, int ms)
{
	return (int)(ms * env->time_scale);
}

static double slowness_now(const struct wire_env *env)
{
	char certs[PATH_MAX];

	snprintf(certs, sizeof(certs), "%s/certs", env->dir);
	double slowness = wire_slowness(certs);
	return slowness > env->time_scale ? slowness : env->time_scale;
}

int wire_slack_ms(const struct wire_env *env, int ms)
{
	return (int)(ms * slowness_now(env));
}

int wire_limit_ms(struct wire_env *env, int ms)
{
	env->time_scale = slowness_now(env);
	return wire_ms(env, ms);
}

uint64_t wire_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
