/* SPDX-License-Identifier: Apache-2.0 */
/* Every call that the layer makes fails once, in every way: the failure is told by the function's
 * name, and nothing is left behind. */
#include "fixture.h"

#include <string.h>

#define ID    "AKIAIOSFODNN7EXAMPLE"
#define VALUE "AWS4hush/hush+hush/hush+hush/hush+hush/hush+"

static const hsmiam_key_spec spec = {
    .id = ID, .label = "alice", .created = 1440938160, .persistent = true};

/* None of them says that the session is lost: nothing is tried again. */
static const CK_RV failures[] = {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_MEMORY,
                                 CKR_HOST_MEMORY};

/* One thing that the layer does: what must be there before it, and the doing. */
typedef struct operation {
    void (*prepare)(fixture *fix);
    hsmiam_status (*run)(fixture *fix);
    void (*look)(fixture *fix); /* after a failure */
    bool tries_again;
} operation;

/* Runs with one failure; false once that call is not made any more. */
static bool run_failing(fixture *fix, const operation *what, mock_function function, unsigned call,
                        CK_RV rv)
{
    char name[32];

    mock_reset();
    what->prepare(fix);
    mock_stop_failing();
    mock_fail(function, call, rv);
    hsmiam_error_clear(fix->error);
    hsmiam_status status = what->run(fix);
    bool reached = mock.calls[function] >= call;
    mock_stop_failing();

    /* Without its answer, the login is tried; and where it is doubtful what a failure means, and
     * certain that nothing was made, the same is tried once more. */
    if (!reached || function == MOCK_C_GetSessionInfo) {
        assert_int_equal(status, HSMIAM_OK);
    } else if (status == HSMIAM_OK && what->tries_again &&
               hsmiam_rv_judge(rv) == HSMIAM_VERDICT_DOUBTFUL) {
        assert_int_equal(hsmiam_error_get_status(fix->error), HSMIAM_OK);
    } else {
        if (status == HSMIAM_OK)
            print_error("call %u of %s may fail\n", call, mock_get_name(function));
        assert_int_not_equal(status, HSMIAM_OK);
        assert_int_equal(hsmiam_error_get_status(fix->error), status);
        fixture_expect_message(fix, mock_get_name(function));
        fixture_expect_message(fix, hsmiam_rv_get_name(rv, name));
        fixture_expect_no_message(fix, "hush");
        assert_int_equal(hsmiam_error_get_code(fix->error), rv);
        what->look(fix);
    }
    hsmiam_token_free(&fix->token);
    assert_int_equal(mock_count_sessions(), 0);
    return reached;
}

/* Counts how many calls were made to fail. */
static unsigned sweep(fixture *fix, const operation *what)
{
    unsigned count = 0;

    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        for (mock_function function = 0; function < MOCK_FUNCTION_COUNT; function++)
            for (unsigned call = 1; run_failing(fix, what, function, call, failures[i]); call++)
                count++;
    return count;
}

static void name_it(fixture *fix)
{
    (void)fixture_name_token(fix, URI_WITH_PIN);
}

static hsmiam_status run_open(fixture *fix)
{
    return hsmiam_token_open(fix->token, fix->error);
}

static void look_after_open(fixture *fix)
{
    assert_int_equal(mock_count_sessions(), 0);
    assert_false(mock.logged_in);
    assert_int_equal(hsmiam_token_open(fix->token, fix->error), HSMIAM_OK);
}

static void test_open(void **state)
{
    const operation open = {name_it, run_open, look_after_open, false};

    assert_int_equal(sweep(*state, &open), 4 * 8);
}

static void prepare_find(fixture *fix)
{
    (void)fixture_open_token(fix);
    (void)mock_add_access_key(ID, "alice", "hush");
}

static hsmiam_status run_find(fixture *fix)
{
    hsmiam_object key = CK_INVALID_HANDLE;
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];

    return hsmiam_token_find_access_key(fix->token, NULL, &key, id, fix->error);
}

/* No search stays open in the session. */
static void look_after_find(fixture *fix)
{
    assert_int_equal(run_find(fix), HSMIAM_OK);
}

