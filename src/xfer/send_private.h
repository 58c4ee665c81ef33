/* SPDX-License-Identifier: Apache-2.0 */
/* Between send.c and the engines. */
#ifndef SLUICE_XFER_SEND_PRIVATE_H
#define SLUICE_XFER_SEND_PRIVATE_H

#include "xfer/send.h"

/* Each sends at most turn_bytes; none is called while a read is in flight. */
enum send_state send_step_copy(struct send *send, uint64_t turn_bytes);
enum send_state send_step_sendfile(struct send *send, uint64_t turn_bytes);
enum send_state send_step_splice(struct send *send, uint64_t turn_bytes);

/* To be called before the loop is asked to read from the file. */
void send_let_reads_wait(struct send *send);
/* Reads into tx_buf what the page cache has, or starts a read through the loop. SEND_DONE: tx_buf
 * is as full as it can be. */
enum send_state send_fill(struct send *send, uint64_t bytes_max);
/* Seals what tx_buf holds and gives it to the socket. SEND_DONE: all gone. */
enum send_state send_drain(struct send *send, bool more);
/* Head first: tx_buf drained and given back. SEND_DONE: nothing is left but file bytes. */
enum send_state send_head(struct send *send);
/* Back to its pool, if there is one; it holds nothing. */
void send_give_buffer(struct send *send);
enum send_state send_fail(struct send *send, enum close_reason why);
/* sendfile or splice took a part, or refused all with error. */
enum send_state send_socket_full(struct send *send);
enum send_state send_refused(struct send *send, int error);
/* File bytes that went to the socket past tx_buf. */
void send_count(struct send *send, uint64_t bytes, enum send_path path);

#endif
