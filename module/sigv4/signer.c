/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "sigv4/digest.h"
#include "sigv4/signing_key.h"

#define KEY_URI_MAX 4095
#define URI_SCHEME  "pkcs11:"

struct hsmiam_signer {
    hsmiam_token *token;
    char *key_uri;
    bool bare;
    bool open;
    unsigned losses; /* of the token, before the key was found */
    hsmiam_log log;
    char access_key_id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    hsmiam_signing_key key;
    char session_id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    hsmiam_secret *session_token; /* NULL: the access key itself signs */
};

hsmiam_status hsmiam_signer_new(hsmiam_token *token, const char *key_uri,
                                hsmiam_signer **signer_out, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;
    hsmiam_signer *signer = NULL;

    if (token == NULL || signer_out == NULL) {
        status = hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "A signer needs a token.");
        goto out;
    }
    if (key_uri != NULL && (strncasecmp(key_uri, URI_SCHEME, strlen(URI_SCHEME)) != 0 ||
                            strnlen(key_uri, KEY_URI_MAX + 1) > KEY_URI_MAX)) {
        status = hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                  "The key is not named by a PKCS#11 URI: one begins with "
                                  "\"" URI_SCHEME "\" and has at most %d bytes.",
                                  KEY_URI_MAX);
        goto out;
    }
    signer = calloc(1, sizeof *signer);
    if (signer == NULL) {
        status = hsmiam_error_set_memory(error, "a signer");
        goto out;
    }
    signer->token = token;
    if (key_uri != NULL) {
        /* Behind the question mark stand module and PIN, which choose no key. */
        signer->key_uri = strndup(key_uri, strcspn(key_uri, "?"));
        if (signer->key_uri == NULL) {
            status = hsmiam_error_set_memory(error, "a signer");
            goto out;
        }
    }
    *signer_out = signer;
    signer = NULL;

out:
    hsmiam_signer_free(&signer);
    return status;
}

static hsmiam_status copy_secret(const hsmiam_secret *from, hsmiam_secret **copy_out,
                                 hsmiam_error *error)
{
    size_t size = hsmiam_secret_get_size(from);
    hsmiam_status status = hsmiam_secret_new(size, copy_out, error);

    if (status == HSMIAM_OK && !hsmiam_secret_append(*copy_out, hsmiam_secret_get_data(from), size))
        status = hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "A secret of %zu bytes has no room.",
                                  size);
    return status;
}

/* The session's key is an object that all sessions of this token see. */
static hsmiam_status share_session(hsmiam_signer *to, const hsmiam_signer *from,
                                   hsmiam_error *error)
{
    memcpy(to->session_id, from->session_id, sizeof to->session_id);
    memcpy(to->access_key_id, from->access_key_id, sizeof to->access_key_id);
    to->losses = from->losses;
    to->key.route = from->key.route;
    to->key.token = from->key.token;
    to->key.access_key = from->key.access_key;
    to->open = true;
    return copy_secret(from->session_token, &to->session_token, error);
}

hsmiam_status hsmiam_signer_new_like(const hsmiam_signer *like, hsmiam_signer **signer_out,
                                     hsmiam_error *error)
{
    hsmiam_status status = hsmiam_signer_new(like->token, like->key_uri, signer_out, error);

    if (status != HSMIAM_OK)
        return status;
    (*signer_out)->bare = like->bare;
    (*signer_out)->log = like->log;
    if (like->session_token != NULL)
        status = share_session(*signer_out, like, error);
    if (status != HSMIAM_OK)
        hsmiam_signer_free(signer_out);
    return status;
}

void hsmiam_signer_free(hsmiam_signer **signer)
{
    if (signer == NULL || *signer == NULL)
        return;
    hsmiam_signing_key_clear(&(*signer)->key);
    hsmiam_secret_free(&(*signer)->session_token);
    free((*signer)->key_uri);
    free(*signer);
    *signer = NULL;
}

/* Whether the URI's path has an id attribute. */
static bool names_id(const char *uri)
{
    return strncasecmp(uri, URI_SCHEME "id=", strlen(URI_SCHEME "id=")) == 0 ||
           strstr(uri, ";id=") != NULL;
}

hsmiam_status hsmiam_signer_narrow(hsmiam_signer *signer, const char *access_key_id,
                                   hsmiam_error *error)
{
    const char *uri = signer->key_uri != NULL ? signer->key_uri : URI_SCHEME;
    char *narrowed = NULL;

    if (names_id(uri))
        return HSMIAM_OK;
    if (asprintf(&narrowed, "%s%sid=%s", uri, uri[strlen(URI_SCHEME)] != '\0' ? ";" : "",
                 access_key_id) < 0)
        return hsmiam_error_set_memory(error, "a signer");
    free(signer->key_uri);
    signer->key_uri = narrowed;
    return HSMIAM_OK;
}

