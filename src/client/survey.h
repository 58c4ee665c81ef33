/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection to a server sees, from the name to the last alert: resolver, TCP, TLS
 * (tls/inspect), and whether the kernel here could take it over.
 */
#ifndef SLUICE_CLIENT_SURVEY_H
#define SLUICE_CLIENT_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "client/session.h"
#include "client/target.h"
#include "tls/inspect.h"
#include "tls/ktls_probe.h"

struct survey_options {
	const struct target *target;   /* its host and port */
	struct tls_client_files files; /* "": none; server_name "": the target's host */
	unsigned timeout_ms;           /* of all of it */
};

struct survey {
	enum client_outcome outcome; /* CLIENT_OK, CLIENT_TLS, CLIENT_NETWORK or CLIENT_ERROR */
	char error[ERROR_TEXT_MAX];  /* one line: what fails; "": nothing */
	char server_name[SERVER_NAME_BYTES_MAX + 1];
	char address[ADDR_TEXT_MAX]; /* "127.0.0.1:8443", that was tried last; "": none */
	bool is_connected;
	uint64_t connect_ns;
	bool is_inspected;
	struct inspection tls;
	struct ktls_caps ktls; /* of this machine */
};

/* Blocks, at most timeout_ms, but for a resolver that takes longer. */
void survey_run(const struct survey_options *options, struct survey *survey);
void survey_fini(struct survey *survey);

#endif
