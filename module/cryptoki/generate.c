/* SPDX-License-Identifier: Apache-2.0 */
/* C_GenerateKey with CKM_HSMIAM_AWS_ACCESS_KEY: the application's session is looked at, the key is
 * issued in sessions of the library's own, and then found in the application's. */
#include "cryptoki/mechanism.h"

#include "cryptoki/behind.h"
#include "cryptoki/issuer.h"
#include "cryptoki/message.h"
#include "cryptoki/own.h"
#include "cryptoki/reason.h"
#include "cryptoki/wish.h"
#include "hsmiam/pkcs11.h"
#include "iam/operations.h"

#include <pthread.h>
#include <string.h>

/* The calls under way, which C_Finalize waits for. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static size_t running;
static _Atomic bool ending;

static bool is_ending(void *context)
{
    (void)context;
    return ending;
}

static bool enter(void)
{
    (void)pthread_mutex_lock(&lock);
    bool entered = !ending;
    running += entered;
    (void)pthread_mutex_unlock(&lock);
    return entered;
}

static void leave(void)
{
    (void)pthread_mutex_lock(&lock);
    running--;
    (void)pthread_cond_broadcast(&ended);
    (void)pthread_mutex_unlock(&lock);
}

void hsmiam_mechanism_end(void)
{
    (void)pthread_mutex_lock(&lock);
    ending = true;
    while (running > 0)
        (void)pthread_cond_wait(&ended, &lock);
    ending = false;
    (void)pthread_mutex_unlock(&lock);
}

void hsmiam_mechanism_forget(void)
{
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    ended = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    running = 0;
    ending = false;
    hsmiam_sign_forget();
}

/* A key goes in as the application's user only, and he is never logged in behind its back. */
static CK_RV find_place(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                        hsmiam_place *place_out)
{
    CK_SESSION_INFO info = {0};

    CK_RV rv = behind->C_GetSessionInfo(session, &info);
    if (rv != CKR_OK)
        return rv;
    *place_out = (hsmiam_place){
        .behind = behind, .slot = info.slotID, .module_path = hsmiam_behind_get_path()};
    rv = behind->C_GetTokenInfo(info.slotID, &place_out->info);
    if (rv != CKR_OK)
        return rv;
    if ((info.flags & CKF_RW_SESSION) == 0) {
        hsmiam_message_write("C_GenerateKey: an access key is a token object, which is made in a "
                             "read/write session (CKF_RW_SESSION); this one is read-only.");
        return CKR_SESSION_READ_ONLY;
    }
    if ((place_out->info.flags & CKF_LOGIN_REQUIRED) != 0 && info.state != CKS_RW_USER_FUNCTIONS) {
        hsmiam_message_write(
            "C_GenerateKey: the user (CKU_USER) must be logged in to the session's "
            "token first; the module does not do it.");
        return CKR_USER_NOT_LOGGED_IN;
    }
    return CKR_OK;
}

static CK_RV find_in(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session, const char *id,
                     CK_OBJECT_HANDLE *key_out)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_ID, (void *)id, strlen(id)},
    };
    CK_OBJECT_HANDLE found = CK_INVALID_HANDLE;
    CK_ULONG count = 0;

    CK_RV rv = behind->C_FindObjectsInit(session, template, sizeof template / sizeof template[0]);
    if (rv != CKR_OK)
        return rv;
    rv = behind->C_FindObjects(session, &found, 1, &count);
    CK_RV ended_by = behind->C_FindObjectsFinal(session);
    if (rv == CKR_OK)
        rv = ended_by;
    if (rv == CKR_OK && count != 1)
        rv = CKR_GENERAL_ERROR;
    if (rv == CKR_OK)
        *key_out = found;
    return rv;
}

/* In another session, if the application's is searching already or was closed meanwhile: handles
 * are the same in both. What else a module would say of a session, a program might take for a
 * reason to try again, and get a second key. */
