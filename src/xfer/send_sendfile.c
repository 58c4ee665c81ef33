/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sendfile engine: the kernel seals page-cache pages straight into the socket.
 *
 * sendfile(2) would wait for the disk where a page is missing, and with it every
 * connection of this thread. So a stretch is looked at first: cachestat(2) says
 * whether all its pages are there (Linux 6.5; for files of our own user), and one
 * byte read without waiting (RWF_NOWAIT) whether the last of them has its contents.
 * Only that: such a read of a missing page starts its readahead, so it would make
 * the very byte it asks for look cached the next time. Without cachestat there is
 * nothing but such reads, close together. What was seen or sent a moment ago is
 * not looked at (xfer/warm). What is missing goes through the loop and a buffer.
 * Waits that happen all the same are counted (METRIC_SLOW_TURNS).
 */
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"
#include "xfer/send_private.h"

/* Without cachestat: one look for each. Readahead arrives in larger pieces. */
#define LOOK_BYTES   (32u * 1024)
#define SLOW_TURN_MS 20

static bool is_cached(const struct send *send, uint64_t offset)
{
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	/* 0: past the end of a truncated file, which sendfile will tell. */
	return preadv2(send->file_fd, &iov, 1, (off_t)offset, RWF_NOWAIT) >= 0;
}

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

/* linux/mman.h of Linux 6.5 */
struct range_of_file {
	uint64_t offset;
	uint64_t bytes;
};

struct pages_of_range {
	uint64_t cached;
	uint64_t dirty;
	uint64_t writeback;
	uint64_t evicted;
	uint64_t recently_evicted;
};

/* 1: every page of [from, end) is in the page cache, contents or not; 0: not; -1: cannot be known.
 */
static int has_all_pages(const struct send *send, uint64_t from, uint64_t end)
{
	struct range_of_file range = {.offset = from, .bytes = end - from};
	struct pages_of_range pages;
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);

	if (syscall(SYS_cachestat, send->file_fd, &range, &pages, 0) < 0)
		return -1; /* ENOSYS; EPERM: another user's file; EOPNOTSUPP */
	return pages.cached >= (end - 1) / page_bytes - from / page_bytes + 1;
}

/* How far from send->offset, at most until end, the page cache holds, by looks alone. */
static uint64_t cached_by_looks(const struct send *send, uint64_t end)
{
	uint64_t sure = send->offset, next;

	if (!is_cached(send, send->offset))
		return sure;
	for (; sure < end; sure = next) {
		next = (sure / LOOK_BYTES + 1) * LOOK_BYTES;
		if (next > end)
			next = end;
		if (!is_cached(send, next < end ? next : end - 1))
			break;
	}
	return sure;
}

static uint64_t cached_by_a_look(const struct send *send, uint64_t end)
{
	switch (has_all_pages(send, send->offset, end)) {
	case 1:
		return is_cached(send, end - 1) ? end : send->offset;
	case 0:
		return send->offset;
	default:
		return cached_by_looks(send, end);
	}
}

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Finds out how far the page cache holds from send->offset, at most until end. */
static void look(struct send *send, uint64_t end)
{
	struct warm *warm = send->means->warm;
	uint64_t now = now_ms(), until = end;

	if (!send->is_in_memory) {
		until = warm_until(warm, send->device, send->inode, send->offset, now);
		if (until <= send->offset) {
			until = cached_by_a_look(send, end);
			if (until > send->offset)
				warm_note(warm, send->device, send->inode, send->offset, until,
					  now);
		}
	}
	send->looked_ms = now;
	send->looked_from = send->offset;
	send->cached_until = until < end ? until : end;
}

/* Sends what is cached. SEND_DONE: all of bytes. */
static enum send_state send_cached(struct send *send, uint64_t bytes)
{
	off_t offset = (off_t)send->offset;
	uint64_t before_ms = now_ms();
	ssize_t n = sendfile(send->record->sock_fd, send->file_fd, &offset, bytes);
	uint64_t after_ms = now_ms();

	if (n > 0) {
		send->offset += (uint64_t)n;
		send->left -= (uint64_t)n;
		record_tx_account(send->record, (size_t)n);
		send_count(send, (uint64_t)n, SEND_PATH_KERNEL_SENDFILE);
		if (after_ms - before_ms > SLOW_TURN_MS)
			metric_add(&send->means->metrics->value[METRIC_SLOW_TURNS], 1);
		else if (send->offset == send->cached_until && !send->is_in_memory)
			warm_note(send->means->warm, send->device, send->inode, send->looked_from,
				  send->offset, after_ms);
		return (uint64_t)n == bytes ? SEND_DONE : send_socket_full(send);
	}
	if (n == 0)
		return send_fail(send, CLOSE_FILE_TRUNCATED);
	return send_refused(send, errno);
}

enum send_state send_step_sendfile(struct send *send, uint64_t turn_bytes)
{
	/* A head, or what a cold stretch left in the buffer. */
	if (send->record->tx_buf != NULL || record_tx_has_due(send->record)) {
		enum send_state state = send_head(send);
		if (state != SEND_DONE || send->left == 0)
			return state;
	}
	/* Turns end at a multiple of the record's size, which pages divide: four whole pages a
	 * record. */
	uint64_t bytes = turn_bytes - send->offset % turn_bytes;
	if (bytes > send->left)
		bytes = send->left;
	if (send->cached_until <= send->offset || now_ms() - send->looked_ms > WARM_MS)
		look(send, send->offset + bytes);
	if (send->cached_until <= send->offset)
		return send_step_copy(send, 1); /* cold: one buffer through the loop */

	if (bytes > send->cached_until - send->offset)
		bytes = send->cached_until - send->offset;
	enum send_state state = send_cached(send, bytes);
	return state == SEND_DONE && send->left > 0 ? SEND_TURN_OVER : state;
}
