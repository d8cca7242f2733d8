/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and what is done with them, by OpenSSL. */
#include "support/mock_cryptoki_internal.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define RSA_BITS                                                                                   \
    2048 /* whatever is asked for: quicker, and all the same to the code under test                \
          */

/* Two RSA keys per process, as they take long to make: the second one is of the pair for exportable
 * keys where that is another one. */
static EVP_PKEY *rsa_keys[2];

static EVP_PKEY *get_rsa_key(size_t at)
{
    if (rsa_keys[at] == NULL)
        rsa_keys[at] = EVP_RSA_gen(RSA_BITS);
    return rsa_keys[at];
}

void mock_forget_rsa_keys(void)
{
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY_free(rsa_keys[i]);
        rsa_keys[i] = NULL;
    }
}

static void set_number(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, EVP_PKEY *key,
                       const char *name)
{
    unsigned char bytes[RSA_BITS / 8];
    BIGNUM *number = NULL;

    if (EVP_PKEY_get_bn_param(key, name, &number) == 1)
        mock_set_attribute(object, type, bytes, (size_t)BN_bn2bin(number, bytes));
    BN_free(number);
}

/* Gives both halves what a token that made them gives. */
static void complete_pair(CK_OBJECT_HANDLE public_key, CK_OBJECT_HANDLE private_key,
                          CK_KEY_TYPE type, EVP_PKEY *key)
{
    const CK_OBJECT_HANDLE halves[] = {public_key, private_key};
    const CK_OBJECT_CLASS classes[] = {CKO_PUBLIC_KEY, CKO_PRIVATE_KEY};
    unsigned char point[67] = {0x04, 65};
    size_t size = 0;

    for (size_t i = 0; i < 2; i++) {
        mock_set_attribute(halves[i], CKA_CLASS, &classes[i], sizeof classes[i]);
        mock_set_attribute(halves[i], CKA_KEY_TYPE, &type, sizeof type);
        mock_set_flag(halves[i], CKA_LOCAL, true);
        if (type == CKK_RSA) {
            set_number(halves[i], CKA_MODULUS, key, OSSL_PKEY_PARAM_RSA_N);
            set_number(halves[i], CKA_PUBLIC_EXPONENT, key, OSSL_PKEY_PARAM_RSA_E);
        }
    }
    if (type == CKK_EC &&
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point + 2, 65, &size) == 1)
        mock_set_attribute(public_key, CKA_EC_POINT, point, sizeof point);
    if (EVP_PKEY_up_ref(key) == 1)
        mock_attach_key(private_key, key);
}

CK_RV mock_generate_key_pair(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
                             CK_ATTRIBUTE *public_template, CK_ULONG public_count,
                             CK_ATTRIBUTE *private_template, CK_ULONG private_count,
                             CK_OBJECT_HANDLE *public_out, CK_OBJECT_HANDLE *private_out)
{
    CK_RV rv = mock_enter(MOCK_C_GenerateKeyPair);
    bool rsa = mechanism->mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN;

    if (rv != CKR_OK || mock_get_session(handle) == NULL)
        return rv != CKR_OK ? rv : CKR_SESSION_HANDLE_INVALID;
    rv = mock_check_template(private_template, private_count);
    if (rv == CKR_OK)
        rv = mock_make_object(handle, public_template, public_count, public_out);
    if (rv == CKR_OK)
        rv = mock_make_object(handle, private_template, private_count, private_out);
    if (rv != CKR_OK)
        return rv;

    EVP_PKEY *key = rsa ? get_rsa_key(0) : EVP_EC_gen("P-256");
    complete_pair(*public_out, *private_out, rsa ? CKK_RSA : CKK_EC, key);
    if (!rsa)
        EVP_PKEY_free(key);
    return CKR_OK;
}

static CK_OBJECT_HANDLE add_wrapping_pair(const char *label, EVP_PKEY *key)
{
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_EXTRACTABLE, CKA_SIGN, CKA_DECRYPT, CKA_SIGN_RECOVER,
                                           CKA_DERIVE};
    static const CK_ATTRIBUTE_TYPE yes[] = {CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_UNWRAP};
    const CK_ATTRIBUTE named[] = {
        {CKA_LABEL, (void *)label, strlen(label)},
        {CKA_ID, (void *)label, strlen(label)},
    };
    CK_OBJECT_HANDLE public_key = mock_add_object(named, 2);
    CK_OBJECT_HANDLE private_key = mock_add_object(named, 2);

    mock_set_flag(public_key, CKA_TOKEN, true);
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        mock_set_flag(private_key, yes[i], true);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        mock_set_flag(private_key, no[i], false);
    complete_pair(public_key, private_key, CKK_RSA, key);
    return private_key;
}

