/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel record layer over a kernel of our own making. What the two layers share is tested in
 * test_record_user.c, what goes wrong in test_record_ktls_errors.c. */
#include "unit/ktls_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <criterion/criterion.h>

TestSuite(record_ktls, .init = fake_kernel_make, .fini = fake_kernel_remove);

/* ---- KeyUpdates ----------------------------------------------------------------------------- */

Test(record_ktls, a_keyupdate_installs_the_next_receiving_key_and_reading_goes_on)
{
	const struct traffic_secret next = next_of(record.rx_secret);
	arrives(RECORD_HANDSHAKE, KEYUPDATE, 5);
	arrives(RECORD_DATA, "data", 4);
	cr_expect_eq(receive(), 4);
	cr_assert_eq(kernel.calls, 3);
	cr_expect_eq(kernel.call[0].kind, CALL_RECV);
	expect_key(&kernel.call[1], ABI_TLS_RX, &next);
	cr_expect_eq(record.due, 0, "it was not asked for an answer");
	cr_expect_eq(metrics.value[METRIC_REKEYS_RX], 1);
	cr_expect_eq(metrics.value[METRIC_KEYUPDATES_RECEIVED], 1);
}

Test(record_ktls, a_kernel_that_takes_no_second_receiving_key_ends_the_connection)
{
	kernel.set_error[0] = EBUSY; /* Linux before 6.14 */
	arrives(RECORD_HANDSHAKE, KEYUPDATE, 5);
	arrives(RECORD_DATA, "under the next key", 18);
	cr_expect_eq(receive(), -EBUSY);
	cr_expect_eq(record.why, CLOSE_KEYUPDATE_UNSUPPORTED);
	cr_expect_eq(kernel.recvs, 1, "nothing more is read");
	cr_expect_eq(metrics.value[METRIC_REKEYS_RX], 0);

	/* Sending works still: the peer is told that it is over. */
	unsigned before = kernel.calls;
	cr_expect_eq(record_tx_flush(&record, false), 0);
	cr_assert_eq(kernel.calls, before + 1);
	expect_sent(&kernel.call[before], RECORD_ALERT, "\x01\x00", 2);
}

Test(record_ktls, another_refusal_of_the_key_is_ours)
{
	kernel.set_error[0] = EINVAL;
	arrives(RECORD_HANDSHAKE, KEYUPDATE, 5);
	cr_expect_eq(receive(), -EINVAL);
	cr_expect_eq(record.why, CLOSE_INTERNAL);
}

Test(record_ktls, a_keyupdate_that_asks_is_answered_before_the_sending_key_changes)
{
	const struct traffic_secret next = next_of(record.tx_secret);
	arrives(RECORD_HANDSHAKE, KEYUPDATE_REQUEST, 5);
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_eq(record.due, RECORD_DUE_KEYUPDATE);
	kernel.calls = 0;
	record.tx_records = 17;
	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_assert_eq(kernel.calls, 2);
	expect_sent(&kernel.call[0], RECORD_HANDSHAKE, KEYUPDATE, 5); /* asks for nothing */
	expect_key(&kernel.call[1], ABI_TLS_TX, &next);
	cr_expect_eq(record.due, 0);
	cr_expect_eq(record.tx_records, 0, "a new key has sealed nothing");
	cr_expect_eq(metrics.value[METRIC_REKEYS_TX], 1);

	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_expect_eq(kernel.calls, 2, "once");
}

/* RFC 8446 section 6.1: close_notify is the last of what is sent. The peer may still send. */
Test(record_ktls, a_keyupdate_that_asks_after_our_close_notify_gets_no_answer)
{
	for (int can_rekey = 0; can_rekey < 2; can_rekey++) {
		record.can_rekey_kernel = can_rekey;
		record_shutdown(&record, ALERT_CLOSE_NOTIFY);
		cr_assert_eq(record_tx_flush(&record, false), 0);
		cr_assert(record.is_closed_tx);
		int sends = kernel.sends;
		arrives(RECORD_HANDSHAKE, KEYUPDATE_REQUEST, 5);
		cr_expect_eq(receive(), -EAGAIN, "reading goes on");
		cr_expect_not(record_tx_has_due(&record));
		cr_assert_eq(record_tx_flush(&record, false), 0);
		cr_expect_eq(kernel.sends, sends);
	}
}