void hsmiam_signer_set_bare_secret(hsmiam_signer *signer, bool bare)
{
    signer->bare = bare;
}

void hsmiam_signer_set_log(hsmiam_signer *signer, hsmiam_log_fn log, void *context)
{
    signer->log = (hsmiam_log){log, context};
}

/* Says so if the token could do better than the key allows. What fails here is not needed. */
static void explain_route(const hsmiam_signer *signer, const char *id)
{
    hsmiam_in_token found = HSMIAM_IN_TOKEN_UNKNOWN;

    if (hsmiam_token_probe_in_token(signer->token, false, &found, NULL) == HSMIAM_OK &&
        found == HSMIAM_IN_TOKEN_LIMITED)
        hsmiam_log_write(&signer->log, HSMIAM_LOG_NOTICE,
                         "Access key %s may sign but not derive, so its derived keys pass through "
                         "this host. Token \"%s\" can keep them inside: import the key anew, or "
                         "rotate it.",
                         id, hsmiam_token_get_label(signer->token));
}

/* A key has one usage as we make it; of two, the one that keeps more inside is taken. */
static hsmiam_status choose_route(const hsmiam_signer *signer, const char *id,
                                  const hsmiam_key_use *use, const hsmiam_signing_route **route_out,
                                  hsmiam_error *error)
{
    hsmiam_in_token found = HSMIAM_IN_TOKEN_UNKNOWN;

    *route_out = &hsmiam_signing_route_sign;
    if (signer->bare && !use->derive)
        return hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                                "Token \"%s\": access key %s is said to lack \"AWS4\" before its "
                                "secret, and no key may be derived from it (CKA_DERIVE is false) "
                                "that has it.",
                                hsmiam_token_get_label(signer->token), id);
    if (!use->derive) {
        explain_route(signer, id);
        return HSMIAM_OK;
    }
    if (use->sign || signer->bare) {
        hsmiam_status status = hsmiam_token_probe_in_token(signer->token, false, &found, error);
        if (status != HSMIAM_OK || found == HSMIAM_IN_TOKEN_NO)
            return status;
    }
    *route_out = &hsmiam_signing_route_in_token;
    return HSMIAM_OK;
}

/* Finds the key, again if the token was opened anew since. */
static hsmiam_status find_key(hsmiam_signer *signer, hsmiam_error *error)
{
    hsmiam_key_use use = {.sign = false};
    const hsmiam_signing_route *route = NULL;
    hsmiam_object object = 0;
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1] = "";
    unsigned losses = hsmiam_token_count_losses(signer->token);

    if (signer->session_token != NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_TOKEN,
                                "Token \"%s\" was lost meanwhile, and with it the key of the "
                                "session that was begun by MFA; begin another one, with a new "
                                "code.",
                                hsmiam_token_get_label(signer->token));
    hsmiam_status status =
        hsmiam_token_find_access_key(signer->token, signer->key_uri, &object, id, error);

    if (status == HSMIAM_OK)
        status = hsmiam_token_get_key_use(signer->token, object, &use, error);
    if (status == HSMIAM_OK)
        status = choose_route(signer, id, &use, &route, error);
    if (status != HSMIAM_OK)
        return status;
    if (signer->key.route != route || strcmp(signer->access_key_id, id) != 0)
        hsmiam_signing_key_clear(&signer->key);
    memcpy(signer->access_key_id, id, sizeof id);
    signer->key.route = route;
    signer->key.token = signer->token;
    signer->key.access_key = object;
    signer->key.bare = signer->bare;
    signer->losses = losses;
    hsmiam_log_write(&signer->log, HSMIAM_LOG_DEBUG, "Access key %s signs by route %s.", id,
                     route->name);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_signer_begin_session(hsmiam_signer *signer, const char *access_key_id,
                                          const hsmiam_secret *session_token, hsmiam_object object,
                                          hsmiam_error *error)
{
    hsmiam_key_use use = {.sign = false};
    hsmiam_secret *copy = NULL;

    hsmiam_status status = hsmiam_token_get_key_use(signer->token, object, &use, error);
    if (status == HSMIAM_OK)
        status = copy_secret(session_token, &copy, error);
    if (status != HSMIAM_OK)
        goto out;
    hsmiam_signing_key_clear(&signer->key);
    signer->key.route =
        use.derive && !use.sign ? &hsmiam_signing_route_in_token : &hsmiam_signing_route_sign;
    signer->key.token = signer->token;
    signer->key.access_key = object;
    signer->losses = hsmiam_token_count_losses(signer->token);
    (void)snprintf(signer->session_id, sizeof signer->session_id, "%s", access_key_id);
    hsmiam_secret_free(&signer->session_token);
    signer->session_token = copy;
    copy = NULL;
    hsmiam_log_write(&signer->log, HSMIAM_LOG_DEBUG,
                     "Session %s of access key %s signs by route %s.", signer->session_id,
                     signer->access_key_id, signer->key.route->name);
out:
    hsmiam_secret_free(&copy);
    return status;
}

