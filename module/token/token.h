/* SPDX-License-Identifier: Apache-2.0 */
/* What the layers above may do with an open token. No PKCS#11 type crosses this line. */
#ifndef HSMIAM_TOKEN_TOKEN_H
#define HSMIAM_TOKEN_TOKEN_H

#include "base/buffer.h"
#include "base/secret.h"

#define HSMIAM_HMAC_SIZE         32
#define HSMIAM_ACCESS_KEY_ID_MAX 128
#define HSMIAM_USER_NAME_MAX     128

/* An object in the token, valid while the token is open. */
typedef unsigned long hsmiam_object;

/* Whether IAM may have made such an id: 16 to 128 of [A-Za-z0-9_]. Whoever takes an id from outside
 * asks here. */
bool hsmiam_access_key_id_is_valid(const char *id, size_t size);

/* How often the token, its session or its login was lost and opened again. */
unsigned hsmiam_token_count_losses(const hsmiam_token *token);

/* Finds the one access key (a secret key whose CKA_ID is an access key id) that the object, id and
 * type attributes of `key_uri` choose; NULL, or a URI without them: the only one there is. Its
 * CKA_ID goes to `id_out`.
 * Statuses: ARGUMENT, NOT_FOUND, AMBIGUOUS, UNSUPPORTED (it may not sign), TOKEN. */
hsmiam_status hsmiam_token_find_access_key(hsmiam_token *token, const char *key_uri,
                                           hsmiam_object *object_out,
                                           char id_out[HSMIAM_ACCESS_KEY_ID_MAX + 1],
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* Counts the secret keys whose CKA_ID is `id`. */
hsmiam_status hsmiam_token_count_access_keys(hsmiam_token *token, const char *id, size_t *count_out,
                                             hsmiam_error *error) HSMIAM_MUST_USE;

/* Appends HMAC-SHA256(key, data), 32 bytes, to `mac`: C_Sign with CKM_SHA256_HMAC. */
hsmiam_status hsmiam_token_hmac(hsmiam_token *token, hsmiam_object key, const void *data,
                                size_t size, hsmiam_secret *mac,
                                hsmiam_error *error) HSMIAM_MUST_USE;

/* What an access key is in the token (design: private, sensitive, not extractable, signs only). */
typedef struct hsmiam_key_spec {
    const char *id;    /* CKA_ID: the access key id */
    const char *label; /* CKA_LABEL: the user name */
    time_t created;    /* CKA_START_DATE is its UTC day */
    bool persistent;   /* CKA_TOKEN: false for a rehearsal */
} hsmiam_key_spec;

/* Brings `value` ("AWS4" and the secret) into the token by one route, which must not be AUTO.
 * Statuses: UNSUPPORTED (the token does not know the route), TOKEN. */
hsmiam_status hsmiam_token_import_key(hsmiam_token *token, hsmiam_import_route route,
                                      const hsmiam_key_spec *spec, const hsmiam_secret *value,
                                      hsmiam_object *object_out,
                                      hsmiam_error *error) HSMIAM_MUST_USE;

/* Reads the attributes back and holds them against `spec`. CUSTODY, naming the first that differs.
 */
hsmiam_status hsmiam_token_check_key(hsmiam_token *token, hsmiam_object key,
                                     const hsmiam_key_spec *spec,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* Destroys an object. */
hsmiam_status hsmiam_token_destroy_object(hsmiam_token *token, hsmiam_object object,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* Appends the PKCS#11 URI of an access key in this token to `uri`. */
hsmiam_status hsmiam_token_format_key_uri(hsmiam_token *token, const char *id, const char *label,
                                          hsmiam_buffer *uri, hsmiam_error *error) HSMIAM_MUST_USE;

#endif
