/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that share a token: each operation has a session to itself, there are never more of them
 * than the token allows, and a loss is everyone's, once. */
#include "fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define THREADS  16
#define SESSIONS 8 /* open at once, as hsmiam.h says */
#define ROUNDS   40
#define PATIENCE 20 /* seconds */
#define ID       "AKIAIOSFODNN7EXAMPLE"
#define SECRET   "hush/hush+hush/hush+hush/hush+hush/hush+"

/* The mock is for one thread at a time; a module is for many (CKF_OS_LOCKING_OK). */
static pthread_mutex_t module_lock = PTHREAD_MUTEX_INITIALIZER;
static CK_FUNCTION_LIST *mock_functions;
static pthread_cond_t one_more = PTHREAD_COND_INITIALIZER;
static size_t most_sessions;
static size_t awaited_sessions; /* no signing ends before so many were open */

#define LOCKED(name, parameters, arguments)                                                        \
    static CK_RV locked_##name parameters                                                          \
    {                                                                                              \
        (void)pthread_mutex_lock(&module_lock);                                                    \
        CK_RV rv = mock_functions->name arguments;                                                 \
        if (mock_count_sessions() > most_sessions) {                                               \
            most_sessions = mock_count_sessions();                                                 \
            (void)pthread_cond_broadcast(&one_more);                                               \
        }                                                                                          \
        (void)pthread_mutex_unlock(&module_lock);                                                  \
        return rv;                                                                                 \
    }

LOCKED(C_GetInfo, (CK_INFO * info), (info))
LOCKED(C_GetSlotList, (unsigned char present, CK_SLOT_ID *list, CK_ULONG *count),
       (present, list, count))
LOCKED(C_GetSlotInfo, (CK_SLOT_ID slot, CK_SLOT_INFO *info), (slot, info))
LOCKED(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO *info), (slot, info))
LOCKED(C_OpenSession,
       (CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
        CK_SESSION_HANDLE *session),
       (slot, flags, application, notify, session))
LOCKED(C_CloseSession, (CK_SESSION_HANDLE session), (session))
LOCKED(C_GetSessionInfo, (CK_SESSION_HANDLE session, CK_SESSION_INFO *info), (session, info))
LOCKED(C_Login, (CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG size),
       (session, user, pin, size))
LOCKED(C_CreateObject,
       (CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
        CK_OBJECT_HANDLE *object),
       (session, template, count, object))
LOCKED(C_DestroyObject, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object), (session, object))
LOCKED(C_GetAttributeValue,
       (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count),
       (session, object, template, count))
LOCKED(C_FindObjectsInit, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count),
       (session, template, count))
LOCKED(C_FindObjects,
       (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG room, CK_ULONG *count),
       (session, objects, room, count))
LOCKED(C_FindObjectsFinal, (CK_SESSION_HANDLE session), (session))
LOCKED(C_SignInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
       (session, mechanism, key))
LOCKED(C_Sign,
       (CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG size, unsigned char *signature,
        CK_ULONG *signature_size),
       (session, data, size, signature, signature_size))

/* Who signs has a session: with enough threads, as many are open as may be. */
static CK_RV sign_together(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG size,
                           unsigned char *signature, CK_ULONG *signature_size)
{
    struct timespec end;

    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE;
    (void)pthread_mutex_lock(&module_lock);
    while (most_sessions < awaited_sessions &&
           pthread_cond_timedwait(&one_more, &module_lock, &end) == 0)
        ;
    (void)pthread_mutex_unlock(&module_lock);
    return locked_C_Sign(session, data, size, signature, signature_size);
}

static CK_FUNCTION_LIST **get_locked_modules(void)
{
    static CK_FUNCTION_LIST functions = {
        .version = {2, 40},
        .C_GetInfo = locked_C_GetInfo,
        .C_GetSlotList = locked_C_GetSlotList,
        .C_GetSlotInfo = locked_C_GetSlotInfo,
        .C_GetTokenInfo = locked_C_GetTokenInfo,
        .C_OpenSession = locked_C_OpenSession,
        .C_CloseSession = locked_C_CloseSession,
        .C_GetSessionInfo = locked_C_GetSessionInfo,
        .C_Login = locked_C_Login,
        .C_CreateObject = locked_C_CreateObject,
        .C_DestroyObject = locked_C_DestroyObject,
        .C_GetAttributeValue = locked_C_GetAttributeValue,
        .C_FindObjectsInit = locked_C_FindObjectsInit,
        .C_FindObjects = locked_C_FindObjects,
        .C_FindObjectsFinal = locked_C_FindObjectsFinal,
        .C_SignInit = locked_C_SignInit,
        .C_Sign = sign_together,
    };
    static CK_FUNCTION_LIST *modules[] = {&functions, NULL};

    mock_functions = mock_get_modules()[0];
    return modules;
}

