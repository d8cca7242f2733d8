/* SPDX-License-Identifier: Apache-2.0 */
/* Mechanism lists and infos, with the two that are added. */
#include "generate_bed.h"

#include <string.h>

#include "cryptoki/mechanism.h"
#include "hsmiam/pkcs11.h"

#define BEHIND 3 /* mechanisms that the token has by itself */

static bool signs;

/* A list as PKCS#11 has it. */
static CK_RV get_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list_out, CK_ULONG *count)
{
    CK_ULONG room = *count;

    (void)slot;
    *count = BEHIND;
    if (list_out == NULL)
        return CKR_OK;
    if (room < BEHIND)
        return CKR_BUFFER_TOO_SMALL;
    for (size_t i = 0; i < BEHIND; i++)
        list_out[i] = CKM_AES_KEY_GEN + i;
    return CKR_OK;
}

static CK_RV get_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info_out)
{
    (void)slot;
    *info_out = (CK_MECHANISM_INFO){.flags = signs ? CKF_SIGN : CKF_VERIFY};
    return type == CKM_SHA256_HMAC ? CKR_OK : CKR_MECHANISM_INVALID;
}

static CK_FUNCTION_LIST functions;

static int set_up(void **state)
{
    (void)bed_set_up(state);
    functions = *the_bed.behind;
    functions.C_GetMechanismList = get_list;
    functions.C_GetMechanismInfo = get_info;
    signs = true;
    return 0;
}

static void expect_list(CK_ULONG expected)
{
    CK_MECHANISM_TYPE list[BEHIND + 3] = {0};
    CK_ULONG count = 0;

    assert_int_equal(hsmiam_mechanism_get_list(&functions, mock.slots[0].id, NULL, &count), CKR_OK);
    assert_int_equal(count, expected);
    for (CK_ULONG room = 0; room < expected; room++) {
        count = room;
        assert_int_equal(hsmiam_mechanism_get_list(&functions, mock.slots[0].id, list, &count),
                         CKR_BUFFER_TOO_SMALL);
        assert_int_equal(count, expected);
        assert_int_equal(list[room], 0);
    }
    for (CK_ULONG room = expected; room <= BEHIND + 2; room++) {
        count = room;
        memset(list, 0, sizeof list);
        assert_int_equal(hsmiam_mechanism_get_list(&functions, mock.slots[0].id, list, &count),
                         CKR_OK);
        assert_int_equal(count, expected);
        assert_int_equal(list[0], CKM_AES_KEY_GEN);
        assert_int_equal(list[expected], 0);
    }
    if (expected > BEHIND)
        assert_int_equal(list[expected - 1], CKM_HSMIAM_AWS_SIGV4);
    if (expected > BEHIND + 1)
        assert_int_equal(list[BEHIND], CKM_HSMIAM_AWS_ACCESS_KEY);
}

static void expect_infos(bool issuing, bool signing)
{
    CK_MECHANISM_INFO info = {0};

    assert_int_equal(
        hsmiam_mechanism_get_info(&functions, mock.slots[0].id, CKM_HSMIAM_AWS_ACCESS_KEY, &info),
        issuing ? CKR_OK : CKR_MECHANISM_INVALID);
    assert_true(!issuing || info.flags == CKF_GENERATE);
    assert_int_equal(
        hsmiam_mechanism_get_info(&functions, mock.slots[0].id, CKM_HSMIAM_AWS_SIGV4, &info),
        signing ? CKR_OK : CKR_MECHANISM_INVALID);
    assert_true(!signing || info.flags == CKF_SIGN);
}

static CK_RV get_too_many(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list_out, CK_ULONG *count)
{
    (void)slot;
    (void)list_out;
    ++*count;
    return CKR_OK;
}

/* A module behind that says it gave more than there was room for. */
static void writes_nothing_behind_the_room(void **state)
{
    CK_MECHANISM_TYPE list[4] = {0};
    CK_ULONG count = 1;

    (void)state;
    functions.C_GetMechanismList = get_too_many;
    assert_int_equal(hsmiam_mechanism_get_list(&functions, mock.slots[0].id, list, &count),
                     CKR_BUFFER_TOO_SMALL);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(list[i], 0);
}

static void offers_what_the_token_can_do(void **state)
{
    (void)state;
    expect_list(BEHIND + 2);
    expect_infos(true, true);
    the_bed.has_credential = false;
    expect_list(BEHIND + 1);
    expect_infos(false, true);
    the_bed.has_credential = true;
    mock.slots[0].token.flags |= CKF_WRITE_PROTECTED;
    expect_list(BEHIND + 1);
    expect_infos(false, true);
    mock.slots[0].token.flags &= ~CKF_WRITE_PROTECTED;
    the_bed.elsewhere = true;
    expect_list(BEHIND + 1);
    expect_infos(false, true);
    the_bed.elsewhere = false;
    the_bed.settings_status = HSMIAM_ERR_CONFIG;
    expect_list(BEHIND + 1);
    the_bed.settings_status = HSMIAM_OK;
    the_bed.forbids_threads = true;
    expect_list(BEHIND);
    expect_infos(false, false);
    the_bed.forbids_threads = false;
    signs = false;
    expect_list(BEHIND);
    expect_infos(false, false);
}

static void passes_on_what_is_not_its_own(void **state)
{
    CK_MECHANISM_INFO info = {0};

    (void)state;
    assert_int_equal(
        hsmiam_mechanism_get_info(&functions, mock.slots[0].id, CKM_SHA256_HMAC, &info), CKR_OK);
    assert_int_equal(info.flags, CKF_SIGN);
    assert_int_equal(hsmiam_mechanism_get_list(the_bed.behind, 0x7777, NULL, &(CK_ULONG){0}),
                     CKR_SLOT_ID_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(offers_what_the_token_can_do, set_up, bed_tear_down),
        cmocka_unit_test_setup_teardown(writes_nothing_behind_the_room, set_up, bed_tear_down),
        cmocka_unit_test_setup_teardown(passes_on_what_is_not_its_own, set_up, bed_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
