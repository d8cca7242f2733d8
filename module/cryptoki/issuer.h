/* SPDX-License-Identifier: Apache-2.0 */
/* The library's objects for one C_GenerateKey, made from the settings. */
#ifndef HSMIAM_CRYPTOKI_ISSUER_H
#define HSMIAM_CRYPTOKI_ISSUER_H

#include "cryptoki/settings.h"

#include <p11-kit/pkcs11.h>

/* The token of the application's session. */
typedef struct hsmiam_place {
    CK_FUNCTION_LIST *behind;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    const char *module_path; /* of the module behind, or NULL */
} hsmiam_place;

/* Zero-initialised it is closed. */
typedef struct hsmiam_issuer {
    CK_FUNCTION_LIST *modules[2]; /* that behind, in which the session's token is */
    hsmiam_token *token;          /* where the key goes: that of the session */
    hsmiam_token *other_token;    /* the credential's, if it is another one; else NULL */
    hsmiam_token *replica_tokens[HSMIAM_REPLICAS_MAX]; /* further ones that the settings name, */
    hsmiam_custody *replicas[HSMIAM_REPLICAS_MAX];     /* and what takes keys in there */
    size_t replica_count;
    hsmiam_signer *signer;
    hsmiam_client *client;
    hsmiam_ledger *ledger;
    hsmiam_custody *custody;
} hsmiam_issuer;

/* Whether keys go to the session's token, as the settings have it. Statuses: those of a URI. */
hsmiam_status hsmiam_place_is_meant(const hsmiam_place *place,
                                    const hsmiam_module_settings *settings, bool *meant_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* Names all of it; nothing is opened. The session's token is used as the application has it, logged
 * in or not: no PIN is known of it here. Statuses: ARGUMENT, CONFIG, MEMORY. */
hsmiam_status hsmiam_issuer_start(hsmiam_issuer *issuer, const hsmiam_place *place,
                                  const hsmiam_module_settings *settings, hsmiam_cancel_fn cancel,
                                  hsmiam_error *error) HSMIAM_MUST_USE;

void hsmiam_issuer_clear(hsmiam_issuer *issuer);

#endif
