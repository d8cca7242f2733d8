/* SPDX-License-Identifier: Apache-2.0 */
/* The object store: create, destroy, find, read. */
#include "support/mock_cryptoki_internal.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define ATTRIBUTES_MAX 40

typedef struct mock_object {
    CK_OBJECT_HANDLE handle; /* CK_INVALID_HANDLE: there is none in this place */
    CK_SESSION_HANDLE owner; /* of a session object */
    CK_ATTRIBUTE attributes[ATTRIBUTES_MAX];
    size_t count;
    EVP_PKEY *key;
} mock_object;

static mock_object objects[MOCK_OBJECTS_MAX];

/* Handles do not come again, so that a stale one is seen; each names its place. */
static CK_OBJECT_HANDLE last_handle;

static mock_object *get(CK_OBJECT_HANDLE handle)
{
    mock_object *object = &objects[handle % MOCK_OBJECTS_MAX];

    return handle != CK_INVALID_HANDLE && object->handle == handle ? object : NULL;
}

static void clear(mock_object *object)
{
    for (size_t i = 0; i < object->count; i++)
        free(object->attributes[i].pValue);
    EVP_PKEY_free(object->key);
    *object = (mock_object){.handle = CK_INVALID_HANDLE};
}

void mock_remove_all_objects(void)
{
    for (size_t i = 0; i < MOCK_OBJECTS_MAX; i++)
        clear(&objects[i]);
}

void mock_remove_session_objects(CK_SESSION_HANDLE owner)
{
    for (size_t i = 0; i < MOCK_OBJECTS_MAX; i++)
        if (objects[i].handle != CK_INVALID_HANDLE && objects[i].owner == owner)
            clear(&objects[i]);
}

void mock_remove(CK_OBJECT_HANDLE handle)
{
    clear(get(handle));
}

size_t mock_count_objects(void)
{
    size_t count = 0;

    for (size_t i = 0; i < MOCK_OBJECTS_MAX; i++)
        count += objects[i].handle != CK_INVALID_HANDLE;
    return count;
}

size_t mock_count_session_objects(void)
{
    size_t count = 0;

    for (size_t i = 0; i < MOCK_OBJECTS_MAX; i++)
        count += objects[i].owner != CK_INVALID_HANDLE;
    return count;
}

void mock_attach_key(CK_OBJECT_HANDLE handle, void *key)
{
    get(handle)->key = key;
}

void *mock_get_key(CK_OBJECT_HANDLE handle)
{
    const mock_object *object = get(handle);

    return object != NULL ? object->key : NULL;
}

static CK_ATTRIBUTE *find_attribute(mock_object *object, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < object->count; i++)
        if (object->attributes[i].type == type)
            return &object->attributes[i];
    return NULL;
}

const CK_ATTRIBUTE *mock_get_attribute(CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type)
{
    mock_object *object = get(handle);

    return object != NULL ? find_attribute(object, type) : NULL;
}

void mock_set_attribute(CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type, const void *value,
                        size_t size)
{
    mock_object *object = get(handle);
    CK_ATTRIBUTE *attribute = find_attribute(object, type);
    void *copy = malloc(size + 1);

    if (copy != NULL && size > 0)
        memcpy(copy, value, size);
    if (attribute == NULL)
        attribute = &object->attributes[object->count++];
    else
        free(attribute->pValue);
    attribute->type = type;
    attribute->pValue = copy;
    attribute->ulValueLen = size;
}

int mock_get_flag(CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type)
{
    const CK_ATTRIBUTE *attribute = mock_get_attribute(handle, type);

    return attribute != NULL && attribute->ulValueLen == 1 ? *(CK_BBOOL *)attribute->pValue : -1;
}

void mock_set_flag(CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type, bool value)
{
    const CK_BBOOL flag = value;

    mock_set_attribute(handle, type, &flag, sizeof flag);
}

void mock_forget_attribute(CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type)
{
    mock_object *object = get(handle);
    CK_ATTRIBUTE *attribute = find_attribute(object, type);

    free(attribute->pValue);
    *attribute = object->attributes[--object->count];
}

CK_OBJECT_HANDLE mock_add_object(const CK_ATTRIBUTE *attributes, size_t count)
{
    do
        last_handle++;
    while (objects[last_handle % MOCK_OBJECTS_MAX].handle != CK_INVALID_HANDLE);

    objects[last_handle % MOCK_OBJECTS_MAX].handle = last_handle;
    for (size_t i = 0; i < count; i++)
        mock_set_attribute(last_handle, attributes[i].type, attributes[i].pValue,
                           attributes[i].ulValueLen);
    return last_handle;
}

