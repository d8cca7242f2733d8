/* SPDX-License-Identifier: Apache-2.0 */
/* Slots, sessions, login, and failures on demand. */
#include "support/mock_cryptoki_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define SESSIONS_MAX 32
#define FAILURES_MAX 8

typedef struct failure {
    mock_function function;
    unsigned call;
    CK_RV rv;
} failure;

mock_state mock;

static mock_session sessions[SESSIONS_MAX];
static failure failures[FAILURES_MAX];
static size_t failure_count;

const char *mock_get_name(mock_function function)
{
    static const char *const names[] = {
#define MOCK_NAME(name) #name,
        MOCK_FUNCTIONS(MOCK_NAME)
#undef MOCK_NAME
    };

    return names[function];
}

void mock_set_padded(unsigned char *field, size_t size, const char *text)
{
    size_t length = strlen(text);

    memset(field, ' ', size);
    memcpy(field, text, length < size ? length : size);
}

mock_slot *mock_add_slot(const char *label, const char *serial)
{
    mock_slot *slot = &mock.slots[mock.slot_count];

    *slot = (mock_slot){.id = 100 + mock.slot_count, .mechanisms = 4};
    slot->info.flags = CKF_TOKEN_PRESENT | CKF_HW_SLOT;
    mock_set_padded(slot->info.slotDescription, sizeof slot->info.slotDescription, "Mock slot");
    mock_set_padded(slot->info.manufacturerID, sizeof slot->info.manufacturerID, "Slots Inc.");

    mock_set_padded(slot->token.label, sizeof slot->token.label, label);
    mock_set_padded(slot->token.serialNumber, sizeof slot->token.serialNumber, serial);
    mock_set_padded(slot->token.manufacturerID, sizeof slot->token.manufacturerID, "Mock Works");
    mock_set_padded(slot->token.model, sizeof slot->token.model, "M1");
    slot->token.flags = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED;
    slot->token.ulTotalPrivateMemory = 65536;
    slot->token.ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION;
    mock.slot_count++;
    return slot;
}

void mock_reset(void)
{
    mock_remove_all_objects();
    mock_stop_failing();
    memset(sessions, 0, sizeof sessions);
    memset(&mock, 0, sizeof mock);

    mock.refusal = CKR_ATTRIBUTE_TYPE_INVALID;
    mock.hash_refusal = CKR_ARGUMENTS_BAD;
    mock.hmac_size = 32;
    mock.info.cryptokiVersion = (CK_VERSION){2, 40};
    mock.info.libraryVersion = (CK_VERSION){1, 7};
    mock_set_padded(mock.info.manufacturerID, sizeof mock.info.manufacturerID, "Library Ltd.");
    mock_set_padded(mock.info.libraryDescription, sizeof mock.info.libraryDescription,
                    "Mock library");
    (void)mock_add_slot("mock token", "4711");
}

void mock_fail(mock_function function, unsigned call, CK_RV rv)
{
    unsigned from = call > 0 ? mock.calls[function] + call : 0;

    if (failure_count < FAILURES_MAX)
        failures[failure_count++] = (failure){function, from, rv};
}

void mock_stop_failing(void)
{
    failure_count = 0;
    memset(mock.calls, 0, sizeof mock.calls);
}

/* A call that hangs, and whether it may go on. */
static pthread_mutex_t hanging = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hanging_changed = PTHREAD_COND_INITIALIZER;
static mock_function hanging_function;
static unsigned hanging_call; /* 0: none hangs */

void mock_hang(mock_function function, unsigned call)
{
    hanging_function = function;
    hanging_call = mock.calls[function] + call;
}

void mock_release(void)
{
    (void)pthread_mutex_lock(&hanging);
    hanging_call = 0;
    (void)pthread_cond_broadcast(&hanging_changed);
    (void)pthread_mutex_unlock(&hanging);
}

static unsigned slowness;

void mock_slow(unsigned milliseconds)
{
    slowness = milliseconds;
}

static void take_time(void)
{
    const struct timespec time = {slowness / 1000, (long)(slowness % 1000) * 1000000};

    if (slowness > 0)
        (void)nanosleep(&time, NULL);
}

static void hang_if_told(mock_function function)
{
    (void)pthread_mutex_lock(&hanging);
    while (hanging_call != 0 && hanging_function == function &&
           hanging_call == mock.calls[function])
        (void)pthread_cond_wait(&hanging_changed, &hanging);
    (void)pthread_mutex_unlock(&hanging);
}

CK_RV mock_enter(mock_function function)
{
    mock.calls[function]++;
    take_time();
    hang_if_told(function);
    for (size_t i = 0; i < failure_count; i++)
        if (failures[i].function == function &&
            (failures[i].call == 0 || failures[i].call == mock.calls[function]))
            return failures[i].rv;
    return CKR_OK;
}

mock_session *mock_get_session(CK_SESSION_HANDLE handle)
{
    if (handle == CK_INVALID_HANDLE || handle > SESSIONS_MAX || !sessions[handle - 1].open)
        return NULL;
    return &sessions[handle - 1];
}

