/* SPDX-License-Identifier: Apache-2.0 */
#include "client/survey.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/wait.h"

static void fail(struct survey *survey, enum client_outcome outcome, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void fail(struct survey *survey, enum client_outcome outcome, const char *format, ...)
{
	va_list args;

	survey->outcome = outcome;
	va_start(args, format);
	vsnprintf(survey->error, sizeof(survey->error), format, args);
	va_end(args);
}

/* ---- TCP ------------------------------------------------------------------------------------- */

static void format_address(const struct addrinfo *found, char out[ADDR_TEXT_MAX])
{
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		out[0] = '\0';
	else if (found->ai_family == AF_INET6)
		snprintf(out, ADDR_TEXT_MAX, "[%.48s]:%.8s", host, port);
	else
		snprintf(out, ADDR_TEXT_MAX, "%.48s:%.8s", host, port);
}

/* 0; or a negative errno: -ETIMEDOUT also when it is ours. */
static int await_connection(int sock_fd, uint64_t until_ms)
{
	int error = 0;
	socklen_t len = sizeof(error);
	int r = wait_for_fd(sock_fd, POLLOUT, until_ms);

	if (r < 0)
		return r;
	getsockopt(sock_fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return -error;
}

/* The socket, or a negative errno. */
static int connect_to(const struct addrinfo *found, uint64_t until_ms)
{
	int sock_fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = 0;

	if (sock_fd < 0)
		return -errno;
	if (connect(sock_fd, found->ai_addr, found->ai_addrlen) < 0)
		r = errno == EINPROGRESS ? await_connection(sock_fd, until_ms) : -errno;
	if (r == 0)
		return sock_fd;
	close(sock_fd);
	return r;
}

/* Each address has the same part of the time that is left. Returns as connect_to. */
static int connect_any(struct survey *survey, const struct addrinfo *found, uint64_t until_ms)
{
	unsigned left = 0;
	int r = -EADDRNOTAVAIL;

	for (const struct addrinfo *at = found; at != NULL; at = at->ai_next)
		left++;
	for (; found != NULL; found = found->ai_next, left--) {
		uint64_t began_ns = clock_now_ns(), now_ms = began_ns / 1000000;
		uint64_t spare_ms = until_ms > now_ms ? until_ms - now_ms : 0;
		format_address(found, survey->address);
		r = connect_to(found, now_ms + spare_ms / left);
		survey->connect_ns = clock_now_ns() - began_ns;
		if (r >= 0)
			break;
	}
	return r;
}

static void connect_failed(struct survey *survey, const struct survey_options *options, int error)
{
	const char *authority = options->target->authority;

	if (error == -ECONNREFUSED)
		fail(survey, CLIENT_NETWORK,
		     "connection refused: nothing listens on %s (%s), or a firewall refuses it",
		     authority, survey->address);
	else if (error == -ETIMEDOUT)
		fail(survey, CLIENT_NETWORK, "timeout: no connection to %s (%s) within %u.%03u s",
		     authority, survey->address, options->timeout_ms / 1000,
		     options->timeout_ms % 1000);
	else
		fail(survey, CLIENT_NETWORK, "no connection to %s (%s): %s", authority,
		     survey->address, strerrordesc_np(-error));
}

/* The socket; -1: it has failed. */
static int reach(struct survey *survey, const struct survey_options *options, uint64_t until_ms)
{
	const struct target *target = options->target;
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;

	int r = getaddrinfo(target->host, target->port, &hints, &found);
	if (r != 0) {
		fail(survey, CLIENT_NETWORK, "the name %s cannot be resolved: %s", target->host,
		     gai_strerror(r));
		return -1;
	}
	r = connect_any(survey, found, until_ms);
	freeaddrinfo(found);
	if (r >= 0) {
		survey->is_connected = true;
		return r;
	}
	connect_failed(survey, options, r);
	return -1;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static enum client_outcome outcome_of(enum inspect_end end)
{
	switch (end) {
	case INSPECT_DONE:
		return CLIENT_OK;
	case INSPECT_TIMEOUT:
		return CLIENT_NETWORK;
	case INSPECT_LOCAL:
		return CLIENT_ERROR;
	case INSPECT_FILES:
	case INSPECT_NOT_TLS:
	case INSPECT_CLOSED:
	case INSPECT_ALERT:
	case INSPECT_UNTRUSTED:
	case INSPECT_OTHER_NAME:
	case INSPECT_VERSION:
	case INSPECT_PROTOCOL:
		return CLIENT_TLS;
	}
	must(!"an end of the table");
	return CLIENT_ERROR;
}

void survey_run(const struct survey_options *options, struct survey *survey)
{
	const struct tls_client_files *files = &options->files;
	uint64_t until_ms = clock_now_ms() + options->timeout_ms;

	*survey = (struct survey){.outcome = CLIENT_OK};
	snprintf(survey->server_name, sizeof(survey->server_name), "%.*s", SERVER_NAME_BYTES_MAX,
		 files->server_name[0] != '\0' ? files->server_name : options->target->host);
	ktls_probe(&survey->ktls, false); /* fails: it says no to everything */
	int sock_fd = reach(survey, options, until_ms);
	if (sock_fd < 0)
		return;
	const struct inspect_plan plan = {.sock_fd = sock_fd,
					  .server_name = survey->server_name,
					  .ca_file = files->ca_file,
					  .cert_file = files->cert_file,
					  .key_file = files->key_file,
					  .until_ms = until_ms};
	inspect_run(&plan, &survey->tls);
	close(sock_fd);
	survey->is_inspected = true;
	survey->outcome = outcome_of(survey->tls.end);
	memcpy(survey->error, survey->tls.error, sizeof(survey->error));
}

void survey_fini(struct survey *survey)
{
	if (survey->is_inspected)
		inspect_fini(&survey->tls);
}