Test(record_ktls, a_keyupdate_that_asks_what_the_kernel_cannot_ends_the_connection)
{
	record.can_rekey_kernel = false;
	arrives(RECORD_HANDSHAKE, KEYUPDATE_REQUEST, 5);
	cr_expect_eq(receive(), -EOPNOTSUPP);
	cr_expect_eq(record.why, CLOSE_KEYUPDATE_UNSUPPORTED);
	cr_expect_eq(record.due, RECORD_DUE_CLOSE_NOTIFY);
	cr_expect_eq(record_tx_rekey(&record), -EOPNOTSUPP);
}

Test(record_ktls, data_that_waits_goes_under_the_old_key)
{
	fill("old", 3);
	cr_assert_eq(record_tx_rekey(&record), 0);
	cr_assert_eq(record_tx_flush(&record, true), 0);
	cr_assert_eq(kernel.calls, 3);
	expect_sent(&kernel.call[0], RECORD_DATA, "old", 3);
	cr_expect_eq(kernel.call[0].flags & MSG_MORE, 0,
		     "its record must not be left open: a control record follows");
	cr_expect_eq(kernel.call[1].type, RECORD_HANDSHAKE);
	cr_expect_eq(kernel.call[2].name, ABI_TLS_TX);
}

Test(record_ktls, a_full_socket_keeps_the_keyupdate_due_and_the_key)
{
	const struct traffic_secret before = record.tx_secret;
	kernel.send_result[0] = kernel.send_result[1] = -EAGAIN;
	cr_assert_eq(record_tx_rekey(&record), 0);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(record_tx_flush(&record, false), -EAGAIN);
		cr_expect_eq(record.due, RECORD_DUE_KEYUPDATE);
		cr_expect_arr_eq(&record.tx_secret, &before, sizeof(before));
	}
	cr_expect_eq(kernel.sets, 0);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_expect_eq(kernel.sets, 1);
	cr_expect_eq(record.due, 0);
}

Test(record_ktls, a_sending_key_that_is_refused_after_the_keyupdate_is_the_end)
{
	/* The peer awaits the next key: whatever is sent now, it cannot open. */
	kernel.set_error[0] = EAGAIN;
	cr_assert_eq(record_tx_rekey(&record), 0);
	cr_expect_eq(record_tx_flush(&record, false), -EIO, "and not EAGAIN, which is tried again");
	cr_expect_eq(record.why, CLOSE_SEND_FAILED);
	cr_expect_eq(metrics.value[METRIC_REKEYS_TX], 0);
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_expect_not(record_tx_has_due(&record), "nor a close_notify");
}

Test(record_ktls, half_a_keyupdate_is_the_end)
{
	kernel.send_result[0] = 3;
	cr_assert_eq(record_tx_rekey(&record), 0);
	cr_expect_eq(record_tx_flush(&record, false), -EIO);
	cr_expect_eq(record.why, CLOSE_SEND_FAILED);
	cr_expect_eq(kernel.sets, 0);
}

/* ---- The record limit ----------------------------------------------------------------------- */

Test(record_ktls, the_kernel_is_asked_for_its_count_only_near_the_limit)
{
	record_tx_account(&record, (size_t)997 * RECORD_PLAIN_MAX); /* at most 999 records */
	cr_expect_not(record_tx_limit_reached(&record));
	cr_expect_eq(kernel.calls, 0, "no system call far from the limit");

	kernel.seq = 600; /* the estimate was high */
	record_tx_account(&record, 1);
	cr_expect_not(record_tx_limit_reached(&record));
	cr_assert_eq(kernel.calls, 1);
	cr_expect(kernel.call[0].kind == CALL_GET && kernel.call[0].name == ABI_TLS_TX);
	cr_expect_eq(record.tx_records, 600, "the kernel's count takes the estimate's place");
	cr_expect_not(record_tx_limit_reached(&record));
	cr_expect_eq(kernel.calls, 1, "and is not asked for again");

	kernel.seq = 1000;
	record_tx_account(&record, (size_t)400 * RECORD_PLAIN_MAX);
	cr_expect(record_tx_limit_reached(&record));
}

Test(record_ktls, a_kernel_that_does_not_tell_leaves_the_estimate)
{
	kernel.get_error = EINVAL;
	record.tx_records = 1000;
	cr_expect(record_tx_limit_reached(&record));
}