/* cmocka's assertions are for its own thread: the others count. */
typedef struct worker {
    hsmiam_token *token;
    unsigned number;
    unsigned failures;
    char message[512];
} worker;

static hsmiam_status sign(worker *self, hsmiam_object key, uint8_t mac_out[HSMIAM_HMAC_SIZE],
                          hsmiam_error *error)
{
    hsmiam_secret *mac = NULL;

    hsmiam_status status = hsmiam_secret_new(HSMIAM_HMAC_SIZE, &mac, error);
    if (status == HSMIAM_OK)
        status =
            hsmiam_token_hmac(self->token, key, &self->number, sizeof self->number, mac, error);
    if (status == HSMIAM_OK)
        memcpy(mac_out, hsmiam_secret_get_data(mac), HSMIAM_HMAC_SIZE);
    hsmiam_secret_free(&mac);
    return status;
}

/* Imports a session object, uses and destroys it. */
static hsmiam_status rehearse(worker *self, hsmiam_error *error)
{
    const hsmiam_key_spec spec = {
        .id = "REHEARSAL0000000", .label = "r", .created = 0, .persistent = false};
    uint8_t mac[HSMIAM_HMAC_SIZE];
    hsmiam_secret *value = NULL;
    hsmiam_object object = 0;

    hsmiam_status status = hsmiam_secret_new(64, &value, error);
    if (status == HSMIAM_OK && !hsmiam_secret_append(value, "AWS4" SECRET, 44))
        status = HSMIAM_ERR_INTERNAL;
    if (status == HSMIAM_OK)
        status = hsmiam_token_import_key(self->token, HSMIAM_ROUTE_CREATE_OBJECT, &spec, value,
                                         &object, error);
    if (status == HSMIAM_OK)
        status = sign(self, object, mac, error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_destroy_object(self->token, object, error);
    hsmiam_secret_free(&value);
    return status;
}

static void *work(void *context)
{
    worker *self = context;
    uint8_t first[HSMIAM_HMAC_SIZE] = {0};
    uint8_t mac[HSMIAM_HMAC_SIZE] = {0};
    hsmiam_error *error = hsmiam_error_new();

    for (unsigned round = 0; round < ROUNDS; round++) {
        char id[HSMIAM_ACCESS_KEY_ID_MAX + 1] = "";
        hsmiam_object key = 0;
        unsigned losses = 0;
        hsmiam_status status = hsmiam_token_open(self->token, error);
        if (status == HSMIAM_OK)
            status = hsmiam_token_find_access_key(self->token, NULL, &key, id, error);
        if (status == HSMIAM_OK)
            status = sign(self, key, round == 0 ? first : mac, error);
        if (status == HSMIAM_OK && round > 0 && memcmp(first, mac, sizeof mac) != 0)
            status = HSMIAM_ERR_INTERNAL;
        if (status == HSMIAM_OK && !self->token->read_only) {
            losses = hsmiam_token_count_losses(self->token);
            status = rehearse(self, error);
            if (hsmiam_token_count_losses(self->token) != losses)
                status = HSMIAM_OK; /* what lived in the session went with it */
        }
        if (status != HSMIAM_OK && self->failures++ == 0)
            (void)snprintf(self->message, sizeof self->message, "%d: %s", status,
                           hsmiam_error_get_message(error));
    }
    hsmiam_error_free(&error);
    return NULL;
}

/* All threads over one token, named but not opened before; they wait until so many sessions are
 * open. */
static void run_threads(fixture *fix, size_t sessions)
{
    worker workers[THREADS];
    pthread_t threads[THREADS];

    most_sessions = 0;
    awaited_sessions = sessions;
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (worker){.token = fix->token, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        if (workers[i].failures > 0)
            fail_msg("%u failures of thread %u: %s", workers[i].failures, i, workers[i].message);
}

static void name_token(fixture *fix)
{
    (void)fixture_name_token(fix, URI_WITH_PIN);
    hsmiam_token_set_modules(fix->token, get_locked_modules());
    (void)mock_add_access_key(ID, "alice", SECRET);
}

static void test_threads_share_a_token(void **state)
{
    fixture *fix = *state;

    name_token(fix);
    run_threads(fix, SESSIONS);
    assert_int_equal(most_sessions, SESSIONS);
    assert_int_equal(mock.calls[MOCK_C_Login], 1);
    assert_int_equal(hsmiam_token_count_losses(fix->token), 0);
}

/* As every session finds out for itself. */
static void test_threads_share_a_write_protected_token(void **state)
{
    fixture *fix = *state;

    name_token(fix);
    mock.slots[0].token.flags |= CKF_WRITE_PROTECTED;
    run_threads(fix, SESSIONS);
    assert_int_equal(most_sessions, SESSIONS);
}

static void test_token_tells_how_many_sessions(void **state)
{
    fixture *fix = *state;

    mock.slots[0].token.ulMaxRwSessionCount = 3;
    name_token(fix);
    run_threads(fix, 3);
    assert_int_equal(most_sessions, 3);
}

/* SoftHSM loses objects that are made while another thread reads. */
static void test_one_thread_at_a_time(void **state)
{
    fixture *fix = *state;

    mock_set_padded(mock.slots[0].token.model, sizeof mock.slots[0].token.model, "SoftHSM v2");
    name_token(fix);
    run_threads(fix, 1);
    assert_int_equal(most_sessions, 1);
}

static void test_token_refuses_more_sessions(void **state)
{
    static const CK_RV refusals[] = {CKR_SESSION_COUNT, CKR_DEVICE_MEMORY, CKR_GENERAL_ERROR};
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        hsmiam_token_free(&fix->token);
        mock_reset();
        name_token(fix);
        fixture_expect_open(fix, HSMIAM_OK);
        mock_fail(MOCK_C_OpenSession, 0, refusals[i]);
        run_threads(fix, 1);
        assert_int_equal(most_sessions, 1);
    }
}

/* The session that was there is lost, and no other can be had. */
static void test_no_session_is_left(void **state)
{
    fixture *fix = *state;
    size_t count = 0;

    name_token(fix);
    fixture_expect_open(fix, HSMIAM_OK);
    mock_fail(MOCK_C_OpenSession, 0, CKR_SESSION_COUNT);
    mock_fail(MOCK_C_FindObjectsInit, 1, CKR_SESSION_CLOSED);
    assert_int_equal(hsmiam_token_count_access_keys(fix->token, ID, &count, fix->error),
                     HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "CKR_SESSION_COUNT");
    fixture_expect_message(fix, "was lost (CKR_SESSION_CLOSED)");
}

static void test_token_is_lost_under_all(void **state)
{
    fixture *fix = *state;

    name_token(fix);
    mock_fail(MOCK_C_Sign, 50, CKR_DEVICE_REMOVED);
    mock_fail(MOCK_C_FindObjects, 200, CKR_SESSION_HANDLE_INVALID);
    run_threads(fix, 1);
    assert_in_range(hsmiam_token_count_losses(fix->token), 1, 2);
    assert_int_equal(mock.calls[MOCK_C_Login], 1 + hsmiam_token_count_losses(fix->token));
}

static void test_threads_with_a_timeout(void **state)
{
    fixture *fix = *state;

    name_token(fix);
    hsmiam_token_set_timeout(fix->token, 30);
    mock_fail(MOCK_C_Sign, 50, CKR_DEVICE_REMOVED);
    run_threads(fix, 1);
    assert_int_equal(hsmiam_token_count_losses(fix->token), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_threads_share_a_token),
        fixture_test(test_threads_share_a_write_protected_token),
        fixture_test(test_token_tells_how_many_sessions),
        fixture_test(test_one_thread_at_a_time),
        fixture_test(test_token_refuses_more_sessions),
        fixture_test(test_no_session_is_left),
        fixture_test(test_token_is_lost_under_all),
        fixture_test(test_threads_with_a_timeout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
