/* SPDX-License-Identifier: Apache-2.0 */
/* The check of a token that lies, that fails, and that has little to offer. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "custody/check.h"

#define FACTS_MAX 128

/* The facts of one check, with copies of their strings. */
typedef struct facts {
    struct {
        hsmiam_fact fact;
        char name[64];
        char value[512];
        char why[512];
    } list[FACTS_MAX];
    size_t count;
} facts;

static void keep_fact(void *context, const hsmiam_fact *fact)
{
    facts *all = context;

    assert_true(all->count < FACTS_MAX);
    assert_non_null(fact->name);
    assert_non_null(fact->value);
    assert_non_null(fact->why);
    assert_null(strstr(fact->why, MOCK_PIN));
    assert_null(strstr(fact->value, MOCK_PIN));
    all->list[all->count].fact = *fact;
    (void)snprintf(all->list[all->count].name, sizeof all->list[0].name, "%s", fact->name);
    (void)snprintf(all->list[all->count].value, sizeof all->list[0].value, "%s", fact->value);
    (void)snprintf(all->list[all->count].why, sizeof all->list[0].why, "%s", fact->why);
    all->count++;
}

/* The fact of that name; the test fails if there is not exactly one. */
static size_t find_fact(const facts *all, hsmiam_fact_topic topic, const char *name)
{
    size_t found = FACTS_MAX;

    for (size_t i = 0; i < all->count; i++) {
        if (all->list[i].fact.topic != topic || strcmp(all->list[i].name, name) != 0)
            continue;
        assert_int_equal(found, FACTS_MAX);
        found = i;
    }
    if (found == FACTS_MAX)
        fail_msg("there is no fact %s", name);
    return found;
}

static hsmiam_finding get_finding(const facts *all, hsmiam_fact_topic topic, const char *name)
{
    return all->list[find_fact(all, topic, name)].fact.found;
}

static void expect_mechanism(const facts *all, const char *name, hsmiam_finding told,
                             hsmiam_finding found)
{
    size_t i = find_fact(all, HSMIAM_FACT_MECHANISM, name);

    if (all->list[i].fact.told != told || all->list[i].fact.found != found)
        fail_msg("%s: %d, %d: %s", name, (int)all->list[i].fact.told, (int)all->list[i].fact.found,
                 all->list[i].why);
}

static size_t count_topic(const facts *all, hsmiam_fact_topic topic)
{
    size_t count = 0;

    for (size_t i = 0; i < all->count; i++)
        count += all->list[i].fact.topic == topic;
    return count;
}

/* Whatever happens, one verdict comes, last, and says what the status says; nothing is written to
 * the token and nothing is left in it. */
static hsmiam_status check(fixture *fix, facts *all)
{
    size_t before = mock_count_objects();

    *all = (facts){.count = 0};
    hsmiam_error_clear(fix->error);
    hsmiam_status status = hsmiam_custody_check(fix->custody, keep_fact, all, fix->error);
    assert_true(all->count > 0);
    const hsmiam_fact *last = &all->list[all->count - 1].fact;
    assert_int_equal(last->topic, HSMIAM_FACT_VERDICT);
    assert_int_equal(count_topic(all, HSMIAM_FACT_VERDICT), 1);
    assert_int_equal(last->found, status == HSMIAM_OK ? HSMIAM_FINDING_YES : HSMIAM_FINDING_NO);
    assert_int_equal(hsmiam_error_get_status(fix->error), status);
    assert_int_equal(mock_count_objects() - mock_count_session_objects(), before);
    if (count_topic(all, HSMIAM_FACT_LEFTOVER) == 0 && mock_count_sessions() > 0)
        assert_int_equal(mock_count_session_objects(), 0);
    return status;
}

static void test_ready(void **state)
{
    fixture *fix = *state;
    facts all;

    assert_int_equal(check(fix, &all), HSMIAM_OK);
    assert_string_equal(all.list[find_fact(&all, HSMIAM_FACT_TOKEN, "Kind")].value, "hardware");
    assert_string_equal(all.list[find_fact(&all, HSMIAM_FACT_TOKEN, "Model")].value, "M1");
    assert_string_equal(all.list[find_fact(&all, HSMIAM_FACT_LOGIN, "Pin")].value, "in order");
    assert_int_equal(all.list[find_fact(&all, HSMIAM_FACT_CAPACITY, "AccessKeys")].fact.number, 1);
    assert_int_equal(get_finding(&all, HSMIAM_FACT_ROUTE, "rsa-oaep"), HSMIAM_FINDING_YES);
    assert_int_equal(get_finding(&all, HSMIAM_FACT_ROUTE, "aes-kwp"), HSMIAM_FINDING_UNTRIED);
    assert_int_equal(get_finding(&all, HSMIAM_FACT_ROUTE, "create-object"), HSMIAM_FINDING_YES);
    assert_int_equal(get_finding(&all, HSMIAM_FACT_KEY, "wrapping"), HSMIAM_FINDING_YES);
    assert_int_equal(strlen(all.list[find_fact(&all, HSMIAM_FACT_KEY, "wrapping")].value), 64);
    assert_int_equal(get_finding(&all, HSMIAM_FACT_KEY, "audit"), HSMIAM_FINDING_UNTRIED);
    assert_int_equal(count_topic(&all, HSMIAM_FACT_PROVISION), 2);
    assert_true(all.list[find_fact(&all, HSMIAM_FACT_TIMING, "open-and-login")].fact.number > 0);
    assert_true(all.list[find_fact(&all, HSMIAM_FACT_TIMING, "hmac")].fact.number > 0);
    assert_int_equal(all.list[find_fact(&all, HSMIAM_FACT_TIMING, "derive")].fact.number, -1);
    expect_mechanism(&all, "CKM_SHA256_HMAC", HSMIAM_FINDING_YES, HSMIAM_FINDING_YES);
    expect_mechanism(&all, "CKM_ECDSA", HSMIAM_FINDING_YES, HSMIAM_FINDING_YES);

    /* The token is open now, and the custody as prepared as by itself. */
    assert_int_equal(check(fix, &all), HSMIAM_OK);
    assert_int_equal(all.list[find_fact(&all, HSMIAM_FACT_TIMING, "open-and-login")].fact.number,
                     -1);
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
}

