/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/custody.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/sealed.h"
#include "sigv4/hmac.h"

#define NONCE_SIZE           32
#define REHEARSAL_VALUE_SIZE 44 /* "AWS4" and a secret of IAM's usual 40 characters */
#define REHEARSAL_ID         "REHEARSAL0000000"
#define REHEARSAL_LABEL      "hsmiam-rehearsal"

static const struct {
    hsmiam_import_route route;
    const char *name;
} routes[] = {
    {HSMIAM_ROUTE_RSA_OAEP, "rsa-oaep"},
    {HSMIAM_ROUTE_CREATE_OBJECT, "create-object"},
};

hsmiam_status hsmiam_custody_new(hsmiam_token *token, hsmiam_custody **custody_out,
                                 hsmiam_error *error)
{
    hsmiam_custody *custody = calloc(1, sizeof *custody);

    if (custody == NULL)
        return hsmiam_error_set_memory(error, "a custody");
    custody->token = token;
    *custody_out = custody;
    return HSMIAM_OK;
}

void hsmiam_custody_free(hsmiam_custody **custody)
{
    if (custody == NULL)
        return;
    free(*custody);
    *custody = NULL;
}

void hsmiam_custody_set_import_route(hsmiam_custody *custody, hsmiam_import_route route)
{
    custody->wanted = route;
    custody->route = HSMIAM_ROUTE_AUTO;
}

void hsmiam_custody_set_log(hsmiam_custody *custody, hsmiam_log_fn log, void *context)
{
    custody->log = (hsmiam_log){log, context};
}

const char *hsmiam_custody_get_route_name(const hsmiam_custody *custody)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (routes[i].route == custody->route)
            return routes[i].name;
    return "";
}

hsmiam_status hsmiam_custody_new_value(hsmiam_secret **value_out, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_secret_new(HSMIAM_KEY_VALUE_SIZE_MAX, value_out, error);

    if (status == HSMIAM_OK &&
        !hsmiam_secret_append(*value_out, HSMIAM_KEY_VALUE_PREFIX, strlen(HSMIAM_KEY_VALUE_PREFIX)))
        status = hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "A key's value does not fit.");
    return status;
}

