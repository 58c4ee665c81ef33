/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel record layer where records, sends and keys fail, or come in parts. */
#include "unit/ktls_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <criterion/criterion.h>

TestSuite(record_ktls_errors, .init = fake_kernel_make, .fini = fake_kernel_remove);

Test(record_ktls_errors, a_failed_send_has_its_reason)
{
	static const struct {
		int error;
		enum close_reason why;
	} rows[] = {{EPIPE, CLOSE_CLIENT_RESET},     {ECONNRESET, CLOSE_CLIENT_RESET},
		    {ETIMEDOUT, CLOSE_CLIENT_RESET}, {ENOMEM, CLOSE_NO_MEMORY},
		    {EBADMSG, CLOSE_SEND_FAILED},    {EMSGSIZE, CLOSE_SEND_FAILED}};
	fill("x", 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kernel.sends = 0;
		kernel.send_result[0] = -rows[i].error;
		cr_expect_eq(record_tx_flush(&record, false), -rows[i].error);
		cr_expect_eq(record.why, rows[i].why, "%s", strerrorname_np(rows[i].error));
	}
}

/* tls_err_abort: a bad record that arrived makes the next send fail, which has taken nothing. */
Test(record_ktls_errors, an_error_of_the_receiving_side_holds_no_send_up)
{
	static const struct {
		int error;
		int alert;
	} rows[] = {{EBADMSG, ALERT_BAD_RECORD_MAC},
		    {EMSGSIZE, ALERT_RECORD_OVERFLOW},
		    {EINVAL, ALERT_DECODE_ERROR}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kernel.sends = 0;
		kernel.calls = 0;
		kernel.send_result[0] = -rows[i].error;
		kernel.sock_error = rows[i].error;
		record.rx_error = record.due = 0;
		record.is_closed_tx = false;
		fill("answer", 6);
		cr_assert_eq(record_tx_flush(&record, false), 0);
		cr_assert_eq(kernel.calls, 3);
		cr_expect_eq(kernel.call[1].kind, CALL_GET, "SO_ERROR");
		expect_sent(&kernel.call[2], RECORD_DATA, "answer", 6);
		cr_expect(record_has_buffered(&record), "no poll will tell of it");

		/* What came before it is given first; the kernel itself may be silent by then. */
		arrives(RECORD_DATA, "abc", 3);
		cr_expect_eq(receive(), 3);
		cr_expect_eq(receive(), -rows[i].error);
		cr_expect_eq(record.why, CLOSE_RECORD_BAD);
		cr_assert_eq(record_tx_flush(&record, false), 0);
		const char alert[] = {2, (char)rows[i].alert};
		expect_sent(&kernel.call[kernel.calls - 1], RECORD_ALERT, alert, 2);
	}
}

Test(record_ktls_errors, a_bad_record_before_a_fin_is_told_of)
{
	kernel.send_result[0] = -EINVAL;
	kernel.sock_error = EINVAL;
	fill("x", 1);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	arrives(-1, "", 0);
	cr_expect_eq(receive(), -EINVAL, "and not EPIPE");
}

Test(record_ktls_errors, a_control_record_meets_the_error_too)
{
	kernel.send_result[0] = -EBADMSG;
	kernel.sock_error = EBADMSG;
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	expect_sent(&kernel.call[kernel.calls - 1], RECORD_ALERT, "\x01\x00", 2);
	cr_expect(record.is_closed_tx);
}

Test(record_ktls_errors, an_error_that_does_not_go_is_the_sends_own)
{
	kernel.sock_error = EBADMSG;
	for (int i = 0; i < 8; i++)
		kernel.send_result[i] = -EBADMSG;
	for (int i = 0; i < 20; i++)
		if (record_tx_may_retry(&record, -EBADMSG))
			cr_expect_lt(i, 8);
	fill("x", 1);
	cr_expect_eq(record_tx_flush(&record, false), -EBADMSG);
	cr_expect_eq(record.why, CLOSE_SEND_FAILED);
	cr_expect_not(record_tx_may_retry(&record, -ECONNRESET));
}

Test(record_ktls_errors, a_fatal_alert_that_is_due_stays_what_it_is)
{
	record_shutdown(&record, ALERT_BAD_RECORD_MAC);
	record_shutdown(&record, ALERT_CLOSE_NOTIFY);
	cr_assert_eq(record_tx_flush(&record, false), 0);
	expect_sent(&kernel.call[0], RECORD_ALERT, "\x02\x14", 2);
}

