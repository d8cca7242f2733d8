/* SPDX-License-Identifier: Apache-2.0 */
/* CKM_HSMIAM_AWS_ACCESS_KEY: who is asked for, what a template may say, and what failures become.
 */
#include "generate_bed.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cryptoki/mechanism.h"
#include "hsmiam/pkcs11.h"

static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;

static void name_user(const char *name)
{
    the_bed.mechanism.pParameter = (char *)name;
    the_bed.mechanism.ulParameterLen = strlen(name);
}

static CK_RV generate_labelled(const char *label)
{
    CK_ATTRIBUTE template[] = {{CKA_LABEL, (char *)label, strlen(label)}};
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;

    return bed_generate(template, 1, &key);
}

static void takes_the_users_name_from_parameter_or_label(void **state)
{
    CK_ATTRIBUTE two[] = {{CKA_LABEL, (char *)"Alice", 5}, {CKA_LABEL, (char *)"Bob", 3}};
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;

    (void)state;
    bed_expect(CKR_OK);
    assert_string_equal(the_bed.user_name, "(none)");
    mock_remove(mock_find(CKO_SECRET_KEY, NEW_ID));
    assert_int_equal(generate_labelled("Bob"), CKR_OK);
    assert_string_equal(the_bed.user_name, "Bob");
    mock_remove(mock_find(CKO_SECRET_KEY, NEW_ID));
    name_user("Alice");
    assert_int_equal(generate_labelled(""), CKR_OK);
    assert_string_equal(the_bed.user_name, "Alice");
    mock_remove(mock_find(CKO_SECRET_KEY, NEW_ID));
    assert_int_equal(generate_labelled("Alice"), CKR_OK);
    assert_int_equal(the_bed.issued, 4);
    assert_int_equal(generate_labelled("Bob"), CKR_TEMPLATE_INCONSISTENT);
    assert_int_equal(the_bed.issued, 4);
    the_bed.mechanism.ulParameterLen = 0;
    assert_int_equal(bed_generate(two, 2, &key), CKR_TEMPLATE_INCONSISTENT);
    assert_int_equal(the_bed.issued, 4);
    assert_int_equal(the_bed.cleared, 4);
}

static void refuses_what_is_no_users_name(void **state)
{
    static const char *const wrong[] = {
        "Bob Smith", "Bob/", "J\xc3\xbcrgen",
        "123456789012345678901234567890123456789012345678901234567890"
        "123456789012345678901234567890123456789012345678901234567890"
        "123456789"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        the_bed.mechanism.ulParameterLen = 0;
        assert_int_equal(generate_labelled(wrong[i]), CKR_ATTRIBUTE_VALUE_INVALID);
        name_user(wrong[i]);
        bed_expect(CKR_MECHANISM_PARAM_INVALID);
    }
    the_bed.mechanism = (CK_MECHANISM){CKM_HSMIAM_AWS_ACCESS_KEY, (char *)"Bob\0x", 5};
    bed_expect(CKR_MECHANISM_PARAM_INVALID);
    the_bed.mechanism = (CK_MECHANISM){CKM_HSMIAM_AWS_ACCESS_KEY, NULL, 3};
    bed_expect(CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(the_bed.issued, 0);
}

/* A size that is none, in front of memory that is none. */
static void reads_no_more_than_a_name(void **state)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t size = HSMIAM_USER_NAME_SIZE; /* one more than a name has */
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    memset(pages, 'a', page);
    the_bed.mechanism.pParameter = pages + page - size;
    the_bed.mechanism.ulParameterLen = (CK_ULONG)-1;
    bed_expect(CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(munmap(pages, 2 * page), 0);
}

/* As `pkcs11-tool --keygen` asks. */
static void does_not_follow_what_would_weaken_the_key(void **state)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ULONG length = 32;
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &no, sizeof no},
        {CKA_SENSITIVE, &no, sizeof no},
        {CKA_EXTRACTABLE, &yes, sizeof yes},
        {CKA_ENCRYPT, &yes, sizeof yes},
        {CKA_DECRYPT, &yes, sizeof yes},
        {CKA_VALUE_LEN, &length, sizeof length},
        {CKA_LABEL, (char *)"Bob", 3},
        {CKA_ID, NULL, 0},
        {CKA_DERIVE, &no, sizeof no},
    };

    (void)state;
    assert_int_equal(bed_generate(template, sizeof template / sizeof template[0], &key), CKR_OK);
    assert_int_equal(key, mock_find(CKO_SECRET_KEY, NEW_ID));
}

