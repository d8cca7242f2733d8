/* SPDX-License-Identifier: Apache-2.0 */
/* The mechanisms that matter, and what the token says of them. */
#include "token/session.h"

#include <stdio.h>

static const struct {
    const char *name;
    CK_MECHANISM_TYPE mechanism;
} mechanisms[] = {
    [HSMIAM_CHECK_HMAC] = {"CKM_SHA256_HMAC", CKM_SHA256_HMAC},
    [HSMIAM_CHECK_OAEP] = {"CKM_RSA_PKCS_OAEP", CKM_RSA_PKCS_OAEP},
    [HSMIAM_CHECK_KEY_WRAP_KWP] = {"CKM_AES_KEY_WRAP_KWP", CKM_AES_KEY_WRAP_KWP},
    [HSMIAM_CHECK_KEY_WRAP_PAD] = {"CKM_AES_KEY_WRAP_PAD", CKM_AES_KEY_WRAP_PAD},
    [HSMIAM_CHECK_KEY_WRAP] = {"CKM_AES_KEY_WRAP", CKM_AES_KEY_WRAP},
    [HSMIAM_CHECK_FEEDBACK_KDF] = {"CKM_SP800_108_FEEDBACK_KDF", CKM_SP800_108_FEEDBACK_KDF},
    [HSMIAM_CHECK_CONCATENATE] = {"CKM_CONCATENATE_DATA_AND_BASE", CKM_CONCATENATE_DATA_AND_BASE},
    [HSMIAM_CHECK_ECDSA] = {"CKM_ECDSA", CKM_ECDSA},
    [HSMIAM_CHECK_GENERATE_RSA] = {"CKM_RSA_PKCS_KEY_PAIR_GEN", CKM_RSA_PKCS_KEY_PAIR_GEN},
    [HSMIAM_CHECK_GENERATE_EC] = {"CKM_EC_KEY_PAIR_GEN", CKM_EC_KEY_PAIR_GEN},
    [HSMIAM_CHECK_GENERATE_AES] = {"CKM_AES_KEY_GEN", CKM_AES_KEY_GEN},
    [HSMIAM_CHECK_GENERATE_SECRET] = {"CKM_GENERIC_SECRET_KEY_GEN", CKM_GENERIC_SECRET_KEY_GEN},
};

hsmiam_finding hsmiam_check_is_told(hsmiam_token *token, hsmiam_check_mechanism which)
{
    CK_MECHANISM_INFO info;
    hsmiam_session *session = NULL;

    if (hsmiam_session_borrow(token, &session, NULL) != HSMIAM_OK)
        return HSMIAM_FINDING_UNTRIED;
    CK_RV rv =
        session->functions->C_GetMechanismInfo(session->slot, mechanisms[which].mechanism, &info);
    hsmiam_session_return(token, &session, rv);
    if (rv == CKR_MECHANISM_INVALID)
        return HSMIAM_FINDING_NO;
    return rv == CKR_OK ? HSMIAM_FINDING_YES : HSMIAM_FINDING_UNTRIED;
}

void hsmiam_check_tell_mechanism(hsmiam_token *token, hsmiam_check_mechanism which,
                                 const char *variant, hsmiam_status status,
                                 const hsmiam_error *error, const hsmiam_check_report *report)
{
    char name[64];
    hsmiam_finding found = HSMIAM_FINDING_NO;

    if (status == HSMIAM_OK)
        found = HSMIAM_FINDING_YES;
    else if (status == HSMIAM_ERR_NOT_FOUND) /* what it would be tried with */
        found = HSMIAM_FINDING_UNTRIED;
    (void)snprintf(name, sizeof name, "%s%s%s", mechanisms[which].name, variant != NULL ? "/" : "",
                   variant != NULL ? variant : "");
    hsmiam_check_tell(
        report, (hsmiam_fact){.topic = HSMIAM_FACT_MECHANISM,
                              .name = name,
                              .told = hsmiam_check_is_told(token, which),
                              .found = found,
                              .number = -1,
                              .why = status == HSMIAM_OK ? "" : hsmiam_error_get_message(error)});
}