static bool has(mock_object *object, CK_ATTRIBUTE_TYPE type, const void *value, size_t size)
{
    const CK_ATTRIBUTE *attribute = find_attribute(object, type);

    return attribute != NULL && attribute->ulValueLen == size &&
           memcmp(attribute->pValue, value, size) == 0;
}

static CK_OBJECT_HANDLE find_by(CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE type, const char *text)
{
    for (size_t i = 0; i < MOCK_OBJECTS_MAX; i++)
        if (objects[i].handle != CK_INVALID_HANDLE &&
            has(&objects[i], CKA_CLASS, &class, sizeof class) &&
            (text == NULL || has(&objects[i], type, text, strlen(text))))
            return objects[i].handle;
    return CK_INVALID_HANDLE;
}

CK_OBJECT_HANDLE mock_find(CK_OBJECT_CLASS class, const char *id)
{
    return find_by(class, CKA_ID, id);
}

CK_OBJECT_HANDLE mock_find_labelled(CK_OBJECT_CLASS class, const char *label)
{
    return find_by(class, CKA_LABEL, label);
}

bool mock_attributes_contain(const char *text)
{
    const CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;

    for (size_t i = 0; i < MOCK_OBJECTS_MAX; i++) {
        for (size_t j = 0; j < objects[i].count; j++) {
            const CK_ATTRIBUTE *attribute = &objects[i].attributes[j];
            if (attribute->type == CKA_VALUE &&
                has(&objects[i], CKA_CLASS, &secret_key, sizeof secret_key))
                continue;
            if (memmem(attribute->pValue, attribute->ulValueLen, text, strlen(text)) != NULL)
                return true;
        }
    }
    return false;
}

/* PKCS#11 functions -----------------------------------------------------------------------------*/

bool mock_is_type(CK_OBJECT_HANDLE handle, CK_KEY_TYPE type)
{
    mock_object *object = get(handle);

    return type != 0 && object != NULL && has(object, CKA_KEY_TYPE, &type, sizeof type);
}

CK_RV mock_check_template(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++)
        if (template[i].type == CKA_KEY_TYPE && mock.wrong_type != 0 &&
            memcmp(template[i].pValue, &mock.wrong_type, sizeof mock.wrong_type) == 0)
            return CKR_ATTRIBUTE_VALUE_INVALID;
    for (CK_ULONG i = 0; i < count; i++)
        for (size_t j = 0; j < mock.refused_count; j++)
            if (template[i].type == mock.refused[j])
                return mock.refusal;
    return CKR_OK;
}

CK_RV mock_make_object(CK_SESSION_HANDLE handle, const CK_ATTRIBUTE *template, CK_ULONG count,
                       CK_OBJECT_HANDLE *object_out)
{
    const mock_session *session = mock_get_session(handle);
    const CK_BBOOL yes = CK_TRUE;

    mock.last_of_template = template[count - 1].type;
    *object_out = mock_add_object(template, count);
    mock_object *object = get(*object_out);
    if (!has(object, CKA_TOKEN, &yes, sizeof yes))
        object->owner = handle;
    CK_RV rv = CKR_OK;
    if (object->owner == CK_INVALID_HANDLE && !session->writable)
        rv = CKR_SESSION_READ_ONLY;
    else if (has(object, CKA_PRIVATE, &yes, sizeof yes) && !mock.logged_in)
        rv = CKR_USER_NOT_LOGGED_IN;
    if (rv != CKR_OK) {
        clear(object);
        *object_out = CK_INVALID_HANDLE;
    }
    return rv;
}

CK_RV mock_create_object(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count,
                         CK_OBJECT_HANDLE *object_out)
{
    CK_RV rv = mock_enter(MOCK_C_CreateObject);

    if (rv != CKR_OK || mock_get_session(handle) == NULL)
        return rv != CKR_OK ? rv : CKR_SESSION_HANDLE_INVALID;
    rv = mock_check_template(template, count);
    return rv == CKR_OK ? mock_make_object(handle, template, count, object_out) : rv;
}