size_t mock_count_sessions(void)
{
    size_t count = 0;

    for (size_t i = 0; i < SESSIONS_MAX; i++)
        count += sessions[i].open;
    return count;
}

static mock_slot *get_slot(CK_SLOT_ID id)
{
    for (size_t i = 0; i < mock.slot_count; i++)
        if (mock.slots[i].id == id)
            return &mock.slots[i];
    return NULL;
}

static CK_RV initialize(void *arguments)
{
    const CK_C_INITIALIZE_ARGS *given = arguments;
    const char *words = given != NULL ? given->pReserved : NULL;

    mock_reset();
    if (words != NULL)
        (void)snprintf(mock.words, sizeof mock.words, "%s", words);
    if (strcmp(mock.words, "refuse") == 0)
        return CKR_ARGUMENTS_BAD;
    if (strcmp(mock.words, "taken") == 0)
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    return mock_enter(MOCK_C_Initialize);
}

static CK_RV finalize(void *reserved)
{
    (void)reserved;
    mock_reset();
    mock_forget_rsa_keys();
    return mock_enter(MOCK_C_Finalize);
}

static CK_RV get_info(CK_INFO *info_out)
{
    *info_out = mock.info;
    return mock_enter(MOCK_C_GetInfo);
}

static CK_RV get_slot_list(unsigned char with_token, CK_SLOT_ID *slots_out, CK_ULONG *count)
{
    CK_RV rv = mock_enter(MOCK_C_GetSlotList);
    CK_ULONG room = *count;

    if (rv != CKR_OK)
        return rv;
    if (slots_out == NULL)
        mock.slots_shown = mock.slot_count;
    *count = 0;
    for (size_t i = 0; i < mock.slots_shown && i < mock.slot_count; i++) {
        if (with_token && mock.slots[i].empty)
            continue;
        if (slots_out != NULL && *count < room)
            slots_out[*count] = mock.slots[i].id;
        (*count)++;
    }
    return slots_out != NULL && *count > room ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

static CK_RV get_slot_info(CK_SLOT_ID id, CK_SLOT_INFO *info_out)
{
    CK_RV rv = mock_enter(MOCK_C_GetSlotInfo);
    const mock_slot *slot = get_slot(id);

    if (rv != CKR_OK || slot == NULL)
        return rv != CKR_OK ? rv : CKR_SLOT_ID_INVALID;
    *info_out = slot->info;
    return CKR_OK;
}

static CK_RV get_token_info(CK_SLOT_ID id, CK_TOKEN_INFO *info_out)
{
    CK_RV rv = mock_enter(MOCK_C_GetTokenInfo);
    const mock_slot *slot = get_slot(id);

    if (rv != CKR_OK || slot == NULL)
        return rv != CKR_OK ? rv : CKR_SLOT_ID_INVALID;
    if (slot->empty)
        return CKR_TOKEN_NOT_PRESENT;
    *info_out = slot->token;
    return CKR_OK;
}

static CK_RV get_mechanism_list(CK_SLOT_ID id, CK_MECHANISM_TYPE *list_out, CK_ULONG *count)
{
    CK_RV rv = mock_enter(MOCK_C_GetMechanismList);
    const mock_slot *slot = get_slot(id);

    if (rv != CKR_OK || slot == NULL)
        return rv != CKR_OK ? rv : CKR_SLOT_ID_INVALID;
    for (CK_ULONG i = 0; list_out != NULL && i < *count && i < slot->mechanisms; i++)
        list_out[i] = CKM_SHA256_HMAC;
    *count = slot->mechanisms;
    return CKR_OK;
}

static CK_RV open_session(CK_SLOT_ID id, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *handle_out)
{
    CK_RV rv = mock_enter(MOCK_C_OpenSession);
    const mock_slot *slot = get_slot(id);

    (void)application;
    (void)notify;
    if (rv != CKR_OK || slot == NULL || slot->empty)
        return rv != CKR_OK ? rv : CKR_TOKEN_NOT_PRESENT;
    if ((flags & CKF_RW_SESSION) != 0 && (slot->token.flags & CKF_WRITE_PROTECTED) != 0)
        return CKR_TOKEN_WRITE_PROTECTED;
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        if (sessions[i].open)
            continue;
        sessions[i] = (mock_session){.open = true, .writable = (flags & CKF_RW_SESSION) != 0};
        *handle_out = i + 1;
        return CKR_OK;
    }
    return CKR_SESSION_COUNT;
}

static CK_RV close_session(CK_SESSION_HANDLE handle)
{
    CK_RV rv = mock_enter(MOCK_C_CloseSession);
    mock_session *session = mock_get_session(handle);

    if (rv != CKR_OK || session == NULL)
        return rv != CKR_OK ? rv : CKR_SESSION_HANDLE_INVALID;
    mock_remove_session_objects(handle);
    session->open = false;
    if (mock_count_sessions() == 0)
        mock.logged_in = false;
    return CKR_OK;
}

