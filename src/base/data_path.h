/* SPDX-License-Identifier: Apache-2.0 */
/* How the bytes of a connection may move, as the configuration wants it: tls/ keeps to the one,
 * xfer/ to the other. */
#ifndef SLUICE_BASE_DATA_PATH_H
#define SLUICE_BASE_DATA_PATH_H

enum tls_path { TLS_PATH_AUTO, TLS_PATH_KERNEL, TLS_PATH_USER };
enum send_engine { SEND_ENGINE_AUTO, SEND_ENGINE_SENDFILE, SEND_ENGINE_SPLICE, SEND_ENGINE_COPY };

#endif
