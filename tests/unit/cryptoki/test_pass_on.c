/* SPDX-License-Identifier: Apache-2.0 */
/* Every function reaches the one of the module behind that stands in the same place, with the same
 * arguments, and what that returns comes back. How many arguments each has is written down here
 * once more. */
#include "instance.h"
#include "support/cmocka_tests.h"

#include <dlfcn.h>
#include <string.h>

#define NOT_PASSED_ON (-1) /* its own test has it */

static const int argument_counts[RECORDING_OF_3] = {
    NOT_PASSED_ON,
    NOT_PASSED_ON, /* Initialize, Finalize */
    1,
    NOT_PASSED_ON, /* GetInfo, GetFunctionList */
    3,
    2,
    2, /* GetSlotList, GetSlotInfo, GetTokenInfo */
    3,
    3, /* GetMechanismList, GetMechanismInfo */
    4,
    3,
    5, /* InitToken, InitPIN, SetPIN */
    NOT_PASSED_ON,
    1,
    NOT_PASSED_ON, /* OpenSession, CloseSession, CloseAllSessions */
    2,
    3,
    5, /* GetSessionInfo, Get-, SetOperationState */
    4,
    1, /* Login, Logout */
    4,
    5,
    2, /* CreateObject, CopyObject, DestroyObject */
    3,
    4,
    4, /* GetObjectSize, Get-, SetAttributeValue */
    3,
    4,
    1, /* FindObjectsInit, FindObjects, FindObjectsFinal */
    3,
    5,
    5,
    3, /* Encrypt */
    3,
    5,
    5,
    3, /* Decrypt */
    2,
    5,
    3,
    2,
    3, /* Digest, with DigestKey */
    3,
    5,
    3,
    3, /* Sign */
    3,
    5, /* SignRecover */
    3,
    5,
    3,
    3, /* Verify */
    3,
    5, /* VerifyRecover */
    5,
    5,
    5,
    5, /* two at once */
    5,
    8, /* GenerateKey, GenerateKeyPair */
    6,
    8,
    6, /* WrapKey, UnwrapKey, DeriveKey */
    3,
    3, /* SeedRandom, GenerateRandom */
    1,
    1,
    3, /* GetFunctionStatus, CancelFunction, WaitForSlotEvent */
    NOT_PASSED_ON,
    NOT_PASSED_ON, /* GetInterfaceList, GetInterface */
    6,
    2, /* LoginUser, SessionCancel */
    3,
    9,
    5,
    8,
    1, /* MessageEncrypt */
    3,
    9,
    5,
    8,
    1, /* MessageDecrypt */
    3,
    7,
    3,
    7,
    1, /* MessageSign */
    3,
    7,
    3,
    7,
    1, /* MessageVerify */
};

typedef CK_RV (*function)(unsigned long, unsigned long, unsigned long, unsigned long, unsigned long,
                          unsigned long, unsigned long, unsigned long, unsigned long,
                          unsigned long);

static unsigned long arguments[RECORDING_WORDS];

static function get_function(const void *list, int index)
{
    function found = NULL;

    memcpy(&found, (const char *)list + sizeof(void *) * (size_t)(index + 1), sizeof found);
    return found;
}

static CK_RV call(const void *list, int index)
{
    const unsigned long *a = arguments;

    return get_function(list, index)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
}

/* A byte is what CK_BBOOL has of its word. */
static bool is_same(int index, int argument, unsigned long got)
{
    if (index == 4 && argument == 0)
        return (unsigned char)got == (unsigned char)arguments[0];
    return got == arguments[argument];
}

/* For functions that look into what they are given, each argument is the address of zeros. */
static void fill_arguments(void)
{
    static unsigned long zeros[RECORDING_WORDS][16];

    for (int i = 0; i < RECORDING_WORDS; i++)
        arguments[i] = (unsigned long)zeros[i];
}

static void check_list(const void *list, int of_3, int count)
{
    recording *record = instance_record();

    for (int i = 0; i < RECORDING_OF_3; i++)
        record->values[i] = CKR_VENDOR_DEFINED + 7 + (CK_RV)i;
    for (int i = 0; i < count; i++) {
        const recording_call *called = &record->calls[of_3][i];

        if (argument_counts[i] == NOT_PASSED_ON)
            continue;
        assert_int_equal(call(list, i), record->values[i]);
        assert_int_equal(called->count, 1);
        for (int j = 0; j < argument_counts[i]; j++)
            assert_true(is_same(i, j, called->words[j]));
        assert_int_equal(record->calls[!of_3][i].count, 0);
    }
}

static void passes_on(void **state)
{
    void *instance = instance_load("pass", instance_get_recording_path());
    CK_FUNCTION_LIST *functions = instance_get_functions(instance);

    (void)state;
    fill_arguments();
    (void)instance_record();
    assert_int_equal(functions->C_Initialize(NULL), CKR_OK);
    check_list(functions, 0, RECORDING_OF_2);
    CK_INTERFACE *interface = instance_get_interface(instance, 3);
    assert_non_null(interface);
    check_list(interface->pFunctionList, 1, RECORDING_OF_3);
    memset(instance_record()->values, 0, sizeof(CK_RV));
    assert_int_equal(functions->C_Finalize(NULL), CKR_OK);
}

