/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the PIN sources a token takes: the one that was set, the URI's own, or a person. */
#include "fixture.h"

#include <string.h>

#define URI "pkcs11:token=mock%20token"

typedef struct person {
    const char *answer;
    size_t claimed; /* bytes that it says it wrote, SIZE_MAX: those that it wrote */
    hsmiam_status status;
    unsigned asked;
    hsmiam_pin_reason reason;
    char label[64];
    size_t room;
} person;

static hsmiam_status answer(void *context, const char *token_label, hsmiam_pin_reason reason,
                            char *pin_out, size_t pin_size, size_t *length_out)
{
    person *who = context;

    who->asked++;
    who->room = pin_size;
    who->reason = reason;
    (void)strncpy(who->label, token_label, sizeof who->label - 1);
    memcpy(pin_out, who->answer, strlen(who->answer));
    *length_out = who->claimed != SIZE_MAX ? who->claimed : strlen(who->answer);
    return who->status;
}

static void test_source_of_the_uri(void **state)
{
    fixture *fix = *state;

    (void)fixture_name_token(fix, URI "?pin-source=%7Cecho%20" MOCK_PIN);
    assert_false(hsmiam_token_needs_pin_callback(fix->token));
    fixture_expect_open(fix, HSMIAM_OK);
}

static void test_set_source_comes_first(void **state)
{
    fixture *fix = *state;

    (void)fixture_name_token(fix, URI "?pin-source=/nonexistent&pin-value=wrong");
    assert_int_equal(hsmiam_token_set_pin_source(fix->token, "|echo wrong", fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_token_set_pin_source(fix->token, "|echo " MOCK_PIN, fix->error),
                     HSMIAM_OK);
    fixture_expect_open(fix, HSMIAM_OK);
}

static void test_source_comes_before_value(void **state)
{
    fixture *fix = *state;

    (void)fixture_name_token(fix, URI "?pin-value=wrong&pin-source=%7Cecho%20" MOCK_PIN);
    fixture_expect_open(fix, HSMIAM_OK);
}

static void test_no_source_may_be_empty(void **state)
{
    fixture *fix = *state;

    (void)fixture_name_token(fix, URI);
    assert_int_equal(hsmiam_token_set_pin_source(fix->token, "", fix->error), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_token_set_pin_source(fix->token, NULL, fix->error),
                     HSMIAM_ERR_ARGUMENT);
    assert_true(hsmiam_token_needs_pin_callback(fix->token));
}

static void test_failing_source_tries_nothing(void **state)
{
    fixture *fix = *state;

    (void)fixture_name_token(fix, URI "?pin-source=/nonexistent/pin");
    fixture_expect_open(fix, HSMIAM_ERR_PIN);
    fixture_expect_message(fix, "/nonexistent/pin");
    assert_int_equal(mock.calls[MOCK_C_Login], 0);
    assert_int_equal(mock_count_sessions(), 0);
}

static void test_value_of_the_uri(void **state)
{
    fixture *fix = *state;
    char uri[400] = URI "?pin-value=";
    size_t used = strlen(uri);

    (void)fixture_name_token(fix, URI_WITH_PIN);
    assert_false(hsmiam_token_needs_pin_callback(fix->token));
    fixture_expect_open(fix, HSMIAM_OK);
    (void)fixture_name_token(fix, URI "?pin-value=mock%2DPIN%2d90210");
    fixture_expect_open(fix, HSMIAM_OK);

    memset(uri + used, 'p', 256);
    (void)fixture_name_token(fix, uri);
    fixture_expect_open(fix, HSMIAM_ERR_PIN);
    fixture_expect_message(fix, "too long");
    assert_int_equal(mock.calls[MOCK_C_Login], 2);
}

static void test_person_is_asked(void **state)
{
    fixture *fix = *state;
    person who = {.answer = MOCK_PIN, .claimed = SIZE_MAX};

    (void)fixture_name_token(fix, URI);
    assert_true(hsmiam_token_needs_pin_callback(fix->token));
    hsmiam_token_set_pin_callback(fix->token, answer, &who);
    fixture_expect_open(fix, HSMIAM_OK);
    assert_false(hsmiam_token_needs_pin_callback(fix->token));
    fixture_expect_open(fix, HSMIAM_OK);
    assert_int_equal(who.asked, 1);
    assert_string_equal(who.label, "mock token");
    assert_int_equal(who.reason, HSMIAM_PIN_OPENS_TOKEN);
    assert_true(who.room >= 255);
}

static void test_person_is_not_asked_needlessly(void **state)
{
    fixture *fix = *state;
    person who = {.answer = "wrong", .claimed = SIZE_MAX};

    (void)fixture_name_token(fix, URI_WITH_PIN);
    hsmiam_token_set_pin_callback(fix->token, answer, &who);
    fixture_expect_open(fix, HSMIAM_OK);
    (void)fixture_name_token(fix, "pkcs11:token=none");
    hsmiam_token_set_pin_callback(fix->token, answer, &who);
    fixture_expect_open(fix, HSMIAM_ERR_NOT_FOUND);
    mock.slots[0].token.flags |= CKF_USER_PIN_LOCKED;
    (void)fixture_name_token(fix, URI);
    hsmiam_token_set_pin_callback(fix->token, answer, &who);
    fixture_expect_open(fix, HSMIAM_ERR_PIN);
    assert_int_equal(who.asked, 0);
}

static void test_refused_person_is_not_asked_again(void **state)
{
    fixture *fix = *state;
    person who = {.answer = "wrong", .claimed = SIZE_MAX};

    (void)fixture_name_token(fix, URI);
    hsmiam_token_set_pin_callback(fix->token, answer, &who);
    fixture_expect_open(fix, HSMIAM_ERR_PIN);
    fixture_expect_open(fix, HSMIAM_ERR_PIN);
    assert_int_equal(who.asked, 1);
    assert_int_equal(mock.calls[MOCK_C_Login], 1);
}

static void test_person_gives_up_or_errs(void **state)
{
    static const struct {
        person who;
        hsmiam_status status;
        const char *message;
    } cases[] = {
        {{.answer = "", .status = HSMIAM_ERR_CANCELLED},
         HSMIAM_ERR_CANCELLED,
         "needs a PIN, and none was given"},
        {{.answer = "", .status = HSMIAM_ERR_PIN},
         HSMIAM_ERR_PIN,
         "needs a PIN, and none was given"},
        {{.answer = "", .claimed = 0}, HSMIAM_ERR_PIN, "is empty"},
        {{.answer = "hush", .claimed = 256}, HSMIAM_ERR_PIN, "is too long"},
        {{.answer = "hush", .claimed = SIZE_MAX - 1}, HSMIAM_ERR_PIN, "is too long"},
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        person who = cases[i].who;
        (void)fixture_name_token(fix, URI);
        hsmiam_token_set_pin_callback(fix->token, answer, &who);
        fixture_expect_open(fix, cases[i].status);
        fixture_expect_message(fix, cases[i].message);
        fixture_expect_no_message(fix, "hush");
    }
    assert_int_equal(mock.calls[MOCK_C_Login], 0);
    assert_int_equal(mock_count_sessions(), 0);
}

static void test_nobody_to_ask(void **state)
{
    fixture *fix = *state;

    (void)fixture_name_token(fix, URI);
    fixture_expect_open(fix, HSMIAM_ERR_PIN);
    fixture_expect_message(fix, "pin-source");
    assert_int_equal(mock.calls[MOCK_C_Login], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_source_of_the_uri),
        fixture_test(test_set_source_comes_first),
        fixture_test(test_source_comes_before_value),
        fixture_test(test_no_source_may_be_empty),
        fixture_test(test_failing_source_tries_nothing),
        fixture_test(test_value_of_the_uri),
        fixture_test(test_person_is_asked),
        fixture_test(test_person_is_not_asked_needlessly),
        fixture_test(test_refused_person_is_not_asked_again),
        fixture_test(test_person_gives_up_or_errs),
        fixture_test(test_nobody_to_ask),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
