/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#11 URIs (RFC 7512), parsed and formatted by p11-kit. */
#include "token/cryptoki.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URI_SIZE_MAX 4095

/* Whether a part of a URI, its escapes decoded, speaks of a PIN. */
static bool mentions(const char *part, size_t size, const char *word)
{
    char decoded[URI_SIZE_MAX + 1];
    size_t length = 0;

    for (size_t i = 0; i < size; i++) {
        const char digits[] = {part[i], size - i > 2 ? part[i + 1] : '\0',
                               size - i > 2 ? part[i + 2] : '\0', '\0'};
        char *end = NULL;
        unsigned long byte = digits[0] == '%' ? strtoul(digits + 1, &end, 16) : 0;
        bool escape = byte > 0 && end == digits + 3;
        decoded[length++] = escape ? (char)byte : part[i];
        i += escape ? 2 : 0;
    }
    decoded[length] = '\0';
    bool found = strcasestr(decoded, word) != NULL;
    hsmiam_wipe(decoded, sizeof decoded);
    return found;
}

static bool is_attribute(const char *part, size_t size, const char *name)
{
    return size > strlen(name) && strncmp(part, name, strlen(name)) == 0 &&
           part[strlen(name)] == '=';
}

/* A slip of the pen ('&' for '?', ';' for '&') makes a PIN part of a name, which messages repeat.
 */
static bool has_misplaced_pin(const char *text)
{
    size_t size = strcspn(text, "?");

    if (mentions(text, size, "pin-value") || mentions(text, size, "pin-source"))
        return true;
    for (text += size; *text != '\0'; text += size) {
        text++;
        size = strcspn(text, "&");
        if (is_attribute(text, size, "pin-value"))
            continue;
        if (mentions(text, size, "pin-value") ||
            (!is_attribute(text, size, "pin-source") && mentions(text, size, "pin-source")))
            return true;
    }
    return false;
}

static hsmiam_status check_text(const char *text, hsmiam_error *error)
{
    size_t size = strlen(text);

    if (strncasecmp(text, "pkcs11:", 7) != 0)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A token or key is named by a PKCS#11 URI, which begins with "
                                "\"pkcs11:\" (RFC 7512); `p11tool --list-token-urls` shows yours.");
    if (size > URI_SIZE_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The PKCS#11 URI is %zu bytes long; at most %d are taken.", size,
                                URI_SIZE_MAX);
    /* p11-kit would leave it out, and look for something else than what stands there. */
    if (strpbrk(text, " \t\r\n\v\f") != NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The PKCS#11 URI (%zu bytes) has white space in it; a blank in a "
                                "name is written %%20.",
                                size);
    if (has_misplaced_pin(text))
        return hsmiam_error_set(
            error, HSMIAM_ERR_ARGUMENT,
            "The PKCS#11 URI (%zu bytes) has a PIN attribute in the wrong place: "
            "pin-source and pin-value follow the '?', or a '&' behind it.",
            size);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_uri_parse(const char *text, P11KitUri **uri_out, hsmiam_error *error)
{
    hsmiam_status status = check_text(text, error);
    if (status != HSMIAM_OK)
        return status;

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

static int read_hex(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* p11-kit writes each byte of an id as %XX; letters and digits mean the same without. */
static void make_readable(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        int high = *from == '%' ? read_hex(from[1]) : -1;
        int low = high >= 0 ? read_hex(from[2]) : -1;
        char byte = low >= 0 ? (char)(high * 16 + low) : '\0';
        bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                        (byte >= 'a' && byte <= 'z');
        *to++ = is_plain ? byte : *from;
        from += is_plain ? 2 : 0;
    }
    *to = '\0';
}

void hsmiam_uri_describe(P11KitUri *uri, hsmiam_buffer *text)
{
    char *formatted = NULL;

    if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &formatted) != P11_KIT_URI_OK)
        return;
    /* The path part names token and object; the query part may say where a PIN is. */
    formatted[strcspn(formatted, "?")] = '\0';
    make_readable(formatted);
    hsmiam_buffer_append(text, formatted, strlen(formatted));
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
