/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#11 URIs (RFC 7512), parsed and formatted by p11-kit. */
#include "token/cryptoki.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URI_SIZE_MAX 4095

hsmiam_status hsmiam_uri_parse(const char *text, P11KitUri **uri_out, hsmiam_error *error)
{
    if (strncasecmp(text, "pkcs11:", 7) != 0)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A token or key is named by a PKCS#11 URI, which begins with "
                                "\"pkcs11:\" (RFC 7512); `p11tool --list-token-urls` shows yours.");
    if (strlen(text) > URI_SIZE_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The PKCS#11 URI is %zu bytes long; at most %d are taken.",
                                strlen(text), URI_SIZE_MAX);

    hsmiam_status status = HSMIAM_OK;
    P11KitUri *uri = p11_kit_uri_new();
    if (uri == NULL)
        return hsmiam_error_set_memory(error, "a PKCS#11 URI");
    int result = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);
    if (result != P11_KIT_URI_OK) {
        status = hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                  "The PKCS#11 URI (%zu bytes) is malformed: %s (RFC 7512).",
                                  strlen(text), p11_kit_uri_message(result));
        goto out;
    }
    if (p11_kit_uri_any_unrecognized(uri)) {
        status = hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                  "The PKCS#11 URI (%zu bytes) has an attribute or a type that is "
                                  "not known here, so it matches nothing (RFC 7512, 2.5).",
                                  strlen(text));
        goto out;
    }
    *uri_out = uri;
    uri = NULL;
out:
    hsmiam_uri_free(&uri);
    return status;
}

/* p11-kit hands out what it holds; the bytes are wiped where they lie before they are freed. */
static void wipe_in_place(const char *text)
{
    if (text != NULL)
        hsmiam_wipe((char *)text, strlen(text));
}

hsmiam_status hsmiam_uri_take_pin_value(P11KitUri *uri, hsmiam_secret **pin_out,
                                        hsmiam_error *error)
{
    const char *value = p11_kit_uri_get_pin_value(uri);

    if (value == NULL)
        return HSMIAM_OK;
    if (*value == '\0')
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The PKCS#11 URI's pin-value is empty.");
    hsmiam_secret *pin = NULL;
    hsmiam_status status = hsmiam_secret_new(strlen(value), &pin, error);
    if (status != HSMIAM_OK)
        return status;
    if (!hsmiam_secret_append(pin, value, strlen(value))) {
        status = hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "The pin-value does not fit.");
        goto out;
    }
    *pin_out = pin;
    pin = NULL;
out:
    wipe_in_place(value);
    p11_kit_uri_set_pin_value(uri, NULL);
    hsmiam_secret_free(&pin);
    return status;
}

void hsmiam_uri_free(P11KitUri **uri)
{
    if (*uri == NULL)
        return;
    wipe_in_place(p11_kit_uri_get_pin_value(*uri));
    p11_kit_uri_free(*uri);
    *uri = NULL;
}

void hsmiam_uri_describe(P11KitUri *uri, hsmiam_buffer *text)
{
    char *formatted = NULL;

    if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &formatted) != P11_KIT_URI_OK)
        return;
    /* The path part names token and object; the query part may say where a PIN is. */
    hsmiam_buffer_append(text, formatted, strcspn(formatted, "?"));
    wipe_in_place(formatted);
    free(formatted);
}

hsmiam_status hsmiam_uri_format(const CK_TOKEN_INFO *info, const CK_ATTRIBUTE *attributes,
                                CK_ULONG count, hsmiam_buffer *text, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;
    char *formatted = NULL;
    P11KitUri *uri = p11_kit_uri_new();

    if (uri == NULL)
        return hsmiam_error_set_memory(error, "a PKCS#11 URI");

    CK_TOKEN_INFO *named = p11_kit_uri_get_token_info(uri);
    memcpy(named->label, info->label, sizeof named->label);
    memcpy(named->manufacturerID, info->manufacturerID, sizeof named->manufacturerID);
    memcpy(named->model, info->model, sizeof named->model);
    memcpy(named->serialNumber, info->serialNumber, sizeof named->serialNumber);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_ATTRIBUTE copy = attributes[i];
        if (p11_kit_uri_set_attribute(uri, &copy) != P11_KIT_URI_OK) {
            status = hsmiam_error_set_memory(error, "a PKCS#11 URI");
            goto out;
        }
    }
    if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &formatted) != P11_KIT_URI_OK) {
        status = hsmiam_error_set_memory(error, "a PKCS#11 URI");
        goto out;
    }
    hsmiam_buffer_append_string(text, formatted);
    status = hsmiam_buffer_check(text, "a PKCS#11 URI", error);
out:
    free(formatted);
    hsmiam_uri_free(&uri);
    return status;
}
