/* SPDX-License-Identifier: Apache-2.0 */
/* What a token says of itself, as facts of a check. */
#include "token/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 256

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

void hsmiam_check_tell(const hsmiam_check_report *report, hsmiam_fact fact)
{
    fact.name = or_empty(fact.name);
    fact.value = or_empty(fact.value);
    fact.why = or_empty(fact.why);
    if (report->tell != NULL)
        report->tell(report->context, &fact);
}

static void tell_text(const hsmiam_check_report *report, hsmiam_fact_topic topic, const char *name,
                      const char *value)
{
    hsmiam_check_tell(report,
                      (hsmiam_fact){.topic = topic, .name = name, .value = value, .number = -1});
}

static void tell_flag(const hsmiam_check_report *report, hsmiam_fact_topic topic, const char *name,
                      bool flag)
{
    hsmiam_check_tell(report, (hsmiam_fact){.topic = topic,
                                            .name = name,
                                            .found = flag ? HSMIAM_FINDING_YES : HSMIAM_FINDING_NO,
                                            .number = -1});
}

static void tell_padded(const hsmiam_check_report *report, const char *name,
                        const unsigned char *field, size_t size)
{
    char text[TEXT_MAX];

    hsmiam_attribute_copy_padded(text, field, size);
    tell_text(report, HSMIAM_FACT_TOKEN, name, text);
}

/* PKCS#11 counts the minor version in hundredths: 2.40 is {2, 40}. */
static void tell_version(const hsmiam_check_report *report, const char *name, CK_VERSION version)
{
    char text[TEXT_MAX];

    (void)snprintf(text, sizeof text, "%u.%u", version.major, version.minor);
    tell_text(report, HSMIAM_FACT_TOKEN, name, text);
}

/* The module's file, or the name that p11-kit's configuration has for it. */
static void tell_module(const hsmiam_token *token, const hsmiam_check_report *report)
{
    CK_FUNCTION_LIST *functions = hsmiam_pool_get_functions(token->pool);
    const char *path = p11_kit_uri_get_module_path(token->uri);
    char *filename = functions != NULL ? p11_kit_module_get_filename(functions) : NULL;

    tell_text(report, HSMIAM_FACT_TOKEN, "Module", filename != NULL ? filename : path);
    free(filename);
}

/* One that could not be opened has one as well. */
static void tell_uri(const hsmiam_token *token, const hsmiam_check_report *report)
{
    hsmiam_buffer uri;

    hsmiam_buffer_init(&uri, HSMIAM_ERROR_MESSAGE_MAX);
    hsmiam_status status = hsmiam_uri_format(&token->info, NULL, 0, &uri, NULL);
    tell_text(report, HSMIAM_FACT_TOKEN, "Uri",
              status == HSMIAM_OK ? hsmiam_buffer_get_string(&uri) : "");
    hsmiam_buffer_clear(&uri);
}

static void tell_identity(const hsmiam_token *token, const hsmiam_check_report *report)
{
    const CK_TOKEN_INFO *info = &token->info;
    const CK_SLOT_INFO *slot = &token->slot_info;
    const CK_INFO *module = &token->module_info;

    tell_padded(report, "Label", info->label, sizeof info->label);
    tell_padded(report, "Serial", info->serialNumber, sizeof info->serialNumber);
    tell_padded(report, "Manufacturer", info->manufacturerID, sizeof info->manufacturerID);
    tell_padded(report, "Model", info->model, sizeof info->model);
    tell_version(report, "Firmware", info->firmwareVersion);
    tell_version(report, "Hardware", info->hardwareVersion);
    tell_text(report, HSMIAM_FACT_TOKEN, "Kind",
              (slot->flags & CKF_HW_SLOT) != 0 ? "hardware" : "software");
    hsmiam_check_tell(report, (hsmiam_fact){.topic = HSMIAM_FACT_TOKEN,
                                            .name = "Slot",
                                            .number = (int64_t)hsmiam_pool_get_slot(token->pool)});
    tell_padded(report, "SlotDescription", slot->slotDescription, sizeof slot->slotDescription);
    tell_flag(report, HSMIAM_FACT_TOKEN, "WriteProtected",
              (info->flags & CKF_WRITE_PROTECTED) != 0);
    tell_module(token, report);
    tell_padded(report, "Library", module->libraryDescription, sizeof module->libraryDescription);
    tell_version(report, "LibraryVersion", module->libraryVersion);
    tell_version(report, "CryptokiVersion", module->cryptokiVersion);
    tell_uri(token, report);
}

