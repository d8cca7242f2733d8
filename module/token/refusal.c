/* SPDX-License-Identifier: Apache-2.0 */
/* What a token cannot do is told from what went wrong: only the former is a reason to go another,
 * perhaps weaker, way. */
#include "token/cryptoki.h"

static const struct {
    CK_RV rv;
    hsmiam_verdict verdict;
} verdicts[] = {
    {CKR_FUNCTION_NOT_SUPPORTED, HSMIAM_VERDICT_CANNOT},
    {CKR_FUNCTION_REJECTED, HSMIAM_VERDICT_CANNOT},
    {CKR_MECHANISM_INVALID, HSMIAM_VERDICT_CANNOT},
    {CKR_MECHANISM_PARAM_INVALID, HSMIAM_VERDICT_CANNOT},
    {CKR_ARGUMENTS_BAD, HSMIAM_VERDICT_CANNOT},
    {CKR_ACTION_PROHIBITED, HSMIAM_VERDICT_CANNOT},
    {CKR_ATTRIBUTE_READ_ONLY, HSMIAM_VERDICT_CANNOT},
    {CKR_ATTRIBUTE_SENSITIVE, HSMIAM_VERDICT_CANNOT},
    {CKR_ATTRIBUTE_TYPE_INVALID, HSMIAM_VERDICT_CANNOT},
    {CKR_ATTRIBUTE_VALUE_INVALID, HSMIAM_VERDICT_CANNOT},
    {CKR_TEMPLATE_INCOMPLETE, HSMIAM_VERDICT_CANNOT},
    {CKR_TEMPLATE_INCONSISTENT, HSMIAM_VERDICT_CANNOT},
    {CKR_DATA_INVALID, HSMIAM_VERDICT_CANNOT},
    {CKR_DATA_LEN_RANGE, HSMIAM_VERDICT_CANNOT},
    {CKR_ENCRYPTED_DATA_INVALID, HSMIAM_VERDICT_CANNOT},
    {CKR_ENCRYPTED_DATA_LEN_RANGE, HSMIAM_VERDICT_CANNOT},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, HSMIAM_VERDICT_CANNOT},
    {CKR_KEY_INDIGESTIBLE, HSMIAM_VERDICT_CANNOT},
    {CKR_KEY_NOT_WRAPPABLE, HSMIAM_VERDICT_CANNOT},
    {CKR_KEY_SIZE_RANGE, HSMIAM_VERDICT_CANNOT},
    {CKR_KEY_TYPE_INCONSISTENT, HSMIAM_VERDICT_CANNOT},
    {CKR_KEY_UNEXTRACTABLE, HSMIAM_VERDICT_CANNOT},
    {CKR_SESSION_READ_ONLY, HSMIAM_VERDICT_CANNOT},
    {CKR_TOKEN_WRITE_PROTECTED, HSMIAM_VERDICT_CANNOT},
    {CKR_UNWRAPPING_KEY_SIZE_RANGE, HSMIAM_VERDICT_CANNOT},
    {CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, HSMIAM_VERDICT_CANNOT},
    {CKR_WRAPPED_KEY_INVALID, HSMIAM_VERDICT_CANNOT},
    {CKR_WRAPPED_KEY_LEN_RANGE, HSMIAM_VERDICT_CANNOT},
    {CKR_GENERAL_ERROR, HSMIAM_VERDICT_DOUBTFUL},
    {CKR_FUNCTION_FAILED, HSMIAM_VERDICT_DOUBTFUL},
    {CKR_UNWRAPPING_KEY_HANDLE_INVALID, HSMIAM_VERDICT_DOUBTFUL},
};

hsmiam_verdict hsmiam_rv_judge(CK_RV rv)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
        if (verdicts[i].rv == rv)
            return verdicts[i].verdict;
    return rv >= CKR_VENDOR_DEFINED ? HSMIAM_VERDICT_DOUBTFUL : HSMIAM_VERDICT_FAILED;
}

hsmiam_verdict hsmiam_token_judge(hsmiam_status status, const hsmiam_error *error)
{
    if (hsmiam_error_get_domain(error) == HSMIAM_DOMAIN_PKCS11)
        return hsmiam_rv_judge(hsmiam_error_get_code(error));
    switch (status) {
    case HSMIAM_ERR_NOT_FOUND:
    case HSMIAM_ERR_UNSUPPORTED:
    case HSMIAM_ERR_CUSTODY: /* what came in is not what it must be */
    case HSMIAM_ERR_TOKEN:   /* the call went well, and its result is wrong */
        return HSMIAM_VERDICT_CANNOT;
    default:
        return HSMIAM_VERDICT_FAILED;
    }
}

bool hsmiam_token_lost_object(const hsmiam_error *error)
{
    unsigned long code = hsmiam_error_get_code(error);

    return hsmiam_error_get_domain(error) == HSMIAM_DOMAIN_PKCS11 &&
           (code == CKR_KEY_HANDLE_INVALID || code == CKR_OBJECT_HANDLE_INVALID);
}

bool hsmiam_token_refused_key(const hsmiam_error *error)
{
    unsigned long code = hsmiam_error_get_code(error);

    return hsmiam_error_get_domain(error) == HSMIAM_DOMAIN_PKCS11 &&
           (code == CKR_KEY_SIZE_RANGE || code == CKR_KEY_TYPE_INCONSISTENT);
}