/* Token and host compute the HMAC of a fresh nonce; the same result means the same key. */
static hsmiam_status prove(hsmiam_token *token, hsmiam_object key, const hsmiam_secret *value,
                           hsmiam_error *error)
{
    uint8_t nonce[NONCE_SIZE];
    hsmiam_hmac *hmac = NULL;
    hsmiam_secret *macs = NULL; /* the token's, then the host's */
    size_t room = 0;

    if (RAND_bytes(nonce, sizeof nonce) != 1)
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL has no random numbers.");
    hsmiam_status status = hsmiam_hmac_new(&hmac, error);
    if (status == HSMIAM_OK)
        status = hsmiam_secret_new((size_t)2 * HSMIAM_HMAC_SIZE, &macs, error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_hmac(token, key, nonce, sizeof nonce, macs, error);
    if (status == HSMIAM_OK)
        status = hsmiam_hmac_compute(hmac, value, nonce, sizeof nonce,
                                     hsmiam_secret_get_room(macs, &room), error);
    if (status == HSMIAM_OK) {
        const uint8_t *theirs = hsmiam_secret_get_data(macs);
        if (CRYPTO_memcmp(theirs, theirs + HSMIAM_HMAC_SIZE, HSMIAM_HMAC_SIZE) != 0)
            status = hsmiam_error_set(error, HSMIAM_ERR_CUSTODY,
                                      "Token \"%s\" computes another HMAC with the imported key "
                                      "than the host does: it holds something else.",
                                      hsmiam_token_get_label(token));
    }
    hsmiam_secret_free(&macs);
    hsmiam_hmac_free(&hmac);
    return status;
}

/* Imports, proves, and destroys again what cannot be proven. */
static hsmiam_status import_and_prove(hsmiam_token *token, hsmiam_import_route route,
                                      const hsmiam_key_spec *spec, const hsmiam_secret *value,
                                      hsmiam_object *object_out, hsmiam_error *error)
{
    hsmiam_object object = 0;
    hsmiam_status status = hsmiam_token_import_key(token, route, spec, value, &object, error);

    if (status != HSMIAM_OK)
        return status;
    status = prove(token, object, value, error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_check_key(token, object, spec, error);
    if (status == HSMIAM_OK) {
        *object_out = object;
        return HSMIAM_OK;
    }
    hsmiam_error *why = hsmiam_error_new();
    if (hsmiam_token_destroy_object(token, object, why) != HSMIAM_OK)
        hsmiam_error_append(error, "The object %s could not be destroyed either: %s", spec->id,
                            hsmiam_error_get_message(why));
    hsmiam_error_free(&why);
    return status;
}

static hsmiam_status rehearse_once(hsmiam_token *token, hsmiam_import_route route,
                                   hsmiam_error *error)
{
    const hsmiam_key_spec spec = {
        .id = REHEARSAL_ID, .label = REHEARSAL_LABEL, .created = time(NULL), .persistent = false};
    hsmiam_secret *value = NULL;
    hsmiam_object object = 0;
    size_t room = 0;

    hsmiam_status status = hsmiam_secret_new(REHEARSAL_VALUE_SIZE, &value, error);
    if (status != HSMIAM_OK)
        return status;
    uint8_t *to = hsmiam_secret_get_room(value, &room);
    if (RAND_bytes(to, (int)room) == 1)
        hsmiam_secret_grow(value, room);
    else
        status = hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL has no random numbers.");
    if (status == HSMIAM_OK)
        status = import_and_prove(token, route, &spec, value, &object, error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_destroy_object(token, object, error);
    hsmiam_secret_free(&value);
    return status;
}

/* A rehearsal goes with the session that it lives in, and is begun again once if that is lost.
 * `*lost_out`: it failed for a loss, which says nothing of the route. */
static hsmiam_status rehearse(hsmiam_token *token, hsmiam_import_route route, bool *lost_out,
                              hsmiam_error *error)
{
    unsigned before = hsmiam_token_count_losses(token);
    hsmiam_status status = HSMIAM_OK;

    *lost_out = true;
    for (int attempt = 0; *lost_out && attempt < 2; attempt++) {
        hsmiam_error_clear(error);
        status = rehearse_once(token, route, error);
        *lost_out = status != HSMIAM_OK && hsmiam_token_count_losses(token) != before;
    }
    return status;
}

/* What lets the next route be tried: this one does not work here. Anything else (two wrapping keys,
 * one that allows too much) is trouble that must be looked at first. */
static bool may_fall_back(hsmiam_status status)
{
    return status == HSMIAM_ERR_NOT_FOUND || status == HSMIAM_ERR_UNSUPPORTED ||
           status == HSMIAM_ERR_TOKEN || status == HSMIAM_ERR_CUSTODY;
}

static hsmiam_status choose_route(hsmiam_custody *custody, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_ERR_UNSUPPORTED;
    bool lost = false;

    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (custody->wanted != HSMIAM_ROUTE_AUTO && custody->wanted != routes[i].route)
            continue;
        /* After a fallback, the reason for it is still in the record, for the notice. */
        if (i > 0 && custody->wanted == HSMIAM_ROUTE_AUTO)
            hsmiam_log_write(&custody->log, HSMIAM_LOG_NOTICE,
                             "Route %s does not work (%s) Route %s is taken: the plaintext crosses "
                             "the PKCS#11 API.",
                             routes[i - 1].name, hsmiam_error_get_message(error), routes[i].name);
        status = rehearse(custody->token, routes[i].route, &lost, error);
        if (status == HSMIAM_OK) {
            custody->route = routes[i].route;
            hsmiam_error_clear(error);
            hsmiam_log_write(&custody->log, HSMIAM_LOG_DEBUG, "Rehearsed route %s in token \"%s\".",
                             routes[i].name, hsmiam_token_get_label(custody->token));
            return HSMIAM_OK;
        }
        if (lost || !may_fall_back(status))
            break;
    }
    /* CUSTODY tells of a key that IAM made; here nothing was at stake yet. */
    if (status == HSMIAM_ERR_CUSTODY)
        status = HSMIAM_ERR_UNSUPPORTED;
    if (error != NULL)
        error->status = status;
    return status;
}

hsmiam_status hsmiam_custody_prepare(hsmiam_custody *custody, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_token_open(custody->token, error);
    hsmiam_error *why = NULL;

    if (status != HSMIAM_OK || custody->route != HSMIAM_ROUTE_AUTO)
        return status;
    /* The notice of a fallback wants a message, whether the caller does or not. */
    if (error == NULL)
        error = why = hsmiam_error_new();
    status = choose_route(custody, error);
    hsmiam_error_free(&why);
    return status;
}

typedef struct taking {
    const hsmiam_custody *custody;
    const hsmiam_key_spec *spec;
    const hsmiam_secret *value;
} taking;

static hsmiam_status take(void *context, hsmiam_error *error)
{
    const taking *wanted = context;
    const hsmiam_custody *custody = wanted->custody;
    const hsmiam_key_spec *spec = wanted->spec;
    hsmiam_object object = 0;
    size_t count = 0;
    hsmiam_status status = hsmiam_token_count_access_keys(custody->token, spec->id, &count, error);

    if (status != HSMIAM_OK)
        return status;
    if (count > 0)
        return hsmiam_error_set(
            error, HSMIAM_ERR_EXISTS,
            "Token \"%s\" already holds a key with the id %s; it was left as it "
            "is.",
            hsmiam_token_get_label(custody->token), spec->id);
    return import_and_prove(custody->token, custody->route, spec, wanted->value, &object, error);
}

hsmiam_status hsmiam_custody_take(hsmiam_custody *custody, const hsmiam_key_spec *spec,
                                  const hsmiam_secret *value, hsmiam_error *error)
{
    taking wanted = {custody, spec, value};

    return hsmiam_sealed_run(take, &wanted, error);
}