/* The worst first. */
static const char *describe_pin(CK_FLAGS flags, bool is_open)
{
    static const struct {
        CK_FLAGS flag;
        const char *text;
    } states[] = {
        {CKF_USER_PIN_LOCKED, "locked"},
        {CKF_USER_PIN_FINAL_TRY, "one more wrong PIN locks it"},
        {CKF_USER_PIN_TO_BE_CHANGED, "must be changed first"},
        {CKF_USER_PIN_COUNT_LOW, "a wrong PIN was tried since the last login"},
    };

    if ((flags & CKF_USER_PIN_INITIALIZED) == 0)
        return "not set";
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if ((flags & states[i].flag) != 0)
            return states[i].text;
    return is_open ? "in order" : "not known: the token was not opened with it";
}

/* What the token says now; what it said before the login, if it does not answer. */
static CK_TOKEN_INFO read_info(const hsmiam_token *token)
{
    CK_TOKEN_INFO info = token->info;
    hsmiam_session *session = NULL;

    if (!token->open || hsmiam_session_borrow(token, &session, NULL) != HSMIAM_OK)
        return info;
    CK_RV rv = session->functions->C_GetTokenInfo(session->slot, &info);
    hsmiam_session_return(token, &session, rv);
    return rv == CKR_OK ? info : token->info;
}

/* As it was found: a login that went well clears what went wrong before it. */
static void tell_login(const hsmiam_token *token, const hsmiam_check_report *report)
{
    CK_FLAGS flags = token->info.flags;

    tell_flag(report, HSMIAM_FACT_LOGIN, "Required", (flags & CKF_LOGIN_REQUIRED) != 0);
    tell_text(report, HSMIAM_FACT_LOGIN, "Pin", describe_pin(flags, token->open));
    tell_flag(report, HSMIAM_FACT_LOGIN, "PinPad",
              (flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0);
    tell_flag(report, HSMIAM_FACT_LOGIN, "Opened", token->open);
}

void hsmiam_check_tell_token(const hsmiam_token *token, const hsmiam_check_report *report)
{
    if (token->functions == NULL)
        return;
    tell_identity(token, report);
    tell_login(token, report);
}

/* What the token does not tell is no number. */
static void tell_number(const hsmiam_check_report *report, const char *name, CK_ULONG told,
                        const char *why)
{
    bool is_number = told != CK_UNAVAILABLE_INFORMATION && told <= INT64_MAX && *why == '\0';

    hsmiam_check_tell(report, (hsmiam_fact){.topic = HSMIAM_FACT_CAPACITY,
                                            .name = name,
                                            .number = is_number ? (int64_t)told : -1,
                                            .why = why});
}

static void tell_limit(const hsmiam_check_report *report, const char *name, CK_ULONG told)
{
    tell_number(report, name, told, told == CK_EFFECTIVELY_INFINITE ? "There is no limit." : "");
}

/* 0 or 1 byte in all is how NSS says that it does not count them. */
static void tell_memory(const hsmiam_check_report *report, const char *name, CK_ULONG told,
                        CK_ULONG total)
{
    tell_number(report, name, total > 1 ? told : CK_UNAVAILABLE_INFORMATION, "");
}

/* Secret keys of the token whose CKA_ID is an access key id. */
static hsmiam_status count_access_keys(hsmiam_token *token, size_t *count_out, hsmiam_error *error)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &yes, sizeof yes}};
    hsmiam_object found[HSMIAM_OBJECTS_MAX];
    hsmiam_session *session = NULL;
    size_t count = 0;

    *count_out = 0;
    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_objects_find(token, template, 2, found, &count, error);
    for (size_t i = 0; status == HSMIAM_OK && i < count; i++) {
        char id[HSMIAM_ACCESS_KEY_ID_MAX];
        size_t size = sizeof id;
        status = hsmiam_attribute_get_bytes(token, found[i], CKA_ID, "CKA_ID", id, &size, error);
        *count_out += status == HSMIAM_OK && hsmiam_access_key_id_is_valid(id, size);
        if (status == HSMIAM_ERR_UNSUPPORTED) /* it has none, or a longer one */
            status = HSMIAM_OK;
    }
    hsmiam_session_return(token, &session, CKR_OK);
    return status;
}

