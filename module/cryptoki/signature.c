/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki/signature.h"

#include "base/sealed.h"
#include "sigv4/signing_key.h"
#include "sigv4/string_to_sign.h"
#include "token/key_template.h"

#include <string.h>

typedef struct computation {
    const hsmiam_sigv4_task *task;
    uint8_t *mac;
    bool ended; /* the module behind has no operation of ours any more */
    CK_RV rv;   /* what it said */
} computation;

void hsmiam_sigv4_abandon(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session)
{
    unsigned char mac[HSMIAM_HMAC_SIZE] = {0};
    unsigned char nothing = 0;
    CK_ULONG size = sizeof mac;

    (void)behind->C_Sign(session, &nothing, 0, mac, &size);
    hsmiam_wipe(mac, sizeof mac);
}

static hsmiam_status refuse(computation *run, const char *function, CK_RV rv, hsmiam_error *error)
{
    char buffer[32];

    run->rv = rv;
    return hsmiam_error_set(error, HSMIAM_ERR_TOKEN, "%s of the module behind failed: %s.",
                            function, hsmiam_rv_get_name(rv, buffer));
}

/* kDate, by the operation that C_SignInit began. */
static hsmiam_status get_date_key(computation *run, const hsmiam_scope *scope, hsmiam_secret *key,
                                  hsmiam_error *error)
{
    const hsmiam_sigv4_task *task = run->task;
    CK_BYTE date[sizeof scope->date];
    size_t room = 0;
    uint8_t *to = hsmiam_secret_get_room(key, &room);
    CK_ULONG size = room;

    memcpy(date, scope->date, sizeof date);
    run->ended = true;
    CK_RV rv = task->behind->C_Sign(task->operation->session, date, sizeof date - 1, to, &size);
    if (rv != CKR_OK)
        return refuse(run, "C_Sign", rv, error);
    if (size != HSMIAM_HMAC_SIZE)
        return refuse(run, "C_Sign", CKR_DEVICE_ERROR, error);
    hsmiam_secret_grow(key, size);
    return HSMIAM_OK;
}

static hsmiam_status compute_on_host(computation *run, const hsmiam_scope *scope,
                                     hsmiam_error *error)
{
    const hsmiam_sigv4_task *task = run->task;
    hsmiam_secret *key = NULL;
    hsmiam_secret *next = NULL;
    hsmiam_hmac *hmac = NULL;

    hsmiam_status status = hsmiam_hmac_new(&hmac, error);
    if (status == HSMIAM_OK)
        status = hsmiam_secret_new(HSMIAM_HMAC_SIZE, &key, error);
    if (status == HSMIAM_OK)
        status = hsmiam_secret_new(HSMIAM_HMAC_SIZE, &next, error);
    if (status == HSMIAM_OK)
        status = get_date_key(run, scope, key, error);
    if (status == HSMIAM_OK)
        status = hsmiam_signing_key_chain(hmac, scope, &key, &next, error);
    if (status == HSMIAM_OK)
        status = hsmiam_hmac_compute(hmac, key, task->text, task->size, run->mac, error);
    hsmiam_secret_free(&next);
    hsmiam_secret_free(&key);
    hsmiam_hmac_free(&hmac);
    return status;
}

/* One link of the chain, from `*link` to the next one, which takes its place. */
static hsmiam_status advance(computation *run, const hsmiam_session *session,
                             CK_OBJECT_HANDLE *link, const char *text, bool last, bool *unlimited,
                             hsmiam_error *error)
{
    hsmiam_bool_rule broken = {0};
    CK_OBJECT_HANDLE next = CK_INVALID_HANDLE;
    CK_OBJECT_HANDLE old = *link;

    CK_RV rv = hsmiam_session_derive_hmac(session, old, text, strlen(text), last, unlimited, &next);
    if (rv != CKR_OK)
        return refuse(run, "C_DeriveKey", rv, error);
    *link = next;
    if (old != run->task->operation->key)
        (void)session->functions->C_DestroyObject(session->handle, old);
    rv = hsmiam_session_check_derived(session, next, last, &broken);
    if (rv != CKR_OK)
        return refuse(run, "C_GetAttributeValue", rv, error);
    if (broken.name == NULL)
        return HSMIAM_OK;
    run->rv = CKR_DEVICE_ERROR;
    return hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                            "The token derives a key whose %s is %s, or does not tell; it is not "
                            "used.",
                            broken.name, broken.value ? "false" : "true");
}

static hsmiam_status sign_in_token(computation *run, const hsmiam_session *session,
                                   CK_OBJECT_HANDLE key, hsmiam_error *error)
{
    CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0};
    CK_ULONG size = HSMIAM_HMAC_SIZE;

    CK_RV rv = session->functions->C_SignInit(session->handle, &mechanism, key);
    if (rv != CKR_OK)
        return refuse(run, "C_SignInit", rv, error);
    rv = session->functions->C_Sign(session->handle, (CK_BYTE *)run->task->text, run->task->size,
                                    run->mac, &size);
    if (rv == CKR_OK && size != HSMIAM_HMAC_SIZE)
        rv = CKR_DEVICE_ERROR;
    return rv == CKR_OK ? HSMIAM_OK : refuse(run, "C_Sign", rv, error);
}

static hsmiam_status compute_in_token(computation *run, const hsmiam_scope *scope,
                                      hsmiam_error *error)
{
    const char *const texts[] = {scope->date, scope->region, scope->service,
                                 HSMIAM_SCOPE_TERMINATOR};
    const size_t count = sizeof texts / sizeof texts[0];
    const hsmiam_operation *operation = run->task->operation;
    const hsmiam_session session = {
        .functions = run->task->behind, .handle = operation->session, .slot = operation->slot};
    CK_OBJECT_HANDLE link = operation->key;
    bool unlimited = false;
    hsmiam_status status = HSMIAM_OK;

    for (size_t i = 0; status == HSMIAM_OK && i < count; i++)
        status = advance(run, &session, &link, texts[i], i + 1 == count, &unlimited, error);
    if (status == HSMIAM_OK)
        status = sign_in_token(run, &session, link, error);
    if (link != operation->key)
        (void)session.functions->C_DestroyObject(session.handle, link);
    return status;
}

static hsmiam_status compute(void *context, hsmiam_error *error)
{
    computation *run = context;
    const hsmiam_operation *operation = run->task->operation;

    return operation->in_token ? compute_in_token(run, &operation->scope, error)
                               : compute_on_host(run, &operation->scope, error);
}

CK_RV hsmiam_sigv4_compute(const hsmiam_sigv4_task *task, uint8_t mac_out[HSMIAM_HMAC_SIZE],
                           hsmiam_error *error)
{
    computation run = {.task = task, .mac = mac_out, .ended = task->operation->in_token};
    hsmiam_status status = hsmiam_sealed_run(compute, &run, error);

    if (!run.ended)
        hsmiam_sigv4_abandon(task->behind, task->operation->session);
    if (status == HSMIAM_OK)
        return CKR_OK;
    if (run.rv != CKR_OK)
        return run.rv;
    return status == HSMIAM_ERR_MEMORY ? CKR_HOST_MEMORY : CKR_GENERAL_ERROR;
}