Test(record_ktls, without_a_limit_nobody_is_asked)
{
	record.records_per_key = 0; /* ChaCha20 */
	record.tx_records = UINT64_MAX;
	cr_expect_not(record_tx_limit_reached(&record));
	cr_expect_eq(kernel.calls, 0);
}

Test(record_ktls, the_estimate_is_never_low)
{
	/* Each call may end one record and begin another. */
	record_tx_account(&record, 1);
	cr_expect(record.tx_records >= 2);
	uint64_t before = record.tx_records;
	record_tx_account(&record, RECORD_PLAIN_MAX + 1);
	cr_expect(record.tx_records - before >= 3);
	before = record.tx_records;
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_expect_eq(record.tx_records - before, 1, "control records count");
}

/* ---- Sending data --------------------------------------------------------------------------- */

Test(record_ktls, the_room_is_one_piece_and_ends)
{
	struct iovec iov[TX_RECORDS_MAX];
	size_t all = record_tx_room_bytes(&record);
	cr_assert_eq(record_tx_room(&record, 0, iov), 1);
	cr_expect_eq(iov[0].iov_len, all);
	cr_assert_eq(record_tx_room(&record, 10, iov), 1);
	cr_expect_eq(iov[0].iov_base, record.tx_buf->byte + 10);
	cr_expect_eq(iov[0].iov_len, all - 10);
	cr_expect_eq(record_tx_room(&record, all, iov), 0);
}

Test(record_ktls, a_short_send_goes_on_where_it_ended)
{
	kernel.send_result[0] = 4;
	kernel.send_result[1] = -EINTR;
	kernel.send_result[2] = -EAGAIN;
	fill("0123456789", 10);
	cr_assert_eq(record_tx_flush(&record, true), -EAGAIN);
	cr_expect_eq(kernel.call[0].flags & MSG_MORE, MSG_MORE);
	cr_expect_eq(kernel.pushes, 1, "TCP may hold the first four back");
	cr_assert_eq(record_tx_flush(&record, false), 0);
	cr_expect_eq(kernel.pushes, 1, "what is all gone needs no more");
	cr_assert_eq(kernel.calls, 4);
	for (int i = 1; i < 4; i++)
		expect_sent(&kernel.call[i], RECORD_DATA, "456789", 6);
	cr_expect_eq(kernel.call[3].flags & MSG_MORE, 0);
	cr_expect(record.tx_records >= 2, "each of the two sends is a record");
}

Test(record_ktls, nothing_to_send_is_no_call)
{
	cr_expect_eq(record_tx_flush(&record, false), 0);
	record.tx_buf = NULL;
	cr_expect_eq(record_tx_flush(&record, false), 0);
	cr_expect_eq(kernel.calls, 0);
}

Test(record_ktls, close_notify_follows_the_data_and_is_sent_once)
{
	kernel.send_result[1] = -EAGAIN;
	fill("last", 4);
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_expect_eq(record_tx_flush(&record, false), -EAGAIN);
	cr_expect_eq(record.due, RECORD_DUE_CLOSE_NOTIFY);
	cr_expect_not(record.is_closed_tx);
	cr_expect_eq(record_tx_flush(&record, false), 0);
	cr_assert_eq(kernel.calls, 3);
	expect_sent(&kernel.call[0], RECORD_DATA, "last", 4);
	expect_sent(&kernel.call[2], RECORD_ALERT, "\x01\x00", 2);
	cr_expect(record.is_closed_tx);

	record_shutdown(&record, ALERT_INTERNAL_ERROR);
	cr_expect_eq(record_tx_flush(&record, false), 0);
	cr_expect_eq(kernel.calls, 3, "nothing follows close_notify");
}

Test(record_ktls, a_fatal_alert_takes_the_place_of_a_keyupdate)
{
	cr_assert_eq(record_tx_rekey(&record), 0);
	record_shutdown(&record, ALERT_UNEXPECTED_MESSAGE);
	cr_expect_eq(record_tx_flush(&record, false), 0);
	cr_assert_eq(kernel.calls, 1);
	expect_sent(&kernel.call[0], RECORD_ALERT, "\x02\x0a", 2);
}

/* ---- Receiving ------------------------------------------------------------------------------ */