void hsmiam_check_tell_capacity(hsmiam_token *token, const hsmiam_check_report *report)
{
    const CK_TOKEN_INFO info = read_info(token);
    hsmiam_error *error = hsmiam_error_new();
    size_t keys = 0;

    tell_limit(report, "SessionsMax", info.ulMaxSessionCount);
    tell_number(report, "SessionsOpen", info.ulSessionCount, "");
    tell_limit(report, "WritableSessionsMax", info.ulMaxRwSessionCount);
    tell_number(report, "WritableSessionsOpen", info.ulRwSessionCount, "");
    tell_memory(report, "PrivateBytes", info.ulTotalPrivateMemory, info.ulTotalPrivateMemory);
    tell_memory(report, "PrivateBytesFree", info.ulFreePrivateMemory, info.ulTotalPrivateMemory);
    tell_memory(report, "PublicBytes", info.ulTotalPublicMemory, info.ulTotalPublicMemory);
    tell_memory(report, "PublicBytesFree", info.ulFreePublicMemory, info.ulTotalPublicMemory);
    hsmiam_status status = count_access_keys(token, &keys, error);
    hsmiam_check_tell(
        report, (hsmiam_fact){.topic = HSMIAM_FACT_CAPACITY,
                              .name = "AccessKeys",
                              .number = status == HSMIAM_OK ? (int64_t)keys : -1,
                              .why = hsmiam_error_get_message(status == HSMIAM_OK ? NULL : error)});
    hsmiam_error_free(&error);
}

static const struct {
    CK_OBJECT_CLASS class;
    const char *name;
} classes[HSMIAM_CHECK_CLASSES] = {
    {CKO_SECRET_KEY, "secret key"},
    {CKO_PRIVATE_KEY, "private key"},
    {CKO_PUBLIC_KEY, "public key"},
};

hsmiam_status hsmiam_check_count_objects(hsmiam_token *token,
                                         size_t counts_out[HSMIAM_CHECK_CLASSES],
                                         hsmiam_error *error)
{
    static CK_BBOOL no = CK_FALSE;
    hsmiam_object found[HSMIAM_OBJECTS_MAX];
    hsmiam_status status = HSMIAM_OK;

    for (size_t i = 0; status == HSMIAM_OK && i < HSMIAM_CHECK_CLASSES; i++) {
        CK_OBJECT_CLASS class = classes[i].class;
        CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &no, sizeof no}};
        counts_out[i] = 0;
        status = hsmiam_objects_find(token, template, 2, found, &counts_out[i], error);
        if (status == HSMIAM_ERR_AMBIGUOUS) { /* too many to tell one more from */
            hsmiam_error_clear(error);
            counts_out[i] = HSMIAM_OBJECTS_MAX;
            status = HSMIAM_OK;
        }
    }
    return status;
}

hsmiam_status hsmiam_check_tell_leftovers(hsmiam_token *token,
                                          const size_t before[HSMIAM_CHECK_CLASSES],
                                          const hsmiam_check_report *report, hsmiam_error *error)
{
    size_t now[HSMIAM_CHECK_CLASSES];
    hsmiam_status status = hsmiam_check_count_objects(token, now, error);

    for (size_t i = 0; status == HSMIAM_OK && i < HSMIAM_CHECK_CLASSES; i++)
        for (size_t more = before[i]; more < now[i]; more++)
            hsmiam_check_tell(report, (hsmiam_fact){.topic = HSMIAM_FACT_LEFTOVER,
                                                    .name = classes[i].name,
                                                    .number = -1,
                                                    .why = "It could not be destroyed; the token "
                                                           "drops it when the session is closed."});
    return status;
}
