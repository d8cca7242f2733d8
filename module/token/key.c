/* SPDX-License-Identifier: Apache-2.0 */
/* Access keys as objects in the token. */
#include "token/object.h"

#include <stdio.h>
#include <string.h>

#define ACCESS_KEY_ID_MIN 16

/* Not isalnum(): what it takes depends on the locale. */
static bool is_id_character(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool hsmiam_access_key_id_is_valid(const char *id, size_t size)
{
    if (size < ACCESS_KEY_ID_MIN || size > HSMIAM_ACCESS_KEY_ID_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!is_id_character(id[i]))
            return false;
    return true;
}

/* Reads CKA_ID; "" if it is not an access key id. */
static hsmiam_status read_id(const hsmiam_token *token, hsmiam_object key,
                             char id_out[HSMIAM_ACCESS_KEY_ID_MAX + 1], hsmiam_error *error)
{
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    size_t size = HSMIAM_ACCESS_KEY_ID_MAX;
    hsmiam_status status =
        hsmiam_attribute_get_bytes(token, key, CKA_ID, "CKA_ID", id, &size, error);

    id_out[0] = '\0';
    if (status == HSMIAM_ERR_UNSUPPORTED) {
        hsmiam_error_clear(error);
        return HSMIAM_OK;
    }
    if (status == HSMIAM_OK && hsmiam_access_key_id_is_valid(id, size)) {
        memcpy(id_out, id, size);
        id_out[size] = '\0';
    }
    return status;
}

static CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
static CK_BBOOL yes = CK_TRUE;

#define SEARCH_MAX 8

/* Fills a template with the object attributes of the URI and those of every access key of ours.
 * What lives in a session only is a rehearsal, perhaps another thread's. What is not private, and
 * so may have been planted by anyone without logging in, is found too: whoever chose it is told. */
static hsmiam_status fill_search(P11KitUri *uri, CK_ATTRIBUTE template[SEARCH_MAX],
                                 CK_ULONG *count_out, hsmiam_error *error)
{
    CK_ULONG given = 0;
    CK_ATTRIBUTE *attributes = p11_kit_uri_get_attributes(uri, &given);

    template[0] = (CK_ATTRIBUTE){CKA_CLASS, &secret_key, sizeof secret_key};
    template[1] = (CK_ATTRIBUTE){CKA_TOKEN, &yes, sizeof yes};
    *count_out = 2;
    for (CK_ULONG i = 0; i < given && *count_out < SEARCH_MAX; i++) {
        if (attributes[i].type != CKA_CLASS)
            template[(*count_out)++] = attributes[i];
        else if (*(CK_OBJECT_CLASS *)attributes[i].pValue != secret_key)
            return hsmiam_error_set(error, HSMIAM_ERR_NOT_FOUND,
                                    "The URI names an object of another type; an access key is a "
                                    "secret key (type=secret-key).");
    }
    return HSMIAM_OK;
}

static hsmiam_status report_missing(const hsmiam_token *token, P11KitUri *uri, size_t others,
                                    hsmiam_error *error)
{
    hsmiam_buffer described;

    hsmiam_buffer_init(&described, HSMIAM_ERROR_MESSAGE_MAX);
    hsmiam_uri_describe(uri, &described);
    hsmiam_status status = hsmiam_error_set(
        error, HSMIAM_ERR_NOT_FOUND, "Token \"%s\" holds no access key that matches %s%s.",
        token->label, hsmiam_buffer_get_string(&described),
        others > 0 ? "; a secret key does, but its CKA_ID is not an access key id" : "");
    hsmiam_error_append(error, "Its secret keys are listed by `pkcs11-tool --login --list-objects "
                               "--type secrkey`; `hsmiam import-access-key` takes one in.");
    hsmiam_buffer_clear(&described);
    return status;
}

static void name_key(hsmiam_token *token, hsmiam_object key, const char *id, hsmiam_error *error)
{
    char label[HSMIAM_USER_NAME_MAX + 1] = "";
    size_t size = HSMIAM_USER_NAME_MAX;
    hsmiam_buffer uri;

    hsmiam_buffer_init(&uri, HSMIAM_ERROR_MESSAGE_MAX);
    if (hsmiam_attribute_get_bytes(token, key, CKA_LABEL, "CKA_LABEL", label, &size, NULL) ==
        HSMIAM_OK)
        label[size] = '\0';
    if (hsmiam_token_format_key_uri(token, id, label, &uri, NULL) == HSMIAM_OK)
        hsmiam_error_append_line(error, "%s  %s", id, hsmiam_buffer_get_string(&uri));
    hsmiam_buffer_clear(&uri);
}

/* Of the objects found, those whose CKA_ID is an access key id; the last goes to the outputs. */
static hsmiam_status choose(hsmiam_token *token, const hsmiam_object *found, size_t count,
                            P11KitUri *uri, hsmiam_object *key_out,
                            char id_out[HSMIAM_ACCESS_KEY_ID_MAX + 1], hsmiam_error *error)
{
    char ids[HSMIAM_OBJECTS_MAX][HSMIAM_ACCESS_KEY_ID_MAX + 1];
    size_t keys = 0;

    for (size_t i = 0; i < count; i++) {
        hsmiam_status status = read_id(token, found[i], ids[i], error);
        if (status != HSMIAM_OK)
            return status;
        if (ids[i][0] == '\0')
            continue;
        keys++;
        *key_out = found[i];
        memcpy(id_out, ids[i], sizeof ids[i]);
    }
    if (keys == 1)
        return HSMIAM_OK;
    if (keys == 0)
        return report_missing(token, uri, count, error);

    hsmiam_status status = hsmiam_error_set(
        error, HSMIAM_ERR_AMBIGUOUS,
        "%zu access keys of token \"%s\" match; name one by its id:", keys, token->label);
    for (size_t i = 0; i < count; i++)
        if (ids[i][0] != '\0')
            name_key(token, found[i], ids[i], error);
    return status;
}

static hsmiam_status read_use(const hsmiam_token *token, CK_OBJECT_HANDLE key,
                              hsmiam_key_use *use_out, hsmiam_error *error)
{
    CK_BBOOL sign = CK_FALSE;
    CK_BBOOL derive = CK_FALSE;
    CK_ATTRIBUTE attributes[] = {{CKA_SIGN, &sign, sizeof sign},
                                 {CKA_DERIVE, &derive, sizeof derive}};
    CK_RV rv = CKR_OK;

    hsmiam_status status = hsmiam_attribute_read(token, key, attributes, 2, &rv, error);
    if (status != HSMIAM_OK)
        return status;
    if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID)
        return hsmiam_rv_set_error(token, rv, "C_GetAttributeValue", error);
    *use_out = (hsmiam_key_use){.sign = sign == CK_TRUE, .derive = derive == CK_TRUE};
    return HSMIAM_OK;
}