static CK_RV find_key(const hsmiam_place *place, CK_SESSION_HANDLE session, const char *id,
                      CK_OBJECT_HANDLE *key_out)
{
    CK_FUNCTION_LIST *behind = place->behind;
    CK_SESSION_HANDLE other = CK_INVALID_HANDLE;

    CK_RV first = find_in(behind, session, id, key_out);
    if (first == CKR_OK)
        return CKR_OK;
    CK_RV rv = behind->C_OpenSession(place->slot, CKF_SERIAL_SESSION, NULL, NULL, &other);
    if (rv == CKR_OK) {
        rv = find_in(behind, other, id, key_out);
        (void)behind->C_CloseSession(other);
    }
    if (rv == CKR_OK)
        return CKR_OK;
    hsmiam_message_write("C_GenerateKey: access key %s was made and is in the token, but this "
                         "session does not find it there (0x%lX).",
                         id, first);
    return CKR_GENERAL_ERROR;
}

/* What the settings say is needed for as long as names are given: it may hold a PIN. */
static hsmiam_status start(hsmiam_issuer *issuer, const hsmiam_place *place, hsmiam_error *error)
{
    hsmiam_module_settings settings = {0};

    hsmiam_status status = hsmiam_module_settings_load(&settings, error);
    if (status == HSMIAM_OK && settings.credential == NULL)
        status = hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                  "No root credential is configured that could issue access keys; "
                                  "name it by hsmiam_credential in the profile.");
    if (status == HSMIAM_OK)
        status = hsmiam_issuer_start(issuer, place, &settings, is_ending, error);
    hsmiam_module_settings_clear(&settings);
    return status;
}

/* Whether IAM's last answer was a new key. What fails after that, as the record of it, is no
 * failure of which the caller may think that nothing was made. */
static bool has_secret_come(const hsmiam_issuer *issuer)
{
    return issuer->client != NULL && hsmiam_client_get_secret_arrival(issuer->client) != 0;
}

static CK_RV issue(const hsmiam_place *place, CK_SESSION_HANDLE session, const char *user_name,
                   CK_OBJECT_HANDLE *key_out)
{
    hsmiam_issuer issuer = {.token = NULL};
    hsmiam_access_key *key = NULL;
    hsmiam_error *error = hsmiam_error_new();

    hsmiam_status status = start(&issuer, place, error);
    if (status == HSMIAM_OK)
        status = hsmiam_access_key_create(issuer.client, issuer.custody,
                                          *user_name != '\0' ? user_name : NULL, &key, error);
    CK_RV rv = hsmiam_reason_get_rv(status, error);
    if (rv != CKR_OK && has_secret_come(&issuer))
        rv = CKR_GENERAL_ERROR;
    if (rv != CKR_OK)
        hsmiam_message_write_error(error);
    hsmiam_issuer_clear(&issuer);
    if (rv == CKR_OK)
        rv = find_key(place, session, hsmiam_access_key_get_id(key), key_out);
    hsmiam_access_key_free(&key);
    hsmiam_error_free(&error);
    return rv;
}

CK_RV hsmiam_mechanism_generate_key(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                    CK_MECHANISM *mechanism, CK_ATTRIBUTE *template, CK_ULONG count,
                                    CK_OBJECT_HANDLE *key_out)
{
    char user_name[HSMIAM_USER_NAME_MAX + 1];
    hsmiam_place place;

    if (mechanism == NULL || mechanism->mechanism != CKM_HSMIAM_AWS_ACCESS_KEY)
        return behind->C_GenerateKey(session, mechanism, template, count, key_out);
    if (key_out == NULL || (template == NULL && count > 0))
        return CKR_ARGUMENTS_BAD;
    if (!hsmiam_behind_may_start_threads()) {
        hsmiam_message_write("C_GenerateKey: a key is issued on threads of its own, and the "
                             "program forbids those (CKF_LIBRARY_CANT_CREATE_OS_THREADS).");
        return CKR_MECHANISM_INVALID;
    }
    CK_RV rv = find_place(behind, session, &place);
    if (rv == CKR_OK)
        rv = hsmiam_wish_read(mechanism, template, count, user_name);
    if (rv != CKR_OK)
        return rv;
    if (!enter())
        return CKR_FUNCTION_CANCELED;
    rv = issue(&place, session, user_name, key_out);
    leave();
    return rv;
}