static void refuses_what_cannot_be_had(void **state)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_MECHANISM_TYPE hmac = CKM_SHA256_HMAC;
    CK_DATE date = {{'2', '0', '2', '6'}, {'1', '1'}, {'2', '4'}};
    const struct {
        CK_ATTRIBUTE attribute;
        CK_RV rv;
    } cases[] = {
        {{CKA_CLASS, &class, sizeof class}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_KEY_TYPE, &type, sizeof type}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_TOKEN, &no, sizeof no}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_ID, (char *)NEW_ID, strlen(NEW_ID)}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_VALUE, (char *)"AWS4", 4}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_VALUE, NULL, 0}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_DESTROYABLE, &no, sizeof no}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_TRUSTED, &yes, sizeof yes}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_END_DATE, &date, sizeof date}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_ALLOWED_MECHANISMS, &hmac, sizeof hmac}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_MODULUS, &yes, sizeof yes}, CKR_ATTRIBUTE_TYPE_INVALID},
        {{CKA_VENDOR_DEFINED | 7, &yes, sizeof yes}, CKR_ATTRIBUTE_TYPE_INVALID},
        {{CKA_CLASS, &class, 1}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_CLASS, NULL, sizeof class}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_PRIVATE, &yes, 2}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_PRIVATE, NULL, 0}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_LABEL, NULL, 3}, CKR_ATTRIBUTE_VALUE_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CK_ATTRIBUTE attribute = cases[i].attribute;
        CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
        the_bed.message[0] = '\0';
        assert_int_equal(bed_generate(&attribute, 1, &key), cases[i].rv);
        assert_string_not_equal(the_bed.message, "");
    }
    assert_int_equal(the_bed.issued, 0);
}