Test(record_ktls, data_alerts_and_fin)
{
	arrives(RECORD_DATA, "abc", 3);
	arrives(RECORD_ALERT, "\x01\x00", 2);
	cr_expect_eq(receive(), 3);
	cr_expect_eq(receive(), 0, "close_notify is the end of file");
	cr_expect_eq(record.why, CLOSE_CLIENT_DONE);
	arrives(RECORD_ALERT, "\x02\x28", 2);
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_expect_eq(receive(), -ECONNABORTED);
	cr_expect_eq(record.why, CLOSE_CLIENT_ALERT);
	cr_expect_eq(record.alert_received, ALERT_HANDSHAKE_FAILURE);
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_expect_not(record_tx_has_due(&record), "RFC 8446 section 6.2: no answer");
	arrives(-1, "", 0);
	cr_expect_eq(receive(), -EPIPE, "a FIN without it is not");
	cr_expect_eq(record.why, CLOSE_CLIENT_TRUNCATED);
	cr_expect_eq(kernel.call[0].flags, MSG_DONTWAIT);
}

/* Linux 6.1 says "readable" for every part of a record. */
Test(record_ktls, part_of_a_record_is_waited_for_and_is_no_empty_record)
{
	kernel.queued = 9;
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect(record_holds_part(&record));
	cr_expect_eq(kernel.low_water, 10, "readable with more than that");
	kernel.queued = 700;
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_eq(kernel.low_water, 701);
	cr_expect_eq(metrics.value[METRIC_EMPTY_RECORDS], 0);

	arrives(RECORD_DATA, "abc", 3);
	cr_expect_eq(receive(), 3);
	cr_expect_eq(kernel.low_water, 1, "the next record may be smaller");
	cr_expect_not(record_holds_part(&record));
}

Test(record_ktls, an_empty_record_after_a_part_lowers_the_mark_again)
{
	record.can_rekey_kernel = false;
	kernel.queued = 9;
	cr_expect_eq(receive(), -EAGAIN);
	kernel.queued = 0;
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_eq(kernel.low_water, 1);
	cr_expect_not(record_holds_part(&record));
	cr_expect_eq(metrics.value[METRIC_EMPTY_RECORDS], 1);
}

Test(record_ktls, eagain_after_poll_is_an_empty_record_and_many_in_a_row_are_a_flood)
{
	ssize_t r;
	int empty = 0;

	record.can_rekey_kernel = false;
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_eq(kernel.calls, 1, "poll tells when there is more: no second call");
	arrives(RECORD_DATA, "x", 1);
	cr_expect_eq(receive(), 1);
	cr_expect_not(record.is_rx_unsure);
	while ((r = receive()) == -EAGAIN && empty < 2000)
		empty++;
	cr_expect_eq(r, -EPROTO);
	cr_expect_eq(record.why, CLOSE_RECORD_FLOOD);
	cr_expect_eq(empty, 256, "data between them starts the count again");
	cr_expect_eq(metrics.value[METRIC_EMPTY_RECORDS], 1 + 257);
}

Test(record_ktls, the_second_look_behind_data_is_no_empty_record)
{
	/* A kernel that can rekey hides a KeyUpdate behind data from poll: it is looked for. */
	arrives(RECORD_DATA, "x", 1);
	cr_expect_eq(receive(), 1);
	cr_expect(record.is_rx_unsure, "to be received again before the next poll");
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_not(record.is_rx_unsure, "once");
	cr_expect_eq(metrics.value[METRIC_EMPTY_RECORDS], 0, "poll had said nothing");
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_eq(metrics.value[METRIC_EMPTY_RECORDS], 1, "this time it had");

	arrives(RECORD_DATA, "y", 1);
	arrives(RECORD_HANDSHAKE, KEYUPDATE, 5);
	cr_expect_eq(receive(), 1);
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_eq(metrics.value[METRIC_REKEYS_RX], 1);
	cr_expect_not(record.is_rx_unsure);
}

Test(record_ktls, nothing_is_kept_that_poll_does_not_see)
{
	cr_expect_not(record_has_buffered(&record));
	cr_expect_str_eq(record.tx->label, "kernel");
	cr_expect_str_eq(record.rx->label, "kernel");
	cr_expect(record_is_kernel_tx(&record));
}
