/* SPDX-License-Identifier: Apache-2.0 */
/* How the module behind is initialised, shared with others in the process, and let go. */
#include "instance.h"
#include "support/cmocka_tests.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/p11-kit.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { INITIALIZE, FINALIZE, CLOSE_SESSION = 13, CLOSE_ALL_SESSIONS, LOGIN = 18 };

static unsigned count_calls(const recording *record, int index)
{
    return record->calls[0][index].count;
}

static CK_FUNCTION_LIST *load(const char *name)
{
    return instance_get_functions(instance_load(name, instance_get_recording_path()));
}

static CK_RV no_mutex(void **mutex)
{
    (void)mutex;
    return CKR_OK;
}

static CK_RV no_lock(void *mutex)
{
    (void)mutex;
    return CKR_OK;
}

static void initialises_once(void **state)
{
    CK_FUNCTION_LIST *functions = load("once");
    recording *record = instance_record();

    (void)state;
    assert_int_equal(functions->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(functions->C_Initialize(NULL), CKR_OK);
        assert_int_equal(functions->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
        assert_int_equal(functions->C_Finalize(&i), CKR_ARGUMENTS_BAD);
        assert_int_equal(functions->C_Finalize(NULL), CKR_OK);
        assert_int_equal(functions->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    }
    assert_int_equal(count_calls(record, INITIALIZE), 2);
    assert_int_equal(count_calls(record, FINALIZE), 2);
    record->values[INITIALIZE] = CKR_DEVICE_ERROR;
    assert_int_equal(functions->C_Initialize(NULL), CKR_DEVICE_ERROR);
    assert_int_equal(functions->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void hands_arguments_on(void **state)
{
    char words[] = "words";
    const CK_C_INITIALIZE_ARGS cases[] = {
        {.flags = CKF_OS_LOCKING_OK},
        {.flags = 0},
        {no_mutex, no_lock, no_lock, no_lock, CKF_OS_LOCKING_OK, NULL},
        {no_mutex, no_lock, NULL, no_lock, 0, NULL},
        {.flags = CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS},
        {.flags = CKF_OS_LOCKING_OK, .pReserved = words},
    };
    CK_FUNCTION_LIST *functions = load("arguments");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        recording *record = instance_record();
        CK_C_INITIALIZE_ARGS given = cases[i];

        assert_int_equal(functions->C_Initialize(&given), CKR_OK);
        assert_ptr_equal(record->calls[0][INITIALIZE].words[0], &given);
        assert_int_equal(functions->C_Finalize(NULL), CKR_OK);
        assert_false(record->initialised);
    }
    /* Its functions are called by threads of libhsmiam's, too. */
    recording *record = instance_record();
    assert_int_equal(functions->C_Initialize(NULL), CKR_OK);
    assert_int_equal(record->flags, CKF_OS_LOCKING_OK);
    assert_int_equal(functions->C_Finalize(NULL), CKR_OK);
}

/* The parameter string that the token's URI has, unless the program has one of its own. */
static void gives_the_words_of_the_uri(void **state)
{
    char own[] = "own words";
    char path[4096];
    CK_C_INITIALIZE_ARGS given = {.flags = CKF_OS_LOCKING_OK, .pReserved = own};

    (void)state;
    (void)snprintf(path, sizeof path, "%s&x-init-reserved=some%%20words",
                   instance_get_recording_path());
    CK_FUNCTION_LIST *functions = instance_get_functions(instance_load("words", path));
    recording *record = instance_record();
    assert_int_equal(functions->C_Initialize(NULL), CKR_OK);
    assert_string_equal(record->reserved, "some words");
    assert_int_equal(functions->C_Finalize(NULL), CKR_OK);
    assert_int_equal(functions->C_Initialize(&given), CKR_OK);
    assert_ptr_equal(record->reserved, own);
    assert_int_equal(functions->C_Finalize(NULL), CKR_OK);
    assert_false(record->initialised);
}

static CK_SESSION_HANDLE open_session(CK_FUNCTION_LIST *functions, CK_SLOT_ID slot)
{
    CK_SESSION_HANDLE session = 0;

    assert_int_equal(functions->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session),
                     CKR_OK);
    return session;
}

/* Two instances and p11-kit: each closes its own sessions, and the last one finalises. */
static void shares_with_others(void **state)
{
    CK_FUNCTION_LIST *one = load("one");
    CK_FUNCTION_LIST *two = load("two");
    recording *record = instance_record();
    CK_FUNCTION_LIST *kit = p11_kit_module_load(instance_get_recording_path(), 0);

    (void)state;
    assert_int_equal(one->C_Initialize(NULL), CKR_OK);
    assert_int_equal(p11_kit_module_initialize(kit), CKR_OK);
    assert_int_equal(two->C_Initialize(NULL), CKR_OK);
    CK_SESSION_HANDLE first = open_session(one, 5);
    CK_SESSION_HANDLE second = open_session(one, 6);
    (void)open_session(two, 5);
    assert_int_equal(one->C_CloseAllSessions(5), CKR_OK);
    assert_int_equal(count_calls(record, CLOSE_ALL_SESSIONS), 0);
    assert_int_equal(count_calls(record, CLOSE_SESSION), 1);
    assert_int_equal(record->calls[0][CLOSE_SESSION].words[0], first);
    assert_int_equal(one->C_Finalize(NULL), CKR_OK);
    assert_int_equal(count_calls(record, CLOSE_SESSION), 2);
    assert_int_equal(record->calls[0][CLOSE_SESSION].words[0], second);
    assert_int_equal(one->C_GetInfo(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(two->C_GetInfo(NULL), CKR_OK);
    assert_int_equal(two->C_Finalize(NULL), CKR_OK);
    assert_int_equal(count_calls(record, CLOSE_SESSION), 3);
    assert_int_equal(count_calls(record, FINALIZE), 0);
    assert_int_equal(p11_kit_module_finalize(kit), CKR_OK);
    assert_int_equal(count_calls(record, INITIALIZE), 1);
    assert_int_equal(count_calls(record, FINALIZE), 1);
    p11_kit_module_release(kit);
}

/* A program that uses the module behind itself keeps it. */
static void joins_whom_it_finds(void **state)
{
    CK_C_INITIALIZE_ARGS own = {.flags = CKF_LIBRARY_CANT_CREATE_OS_THREADS};
    CK_FUNCTION_LIST *functions = load("joins");
    recording *record = instance_record();

    (void)state;
    record->initialised = true;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(functions->C_Initialize(i == 0 ? NULL : &own), CKR_OK);
        assert_int_equal(functions->C_GetInfo(NULL), CKR_OK);
        assert_int_equal(functions->C_Finalize(NULL), CKR_OK);
        assert_true(record->initialised);
    }
    assert_int_equal(count_calls(record, FINALIZE), 0);
}

static void keeps_what_was_not_closed(void **state)
{
    CK_FUNCTION_LIST *functions = load("keeps");
    recording *record = instance_record();
    CK_SESSION_HANDLE session = 0;

    (void)state;
    assert_int_equal(functions->C_Initialize(NULL), CKR_OK);
    session = open_session(functions, 1);
    for (int i = 0; i < 20; i++)
        assert_int_equal(functions->C_CloseSession(open_session(functions, 2)), CKR_OK);
    record->values[CLOSE_SESSION] = CKR_DEVICE_ERROR;
    assert_int_equal(functions->C_CloseSession(session), CKR_DEVICE_ERROR);
    record->values[CLOSE_SESSION] = CKR_SESSION_HANDLE_INVALID;
    assert_int_equal(functions->C_CloseSession(77), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(functions->C_CloseAllSessions(1), CKR_OK);
    assert_int_equal(record->calls[0][CLOSE_SESSION].words[0], session);
    record->values[5] = CKR_SLOT_ID_INVALID; /* C_GetSlotInfo */
    assert_int_equal(functions->C_CloseAllSessions(9), CKR_SLOT_ID_INVALID);
    record->values[12] = CKR_SESSION_COUNT; /* C_OpenSession */
    assert_int_equal(functions->C_OpenSession(1, 4, NULL, NULL, &session), CKR_SESSION_COUNT);
    assert_int_equal(functions->C_Finalize(NULL), CKR_OK);
    assert_int_equal(count_calls(record, CLOSE_SESSION), 23);
}

/* The module behind closes sessions by itself when its token is taken out. */
static void knows_a_handle_anew(void **state)
{
    CK_FUNCTION_LIST *functions = load("anew");
    recording *record = instance_record();

    (void)state;
    assert_int_equal(functions->C_Initialize(NULL), CKR_OK);
    CK_SESSION_HANDLE gone = open_session(functions, 1);
    record->session = gone;
    assert_int_equal(open_session(functions, 2), gone);
    assert_int_equal(functions->C_CloseAllSessions(1), CKR_OK);
    assert_int_equal(count_calls(record, CLOSE_SESSION), 0);
    assert_int_equal(functions->C_Finalize(NULL), CKR_OK);
    assert_int_equal(count_calls(record, CLOSE_SESSION), 1);
}

static void *asked;
static atomic_bool has_answered;

static void *ask_for_interfaces(void *context)
{
    CK_ULONG count = 0;
    CK_C_GetInterfaceList get = (CK_C_GetInterfaceList)dlsym(asked, "C_GetInterfaceList");

    if (get(NULL, &count) == CKR_OK && count == 3)
        has_answered = true;
    return context;
}

static pthread_t asking;

static void ask_meanwhile(void)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    assert_int_equal(pthread_create(&asking, NULL, ask_for_interfaces, NULL), 0);
    for (int i = 0; i < 5000 && !has_answered; i++)
        (void)nanosleep(&pause, NULL);
    assert_true(has_answered);
}

/* p11-kit asks for the interfaces under its lock, which the initialisation needs as well. */
static void tells_interfaces_while_it_is_initialised(void **state)
{
    (void)state;
    asked = instance_load("asked", instance_get_recording_path());
    instance_record()->meanwhile = ask_meanwhile;
    assert_int_equal(instance_get_functions(asked)->C_Initialize(NULL), CKR_OK);
    assert_int_equal(pthread_join(asking, NULL), 0);
    assert_int_equal(instance_get_functions(asked)->C_Finalize(NULL), CKR_OK);
}

/* A profile's name may look like the end of a file's. */
static void has_the_whole_name(void **state)
{
    CK_FUNCTION_LIST *functions = load("my.sorted.so.x");

    (void)state;
    (void)instance_record();
    assert_int_equal(functions->C_Initialize(NULL), CKR_OK);
    assert_int_equal(functions->C_Finalize(NULL), CKR_OK);
}

/* A log that is opened by the number of standard input, which a daemon has closed, is closed. */
static void leaves_no_log_open(void **state)
{
    void *instance = instance_load("daemon", "/nonexistent.so");
    int input = dup(STDIN_FILENO);

    (void)state;
    (void)close(STDIN_FILENO);
    assert_int_equal(instance_get_functions(instance)->C_Initialize(NULL), CKR_GENERAL_ERROR);
    bool is_open = fcntl(STDIN_FILENO, F_GETFD) != -1;
    if (input >= 0) {
        (void)dup2(input, STDIN_FILENO);
        (void)close(input);
    }
    assert_false(is_open);
    assert_string_not_equal(instance_read_log(), "");
}

/* In a child the parent's initialisation counts for nothing, and its sessions are not closed. */
static int use_in_child(CK_FUNCTION_LIST *functions, recording *record)
{
    record->initialised = false;
    if (functions->C_Finalize(NULL) != CKR_CRYPTOKI_NOT_INITIALIZED ||
        count_calls(record, CLOSE_SESSION) != 0)
        return 5;
    if (functions->C_Initialize(NULL) != CKR_OK || count_calls(record, INITIALIZE) != 2)
        return 1;
    if (functions->C_Initialize(NULL) != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return 2;
    (void)open_session(functions, 3);
    if (functions->C_Finalize(NULL) != CKR_OK || count_calls(record, FINALIZE) != 1)
        return 3;
    return count_calls(record, CLOSE_SESSION) == 1 ? 0 : 4;
}

static void works_in_a_child(void **state)
{
    CK_C_INITIALIZE_ARGS own = {no_mutex, no_lock, no_lock, no_lock, 0, NULL};
    CK_FUNCTION_LIST *functions = load("child");

    (void)state;
    for (int i = 0; i < 2; i++) {
        recording *record = instance_record();
        int status = 0;

        assert_int_equal(functions->C_Initialize(i == 0 ? NULL : &own), CKR_OK);
        (void)open_session(functions, 3);
        pid_t child = fork();
        if (child == 0)
            _exit(use_in_child(functions, record));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(functions->C_Finalize(NULL), CKR_OK);
        assert_int_equal(count_calls(record, FINALIZE), 1);
    }
}

static void refuses_to_stand_before_itself(void **state)
{
    char to_b[4096];

    (void)state;
    (void)snprintf(to_b, sizeof to_b, "%s", instance_get_path("b"));
    void *a = instance_load("a", to_b);
    void *b = instance_load("b", instance_get_path("a"));
    assert_int_equal(instance_get_functions(a)->C_Initialize(NULL), CKR_GENERAL_ERROR);
    assert_non_null(strstr(instance_read_log(), "leads back to this one"));
    assert_int_equal(instance_get_functions(b)->C_Initialize(NULL), CKR_GENERAL_ERROR);
    void *self = instance_load("self", instance_get_path("self"));
    assert_int_equal(instance_get_functions(self)->C_Initialize(NULL), CKR_GENERAL_ERROR);
    const char *said = instance_read_log();
    assert_non_null(strstr(said, "hsmiam-pkcs11-self["));
    assert_non_null(strstr(said, "is this module itself"));
}

static void says_what_cannot_be_loaded(void **state)
{
    static const struct {
        const char *name;
        const char *path; /* NULL: a library that is no such module */
        const char *says;
    } cases[] = {
        {"nowhere", "/nonexistent.so", "cannot be loaded: /nonexistent.so"},
        {"nothing", NULL, "it lacks C_GetFunctionList"},
        {"relative", "softhsm.so", "give it module-path"},
    };

    Dl_info libc;

    (void)state;
    assert_true(dladdr((void *)fopen, &libc) != 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = cases[i].path != NULL ? cases[i].path : libc.dli_fname;
        void *instance = instance_load(cases[i].name, path);

        assert_non_null(instance_get_interface(instance, 2));
        assert_null(instance_get_interface(instance, 3));
        assert_string_equal(instance_read_log(), "");
        assert_int_equal(instance_get_functions(instance)->C_Initialize(NULL), CKR_GENERAL_ERROR);
        assert_non_null(strstr(instance_read_log(), cases[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initialises_once),
        cmocka_unit_test(hands_arguments_on),
        cmocka_unit_test(gives_the_words_of_the_uri),
        cmocka_unit_test(shares_with_others),
        cmocka_unit_test(joins_whom_it_finds),
        cmocka_unit_test(keeps_what_was_not_closed),
        cmocka_unit_test(knows_a_handle_anew),
        cmocka_unit_test(tells_interfaces_while_it_is_initialised),
        cmocka_unit_test(has_the_whole_name),
        cmocka_unit_test(leaves_no_log_open),
        cmocka_unit_test(works_in_a_child),
        cmocka_unit_test(refuses_to_stand_before_itself),
        cmocka_unit_test(says_what_cannot_be_loaded),
    };

    return cmocka_run_group_tests(tests, instance_set_up, instance_tear_down);
}