static void wants_the_user_in_a_session_that_writes(void **state)
{
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;

    (void)state;
    mock.logged_in = false;
    bed_expect(CKR_USER_NOT_LOGGED_IN);
    mock.so_logged_in = true;
    bed_expect(CKR_USER_NOT_LOGGED_IN);
    mock.so_logged_in = false;
    bed_open_session(0);
    mock.logged_in = true;
    bed_expect(CKR_SESSION_READ_ONLY);
    assert_int_equal(bed_generate(NULL, 0, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(bed_generate(NULL, 1, &key), CKR_ARGUMENTS_BAD);
    assert_int_equal(the_bed.issued, 0);
    assert_int_equal(mock.calls[MOCK_C_Login], 0);
}

static void says_what_failed_by_the_nearest_code(void **state)
{
    static const struct {
        hsmiam_status status;
        hsmiam_domain domain;
        unsigned long code;
        const char *code_name;
        CK_RV rv;
    } cases[] = {
        {HSMIAM_ERR_SERVICE, HSMIAM_DOMAIN_SERVICE, 403, "AccessDenied", CKR_ACTION_PROHIBITED},
        {HSMIAM_ERR_SERVICE, HSMIAM_DOMAIN_SERVICE, 404, "NoSuchEntity",
         CKR_MECHANISM_PARAM_INVALID},
        {HSMIAM_ERR_SERVICE, HSMIAM_DOMAIN_SERVICE, 409, "LimitExceeded", CKR_FUNCTION_FAILED},
        {HSMIAM_ERR_NETWORK, HSMIAM_DOMAIN_TRANSPORT, 7, "", CKR_FUNCTION_FAILED},
        {HSMIAM_ERR_UNKNOWN_OUTCOME, HSMIAM_DOMAIN_TRANSPORT, 52, "", CKR_GENERAL_ERROR},
        {HSMIAM_ERR_CUSTODY, HSMIAM_DOMAIN_LIBRARY, 0, "", CKR_GENERAL_ERROR},
        {HSMIAM_ERR_ARGUMENT, HSMIAM_DOMAIN_LIBRARY, 0, "", CKR_FUNCTION_FAILED},
        {HSMIAM_ERR_CONFIG, HSMIAM_DOMAIN_LIBRARY, 0, "", CKR_FUNCTION_FAILED},
        {HSMIAM_ERR_IO, HSMIAM_DOMAIN_SYSTEM, 13, "", CKR_FUNCTION_FAILED},
        {HSMIAM_ERR_LEDGER, HSMIAM_DOMAIN_LIBRARY, 0, "", CKR_FUNCTION_FAILED},
        {HSMIAM_ERR_UNSETTLED, HSMIAM_DOMAIN_LIBRARY, 0, "", CKR_FUNCTION_FAILED},
        {HSMIAM_ERR_APPROVAL, HSMIAM_DOMAIN_LIBRARY, 0, "", CKR_ACTION_PROHIBITED},
        {HSMIAM_ERR_PIN, HSMIAM_DOMAIN_PKCS11, CKR_PIN_INCORRECT, "", CKR_USER_NOT_LOGGED_IN},
        {HSMIAM_ERR_TOKEN, HSMIAM_DOMAIN_PKCS11, CKR_DEVICE_REMOVED, "", CKR_DEVICE_REMOVED},
        {HSMIAM_ERR_TOKEN, HSMIAM_DOMAIN_PKCS11, CKR_SESSION_HANDLE_INVALID, "", CKR_DEVICE_ERROR},
        {HSMIAM_ERR_MEMORY, HSMIAM_DOMAIN_LIBRARY, 0, "", CKR_HOST_MEMORY},
        {(hsmiam_status)9999, HSMIAM_DOMAIN_LIBRARY, 0, "", CKR_GENERAL_ERROR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        the_bed.status = cases[i].status;
        the_bed.domain = cases[i].domain;
        the_bed.code = cases[i].code;
        the_bed.code_name = cases[i].code_name;
        bed_expect(cases[i].rv);
        assert_string_equal(the_bed.message, "The issue failed.");
    }
}

/* Whoever gets CKR_FUNCTION_FAILED may try again. */
static void says_no_less_of_a_key_that_was_made(void **state)
{
    static const hsmiam_status cases[] = {HSMIAM_ERR_IO, HSMIAM_ERR_CONFIG, HSMIAM_ERR_LEDGER,
                                          HSMIAM_ERR_TOKEN, HSMIAM_ERR_MEMORY};

    (void)state;
    the_bed.has_come = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        the_bed.status = cases[i];
        the_bed.code_name = "";
        bed_expect(CKR_GENERAL_ERROR);
    }
    the_bed.status = HSMIAM_OK;
    bed_expect(CKR_OK);
}

static void wants_a_credential(void **state)
{
    (void)state;
    the_bed.has_credential = false;
    bed_expect(CKR_FUNCTION_FAILED);
    assert_non_null(strstr(the_bed.message, "hsmiam_credential"));
    assert_int_equal(the_bed.cleared, 1);
    the_bed.settings_status = HSMIAM_ERR_CONFIG;
    bed_expect(CKR_FUNCTION_FAILED);
    assert_int_equal(the_bed.issued, 0);
}

static void starts_no_thread_where_none_may_be(void **state)
{
    (void)state;
    the_bed.forbids_threads = true;
    bed_expect(CKR_MECHANISM_INVALID);
    assert_non_null(strstr(the_bed.message, "CKF_LIBRARY_CANT_CREATE_OS_THREADS"));
    assert_int_equal(the_bed.issued, 0);
}

static void finds_the_key_beside_a_search_under_way(void **state)
{
    CK_OBJECT_HANDLE found = CK_INVALID_HANDLE;
    CK_ULONG count = 0;

    (void)state;
    assert_int_equal(the_bed.behind->C_FindObjectsInit(the_bed.session, NULL, 0), CKR_OK);
    bed_expect(CKR_OK);
    assert_int_equal(the_bed.behind->C_FindObjects(the_bed.session, &found, 1, &count), CKR_OK);
    assert_int_equal(the_bed.behind->C_FindObjectsFinal(the_bed.session), CKR_OK);
}

static void names_a_key_that_the_session_does_not_find(void **state)
{
    (void)state;
    the_bed.makes = false;
    bed_expect(CKR_GENERAL_ERROR);
    assert_non_null(strstr(the_bed.message, NEW_ID));
    /* A program takes this one for "no key was made", and tries again. */
    mock_fail(MOCK_C_FindObjects, 1, CKR_FUNCTION_FAILED);
    bed_expect(CKR_GENERAL_ERROR);
    assert_non_null(strstr(the_bed.message, NEW_ID));
}

static void close_session(void)
{
    assert_int_equal(the_bed.behind->C_CloseSession(the_bed.session), CKR_OK);
}

/* A program that takes CKR_SESSION_HANDLE_INVALID for a reason to try again would get two keys. */
static void outlives_the_session(void **state)
{
    CK_SESSION_HANDLE closed = the_bed.session;
    CK_SESSION_HANDLE other = CK_INVALID_HANDLE;

    (void)state;
    assert_int_equal(the_bed.behind->C_OpenSession(
                         mock.slots[0].id, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &other),
                     CKR_OK);
    the_bed.meanwhile = close_session;
    bed_expect(CKR_OK);
    mock_remove(mock_find(CKO_SECRET_KEY, NEW_ID));
    the_bed.session = other;
    bed_expect(CKR_GENERAL_ERROR); /* with the last one, the login went */
    assert_non_null(strstr(the_bed.message, NEW_ID));
    assert_int_not_equal(other, closed);
    the_bed.session = CK_INVALID_HANDLE;
    bed_open_session(CKF_RW_SESSION);
}

static pthread_t finisher;
static _Atomic bool finished;

static void *finish(void *context)
{
    (void)context;
    hsmiam_mechanism_end();
    finished = true;
    return NULL;
}

/* Until the issue is asked whether to stop, and is told so. */
static void call_finalize(void)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    assert_int_equal(pthread_create(&finisher, NULL, finish, NULL), 0);
    while (!the_bed.cancel(NULL))
        (void)nanosleep(&pause, NULL);
    assert_false(finished);
    bed_expect(CKR_FUNCTION_CANCELED); /* nothing begins any more */
}

static void ends_before_the_module_is_finalised(void **state)
{
    (void)state;
    finished = false;
    the_bed.meanwhile = call_finalize;
    bed_expect(CKR_FUNCTION_CANCELED);
    assert_int_equal(pthread_join(finisher, NULL), 0);
    assert_true(finished);
    assert_int_equal(the_bed.issued, 1);
    the_bed.meanwhile = NULL;
    bed_expect(CKR_OK);
}

static void passes_on_what_is_not_its_own(void **state)
{
    CK_ULONG length = 16;
    CK_ATTRIBUTE template[] = {{CKA_VALUE_LEN, &length, sizeof length}};
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;

    (void)state;
    the_bed.mechanism.mechanism = CKM_GENERIC_SECRET_KEY_GEN;
    assert_int_equal(bed_generate(template, 1, &key), CKR_OK);
    assert_int_equal(mock.calls[MOCK_C_GenerateKey], 1);
    assert_int_equal(the_bed.issued, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bed_test(takes_the_users_name_from_parameter_or_label),
        bed_test(refuses_what_is_no_users_name),
        bed_test(reads_no_more_than_a_name),
        bed_test(does_not_follow_what_would_weaken_the_key),
        bed_test(refuses_what_cannot_be_had),
        bed_test(wants_the_user_in_a_session_that_writes),
        bed_test(says_what_failed_by_the_nearest_code),
        bed_test(says_no_less_of_a_key_that_was_made),
        bed_test(wants_a_credential),
        bed_test(starts_no_thread_where_none_may_be),
        bed_test(finds_the_key_beside_a_search_under_way),
        bed_test(names_a_key_that_the_session_does_not_find),
        bed_test(outlives_the_session),
        bed_test(ends_before_the_module_is_finalised),
        bed_test(passes_on_what_is_not_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
