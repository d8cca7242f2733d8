/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/signer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sigv4/digest.h"
#include "sigv4/signing_key.h"

#define KEY_URI_MAX 4095
#define URI_SCHEME  "pkcs11:"

struct hsmiam_signer {
    hsmiam_token *token;
    char *key_uri;
    bool open;
    char access_key_id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    hsmiam_signing_key key;
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

void hsmiam_signer_free(hsmiam_signer **signer)
{
    if (signer == NULL || *signer == NULL)
        return;
    hsmiam_signing_key_clear(&(*signer)->key);
    free((*signer)->key_uri);
    free(*signer);
    *signer = NULL;
}

hsmiam_status hsmiam_signer_open(hsmiam_signer *signer, hsmiam_error *error)
{
    hsmiam_object object = 0;
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1] = "";

    if (signer == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "There is no signer to open.");
    if (signer->open)
        return HSMIAM_OK;

    hsmiam_status status = hsmiam_token_open(signer->token, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_token_find_access_key(signer->token, signer->key_uri, &object, id, error);
    if (status != HSMIAM_OK)
        return status;

    memcpy(signer->access_key_id, id, sizeof id);
    signer->key = (hsmiam_signing_key){
        .route = &hsmiam_signing_route_sign, .token = signer->token, .access_key = object};
    signer->open = true;
    return HSMIAM_OK;
}

const char *hsmiam_signer_get_access_key_id(const hsmiam_signer *signer)
{
    return signer != NULL ? signer->access_key_id : "";
}

hsmiam_status hsmiam_signer_derive(hsmiam_signer *signer, const hsmiam_scope *scope,
                                   hsmiam_error *error)
{
    hsmiam_status status = hsmiam_signer_open(signer, error);

    return status == HSMIAM_OK ? hsmiam_signing_key_derive(&signer->key, scope, error) : status;
}

hsmiam_status hsmiam_signer_sign(hsmiam_signer *signer, const hsmiam_scope *scope,
                                 const char *string_to_sign, size_t size,
                                 char signature_out[HSMIAM_SIGNATURE_SIZE + 1], hsmiam_error *error)
{
    uint8_t mac[HSMIAM_HMAC_SIZE] = {0};

    hsmiam_status status = hsmiam_signer_open(signer, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_signing_key_sign(&signer->key, scope, string_to_sign, size, mac, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_digest_format_hex(mac, sizeof mac, signature_out);
    return HSMIAM_OK;
}