static hsmiam_status read_use_of(hsmiam_token *token, const hsmiam_session *session,
                                 CK_OBJECT_HANDLE key, void *context, hsmiam_error *error)
{
    (void)session;
    return read_use(token, key, context, error);
}

hsmiam_status hsmiam_token_get_key_use(hsmiam_token *token, hsmiam_object key,
                                       hsmiam_key_use *use_out, hsmiam_error *error)
{
    return hsmiam_object_use(token, key, read_use_of, use_out, error);
}

/* Without logging in anyone can plant a key, but not a private one; signing with a planted key
 * would send a custodian's requests to somebody else's account. */
static hsmiam_status check_use(const hsmiam_token *token, hsmiam_object key, const char *id,
                               hsmiam_error *error)
{
    static const hsmiam_bool_rule rules[] = {{CKA_PRIVATE, "CKA_PRIVATE", true},
                                             {CKA_SIGN, "CKA_SIGN", true}};
    const hsmiam_bool_rule *broken = NULL;
    hsmiam_key_use use = {.sign = false};

    hsmiam_status status = hsmiam_attribute_check_bools(token, key, rules, 2, &broken, error);
    if (status != HSMIAM_OK || broken == NULL)
        return status;
    if (broken->type == CKA_SIGN) {
        status = read_use(token, key, &use, error);
        if (status != HSMIAM_OK || use.derive)
            return status;
        return hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                                "Token \"%s\": access key %s may not sign (CKA_SIGN is false), nor "
                                "may keys be derived from it.",
                                token->label, id);
    }
    return hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                            "Token \"%s\": access key %s is not private (CKA_PRIVATE is false), so "
                            "that anyone may have put it there without a PIN; it is not used. If "
                            "it is yours, destroy it and import it by `hsmiam import-access-key`.",
                            token->label, id);
}

