/* SPDX-License-Identifier: Apache-2.0 */
#include "token/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

hsmiam_status hsmiam_token_new(const char *uri, hsmiam_token **token_out, hsmiam_error *error)
{
    if (uri == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "No PKCS#11 URI was given.");

    hsmiam_token *token = calloc(1, sizeof *token);
    if (token == NULL)
        return hsmiam_error_set_memory(error, "a token");

    (void)pthread_mutex_init(&token->opening, NULL);
    (void)pthread_mutex_init(&token->logging_in, NULL);
    (void)pthread_mutex_init(&token->importing, NULL);
    hsmiam_status status = HSMIAM_OK;
    token->pool = hsmiam_pool_new(token);
    token->handles = hsmiam_handles_new();
    if (token->pool == NULL || token->handles == NULL) {
        status = hsmiam_error_set_memory(error, "a token");
        goto out;
    }
    status = hsmiam_uri_parse(uri, &token->uri, error);
    if (status != HSMIAM_OK)
        goto out;
    status = hsmiam_uri_take_pin_value(token->uri, &token->pin_value, error);
    if (status != HSMIAM_OK)
        goto out;
    const char *source = p11_kit_uri_get_pin_source(token->uri);
    if (source != NULL)
        status = hsmiam_token_set_pin_source(token, source, error);
    if (status != HSMIAM_OK)
        goto out;
    *token_out = token;
    token = NULL;
out:
    hsmiam_token_free(&token);
    return status;
}

void hsmiam_token_close(hsmiam_token *token)
{
    if (token == NULL || token->closed)
        return;
    if (token->pool != NULL)
        hsmiam_token_end_transport(token);
    token->closed = true;
    hsmiam_secret_free(&token->pin_value);
    if (token->pool != NULL && !hsmiam_pool_is_left(token->pool))
        hsmiam_pool_close(token->pool);
}

static void free_closed(void *context)
{
    hsmiam_token *old = context;
    bool forked = old->pool != NULL && hsmiam_pool_is_forked(old->pool);

    hsmiam_modules_leave(&old->modules);
    hsmiam_pool_free(&old->pool);
    hsmiam_handles_free(&old->handles);
    hsmiam_uri_free(&old->uri);
    free(old->pin_source);
    if (!forked) { /* where threads that are not here may hold them */
        (void)pthread_mutex_destroy(&old->importing);
        (void)pthread_mutex_destroy(&old->logging_in);
        (void)pthread_mutex_destroy(&old->opening);
    }
    free(old);
}

void hsmiam_token_free(hsmiam_token **token)
{
    if (token == NULL || *token == NULL)
        return;
    hsmiam_token *old = *token;

    *token = NULL;
    hsmiam_token_close(old);
    if (old->pool == NULL || !hsmiam_pool_leave(old->pool, free_closed, old))
        free_closed(old);
}

hsmiam_status hsmiam_token_set_pin_source(hsmiam_token *token, const char *source,
                                          hsmiam_error *error)
{
    if (source == NULL || *source == '\0')
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "The PIN source is empty.");

    char *copy = strdup(source);
    if (copy == NULL)
        return hsmiam_error_set_memory(error, "the PIN source");
    free(token->pin_source);
    token->pin_source = copy;
    return HSMIAM_OK;
}

void hsmiam_token_set_pin_callback(hsmiam_token *token, hsmiam_pin_fn ask, void *context)
{
    token->ask_pin = ask;
    token->ask_context = context;
}

bool hsmiam_token_needs_pin_callback(const hsmiam_token *token)
{
    return !token->open && token->pin_source == NULL && token->pin_value == NULL;
}

void hsmiam_token_set_allow_final_try(hsmiam_token *token, bool allow)
{
    token->allow_final_try = allow;
}

void hsmiam_token_set_timeout(hsmiam_token *token, unsigned seconds)
{
    hsmiam_pool_set_timeout(token->pool, seconds);
}

bool hsmiam_token_has_timeout(const hsmiam_token *token)
{
    return hsmiam_pool_has_timeout(token->pool);
}

void hsmiam_token_renew_timeout(hsmiam_token *token)
{
    hsmiam_pool_renew_timeout(token->pool);
}

bool hsmiam_token_is_silent(const hsmiam_token *token)
{
    return hsmiam_pool_is_silent(token->pool);
}

void hsmiam_token_set_log(hsmiam_token *token, hsmiam_log_fn log, void *context)
{
    token->log = (hsmiam_log){log, context};
}

void hsmiam_token_set_modules(hsmiam_token *token, CK_FUNCTION_LIST **list)
{
    token->modules = (hsmiam_modules){.list = list, .borrowed = true};
}

static hsmiam_status remember_names(hsmiam_token *token, hsmiam_error *error)
{
    hsmiam_buffer uri;

    hsmiam_attribute_copy_padded(token->label, token->info.label, sizeof token->info.label);
    hsmiam_attribute_copy_padded(token->serial, token->info.serialNumber,
                                 sizeof token->info.serialNumber);
    hsmiam_buffer_init(&uri, sizeof token->own_uri - 1);
    hsmiam_status status = hsmiam_uri_format(&token->info, NULL, 0, &uri, error);
    if (status != HSMIAM_OK)
        goto out;
    (void)snprintf(token->own_uri, sizeof token->own_uri, "%s", hsmiam_buffer_get_string(&uri));
out:
    hsmiam_buffer_clear(&uri);
    return status;
}

static void forget_names(hsmiam_token *token)
{
    token->own_uri[0] = '\0';
    token->label[0] = '\0';
    token->serial[0] = '\0';
}

static hsmiam_status open_once(hsmiam_token *token, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_pool_search(token->pool, token, error);
    if (status != HSMIAM_OK)
        goto out;
    status = remember_names(token, error);
    if (status != HSMIAM_OK)
        goto out;
    token->read_only = (token->info.flags & CKF_WRITE_PROTECTED) != 0;
    status = hsmiam_pool_open(token->pool, error);
    if (status != HSMIAM_OK)
        goto out;

    token->open = true;
    hsmiam_log_write(&token->log, HSMIAM_LOG_DEBUG, "Opened %s in slot %lu%s.", token->own_uri,
                     hsmiam_pool_get_slot(token->pool), token->read_only ? " (read-only)" : "");
out:
    if (!token->open)
        forget_names(token);
    return status;
}

hsmiam_status hsmiam_token_open(hsmiam_token *token, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_pool_check_use(token->pool, error);

    if (status != HSMIAM_OK)
        return status;
    (void)pthread_mutex_lock(&token->opening);
    status = token->open ? HSMIAM_OK : open_once(token, error);
    (void)pthread_mutex_unlock(&token->opening);
    return status;
}

const char *hsmiam_token_get_uri(const hsmiam_token *token)
{
    return token->own_uri;
}

const char *hsmiam_token_get_label(const hsmiam_token *token)
{
    return token->label;
}

bool hsmiam_token_is_hardware(const hsmiam_token *token)
{
    return token->is_hardware;
}

const char *hsmiam_token_get_serial(const hsmiam_token *token)
{
    return token->serial;
}