Test(record_ktls_errors, a_failed_receive_has_its_reason_and_alert)
{
	static const struct {
		int error;
		enum close_reason why;
		int alert; /* 0: none is due */
	} rows[] = {{EBADMSG, CLOSE_RECORD_BAD, ALERT_BAD_RECORD_MAC},
		    {EMSGSIZE, CLOSE_RECORD_BAD, ALERT_RECORD_OVERFLOW},
		    {EINVAL, CLOSE_RECORD_BAD, ALERT_DECODE_ERROR},
		    {EKEYEXPIRED, CLOSE_RECV_FAILED, 0},
		    {EIO, CLOSE_RECV_FAILED, 0},
		    {ECONNRESET, CLOSE_CLIENT_RESET, 0},
		    {ENOMEM, CLOSE_NO_MEMORY, 0}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *name = strerrorname_np(rows[i].error);
		record.due = record.alert = 0;
		kernel.errors_cleared = 0;
		fails(rows[i].error);
		cr_expect_eq(receive(), -rows[i].error, "%s", name);
		cr_expect_eq(record.why, rows[i].why, "%s", name);
		cr_expect_eq(record.due, rows[i].alert != 0 ? RECORD_DUE_ALERT : 0, "%s", name);
		cr_expect_eq(record.alert, rows[i].alert, "%s", name);
		cr_expect_eq(kernel.errors_cleared, rows[i].alert != 0, "%s: else the alert fails",
			     name);
	}
}

/* ---- Messages in parts --------------------------------------------------------------------------
 */

/* Linux from 6.14 on stops at a first byte of 24, whatever follows. */
Test(record_ktls_errors, behind_a_part_of_a_keyupdate_the_same_key_goes_on)
{
	const struct traffic_secret now = record.rx_secret, next = next_of(now);
	kernel.seq = 7;
	arrives(RECORD_HANDSHAKE, KEYUPDATE, 3);
	arrives(RECORD_HANDSHAKE, KEYUPDATE + 3, 2);
	arrives(RECORD_DATA, "data", 4);
	cr_expect_eq(receive(), 4);
	cr_assert_eq(kernel.calls, 6);
	cr_expect(kernel.call[1].kind == CALL_GET && kernel.call[1].name == ABI_TLS_RX);
	expect_key_at(&kernel.call[2], ABI_TLS_RX, &now, 7);
	cr_expect_eq(kernel.call[3].kind, CALL_RECV);
	expect_key(&kernel.call[4], ABI_TLS_RX, &next);
	cr_expect_eq(metrics.value[METRIC_REKEYS_RX], 1);
}

Test(record_ktls_errors, a_part_of_a_keyupdate_stops_no_earlier_kernel)
{
	record.can_rekey_kernel = false;
	arrives(RECORD_HANDSHAKE, KEYUPDATE, 1);
	cr_expect_eq(receive(), -EAGAIN);
	cr_expect_eq(kernel.sets, 0);
}

Test(record_ktls_errors, a_kernel_that_does_not_go_on_ends_the_connection)
{
	kernel.set_error[0] = EBUSY;
	arrives(RECORD_HANDSHAKE, KEYUPDATE, 3);
	cr_expect_eq(receive(), -EBUSY);
	cr_expect_eq(record.why, CLOSE_KEYUPDATE_UNSUPPORTED);
	cr_expect_eq(record.due, RECORD_DUE_CLOSE_NOTIFY);
}

/* The rest of a ticket may begin with any byte. */
Test(record_ktls_errors, a_ticket_whose_rest_looks_like_a_keyupdate_changes_no_key)
{
	const struct traffic_secret now = record.rx_secret;
	record.is_client = true;
	kernel.seq = 2;
	arrives(RECORD_HANDSHAKE, "\x04\x00\x00\x08\x05\x05\x05\x05", 8);
	arrives(RECORD_HANDSHAKE, "\x18\x05\x05\x05", 4);
	arrives(RECORD_DATA, "data", 4);
	static char out[RECORD_PLAIN_MAX];
	cr_expect_eq(record_recv(&record, out, sizeof(out)), 4);
	cr_assert_eq(kernel.sets, 1);
	expect_key_at(&kernel.call[3], ABI_TLS_RX, &now, 2);
	cr_expect_eq(metrics.value[METRIC_KEYUPDATES_RECEIVED], 0);
}
