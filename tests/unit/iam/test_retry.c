/* SPDX-License-Identifier: Apache-2.0 */
/* What may be sent again, row by row. */

#include "support/cmocka_tests.h"

#include <curl/curl.h>

#include "iam/retry.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static const struct {
    hsmiam_attempt attempt;
    hsmiam_resend idempotent;
    hsmiam_resend creating;
    unsigned pause; /* the longest before the second attempt */
} table[] = {
    {HSMIAM_ATTEMPT_DONE, HSMIAM_RESEND_NEVER, HSMIAM_RESEND_NEVER, 0},
    {HSMIAM_ATTEMPT_UNCONNECTED, HSMIAM_RESEND, HSMIAM_RESEND, 100},
    {HSMIAM_ATTEMPT_CONNECT_TIMED_OUT, HSMIAM_RESEND_NEVER, HSMIAM_RESEND_NEVER, 0},
    {HSMIAM_ATTEMPT_TLS_FAILED, HSMIAM_RESEND, HSMIAM_RESEND, 100},
    {HSMIAM_ATTEMPT_UNTRUSTED, HSMIAM_RESEND_NEVER, HSMIAM_RESEND_NEVER, 0},
    {HSMIAM_ATTEMPT_THROTTLED, HSMIAM_RESEND, HSMIAM_RESEND, 1000},
    {HSMIAM_ATTEMPT_SKEWED, HSMIAM_RESEND_CORRECTED, HSMIAM_RESEND_CORRECTED, 0},
    {HSMIAM_ATTEMPT_REFUSED, HSMIAM_RESEND_NEVER, HSMIAM_RESEND_NEVER, 0},
    {HSMIAM_ATTEMPT_FAILED, HSMIAM_RESEND, HSMIAM_RESEND_NEVER, 1000},
    {HSMIAM_ATTEMPT_READ_TIMED_OUT, HSMIAM_RESEND, HSMIAM_RESEND_NEVER, 1000},
    {HSMIAM_ATTEMPT_CUT, HSMIAM_RESEND, HSMIAM_RESEND_NEVER, 1000},
    {HSMIAM_ATTEMPT_GARBLED, HSMIAM_RESEND_NEVER, HSMIAM_RESEND_NEVER, 0},
    {HSMIAM_ATTEMPT_STOPPED, HSMIAM_RESEND_NEVER, HSMIAM_RESEND_NEVER, 0},
};

static void test_table(void **state)
{
    (void)state;
    assert_int_equal(COUNT(table), HSMIAM_ATTEMPT_COUNT);
    for (size_t i = 0; i < COUNT(table); i++) {
        const hsmiam_retry_rule *rule = hsmiam_retry_get_rule(table[i].attempt);
        assert_int_equal(table[i].attempt, i);
        assert_int_equal(rule->resend[HSMIAM_CALL_IDEMPOTENT], table[i].idempotent);
        assert_int_equal(rule->resend[HSMIAM_CALL_CREATES], table[i].creating);
        assert_int_equal(rule->first_pause, table[i].pause);
        assert_non_null(rule->says);
    }
}

/* The rule above all others: what makes a key is sent again only if it certainly made none. */
static void test_creating_is_never_repeated(void **state)
{
    static const hsmiam_attempt unexecuted[] = {
        HSMIAM_ATTEMPT_UNCONNECTED, HSMIAM_ATTEMPT_CONNECT_TIMED_OUT, HSMIAM_ATTEMPT_TLS_FAILED,
        HSMIAM_ATTEMPT_UNTRUSTED,   HSMIAM_ATTEMPT_THROTTLED,         HSMIAM_ATTEMPT_SKEWED,
        HSMIAM_ATTEMPT_REFUSED,
    };

    (void)state;
    for (size_t i = 0; i < HSMIAM_ATTEMPT_COUNT; i++) {
        const hsmiam_retry_rule *rule = hsmiam_retry_get_rule((hsmiam_attempt)i);
        bool is_known = false;
        for (size_t j = 0; j < COUNT(unexecuted); j++)
            is_known = is_known || unexecuted[j] == i;
        assert_int_equal(rule->is_unexecuted, is_known);
        if (!rule->is_unexecuted)
            assert_int_equal(rule->resend[HSMIAM_CALL_CREATES], HSMIAM_RESEND_NEVER);
    }
}