void hsmiam_signer_end_session(hsmiam_signer *signer)
{
    hsmiam_object object = signer->key.access_key;
    bool is_alive = signer->losses == hsmiam_token_count_losses(signer->token);

    if (signer->session_token == NULL)
        return;
    hsmiam_signing_key_clear(&signer->key);
    hsmiam_secret_free(&signer->session_token);
    signer->session_id[0] = '\0';
    signer->open = false;
    /* Once the token was lost, the handle may be that of another object. */
    if (is_alive && hsmiam_token_destroy_object(signer->token, object, NULL) != HSMIAM_OK)
        hsmiam_log_write(
            &signer->log, HSMIAM_LOG_DEBUG,
            "The key of the session before stays in token \"%s\" until that is closed.",
            hsmiam_token_get_label(signer->token));
}

const char *hsmiam_signer_get_signing_id(const hsmiam_signer *signer)
{
    return signer->session_token != NULL ? signer->session_id : signer->access_key_id;
}

const char *hsmiam_signer_get_session_token(const hsmiam_signer *signer)
{
    return signer->session_token != NULL
               ? (const char *)hsmiam_secret_get_data(signer->session_token)
               : NULL;
}

/* Opens, and sees to it that the access key can be used if it must be. */
static hsmiam_status make_ready(hsmiam_signer *signer, const hsmiam_scope *scope,
                                hsmiam_error *error)
{
    hsmiam_status status = hsmiam_signer_open(signer, error);

    if (status == HSMIAM_OK && signer->losses != hsmiam_token_count_losses(signer->token) &&
        hsmiam_signing_key_must_derive(&signer->key, scope))
        status = find_key(signer, error);
    return status;
}

hsmiam_status hsmiam_signer_open(hsmiam_signer *signer, hsmiam_error *error)
{
    if (signer == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "There is no signer to open.");
    if (signer->open)
        return HSMIAM_OK;

    hsmiam_status status = hsmiam_token_open(signer->token, error);
    if (status != HSMIAM_OK)
        return status;
    status = find_key(signer, error);
    signer->open = status == HSMIAM_OK;
    return status;
}

const char *hsmiam_signer_get_sigv4_route(const hsmiam_signer *signer)
{
    return signer != NULL && signer->open ? signer->key.route->name : "";
}

hsmiam_token *hsmiam_signer_get_token(const hsmiam_signer *signer)
{
    return signer->token;
}

const char *hsmiam_signer_get_access_key_id(const hsmiam_signer *signer)
{
    return signer != NULL ? signer->access_key_id : "";
}

hsmiam_status hsmiam_signer_derive(hsmiam_signer *signer, const hsmiam_scope *scope,
                                   hsmiam_error *error)
{
    hsmiam_status status = make_ready(signer, scope, error);

    return status == HSMIAM_OK ? hsmiam_signing_key_derive(&signer->key, scope, error) : status;
}

void hsmiam_signer_renew_timeout(hsmiam_signer *signer)
{
    if (signer != NULL)
        hsmiam_token_renew_timeout(signer->token);
}

hsmiam_status hsmiam_signer_sign(hsmiam_signer *signer, const hsmiam_scope *scope,
                                 const char *string_to_sign, size_t size,
                                 char signature_out[HSMIAM_SIGNATURE_SIZE + 1], hsmiam_error *error)
{
    uint8_t mac[HSMIAM_HMAC_SIZE] = {0};

    hsmiam_error *own = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (error == NULL) /* it tells whether the key was lost */
        error = own = hsmiam_error_new();
    for (bool again = true, first = true; again; first = false) {
        status = make_ready(signer, scope, error);
        if (status == HSMIAM_OK)
            status = hsmiam_signing_key_sign(&signer->key, scope, string_to_sign, size, mac, error);
        again = first && hsmiam_signing_key_forget_lost(&signer->key, status, error);
        if (again)
            hsmiam_error_clear(error);
    }
    hsmiam_error_free(&own);
    if (status == HSMIAM_OK)
        hsmiam_digest_format_hex(mac, sizeof mac, signature_out);
    return status;
}