CK_RV mock_destroy_object(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object)
{
    CK_RV rv = mock_enter(MOCK_C_DestroyObject);

    if (rv != CKR_OK || mock_get_session(handle) == NULL)
        return rv != CKR_OK ? rv : CKR_SESSION_HANDLE_INVALID;
    if (get(object) == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    clear(get(object));
    return CKR_OK;
}

/* Fills one attribute in; `lie` tells something else of it. */
static CK_RV read_attribute(const CK_ATTRIBUTE *held, bool hidden, bool lie, CK_ATTRIBUTE *wanted)
{
    CK_ULONG room = wanted->ulValueLen;

    wanted->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    if (hidden)
        return CKR_ATTRIBUTE_SENSITIVE;
    if (held == NULL)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (wanted->pValue != NULL && room < held->ulValueLen)
        return CKR_BUFFER_TOO_SMALL;
    wanted->ulValueLen = held->ulValueLen;
    if (wanted->pValue == NULL)
        return CKR_OK;
    memcpy(wanted->pValue, held->pValue, held->ulValueLen);
    if (lie)
        ((unsigned char *)wanted->pValue)[held->ulValueLen - 1] ^= 1;
    return CKR_OK;
}

CK_RV mock_get_attribute_value(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
                               CK_ATTRIBUTE *template, CK_ULONG count)
{
    const CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
    CK_RV result = mock_enter(MOCK_C_GetAttributeValue);
    mock_object *from = get(object);

    if (result != CKR_OK || mock_get_session(handle) == NULL)
        return result != CKR_OK ? result : CKR_SESSION_HANDLE_INVALID;
    if (from == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    bool is_secret = has(from, CKA_CLASS, &secret_key, sizeof secret_key);
    for (CK_ULONG i = 0; i < count; i++) {
        bool hidden = template[i].type == CKA_VALUE && !mock.value_readable;
        if (mock.stops_at_unknown && !hidden && find_attribute(from, template[i].type) == NULL)
            return CKR_ATTRIBUTE_TYPE_INVALID;
        bool lie = mock.lies && is_secret && template[i].type == mock.lies_about;
        CK_RV rv =
            read_attribute(find_attribute(from, template[i].type), hidden, lie, &template[i]);
        if (rv != CKR_OK)
            result = rv;
    }
    return result;
}

static bool matches(mock_object *object, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    const CK_BBOOL yes = CK_TRUE;

    if (object->handle == CK_INVALID_HANDLE ||
        (has(object, CKA_PRIVATE, &yes, sizeof yes) && !mock.logged_in))
        return false;
    for (CK_ULONG i = 0; i < count; i++)
        if (!has(object, template[i].type, template[i].pValue, template[i].ulValueLen))
            return false;
    return true;
}

CK_RV mock_find_objects_init(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_RV rv = mock_enter(MOCK_C_FindObjectsInit);
    mock_session *session = mock_get_session(handle);

    if (rv != CKR_OK || session == NULL)
        return rv != CKR_OK ? rv : CKR_SESSION_HANDLE_INVALID;
    if (session->searching)
        return CKR_OPERATION_ACTIVE;
    session->searching = true;
    session->found_count = 0;
    session->found_next = 0;
    for (size_t i = 0; i < MOCK_OBJECTS_MAX; i++)
        if (matches(&objects[i], template, count))
            session->found[session->found_count++] = objects[i].handle;
    return CKR_OK;
}

CK_RV mock_find_objects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *objects_out, CK_ULONG max,
                        CK_ULONG *count_out)
{
    CK_RV rv = mock_enter(MOCK_C_FindObjects);
    mock_session *session = mock_get_session(handle);

    if (rv != CKR_OK || session == NULL || !session->searching)
        return rv != CKR_OK ? rv : CKR_OPERATION_NOT_INITIALIZED;
    /* One at a time, as the standard allows. */
    *count_out = session->found_next < session->found_count && max > 0;
    if (*count_out == 1)
        *objects_out = session->found[session->found_next++];
    if (mock.too_many > 0)
        *count_out = max + mock.too_many;
    return CKR_OK;
}

CK_RV mock_find_objects_final(CK_SESSION_HANDLE handle)
{
    CK_RV rv = mock_enter(MOCK_C_FindObjectsFinal);
    mock_session *session = mock_get_session(handle);

    if (rv != CKR_OK || session == NULL || !session->searching)
        return rv != CKR_OK ? rv : CKR_OPERATION_NOT_INITIALIZED;
    session->searching = false;
    return CKR_OK;
}
