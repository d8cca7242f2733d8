/* SPDX-License-Identifier: Apache-2.0 */
/* What C_GetMechanismList and C_GetMechanismInfo tell of the two mechanisms, on tokens that can do
 * what they need. */
#include "cryptoki/mechanism.h"

#include "cryptoki/behind.h"
#include "cryptoki/issuer.h"
#include "hsmiam/pkcs11.h"
#include "token/cryptoki3.h"

#include <stdbool.h>
#include <string.h>

/* Of a value in bits: "AWS4" and a secret of 16 to 128 bytes. */
#define VALUE_BITS_MIN ((4 + 16) * 8UL)
#define VALUE_BITS_MAX ((4 + 128) * 8UL)

static bool does(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_FLAGS flag)
{
    CK_MECHANISM_INFO info = {0};

    return behind->C_GetMechanismInfo(slot, type, &info) == CKR_OK && (info.flags & flag) != 0;
}

/* Both routes end in an HMAC. */
static bool can_sign(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot)
{
    return hsmiam_behind_may_start_threads() && does(behind, slot, CKM_SHA256_HMAC, CKF_SIGN);
}

/* Whether the settings, as they are now, have a credential and let keys go there. What is wrong
 * with them, C_GenerateKey tells. */
static bool is_meant(const hsmiam_place *place)
{
    hsmiam_module_settings settings = {.credential = NULL};
    bool meant = false;

    hsmiam_status status = hsmiam_module_settings_load(&settings, NULL);
    if (status == HSMIAM_OK && settings.credential != NULL)
        status = hsmiam_place_is_meant(place, &settings, &meant, NULL);
    hsmiam_module_settings_clear(&settings);
    return status == HSMIAM_OK && meant;
}

static bool can_issue(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot)
{
    hsmiam_place place = {.behind = behind, .slot = slot, .module_path = hsmiam_behind_get_path()};

    return can_sign(behind, slot) && behind->C_GetTokenInfo(slot, &place.info) == CKR_OK &&
           (place.info.flags & CKF_TOKEN_INITIALIZED) != 0 &&
           (place.info.flags & CKF_WRITE_PROTECTED) == 0 && is_meant(&place);
}

static const struct {
    CK_MECHANISM_TYPE type;
    CK_MECHANISM_INFO info;
    bool (*is_possible)(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot);
} offered[] = {
    {CKM_HSMIAM_AWS_ACCESS_KEY, {VALUE_BITS_MIN, VALUE_BITS_MAX, CKF_GENERATE}, can_issue},
    {CKM_HSMIAM_AWS_SIGV4, {VALUE_BITS_MIN, VALUE_BITS_MAX, CKF_SIGN}, can_sign},
};

#define OFFERED (sizeof offered / sizeof offered[0])

CK_RV hsmiam_mechanism_get_list(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot,
                                CK_MECHANISM_TYPE *list_out, CK_ULONG *count)
{
    CK_MECHANISM_TYPE possible[OFFERED];
    CK_ULONG added = 0;
    CK_ULONG room = count != NULL ? *count : 0;

    CK_RV rv = behind->C_GetMechanismList(slot, list_out, count);
    if (count == NULL || (rv != CKR_OK && rv != CKR_BUFFER_TOO_SMALL))
        return rv;
    for (size_t i = 0; i < OFFERED; i++)
        if (offered[i].is_possible(behind, slot))
            possible[added++] = offered[i].type;
    if (rv == CKR_OK && list_out != NULL && (*count > room || added > room - *count))
        rv = CKR_BUFFER_TOO_SMALL;
    else if (rv == CKR_OK && list_out != NULL)
        memcpy(list_out + *count, possible, added * sizeof possible[0]);
    *count += added;
    return rv;
}

CK_RV hsmiam_mechanism_get_info(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
                                CK_MECHANISM_INFO *info_out)
{
    for (size_t i = 0; info_out != NULL && i < OFFERED; i++)
        if (type == offered[i].type && offered[i].is_possible(behind, slot)) {
            *info_out = offered[i].info;
            return CKR_OK;
        }
    return behind->C_GetMechanismInfo(slot, type, info_out);
}
