/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that leave the token, wrapped for a recipient. */
#ifndef HSMIAM_TOKEN_EXPORT_H
#define HSMIAM_TOKEN_EXPORT_H

#include "token/token.h"

#define HSMIAM_WRAPPED_SIZE_MAX 1024 /* RSA-4096, and a value under AES behind it */

/* An algorithm, by its name and in parts. */
typedef struct hsmiam_export_form {
    const char *name;
    const char *word; /* for the ledger */
    const char *hash; /* of RSA-OAEP */
    bool by_aes;      /* CKM_RSA_AES_KEY_WRAP */
} hsmiam_export_form;

/* The form of the algorithm with that name; NULL: there is none. */
const hsmiam_export_form *hsmiam_export_find_form(const char *name);

/* The numbers of a recipient's key, big-endian. */
typedef struct hsmiam_rsa_numbers {
    uint8_t modulus[512];
    size_t modulus_size;
    uint8_t exponent[16];
    size_t exponent_size;
} hsmiam_rsa_numbers;

const hsmiam_rsa_numbers *hsmiam_recipient_get_numbers(const hsmiam_recipient *recipient);

/* Lets the token wrap an access key for a recipient (C_WrapKey), and appends the result to
 * `wrapped`, which has room for HSMIAM_WRAPPED_SIZE_MAX. `id` is for messages. AUTO: by the first
 * form of RSA-OAEP that works. Statuses: UNSUPPORTED (the key is not extractable, or the token does
 * not do it), TOKEN. */
hsmiam_status hsmiam_token_export_key(hsmiam_token *token, hsmiam_object key, const char *id,
                                      const hsmiam_recipient *recipient,
                                      hsmiam_export_algorithm algorithm, hsmiam_secret *wrapped,
                                      const hsmiam_export_form **form_out,
                                      hsmiam_error *error) HSMIAM_MUST_USE;

#endif
