/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki/reason.h"

#include <string.h>

/* What is wrong with the settings is no argument of the caller's, whose own are looked at before.
 * CKR_GENERAL_ERROR stands where a key was or may have been made, for which PKCS#11 has no word:
 * what got it does not try again as it does after CKR_FUNCTION_FAILED. */
static const CK_RV reasons[] = {
    [HSMIAM_OK] = CKR_OK,
    [HSMIAM_ERR_ARGUMENT] = CKR_FUNCTION_FAILED,
    [HSMIAM_ERR_CONFIG] = CKR_FUNCTION_FAILED,
    [HSMIAM_ERR_NOT_FOUND] = CKR_FUNCTION_FAILED,
    [HSMIAM_ERR_AMBIGUOUS] = CKR_FUNCTION_FAILED,
    [HSMIAM_ERR_EXISTS] = CKR_FUNCTION_FAILED,
    [HSMIAM_ERR_PIN] = CKR_USER_NOT_LOGGED_IN,
    [HSMIAM_ERR_TOKEN] = CKR_DEVICE_ERROR,
    [HSMIAM_ERR_UNSUPPORTED] = CKR_MECHANISM_INVALID,
    [HSMIAM_ERR_NETWORK] = CKR_FUNCTION_FAILED,
    [HSMIAM_ERR_UNKNOWN_OUTCOME] = CKR_GENERAL_ERROR,
    [HSMIAM_ERR_REPLY] = CKR_GENERAL_ERROR,
    [HSMIAM_ERR_SERVICE] = CKR_FUNCTION_FAILED,
    [HSMIAM_ERR_CUSTODY] = CKR_GENERAL_ERROR,
    [HSMIAM_ERR_CANCELLED] = CKR_FUNCTION_CANCELED,
    [HSMIAM_ERR_IO] = CKR_FUNCTION_FAILED,
    [HSMIAM_ERR_MEMORY] = CKR_HOST_MEMORY,
    [HSMIAM_ERR_INTERNAL] = CKR_GENERAL_ERROR,
    [HSMIAM_ERR_LEDGER] = CKR_FUNCTION_FAILED,
    [HSMIAM_ERR_UNSETTLED] = CKR_FUNCTION_FAILED,
    [HSMIAM_ERR_APPROVAL] = CKR_ACTION_PROHIBITED,
};

/* What IAM says. */
static const struct {
    const char *code;
    CK_RV rv;
} refusals[] = {
    {"AccessDenied", CKR_ACTION_PROHIBITED},
    {"NoSuchEntity", CKR_MECHANISM_PARAM_INVALID},
};

/* What is passed on of the module behind's: the rest is about sessions and objects of ours. */
static const CK_RV passed[] = {
    CKR_DEVICE_MEMORY,      CKR_DEVICE_REMOVED,        CKR_TOKEN_NOT_PRESENT, CKR_SESSION_COUNT,
    CKR_USER_NOT_LOGGED_IN, CKR_TOKEN_WRITE_PROTECTED, CKR_PIN_EXPIRED,
};

CK_RV hsmiam_reason_get_rv(hsmiam_status status, const hsmiam_error *error)
{
    hsmiam_domain domain = hsmiam_error_get_domain(error);

    if (status == HSMIAM_ERR_SERVICE)
        for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
            if (strcmp(hsmiam_error_get_code_name(error), refusals[i].code) == 0)
                return refusals[i].rv;
    if ((status == HSMIAM_ERR_TOKEN || status == HSMIAM_ERR_UNSUPPORTED) &&
        domain == HSMIAM_DOMAIN_PKCS11)
        for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++)
            if (hsmiam_error_get_code(error) == passed[i])
                return passed[i];
    if ((size_t)status >= sizeof reasons / sizeof reasons[0])
        return CKR_GENERAL_ERROR;
    return reasons[status];
}