CK_OBJECT_HANDLE mock_add_wrapping_pair(void)
{
    return add_wrapping_pair("hsmiam-wrapping-key", get_rsa_key(0));
}

CK_OBJECT_HANDLE mock_add_exportable_wrapping_pair(void)
{
    return add_wrapping_pair("hsmiam-wrapping-key-exportable", get_rsa_key(1));
}

CK_OBJECT_HANDLE mock_add_public_ec(const char *label)
{
    const CK_ATTRIBUTE named = {CKA_LABEL, (void *)label, strlen(label)};
    CK_OBJECT_HANDLE public_key = mock_add_object(&named, 1);
    CK_OBJECT_HANDLE private_key = mock_add_object(&named, 1);
    EVP_PKEY *key = EVP_EC_gen("P-256");

    complete_pair(public_key, private_key, CKK_EC, key);
    mock_remove(private_key);
    EVP_PKEY_free(key);
    return public_key;
}

CK_OBJECT_HANDLE mock_add_access_key(const char *id, const char *label, const char *secret)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    char value[256];
    const CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_ID, (void *)id, strlen(id)},
        {CKA_LABEL, (void *)label, strlen(label)},
        {CKA_VALUE, value, strlen("AWS4") + strlen(secret)},
    };

    (void)snprintf(value, sizeof value, "AWS4%s", secret);
    CK_OBJECT_HANDLE key = mock_add_object(attributes, sizeof attributes / sizeof attributes[0]);
    mock_set_flag(key, CKA_TOKEN, true);
    mock_set_flag(key, CKA_PRIVATE, true);
    mock_set_flag(key, CKA_SIGN, true);
    return key;
}

CK_RV mock_sign_init(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    CK_RV rv = mock_enter(MOCK_C_SignInit);
    mock_session *session = mock_get_session(handle);

    if (rv != CKR_OK || session == NULL)
        return rv != CKR_OK ? rv : CKR_SESSION_HANDLE_INVALID;
    if (session->signing != CK_INVALID_HANDLE)
        return CKR_OPERATION_ACTIVE;
    if (mock_get_flag(key, CKA_PRIVATE) == 1 && !mock.logged_in)
        return CKR_USER_NOT_LOGGED_IN;
    if (mock_get_attribute(key, CKA_TOKEN) == NULL)
        return CKR_KEY_HANDLE_INVALID;
    if (mock_is_type(key, mock.useless_type))
        return CKR_KEY_TYPE_INCONSISTENT;
    if (mock_get_flag(key, CKA_SIGN) != 1)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    if (!mock_is_allowed(key, mechanism->mechanism))
        return CKR_MECHANISM_INVALID;
    session->signing = key;
    session->may_sign = mock_get_flag(key, CKA_ALWAYS_AUTHENTICATE) != 1;
    session->mechanism = mechanism->mechanism;
    return CKR_OK;
}

static CK_RV sign_hmac(CK_OBJECT_HANDLE key, const unsigned char *data, size_t size,
                       unsigned char *mac, CK_ULONG *mac_size)
{
    const CK_ATTRIBUTE *value = mock_get_attribute(key, CKA_VALUE);
    unsigned char full[32];

    if (value == NULL || *mac_size < sizeof full)
        return value == NULL ? CKR_KEY_TYPE_INCONSISTENT : CKR_BUFFER_TOO_SMALL;
    (void)HMAC(EVP_sha256(), value->pValue, (int)value->ulValueLen, data, size, full, NULL);
    if (mock.wrong_hmac)
        full[31] ^= 1;
    *mac_size = mock.hmac_size;
    memcpy(mac, full, *mac_size < sizeof full ? *mac_size : sizeof full);
    return CKR_OK;
}

static CK_RV sign_ecdsa(CK_OBJECT_HANDLE key, const unsigned char *data, size_t size,
                        unsigned char *signature, CK_ULONG *signature_size)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(mock_get_key(key), NULL);
    unsigned char der[80];
    const unsigned char *at = der;
    size_t der_size = sizeof der;
    CK_RV rv = CKR_FUNCTION_FAILED;

    if (context != NULL && EVP_PKEY_sign_init(context) == 1 &&
        EVP_PKEY_sign(context, der, &der_size, data, size) == 1) {
        ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &at, (long)der_size);
        if (parts != NULL && *signature_size >= 64 &&
            BN_bn2binpad(ECDSA_SIG_get0_r(parts), signature, 32) == 32 &&
            BN_bn2binpad(ECDSA_SIG_get0_s(parts), signature + 32, 32) == 32) {
            *signature_size = 64;
            rv = CKR_OK;
        }
        ECDSA_SIG_free(parts);
    }
    EVP_PKEY_CTX_free(context);
    return rv;
}