/* Nothing reaches a module behind that somebody else has initialised. */
static void needs_initialisation(void **state)
{
    void *instance = instance_load("early", instance_get_recording_path());
    const void *lists[] = {instance_get_functions(instance),
                           instance_get_interface(instance, 3)->pFunctionList};
    recording *record = instance_record();

    (void)state;
    fill_arguments();
    for (int of_3 = 0; of_3 < 2; of_3++) {
        for (int i = 1; i < (of_3 ? RECORDING_OF_3 : RECORDING_OF_2); i++) {
            if (i == 3 || i == RECORDING_OF_2 || i == RECORDING_OF_2 + 1)
                continue;
            if (i == 1)
                arguments[0] = 0;
            assert_int_equal(call(lists[of_3], i), CKR_CRYPTOKI_NOT_INITIALIZED);
            assert_int_equal(record->calls[of_3][i].count, 0);
        }
    }
}

static void shows_interfaces(void **state)
{
    void *instance = instance_load("interfaces", instance_get_recording_path());
    CK_C_GetInterfaceList get = (CK_C_GetInterfaceList)dlsym(instance, "C_GetInterfaceList");
    CK_C_GetInterface get_one = (CK_C_GetInterface)dlsym(instance, "C_GetInterface");
    unsigned char vendors[] = "Vendor Recording";
    unsigned char no_name[] = "PKCS 12";
    CK_INTERFACE list[4];
    CK_INTERFACE *one = NULL;
    CK_ULONG count = 0;

    (void)state;
    assert_int_equal(get(NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(get(NULL, &count), CKR_OK);
    assert_int_equal(count, 3);
    count = 2;
    assert_int_equal(get(list, &count), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(count, 3);
    assert_int_equal(get(list, &count), CKR_OK);
    assert_ptr_equal(list[0].pFunctionList, instance_get_interface(instance, 3)->pFunctionList);
    assert_int_equal(list[0].flags, 1);
    assert_ptr_equal(list[1].pFunctionList, instance_get_functions(instance));
    assert_ptr_equal(list[2].pFunctionList, instance_record());
    assert_int_equal(get_one(NULL, NULL, &one, 0), CKR_OK);
    assert_ptr_equal(one->pFunctionList, list[0].pFunctionList);
    assert_int_equal(get_one(vendors, NULL, &one, 0), CKR_OK);
    assert_ptr_equal(one->pFunctionList, list[2].pFunctionList);
    assert_int_equal(get_one(vendors, NULL, &one, 1), CKR_FUNCTION_FAILED);
    assert_int_equal(get_one(no_name, NULL, &one, 0), CKR_FUNCTION_FAILED);
    assert_int_equal(get_one(NULL, NULL, NULL, 0), CKR_ARGUMENTS_BAD);
}

/* What a module behind says of its interfaces is believed as far as it was asked. */
static void shows_no_interfaces_that_are_none(void **state)
{
    void *instance = instance_load("lies", instance_get_recording_path());
    CK_C_GetInterfaceList get = (CK_C_GetInterfaceList)dlsym(instance, "C_GetInterfaceList");
    CK_INTERFACE list[4];
    CK_ULONG count = 4;

    (void)state;
    instance_record()->lies = true;
    assert_int_equal(get(list, &count), CKR_OK);
    assert_int_equal(count, 2);
    assert_ptr_equal(list[0].pFunctionList, instance_get_functions(instance));
    assert_string_equal(list[1].pInterfaceName, "Vendor Recording");
    assert_null(instance_get_interface(instance, 3));
}

/* A function that the module behind does not have. */
static void lacks_what_is_lacking(void **state)
{
    CK_C_GetFunctionList get = NULL;
    CK_FUNCTION_LIST *behind = NULL;
    CK_FUNCTION_LIST *functions =
        instance_get_functions(instance_load("lacking", instance_get_recording_path()));

    (void)state;
    get = (CK_C_GetFunctionList)dlsym(dlopen(instance_get_recording_path(), RTLD_NOW),
                                      "C_GetFunctionList");
    assert_int_equal(get(&behind), CKR_OK);
    CK_C_SignRecover there = behind->C_SignRecover;
    (void)instance_record();
    assert_int_equal(functions->C_Initialize(NULL), CKR_OK);
    behind->C_SignRecover = NULL;
    assert_int_equal(functions->C_SignRecover(1, NULL, 0, NULL, NULL), CKR_FUNCTION_NOT_SUPPORTED);
    behind->C_SignRecover = there;
    assert_int_equal(functions->C_Finalize(NULL), CKR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_on),
        cmocka_unit_test(needs_initialisation),
        cmocka_unit_test(shows_interfaces),
        cmocka_unit_test(shows_no_interfaces_that_are_none),
        cmocka_unit_test(lacks_what_is_lacking),
    };

    return cmocka_run_group_tests(tests, instance_set_up, instance_tear_down);
}