/* Within one session, so that no handle outlives a loss. */
static hsmiam_status find_in_session(hsmiam_token *token, P11KitUri *uri, hsmiam_object *object_out,
                                     char id_out[HSMIAM_ACCESS_KEY_ID_MAX + 1], hsmiam_error *error)
{
    CK_ATTRIBUTE template[SEARCH_MAX];
    CK_ULONG attributes = 0;
    hsmiam_object found[HSMIAM_OBJECTS_MAX];
    hsmiam_object key = CK_INVALID_HANDLE;
    size_t count = 0;
    hsmiam_session *session = NULL;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    status = fill_search(uri, template, &attributes, error);
    if (status != HSMIAM_OK)
        goto out;
    status = hsmiam_objects_find(token, template, attributes, found, &count, error);
    if (status != HSMIAM_OK)
        goto out;
    status = choose(token, found, count, uri, &key, id_out, error);
    if (status != HSMIAM_OK)
        goto out;
    status = check_use(token, key, id_out, error);
    if (status != HSMIAM_OK)
        goto out;
    status = hsmiam_object_remember(token, session, key, id_out, object_out, error);
out:
    hsmiam_session_return(token, &session, CKR_OK);
    return status;
}

hsmiam_status hsmiam_token_find_access_key(hsmiam_token *token, const char *key_uri,
                                           hsmiam_object *object_out,
                                           char id_out[HSMIAM_ACCESS_KEY_ID_MAX + 1],
                                           hsmiam_error *error)
{
    hsmiam_retry retry = hsmiam_retry_start(token);
    P11KitUri *uri = NULL;

    hsmiam_status status = hsmiam_uri_parse(key_uri != NULL ? key_uri : "pkcs11:", &uri, error);
    if (status != HSMIAM_OK)
        return status;
    do
        status = find_in_session(token, uri, object_out, id_out, error);
    while (hsmiam_retry_again(&retry, status, error));
    hsmiam_uri_free(&uri);
    return status;
}

hsmiam_status hsmiam_token_count_access_keys(hsmiam_token *token, const char *id, size_t *count_out,
                                             hsmiam_error *error)
{
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &secret_key, sizeof secret_key},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_ID, (void *)id, strlen(id)},
    };
    hsmiam_object found[HSMIAM_OBJECTS_MAX];

    return hsmiam_objects_find(token, template, 3, found, count_out, error);
}

hsmiam_status hsmiam_token_format_key_uri(hsmiam_token *token, const char *id, const char *label,
                                          hsmiam_buffer *uri, hsmiam_error *error)
{
    const CK_ATTRIBUTE named[] = {
        {CKA_CLASS, &secret_key, sizeof secret_key},
        {CKA_ID, (void *)id, strlen(id)},
        {CKA_LABEL, (void *)label, strlen(label)},
    };

    return hsmiam_uri_format(&token->info, named, label[0] != '\0' ? 3 : 2, uri, error);
}