/* What it names and does not do, and the other way round. */
static void test_lies(void **state)
{
    fixture *fix = *state;
    facts all;

    mock.names_derivation = true;
    mock.names_wraps = true;
    mock.sha1_only = true;
    assert_int_equal(check(fix, &all), HSMIAM_OK);
    expect_mechanism(&all, "CKM_SP800_108_FEEDBACK_KDF", HSMIAM_FINDING_YES, HSMIAM_FINDING_NO);
    expect_mechanism(&all, "CKM_RSA_PKCS_OAEP/SHA256", HSMIAM_FINDING_YES, HSMIAM_FINDING_NO);
    expect_mechanism(&all, "CKM_RSA_PKCS_OAEP/SHA1", HSMIAM_FINDING_YES, HSMIAM_FINDING_YES);
    expect_mechanism(&all, "CKM_AES_KEY_WRAP_KWP/0x210B", HSMIAM_FINDING_YES, HSMIAM_FINDING_NO);

    fixture_stop(fix);
    fixture_start(fix);
    mock.derives = true;
    mock.limits = true;
    assert_int_equal(check(fix, &all), HSMIAM_OK);
    expect_mechanism(&all, "CKM_SP800_108_FEEDBACK_KDF", HSMIAM_FINDING_NO, HSMIAM_FINDING_YES);
    assert_string_equal(all.list[find_fact(&all, HSMIAM_FACT_SIGV4, "Route")].value, "sign");
    /* What the check found out beyond that decides nothing, not for another custody either. */
    hsmiam_custody_free(&fix->custody);
    assert_int_equal(hsmiam_custody_new(fix->token, &fix->custody, fix->error), HSMIAM_OK);
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
    assert_string_equal(hsmiam_access_key_get_sigv4_route(fix->key), "sign");
}

static void expect_limit(fixture *fix, bool limits, bool leaks, const char *route,
                         hsmiam_finding enforced)
{
    facts all;

    fixture_stop(fix);
    fixture_start(fix);
    mock.names_derivation = true;
    mock.derives = true;
    mock.extracts = true;
    mock.limits = limits;
    mock.limits_leak = leaks;
    assert_int_equal(check(fix, &all), HSMIAM_OK);
    assert_string_equal(all.list[find_fact(&all, HSMIAM_FACT_SIGV4, "Route")].value, route);
    assert_int_equal(get_finding(&all, HSMIAM_FACT_SIGV4, "AllowedMechanismsEnforced"), enforced);
    assert_true(all.list[find_fact(&all, HSMIAM_FACT_TIMING, "derive")].fact.number > 0);
}

static void test_limit(void **state)
{
    expect_limit(*state, true, false, "in-token", HSMIAM_FINDING_YES);
    expect_limit(*state, true, true, "sign", HSMIAM_FINDING_NO);
    expect_limit(*state, false, false, "sign", HSMIAM_FINDING_NO);
}

/* An HMAC that is wrong, whatever its mechanism is called. */
static void test_wrong_hmac(void **state)
{
    fixture *fix = *state;
    facts all;

    mock.wrong_hmac = true;
    assert_int_equal(check(fix, &all), HSMIAM_ERR_UNSUPPORTED);
    assert_non_null(strstr(all.list[all.count - 1].value, "computes another HMAC"));
    assert_int_equal(get_finding(&all, HSMIAM_FACT_ROUTE, "create-object"), HSMIAM_FINDING_NO);
    expect_mechanism(&all, "CKM_SHA256_HMAC", HSMIAM_FINDING_YES, HSMIAM_FINDING_UNTRIED);
    expect_mechanism(&all, "CKM_RSA_PKCS_OAEP/SHA256", HSMIAM_FINDING_YES, HSMIAM_FINDING_NO);
}

