/* SPDX-License-Identifier: Apache-2.0 */
/* What the sessions of a thread share: certificates, address, buffers. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/session.h"
#include "client/session_private.h"

static enum client_outcome resolve(struct client *client, char error[ERROR_TEXT_MAX])
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;

	int r = getaddrinfo(client->target.host, client->target.port, &hints, &found);
	if (r != 0) {
		snprintf(error, ERROR_TEXT_MAX, "%s: %s", client->target.authority,
			 gai_strerror(r));
		return CLIENT_NETWORK;
	}
	memcpy(&client->addr, found->ai_addr, found->ai_addrlen);
	client->addr_len = found->ai_addrlen;
	freeaddrinfo(found);
	return CLIENT_OK;
}

static int buffers_init(struct client *client, unsigned sessions_max)
{
	client->scratch = malloc(SESSION_SCRATCH_BYTES);
	if (client->scratch == NULL ||
	    pool_init(&client->tx_bufs, sizeof(struct tx_buf), sessions_max) < 0)
		return -ENOMEM;
	return pool_init(&client->rx_bufs, sizeof(struct rx_buf), sessions_max);
}

enum client_outcome client_init(struct client *client, const struct client_options *options,
				char error[ERROR_TEXT_MAX])
{
	*client = (struct client){.stop_fd = -1};
	if (target_parse(&client->target, options->target, error) < 0)
		return CLIENT_ERROR;

	struct tls_client_files files = options->files;
	if (files.server_name[0] == '\0')
		files.server_name = client->target.host;
	client->ctx = tls_ctx_new_client(&files, error);
	if (client->ctx == NULL)
		return CLIENT_TLS;
	if (options->tls_path != TLS_PATH_USER)
		ktls_probe(&client->caps, true); /* fails: caps say no to everything */
	client->plan = (struct handshake_plan){.tls_path = options->tls_path,
					       .caps = &client->caps,
					       .sys = &ktls_sys_kernel,
					       .metrics = &client->metrics,
					       .rx_bufs = &client->rx_bufs,
					       .records_per_key = RECORDS_PER_KEY_DEFAULT};
	enum client_outcome outcome = resolve(client, error);
	if (outcome == CLIENT_OK && buffers_init(client, options->sessions_max) < 0) {
		snprintf(error, ERROR_TEXT_MAX, "no memory");
		outcome = CLIENT_ERROR;
	}
	if (outcome != CLIENT_OK)
		client_fini(client);
	return outcome;
}

enum client_outcome client_outcome_of_status(int status)
{
	switch (status) {
	case 404:
		return CLIENT_NOT_FOUND;
	case 401:
	case 403:
	case 405: /* the server is not one to write to */
		return CLIENT_DENIED;
	default:
		return CLIENT_ERROR;
	}
}

void client_fini(struct client *client)
{
	pool_fini(&client->tx_bufs);
	pool_fini(&client->rx_bufs);
	free(client->scratch);
	client->scratch = NULL;
	tls_ctx_release(client->ctx);
	client->ctx = NULL;
}
