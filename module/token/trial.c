/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the token takes a key in by a route: tried with a random value, in the session only. */
#include "token/cryptoki.h"

#include <openssl/rand.h>

#define VALUE_SIZE 44 /* "AWS4" and a secret of IAM's usual 40 characters */

static hsmiam_status new_random(hsmiam_secret **value_out, hsmiam_error *error)
{
    size_t room = 0;
    hsmiam_status status = hsmiam_secret_new(VALUE_SIZE, value_out, error);

    if (status != HSMIAM_OK)
        return status;
    uint8_t *to = hsmiam_secret_get_room(*value_out, &room);
    if (RAND_bytes(to, (int)room) != 1)
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL has no random numbers.");
    hsmiam_secret_grow(*value_out, room);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_token_try_route(hsmiam_token *token, hsmiam_import_route route,
                                     bool *works_out, hsmiam_error *error)
{
    const hsmiam_key_spec spec = {
        .id = "TRIAL00000000000", .label = "hsmiam-trial", .created = time(NULL)};
    hsmiam_error *own = NULL;
    hsmiam_secret *value = NULL;
    hsmiam_object object = CK_INVALID_HANDLE;

    if (error == NULL) /* it tells what a failure means */
        error = own = hsmiam_error_new();
    *works_out = false;
    hsmiam_status status = hsmiam_token_prepare_route(token, route, false, error);
    if (status == HSMIAM_OK)
        status = new_random(&value, error);
    if (status != HSMIAM_OK)
        goto out;
    status = hsmiam_token_import_key(token, route, &spec, value, &object, error);
    if (status != HSMIAM_OK && hsmiam_token_judge(status, error) == HSMIAM_VERDICT_DOUBTFUL) {
        hsmiam_error_clear(error); /* what comes twice is no accident */
        status = hsmiam_token_import_key(token, route, &spec, value, &object, error);
    }
    if (status == HSMIAM_OK) {
        *works_out = true;
        status = hsmiam_token_destroy_object(token, object, error);
    } else if (hsmiam_token_judge(status, error) != HSMIAM_VERDICT_FAILED) {
        hsmiam_log_write(&token->log, HSMIAM_LOG_DEBUG, "A trial import did not work: %s",
                         hsmiam_error_get_message(error));
        hsmiam_error_clear(error);
        status = HSMIAM_OK;
    }
out:
    hsmiam_secret_free(&value);
    hsmiam_error_free(&own);
    return status;
}