static void test_key_types(void **state)
{
    fixture *fix = *state;
    facts all;

    mock.wrong_type = CKK_GENERIC_SECRET;
    assert_int_equal(check(fix, &all), HSMIAM_OK);
    assert_int_equal(get_finding(&all, HSMIAM_FACT_KEY_TYPE, "CKK_GENERIC_SECRET"),
                     HSMIAM_FINDING_NO);
    assert_int_equal(get_finding(&all, HSMIAM_FACT_KEY_TYPE, "CKK_SHA256_HMAC"),
                     HSMIAM_FINDING_YES);
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
}

/* Without RSA-OAEP, provisioning would make the AES key, where that works. */
static void test_aes(void **state)
{
    fixture *fix = *state;
    facts all;

    mock.no_oaep = true;
    mock.names_wraps = true;
    mock.key_wraps[0] = CKM_AES_KEY_WRAP_PAD;
    mock.key_wrap_count = 1;
    assert_int_equal(check(fix, &all), HSMIAM_OK);
    expect_mechanism(&all, "CKM_AES_KEY_WRAP_KWP/0x210B", HSMIAM_FINDING_YES, HSMIAM_FINDING_NO);
    expect_mechanism(&all, "CKM_AES_KEY_WRAP_PAD/0x210A", HSMIAM_FINDING_YES, HSMIAM_FINDING_YES);
    (void)find_fact(&all, HSMIAM_FACT_PROVISION, "wrapping-aes");
    assert_non_null(strstr(all.list[all.count - 1].value, "opens the better route aes-kwp."));

    fixture_name_token(fix, "pkcs11:token=mock%20token?pin-value=" MOCK_PIN);
    hsmiam_custody_set_forbid_plaintext(fix->custody, true);
    assert_int_equal(check(fix, &all), HSMIAM_ERR_UNSUPPORTED);
    assert_int_equal(get_finding(&all, HSMIAM_FACT_ROUTE, "create-object"),
                     HSMIAM_FINDING_FORBIDDEN);
    assert_non_null(strstr(all.list[all.count - 1].value, "opens the route aes-kwp."));
}

/* Before any PIN is tried. */
static void test_pin_states(void **state)
{
    static const struct {
        CK_FLAGS flags;
        const char *text;
    } states[] = {
        {CKF_USER_PIN_LOCKED, "locked"},
        {CKF_USER_PIN_FINAL_TRY, "one more wrong PIN locks it"},
        {CKF_USER_PIN_TO_BE_CHANGED, "must be changed first"},
    };
    fixture *fix = *state;
    facts all;

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        fixture_stop(fix);
        fixture_start(fix);
        mock.slots[0].token.flags |= states[i].flags;
        assert_int_equal(check(fix, &all), HSMIAM_ERR_PIN);
        assert_string_equal(all.list[find_fact(&all, HSMIAM_FACT_LOGIN, "Pin")].value,
                            states[i].text);
        assert_int_equal(get_finding(&all, HSMIAM_FACT_LOGIN, "Opened"), HSMIAM_FINDING_NO);
        assert_int_equal(mock.calls[MOCK_C_Login], 0);
    }
}

static void test_leftovers(void **state)
{
    fixture *fix = *state;
    facts all;

    assert_int_equal(hsmiam_custody_prepare(fix->custody, fix->error), HSMIAM_OK);
    mock_fail(MOCK_C_DestroyObject, 0, CKR_FUNCTION_FAILED);
    (void)check(fix, &all);
    assert_true(count_topic(&all, HSMIAM_FACT_LEFTOVER) > 0);
    assert_true(mock_count_session_objects() > 0);
}

/* True if the call was made, which failed then. */
static bool fail_once(fixture *fix, mock_function function, unsigned call, CK_RV rv)
{
    facts all;

    fixture_stop(fix);
    fixture_start(fix);
    mock.names_derivation = true;
    mock.derives = true;
    mock.concatenates = true;
    mock.limits = true;
    mock_fail(function, call, rv);
    (void)check(fix, &all);
    return mock.calls[function] >= call;
}

/* Calls fail, once each, in several ways: whatever is told, one verdict is. */
static void test_sweep(void **state)
{
    static const CK_RV failures[] = {CKR_DEVICE_ERROR, CKR_SESSION_HANDLE_INVALID,
                                     CKR_GENERAL_ERROR};

    for (size_t f = 0; f < MOCK_FUNCTION_COUNT; f++)
        for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
            for (unsigned call = 1; fail_once(*state, (mock_function)f, call, failures[i]);)
                call += 1 + call / 4;
}

static void test_without_listener(void **state)
{
    fixture *fix = *state;

    assert_int_equal(hsmiam_custody_check(fix->custody, NULL, NULL, NULL), HSMIAM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_ready),      fixture_test(test_lies),
        fixture_test(test_limit),      fixture_test(test_wrong_hmac),
        fixture_test(test_key_types),  fixture_test(test_aes),
        fixture_test(test_pin_states), fixture_test(test_leftovers),
        fixture_test(test_sweep),      fixture_test(test_without_listener),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
