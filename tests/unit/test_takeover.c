/* SPDX-License-Identifier: Apache-2.0 */
/* Each condition of a take-over fails by itself, and says so. */
#include "tls/takeover.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(takeover);

static const struct takeover good = {.is_tls13 = true,
				     .is_finished = true,
				     .suite = "TLS_AES_256_GCM_SHA384",
				     .client_secret_bytes = 48,
				     .server_secret_bytes = 48,
				     .is_verified = true,
				     .has_identity = true};

static void fails(struct takeover facts, const char *label)
{
	enum tls_cipher cipher = TLS_CIPHER_CHACHA20;
	enum handshake_failure failure = takeover_judge(&facts, &cipher);

	cr_assert_lt(failure, HANDSHAKE_FAILURE_COUNT, "%s", label);
	cr_expect_str_eq(handshake_failure_row(failure)->label, label);
	cr_expect_eq(cipher, TLS_CIPHER_CHACHA20, "it is not touched");
}

Test(takeover, each_condition_has_a_reason_of_its_own)
{
	struct takeover facts = good;

	facts.is_tls13 = false;
	fails(facts, "not_finished");
	facts = good;
	facts.is_finished = false;
	fails(facts, "not_finished");
	facts = good;
	facts.suite = "TLS_AES_128_CCM_SHA256";
	fails(facts, "cipher_unknown");
	facts.suite = NULL;
	fails(facts, "cipher_unknown");
	facts = good;
	facts.client_secret_bytes = 0;
	fails(facts, "no_secrets");
	facts = good;
	facts.server_secret_bytes = 32; /* of SHA-256 */
	fails(facts, "no_secrets");
	facts = good;
	facts.has_pending = true;
	fails(facts, "bytes_pending");
	facts = good;
	facts.is_verified = false;
	fails(facts, "not_verified");
	facts = good;
	facts.has_identity = false;
	fails(facts, "no_identity");
}

Test(takeover, what_holds_names_the_cipher)
{
	static const size_t bytes[] = {32, 48, 32};
	struct takeover facts = good;

	for (int i = 0; i < TLS_CIPHER_COUNT; i++) {
		enum tls_cipher cipher = TLS_CIPHER_COUNT;
		facts.suite = tls_cipher_label((enum tls_cipher)i);
		facts.client_secret_bytes = facts.server_secret_bytes = bytes[i];
		cr_expect_eq(takeover_judge(&facts, &cipher), HANDSHAKE_FAILURE_COUNT);
		cr_expect_eq(cipher, i);
	}
	facts.is_client = true;
	facts.has_identity = false;
	enum tls_cipher cipher;
	cr_expect_eq(takeover_judge(&facts, &cipher), HANDSHAKE_FAILURE_COUNT);
}