CK_RV mock_sign(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG size,
                unsigned char *signature, CK_ULONG *signature_size)
{
    CK_RV rv = mock_enter(MOCK_C_Sign);
    mock_session *session = mock_get_session(handle);

    if (session == NULL || session->signing == CK_INVALID_HANDLE)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_OBJECT_HANDLE key = session->signing;
    session->signing = CK_INVALID_HANDLE;
    if (!session->may_sign)
        return CKR_USER_NOT_LOGGED_IN;
    if (rv != CKR_OK)
        return rv;
    return session->mechanism == CKM_SHA256_HMAC
               ? sign_hmac(key, data, size, signature, signature_size)
               : sign_ecdsa(key, data, size, signature, signature_size);
}

/* Decrypts; `value` has room for the modulus. */
static bool decrypt_oaep(EVP_PKEY *key, const CK_RSA_PKCS_OAEP_PARAMS *parameters,
                         const unsigned char *wrapped, size_t wrapped_size, unsigned char *value,
                         size_t *value_size)
{
    bool sha256 = parameters->hashAlg == CKM_SHA256;
    bool same = parameters->mgf == (CK_ULONG)(sha256 ? CKG_MGF1_SHA256 : CKG_MGF1_SHA1);
    const char *name = sha256 ? "SHA256" : "SHA1";
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);

    bool done = same && context != NULL && EVP_PKEY_decrypt_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_oaep_md_name(context, name, NULL) == 1 &&
                EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, name, NULL) == 1 &&
                EVP_PKEY_decrypt(context, value, value_size, wrapped, wrapped_size) == 1;
    EVP_PKEY_CTX_free(context);
    return done;
}

CK_RV mock_unwrap_key(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
                      CK_OBJECT_HANDLE unwrapping, unsigned char *wrapped, CK_ULONG wrapped_size,
                      CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *object_out)
{
    CK_RV rv = mock_enter(MOCK_C_UnwrapKey);
    sigset_t blocked;
    const CK_RSA_PKCS_OAEP_PARAMS *parameters = mechanism->pParameter;
    bool oaep = mechanism->mechanism == CKM_RSA_PKCS_OAEP;
    unsigned char value[RSA_BITS / 8];
    size_t value_size = sizeof value;
    bool with_length = false;

    if (pthread_sigmask(SIG_SETMASK, NULL, &blocked) != 0 || !sigismember(&blocked, SIGTERM))
        mock.unwrapped_in_the_open++;
    if (rv != CKR_OK || mock_get_session(handle) == NULL)
        return rv != CKR_OK ? rv : CKR_SESSION_HANDLE_INVALID;
    if (mock_get_flag(unwrapping, CKA_ALWAYS_AUTHENTICATE) == 1) {
        mock_session *session = mock_get_session(handle);
        bool may = session->may_unwrap;
        session->may_unwrap = false;
        if (!may)
            return CKR_USER_NOT_LOGGED_IN;
    }
    if (mock_get_flag(unwrapping, CKA_UNWRAP) != 1)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    if (oaep && mock.no_oaep)
        return CKR_MECHANISM_INVALID;
    if (oaep && mock.sha1_only && parameters->hashAlg != CKM_SHA_1)
        return mock.hash_refusal;
    for (CK_ULONG i = 0; i < count; i++)
        with_length |= template[i].type == CKA_VALUE_LEN;
    if (mock.wants_value_len && !with_length)
        return CKR_TEMPLATE_INCOMPLETE;
    if (mock.refuses_value_len && with_length)
        return CKR_ATTRIBUTE_READ_ONLY;
    rv = mock_check_template(template, count);
    if (rv != CKR_OK)
        return rv;
    if (!oaep)
        rv = mock_unwrap_aes(unwrapping, mechanism->mechanism, wrapped, wrapped_size, value,
                             &value_size);
    else if (!decrypt_oaep(mock_get_key(unwrapping), parameters, wrapped, wrapped_size, value,
                           &value_size))
        rv = CKR_WRAPPED_KEY_INVALID;
    if (rv != CKR_OK)
        return rv;
    mock.unwrapped_by_rsa += oaep;
    mock.unwrapped_by_aes += !oaep;
    rv = mock_make_object(handle, template, count, object_out);
    if (rv == CKR_OK)
        mock_set_attribute(*object_out, CKA_VALUE, value, value_size);
    if (rv == CKR_OK && mock.late_refusal != CKR_OK) {
        *object_out = CK_INVALID_HANDLE;
        rv = mock.late_refusal;
    }
    return rv;
}
