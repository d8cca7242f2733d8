/* SPDX-License-Identifier: Apache-2.0 */
/* What a token cannot do is told from what went wrong. */
#include "fixture.h"

static const struct {
    CK_RV rv;
    hsmiam_verdict verdict;
} cases[] = {
    {CKR_DEVICE_ERROR, HSMIAM_VERDICT_FAILED},
    {CKR_DEVICE_MEMORY, HSMIAM_VERDICT_FAILED},
    {CKR_DEVICE_REMOVED, HSMIAM_VERDICT_FAILED},
    {CKR_HOST_MEMORY, HSMIAM_VERDICT_FAILED},
    {CKR_SESSION_CLOSED, HSMIAM_VERDICT_FAILED},
    {CKR_SESSION_COUNT, HSMIAM_VERDICT_FAILED},
    {CKR_SESSION_HANDLE_INVALID, HSMIAM_VERDICT_FAILED},
    {CKR_TOKEN_NOT_PRESENT, HSMIAM_VERDICT_FAILED},
    {CKR_TOKEN_NOT_RECOGNIZED, HSMIAM_VERDICT_FAILED},
    {CKR_USER_NOT_LOGGED_IN, HSMIAM_VERDICT_FAILED},
    {CKR_CRYPTOKI_NOT_INITIALIZED, HSMIAM_VERDICT_FAILED},
    {CKR_OPERATION_ACTIVE, HSMIAM_VERDICT_FAILED},
    {CKR_FUNCTION_CANCELED, HSMIAM_VERDICT_FAILED},
    {CKR_KEY_HANDLE_INVALID, HSMIAM_VERDICT_FAILED},
    {CKR_OBJECT_HANDLE_INVALID, HSMIAM_VERDICT_FAILED},
    {CKR_PIN_INCORRECT, HSMIAM_VERDICT_FAILED},
    {0x7654, HSMIAM_VERDICT_FAILED}, /* not known */
    {CKR_FUNCTION_NOT_SUPPORTED, HSMIAM_VERDICT_CANNOT},
    {CKR_MECHANISM_INVALID, HSMIAM_VERDICT_CANNOT},
    {CKR_MECHANISM_PARAM_INVALID, HSMIAM_VERDICT_CANNOT},
    {CKR_ATTRIBUTE_VALUE_INVALID, HSMIAM_VERDICT_CANNOT},
    {CKR_TEMPLATE_INCONSISTENT, HSMIAM_VERDICT_CANNOT},
    {CKR_KEY_TYPE_INCONSISTENT, HSMIAM_VERDICT_CANNOT},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, HSMIAM_VERDICT_CANNOT},
    {CKR_WRAPPED_KEY_INVALID, HSMIAM_VERDICT_CANNOT},
    {CKR_KEY_SIZE_RANGE, HSMIAM_VERDICT_CANNOT},
    {CKR_ENCRYPTED_DATA_INVALID, HSMIAM_VERDICT_CANNOT},
    {CKR_GENERAL_ERROR, HSMIAM_VERDICT_DOUBTFUL},
    {CKR_FUNCTION_FAILED, HSMIAM_VERDICT_DOUBTFUL},
    {CKR_VENDOR_DEFINED + 17, HSMIAM_VERDICT_DOUBTFUL},
};

static void test_codes(void **state)
{
    fixture *fix = *state;

    (void)fixture_open_token(fix);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hsmiam_status status = hsmiam_rv_set_error(fix->token, cases[i].rv, "C_X", fix->error);
        if (hsmiam_token_judge(status, fix->error) != cases[i].verdict)
            print_error("0x%lx\n", cases[i].rv);
        assert_int_equal(hsmiam_rv_judge(cases[i].rv), cases[i].verdict);
        assert_int_equal(hsmiam_token_judge(status, fix->error), cases[i].verdict);
        assert_int_equal(hsmiam_token_lost_object(fix->error),
                         cases[i].rv == CKR_KEY_HANDLE_INVALID ||
                             cases[i].rv == CKR_OBJECT_HANDLE_INVALID);
        assert_int_equal(hsmiam_token_refused_key(fix->error),
                         cases[i].rv == CKR_KEY_SIZE_RANGE ||
                             cases[i].rv == CKR_KEY_TYPE_INCONSISTENT);
    }
    assert_false(hsmiam_token_lost_object(NULL));
    assert_false(hsmiam_token_refused_key(NULL));
}

/* Without a code of the token's, the status tells. */
static void test_statuses(void **state)
{
    static const hsmiam_status cannot[] = {HSMIAM_ERR_NOT_FOUND, HSMIAM_ERR_UNSUPPORTED,
                                           HSMIAM_ERR_CUSTODY, HSMIAM_ERR_TOKEN};
    static const hsmiam_status failed[] = {HSMIAM_ERR_AMBIGUOUS, HSMIAM_ERR_CONFIG, HSMIAM_ERR_PIN,
                                           HSMIAM_ERR_MEMORY, HSMIAM_ERR_CANCELLED};
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof cannot / sizeof cannot[0]; i++)
        assert_int_equal(
            hsmiam_token_judge(hsmiam_error_set(fix->error, cannot[i], "x"), fix->error),
            HSMIAM_VERDICT_CANNOT);
    for (size_t i = 0; i < sizeof failed / sizeof failed[0]; i++)
        assert_int_equal(
            hsmiam_token_judge(hsmiam_error_set(fix->error, failed[i], "x"), fix->error),
            HSMIAM_VERDICT_FAILED);
}

/* From few to many, each set once. */
static void test_hardening_is_given_up_in_sets(void **state)
{
    bool seen[16] = {true};
    unsigned dropped = 0;
    int before = 0;
    size_t sets = 1;

    (void)state;
    while (hsmiam_hardening_drop(&dropped, true)) {
        assert_false(seen[dropped]);
        seen[dropped] = true;
        assert_true(__builtin_popcount(dropped) >= before);
        before = __builtin_popcount(dropped);
        sets++;
    }
    assert_int_equal(sets, 16);
    sets = 1;
    dropped = 0;
    while (hsmiam_hardening_drop(&dropped, false)) {
        assert_int_equal(dropped & HSMIAM_HARDENING_UNWRAP_TEMPLATE, 0);
        sets++;
    }
    assert_int_equal(sets, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_codes),
        fixture_test(test_statuses),
        fixture_test(test_hardening_is_given_up_in_sets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
