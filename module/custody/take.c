/* SPDX-License-Identifier: Apache-2.0 */
/* A value on its way into the token, and the proof that it arrived. */
#include "custody/custody.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/sealed.h"
#include "sigv4/hmac.h"

#define NONCE_SIZE           32
#define REHEARSAL_VALUE_SIZE 44 /* "AWS4" and a secret of IAM's usual 40 characters */
#define REHEARSAL_ID         "REHEARSAL0000000"
#define REHEARSAL_LABEL      "hsmiam-rehearsal"

/* The token's HMAC over a nonce. A key that only derives computes it in two steps, for nothing but
 * a derived key of it may sign: HMAC(HMAC(key, nonce), nonce). */
static hsmiam_status compute_in_token(hsmiam_token *token, hsmiam_object key, bool in_token,
                                      const uint8_t *nonce, hsmiam_secret *mac, hsmiam_error *error)
{
    hsmiam_object derived = 0;

    if (!in_token)
        return hsmiam_token_hmac(token, key, nonce, NONCE_SIZE, mac, error);
    hsmiam_status status =
        hsmiam_token_derive_hmac(token, key, nonce, NONCE_SIZE, true, &derived, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_token_hmac(token, derived, nonce, NONCE_SIZE, mac, error);
    hsmiam_status destroyed =
        hsmiam_token_destroy_object(token, derived, status == HSMIAM_OK ? error : NULL);
    return status == HSMIAM_OK ? destroyed : status;
}

/* The same on the host. */
static hsmiam_status compute_on_host(const hsmiam_secret *value, bool in_token,
                                     const uint8_t *nonce, hsmiam_secret *mac, hsmiam_error *error)
{
    hsmiam_hmac *hmac = NULL;
    hsmiam_secret *derived = NULL;
    const hsmiam_secret *key = value;
    size_t room = 0;

    hsmiam_status status = hsmiam_hmac_new(&hmac, error);
    if (status == HSMIAM_OK && in_token) {
        status = hsmiam_secret_new(HSMIAM_HMAC_SIZE, &derived, error);
        if (status == HSMIAM_OK)
            status = hsmiam_hmac_compute(hmac, value, nonce, NONCE_SIZE,
                                         hsmiam_secret_get_room(derived, &room), error);
        if (status == HSMIAM_OK)
            hsmiam_secret_grow(derived, HSMIAM_HMAC_SIZE);
        key = derived;
    }
    if (status == HSMIAM_OK)
        status = hsmiam_hmac_compute(hmac, key, nonce, NONCE_SIZE,
                                     hsmiam_secret_get_room(mac, &room), error);
    if (status == HSMIAM_OK)
        hsmiam_secret_grow(mac, HSMIAM_HMAC_SIZE);
    hsmiam_secret_free(&derived);
    hsmiam_hmac_free(&hmac);
    return status;
}

/* Token and host compute the HMAC of a fresh nonce; the same result means the same key. */
hsmiam_status hsmiam_custody_prove(hsmiam_token *token, hsmiam_object key, bool in_token,
                                   const hsmiam_secret *value, hsmiam_error *error)
{
    uint8_t nonce[NONCE_SIZE];
    hsmiam_secret *macs = NULL; /* the token's, then the host's */

    if (RAND_bytes(nonce, sizeof nonce) != 1)
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL has no random numbers.");
    hsmiam_status status = hsmiam_secret_new((size_t)2 * HSMIAM_HMAC_SIZE, &macs, error);
    if (status == HSMIAM_OK)
        status = compute_in_token(token, key, in_token, nonce, macs, error);
    if (status == HSMIAM_OK)
        status = compute_on_host(value, in_token, nonce, macs, error);
    if (status == HSMIAM_OK) {
        const uint8_t *theirs = hsmiam_secret_get_data(macs);
        if (CRYPTO_memcmp(theirs, theirs + HSMIAM_HMAC_SIZE, HSMIAM_HMAC_SIZE) != 0)
            status = hsmiam_error_set(error, HSMIAM_ERR_CUSTODY,
                                      "Token \"%s\" computes another HMAC with the imported key "
                                      "than the host does: it holds something else.",
                                      hsmiam_token_get_label(token));
    }
    hsmiam_secret_free(&macs);
    return status;
}

/* Imports, proves, and destroys again what cannot be proven. `came_in_out` tells whether the token
 * took it. */
static hsmiam_status import_and_prove(hsmiam_token *token, hsmiam_import_route route,
                                      const hsmiam_key_spec *spec, const hsmiam_secret *value,
                                      hsmiam_object *object_out, bool *came_in_out,
                                      hsmiam_error *error)
{
    hsmiam_key_spec full = *spec;
    hsmiam_object object = 0;
    hsmiam_status status = hsmiam_token_import_key(token, route, spec, value, &object, error);

    *came_in_out = status == HSMIAM_OK;
    full.value_size = spec->exportable ? hsmiam_secret_get_size(value) : 0;
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_custody_prove(token, object, spec->in_token, value, error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_check_key(token, object, &full, error);
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

/* Takes a value in, in the forms that the token may want it in until one can be proven. */
static hsmiam_status rehearse_value(hsmiam_token *token, hsmiam_import_route route,
                                    const hsmiam_key_spec *spec, const hsmiam_secret *value,
                                    hsmiam_error *error)
{
    hsmiam_object object = 0;
    bool came_in = false;
    bool doubted = false;

    for (;;) {
        hsmiam_status status =
            import_and_prove(token, route, spec, value, &object, &came_in, error);
        hsmiam_verdict verdict = hsmiam_token_judge(status, error);
        if (status == HSMIAM_OK)
            return hsmiam_token_destroy_object(token, object, error);
        /* What comes twice is no accident. */
        bool again = verdict == HSMIAM_VERDICT_DOUBTFUL && !doubted;
        doubted = doubted || again;
        if (!again && came_in && verdict != HSMIAM_VERDICT_FAILED)
            again = hsmiam_token_try_other_form(token, route);
        if (!again)
            return status;
        hsmiam_error_clear(error);
    }
}

hsmiam_status hsmiam_custody_new_random(hsmiam_secret **value_out, hsmiam_error *error)
{
    size_t room = 0;

    hsmiam_status status = hsmiam_secret_new(REHEARSAL_VALUE_SIZE, value_out, error);
    if (status != HSMIAM_OK)
        return status;
    uint8_t *to = hsmiam_secret_get_room(*value_out, &room);
    if (RAND_bytes(to, (int)room) != 1) {
        hsmiam_secret_free(value_out);
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL has no random numbers.");
    }
    hsmiam_secret_grow(*value_out, room);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_custody_rehearse(hsmiam_custody *custody, hsmiam_import_route route,
                                      bool in_token, hsmiam_error *error)
{
    const hsmiam_key_spec spec = {.id = REHEARSAL_ID,
                                  .label = REHEARSAL_LABEL,
                                  .created = time(NULL),
                                  .persistent = false,
                                  .in_token = in_token,
                                  .exportable = custody->exportable};
    hsmiam_secret *value = NULL;

    hsmiam_status status = hsmiam_custody_new_random(&value, error);
    if (status == HSMIAM_OK)
        status = rehearse_value(custody->token, route, &spec, value, error);
    hsmiam_secret_free(&value);
    return status;
}

typedef struct taking {
    const hsmiam_custody *custody;
    const hsmiam_key_spec *spec;
    const hsmiam_secret *value;
} taking;

/* A token that holds such a key already keeps it as it is. */
static hsmiam_status check_absence(const taking *wanted, hsmiam_error *error)
{
    for (size_t i = 0; i <= wanted->custody->replica_count; i++) {
        hsmiam_token *token = hsmiam_custody_get_place(wanted->custody, i)->token;
        size_t count = 0;
        hsmiam_status status =
            hsmiam_token_count_access_keys(token, wanted->spec->id, &count, error);
        if (status != HSMIAM_OK)
            return status;
        if (count > 0)
            return hsmiam_error_set(error, HSMIAM_ERR_EXISTS,
                                    "Token \"%s\" already holds a key with the id %s; it was left "
                                    "as it is.",
                                    hsmiam_token_get_label(token), wanted->spec->id);
    }
    return HSMIAM_OK;
}

/* In all tokens, or in none. */
static void take_back(const taking *wanted, const hsmiam_object *objects, size_t count,
                      hsmiam_error *error)
{
    hsmiam_error *why = hsmiam_error_new();

    for (size_t i = 0; i < count; i++) {
        hsmiam_token *token = hsmiam_custody_get_place(wanted->custody, i)->token;
        if (hsmiam_token_destroy_object(token, objects[i], why) != HSMIAM_OK)
            hsmiam_error_append(error, "Token \"%s\" holds %s, and it could not be destroyed: %s",
                                hsmiam_token_get_label(token), wanted->spec->id,
                                hsmiam_error_get_message(why));
    }
    hsmiam_error_free(&why);
}

static hsmiam_status take(void *context, hsmiam_error *error)
{
    const taking *wanted = context;
    hsmiam_object objects[1 + HSMIAM_REPLICAS_MAX] = {0};
    hsmiam_status status = check_absence(wanted, error);

    for (size_t i = 0; status == HSMIAM_OK && i <= wanted->custody->replica_count; i++) {
        const hsmiam_custody *place = hsmiam_custody_get_place(wanted->custody, i);
        hsmiam_key_spec full = *wanted->spec;
        bool came_in = false;
        full.in_token = place->sigv4 == HSMIAM_SIGV4_IN_TOKEN;
        full.exportable = place->exportable;
        status = import_and_prove(place->token, place->route, &full, wanted->value, &objects[i],
                                  &came_in, error);
        if (status != HSMIAM_OK)
            take_back(wanted, objects, i, error);
    }
    for (size_t i = 0; status == HSMIAM_OK && i <= wanted->custody->replica_count; i++)
        hsmiam_token_leave_object(hsmiam_custody_get_place(wanted->custody, i)->token, objects[i]);
    return status;
}

hsmiam_status hsmiam_custody_take(hsmiam_custody *custody, const hsmiam_key_spec *spec,
                                  const hsmiam_secret *value, hsmiam_error *error)
{
    taking wanted = {custody, spec, value};

    return hsmiam_sealed_run(take, &wanted, error);
}

hsmiam_status hsmiam_custody_take_session(hsmiam_custody *custody, const hsmiam_key_spec *spec,
                                          const hsmiam_secret *value, hsmiam_object *object_out,
                                          hsmiam_error *error)
{
    hsmiam_key_spec full = *spec;
    bool came_in = false;

    full.persistent = false;
    full.in_token = custody->sigv4 == HSMIAM_SIGV4_IN_TOKEN;
    return import_and_prove(custody->token, custody->route, &full, value, object_out, &came_in,
                            error);
}