static CK_RV get_session_info(CK_SESSION_HANDLE handle, CK_SESSION_INFO *info_out)
{
    CK_RV rv = mock_enter(MOCK_C_GetSessionInfo);
    const mock_session *session = mock_get_session(handle);

    if (rv != CKR_OK || session == NULL)
        return rv != CKR_OK ? rv : CKR_SESSION_HANDLE_INVALID;
    *info_out = (CK_SESSION_INFO){.slotID = mock.slots[0].id, .flags = CKF_SERIAL_SESSION};
    if (session->writable)
        info_out->flags |= CKF_RW_SESSION;
    if (mock.so_logged_in)
        info_out->state = CKS_RW_SO_FUNCTIONS;
    else if (mock.logged_in)
        info_out->state = session->writable ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
    else
        info_out->state = session->writable ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
    return CKR_OK;
}

/* A PIN pad asks for itself. */
static bool is_right(const unsigned char *pin, CK_ULONG size)
{
    return pin == NULL || (size == strlen(MOCK_PIN) && memcmp(pin, MOCK_PIN, size) == 0);
}

/* Far below the caller, as a module's own computations may. */
static __attribute__((noinline)) void leave_on_stack(const unsigned char *pin, CK_ULONG size)
{
    volatile unsigned char area[40000];

    for (CK_ULONG i = 0; i < size; i++)
        area[i] = pin[i];
    mock.pin_on_stack = (uintptr_t)area;
}

static CK_RV login(CK_SESSION_HANDLE handle, CK_USER_TYPE user, unsigned char *pin, CK_ULONG size)
{
    CK_RV rv = mock_enter(MOCK_C_Login);

    if (rv != CKR_OK || mock_get_session(handle) == NULL)
        return rv != CKR_OK ? rv : CKR_SESSION_HANDLE_INVALID;
    if (pin != NULL)
        leave_on_stack(pin, size);
    if (user == CKU_CONTEXT_SPECIFIC) {
        mock_session *session = mock_get_session(handle);
        if (session->signing == CK_INVALID_HANDLE && mock.takes_pin_to_unwrap) {
            session->may_unwrap = is_right(pin, size);
            return session->may_unwrap ? CKR_OK : CKR_PIN_INCORRECT;
        }
        if (session->signing == CK_INVALID_HANDLE)
            return CKR_OPERATION_NOT_INITIALIZED;
        session->may_sign = is_right(pin, size);
        return session->may_sign ? CKR_OK : CKR_PIN_INCORRECT;
    }
    if (user != CKU_USER)
        return CKR_USER_TYPE_INVALID;
    if (mock.so_logged_in)
        return CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
    if (mock.logged_in)
        return CKR_USER_ALREADY_LOGGED_IN;
    if (!is_right(pin, size))
        return CKR_PIN_INCORRECT;
    mock.logged_in = true;
    return CKR_OK;
}

static CK_RV logout(CK_SESSION_HANDLE handle)
{
    CK_RV rv = mock_enter(MOCK_C_Logout);

    if (rv != CKR_OK || mock_get_session(handle) == NULL)
        return rv != CKR_OK ? rv : CKR_SESSION_HANDLE_INVALID;
    mock.logged_in = false;
    return CKR_OK;
}

CK_FUNCTION_LIST **mock_get_modules(void)
{
    static CK_FUNCTION_LIST functions = {
        .version = {2, 40},
        .C_Initialize = initialize,
        .C_Finalize = finalize,
        .C_GetInfo = get_info,
        .C_GetSlotList = get_slot_list,
        .C_GetSlotInfo = get_slot_info,
        .C_GetTokenInfo = get_token_info,
        .C_GetMechanismList = get_mechanism_list,
        .C_GetMechanismInfo = mock_get_mechanism_info,
        .C_OpenSession = open_session,
        .C_CloseSession = close_session,
        .C_GetSessionInfo = get_session_info,
        .C_Login = login,
        .C_Logout = logout,
        .C_CreateObject = mock_create_object,
        .C_DestroyObject = mock_destroy_object,
        .C_GetAttributeValue = mock_get_attribute_value,
        .C_FindObjectsInit = mock_find_objects_init,
        .C_FindObjects = mock_find_objects,
        .C_FindObjectsFinal = mock_find_objects_final,
        .C_SignInit = mock_sign_init,
        .C_Sign = mock_sign,
        .C_EncryptInit = mock_encrypt_init,
        .C_Encrypt = mock_encrypt,
        .C_GenerateKey = mock_generate_key,
        .C_DeriveKey = mock_derive_key,
        .C_GenerateKeyPair = mock_generate_key_pair,
        .C_UnwrapKey = mock_unwrap_key,
        .C_WrapKey = mock_wrap_key,
    };
    static CK_FUNCTION_LIST *modules[] = {&functions, NULL};

    return modules;
}