static const struct {
    hsmiam_status status;
    hsmiam_domain domain;
    unsigned long code;
    const char *code_name;
    const char *message;
    hsmiam_attempt attempt;
} outcomes[] = {
    {HSMIAM_OK, 0, 0, "", "", HSMIAM_ATTEMPT_DONE},
    {HSMIAM_ERR_NETWORK, HSMIAM_DOMAIN_TRANSPORT, CURLE_COULDNT_CONNECT, "", "",
     HSMIAM_ATTEMPT_UNCONNECTED},
    {HSMIAM_ERR_NETWORK, HSMIAM_DOMAIN_TRANSPORT, CURLE_COULDNT_RESOLVE_HOST, "", "",
     HSMIAM_ATTEMPT_UNCONNECTED},
    {HSMIAM_ERR_NETWORK, HSMIAM_DOMAIN_TRANSPORT, CURLE_OPERATION_TIMEDOUT, "", "",
     HSMIAM_ATTEMPT_CONNECT_TIMED_OUT},
    {HSMIAM_ERR_NETWORK, HSMIAM_DOMAIN_TRANSPORT, CURLE_SSL_CONNECT_ERROR, "", "",
     HSMIAM_ATTEMPT_TLS_FAILED},
    {HSMIAM_ERR_NETWORK, HSMIAM_DOMAIN_TRANSPORT, CURLE_PEER_FAILED_VERIFICATION, "", "",
     HSMIAM_ATTEMPT_UNTRUSTED},
    {HSMIAM_ERR_NETWORK, HSMIAM_DOMAIN_LIBRARY, 0, "", "", HSMIAM_ATTEMPT_STOPPED},
    {HSMIAM_ERR_SERVICE, HSMIAM_DOMAIN_SERVICE, 400, "Throttling", "", HSMIAM_ATTEMPT_THROTTLED},
    {HSMIAM_ERR_SERVICE, HSMIAM_DOMAIN_SERVICE, 503, "SlowDown", "", HSMIAM_ATTEMPT_THROTTLED},
    {HSMIAM_ERR_SERVICE, HSMIAM_DOMAIN_SERVICE, 403, "RequestTimeTooSkewed", "Oh.",
     HSMIAM_ATTEMPT_SKEWED},
    {HSMIAM_ERR_SERVICE, HSMIAM_DOMAIN_SERVICE, 400, "RequestExpired", "Request has expired.",
     HSMIAM_ATTEMPT_SKEWED},
    {HSMIAM_ERR_SERVICE, HSMIAM_DOMAIN_SERVICE, 403, "SignatureDoesNotMatch",
     "Signature expired: 20150830T123600Z is now earlier than 20150830T124100Z",
     HSMIAM_ATTEMPT_SKEWED},
    {HSMIAM_ERR_SERVICE, HSMIAM_DOMAIN_SERVICE, 403, "SignatureDoesNotMatch",
     "Signature not yet current: 20150830T123600Z is still later than 20150830T122600Z",
     HSMIAM_ATTEMPT_SKEWED},
    {HSMIAM_ERR_SERVICE, HSMIAM_DOMAIN_SERVICE, 403, "SignatureDoesNotMatch",
     "The request signature we calculated does not match the signature you provided.",
     HSMIAM_ATTEMPT_REFUSED},
    {HSMIAM_ERR_SERVICE, HSMIAM_DOMAIN_SERVICE, 409, "LimitExceeded", "Two.",
     HSMIAM_ATTEMPT_REFUSED},
    {HSMIAM_ERR_UNKNOWN_OUTCOME, HSMIAM_DOMAIN_SERVICE, 500, "InternalFailure", "",
     HSMIAM_ATTEMPT_FAILED},
    {HSMIAM_ERR_UNKNOWN_OUTCOME, HSMIAM_DOMAIN_SERVICE, 503, "ServiceUnavailable", "",
     HSMIAM_ATTEMPT_FAILED},
    {HSMIAM_ERR_UNKNOWN_OUTCOME, HSMIAM_DOMAIN_SERVICE, 502, "", "", HSMIAM_ATTEMPT_FAILED},
    {HSMIAM_ERR_UNKNOWN_OUTCOME, HSMIAM_DOMAIN_SERVICE, 200, "", "", HSMIAM_ATTEMPT_CUT},
    {HSMIAM_ERR_UNKNOWN_OUTCOME, HSMIAM_DOMAIN_TRANSPORT, CURLE_OPERATION_TIMEDOUT, "", "",
     HSMIAM_ATTEMPT_READ_TIMED_OUT},
    {HSMIAM_ERR_UNKNOWN_OUTCOME, HSMIAM_DOMAIN_TRANSPORT, CURLE_GOT_NOTHING, "", "",
     HSMIAM_ATTEMPT_CUT},
    {HSMIAM_ERR_REPLY, HSMIAM_DOMAIN_SERVICE, 200, "", "", HSMIAM_ATTEMPT_GARBLED},
    {HSMIAM_ERR_REPLY, HSMIAM_DOMAIN_TRANSPORT, CURLE_OK, "", "", HSMIAM_ATTEMPT_GARBLED},
    {HSMIAM_ERR_CANCELLED, 0, 0, "", "", HSMIAM_ATTEMPT_STOPPED},
    {HSMIAM_ERR_TOKEN, HSMIAM_DOMAIN_PKCS11, 5, "", "", HSMIAM_ATTEMPT_STOPPED},
    {HSMIAM_ERR_CONFIG, 0, 0, "", "", HSMIAM_ATTEMPT_STOPPED},
    {HSMIAM_ERR_IO, HSMIAM_DOMAIN_SYSTEM, 28, "", "", HSMIAM_ATTEMPT_STOPPED},
};