static void test_find(void **state)
{
    const operation find = {prepare_find, run_find, look_after_find, false};

    assert_true(sweep(*state, &find) >= 4 * 5);
}

static void prepare_import(fixture *fix)
{
    (void)mock_add_wrapping_pair();
    (void)fixture_open_token(fix);
}

static hsmiam_status import_by(fixture *fix, hsmiam_import_route route, hsmiam_object *object_out)
{
    hsmiam_secret *value = NULL;

    assert_int_equal(hsmiam_secret_new(64, &value, fix->error), HSMIAM_OK);
    assert_true(hsmiam_secret_append(value, VALUE, strlen(VALUE)));
    hsmiam_status status =
        hsmiam_token_import_key(fix->token, route, &spec, value, object_out, fix->error);
    hsmiam_secret_free(&value);
    return status;
}

static hsmiam_status run_oaep(fixture *fix)
{
    hsmiam_object object = CK_INVALID_HANDLE;

    return import_by(fix, HSMIAM_ROUTE_RSA_OAEP, &object);
}

static hsmiam_status run_create(fixture *fix)
{
    hsmiam_object object = CK_INVALID_HANDLE;

    return import_by(fix, HSMIAM_ROUTE_CREATE_OBJECT, &object);
}

static void look_after_import(fixture *fix)
{
    (void)fix;
    assert_int_equal(mock_find(CKO_SECRET_KEY, NULL), CK_INVALID_HANDLE);
}

static void test_import(void **state)
{
    const operation oaep = {prepare_import, run_oaep, look_after_import, true};
    const operation create = {prepare_import, run_create, look_after_import, true};

    assert_true(sweep(*state, &oaep) >= 4 * 8);
    assert_int_equal(sweep(*state, &create), 4);
}

static void prepare_proof(fixture *fix)
{
    prepare_import(fix);
    assert_int_equal(run_create(fix), HSMIAM_OK);
}

static hsmiam_status run_proof(fixture *fix)
{
    hsmiam_object object = mock_find(CKO_SECRET_KEY, ID);
    hsmiam_secret *mac = NULL;

    assert_int_equal(hsmiam_secret_new(HSMIAM_HMAC_SIZE, &mac, fix->error), HSMIAM_OK);
    hsmiam_status status = hsmiam_token_hmac(fix->token, object, "data", 4, mac, fix->error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_check_key(fix->token, object, &spec, fix->error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_destroy_object(fix->token, object, fix->error);
    hsmiam_secret_free(&mac);
    return status;
}

/* A failed signature leaves none under way. */
static void look_after_proof(fixture *fix)
{
    assert_int_equal(run_proof(fix), HSMIAM_OK);
}

static void test_proof(void **state)
{
    const operation proof = {prepare_proof, run_proof, look_after_proof, false};

    assert_int_equal(sweep(*state, &proof), 4 * (2 + 4 + 1));
}

static hsmiam_status run_provision(fixture *fix)
{
    return hsmiam_token_provision(fix->token, NULL, NULL, fix->error);
}

/* Provisioning again completes what was begun. */
static void look_after_provision(fixture *fix)
{
    (void)fixture_name_token(fix, URI_WITH_PIN);
    assert_int_equal(run_provision(fix), HSMIAM_OK);
    assert_int_equal(mock_count_objects(), 6);
}

static void test_provision(void **state)
{
    const operation provision = {name_it, run_provision, look_after_provision, true};

    assert_true(sweep(*state, &provision) >= 4 * 30);
}

/* Closing fails on nobody. */
static void test_close(void **state)
{
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        mock_reset();
        (void)fixture_open_token(fix);
        mock_fail(MOCK_C_CloseSession, 1, failures[i]);
        hsmiam_token_free(&fix->token);
        assert_int_equal(mock.calls[MOCK_C_CloseSession], 1);
    }
    mock_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_open),  fixture_test(test_find),      fixture_test(test_import),
        fixture_test(test_proof), fixture_test(test_provision), fixture_test(test_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