static void test_classification(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(outcomes); i++) {
        hsmiam_error *error = hsmiam_error_new();
        (void)hsmiam_error_set(error, outcomes[i].status, "%s", outcomes[i].message);
        hsmiam_error_set_origin(error, outcomes[i].domain, outcomes[i].code, outcomes[i].code_name);
        hsmiam_attempt attempt = hsmiam_attempt_classify(outcomes[i].status, error);
        if (attempt != outcomes[i].attempt)
            fail_msg("row %zu: %d", i, (int)attempt);
        hsmiam_error_free(&error);
    }
}

static void test_pauses(void **state)
{
    const hsmiam_retry_rule *throttled = hsmiam_retry_get_rule(HSMIAM_ATTEMPT_THROTTLED);
    const hsmiam_retry_rule *unconnected = hsmiam_retry_get_rule(HSMIAM_ATTEMPT_UNCONNECTED);
    const struct {
        const hsmiam_retry_rule *rule;
        unsigned attempts;
        uint32_t random;
        long retry_after;
        unsigned pause;
    } rows[] = {
        /* any part of what is granted, which doubles */
        {throttled, 1, 0, -1, 0},
        {throttled, 1, UINT32_MAX, -1, 999},
        {throttled, 1, UINT32_MAX / 2 + 1, -1, 500},
        {throttled, 2, UINT32_MAX, -1, 1999},
        {throttled, 5, UINT32_MAX, -1, 15999},
        {throttled, 6, UINT32_MAX, -1, 19999},
        {throttled, 1000, UINT32_MAX, -1, 19999},
        {unconnected, 1, UINT32_MAX, -1, 99},
        {unconnected, 4, UINT32_MAX, -1, 799},
        {unconnected, UINT32_MAX, UINT32_MAX, -1, 999},
        /* no less than what was asked for, within reason */
        {throttled, 1, UINT32_MAX, 0, 999},
        {throttled, 1, 0, 3, 3000},
        {throttled, 4, UINT32_MAX, 3, 7999},
        {throttled, 1, 0, 60, 60000},
        {throttled, 1, 0, 61, 60000},
        {throttled, 1, 0, 999999999, 60000},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(hsmiam_retry_get_pause(rows[i].rule, rows[i].attempts, rows[i].random,
                                                rows[i].retry_after),
                         rows[i].pause);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_creating_is_never_repeated),
        cmocka_unit_test(test_classification),
        cmocka_unit_test(test_pauses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
