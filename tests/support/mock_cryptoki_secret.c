/* SPDX-License-Identifier: Apache-2.0 */
/* Secret keys made, derived and wrapped with inside the mock. */
#include "support/mock_cryptoki_internal.h"

#include "token/cryptoki3.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#define VALUE_MAX 512

bool mock_is_allowed(CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism)
{
    const CK_ATTRIBUTE *allowed = mock_get_attribute(key, CKA_ALLOWED_MECHANISMS);

    if (!mock.limits || allowed == NULL)
        return true;
    for (size_t i = 0; i < allowed->ulValueLen / sizeof mechanism; i++)
        if (memcmp((char *)allowed->pValue + i * sizeof mechanism, &mechanism, sizeof mechanism) ==
            0)
            return true;
    return false;
}

static CK_ULONG get_length(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_ULONG length = 0;

    for (CK_ULONG i = 0; i < count; i++)
        if (template[i].type == CKA_VALUE_LEN)
            memcpy(&length, template[i].pValue, sizeof length);
    return length;
}

static CK_RV make_key(CK_SESSION_HANDLE handle, const CK_ATTRIBUTE *template, CK_ULONG count,
                      const unsigned char *value, size_t size, CK_OBJECT_HANDLE *key_out)
{
    CK_RV rv = mock_check_template(template, count);

    if (rv == CKR_OK)
        rv = mock_make_object(handle, template, count, key_out);
    if (rv == CKR_OK)
        mock_set_attribute(*key_out, CKA_VALUE, value, size);
    return rv;
}

static bool knows_wrap(CK_MECHANISM_TYPE mechanism)
{
    for (size_t i = 0; i < mock.key_wrap_count; i++)
        if (mock.key_wraps[i] == mechanism)
            return true;
    return false;
}

static bool is_wrap(CK_MECHANISM_TYPE mechanism)
{
    return mechanism == CKM_AES_KEY_WRAP_KWP || mechanism == CKM_AES_KEY_WRAP_PAD ||
           mechanism == CKM_AES_KEY_WRAP;
}

CK_RV mock_get_mechanism_info(CK_SLOT_ID id, CK_MECHANISM_TYPE mechanism, CK_MECHANISM_INFO *info)
{
    CK_RV rv = mock_enter(MOCK_C_GetMechanismInfo);

    (void)id;
    *info = (CK_MECHANISM_INFO){.ulMinKeySize = 1, .flags = CKF_SIGN | CKF_DERIVE};
    if (rv == CKR_OK && mechanism == CKM_SP800_108_FEEDBACK_KDF && !mock.names_derivation)
        rv = CKR_MECHANISM_INVALID;
    if (rv == CKR_OK && is_wrap(mechanism) && !mock.names_wraps && !knows_wrap(mechanism))
        rv = CKR_MECHANISM_INVALID;
    return rv;
}

CK_RV mock_generate_key(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template,
                        CK_ULONG count, CK_OBJECT_HANDLE *key_out)
{
    CK_RV rv = mock_enter(MOCK_C_GenerateKey);
    CK_ULONG size = get_length(template, count);
    unsigned char value[VALUE_MAX];

    (void)mechanism;
    if (rv != CKR_OK || mock_get_session(handle) == NULL)
        return rv != CKR_OK ? rv : CKR_SESSION_HANDLE_INVALID;
    if (size == 0 || size > sizeof value || RAND_bytes(value, (int)size) != 1)
        return CKR_TEMPLATE_INCOMPLETE;
    return make_key(handle, template, count, value, size, key_out);
}

static CK_RV derive_feedback(const CK_SP800_108_FEEDBACK_KDF_PARAMS *parameters,
                             const CK_ATTRIBUTE *value, unsigned char *derived)
{
    const CK_PRF_DATA_PARAM *text = parameters->pDataParams;

    if (parameters->prfType != CKM_SHA256_HMAC || parameters->ulNumberOfDataParams != 2 ||
        parameters->ulIVLen != 0 || text[0].type != CK_SP800_108_ITERATION_VARIABLE ||
        text[0].ulValueLen != 0 || text[1].type != CK_SP800_108_BYTE_ARRAY)
        return CKR_MECHANISM_PARAM_INVALID;
    (void)HMAC(EVP_sha256(), value->pValue, (int)value->ulValueLen, text[1].pValue,
               text[1].ulValueLen, derived, NULL);
    return CKR_OK;
}

static CK_RV compute(const CK_MECHANISM *mechanism, const CK_ATTRIBUTE *value,
                     unsigned char *derived, size_t *size)
{
    const CK_KEY_DERIVATION_STRING_DATA *data = mechanism->pParameter;

    switch (mechanism->mechanism) {
    case CKM_SP800_108_FEEDBACK_KDF:
        *size = 32;
        return mock.derives ? derive_feedback(mechanism->pParameter, value, derived)
                            : CKR_MECHANISM_INVALID;
    case CKM_CONCATENATE_DATA_AND_BASE:
        if (!mock.concatenates || data->string_data_len + value->ulValueLen > VALUE_MAX)
            return CKR_MECHANISM_INVALID;
        memcpy(derived, data->string_data, data->string_data_len);
        memcpy(derived + data->string_data_len, value->pValue, value->ulValueLen);
        *size = data->string_data_len + value->ulValueLen;
        return CKR_OK;
    case CKM_EXTRACT_KEY_FROM_KEY:
        *size = 1;
        derived[0] = *(unsigned char *)value->pValue;
        return mock.extracts ? CKR_OK : CKR_MECHANISM_INVALID;
    default:
        return CKR_MECHANISM_INVALID;
    }
}

CK_RV mock_derive_key(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base,
                      CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key_out)
{
    CK_RV rv = mock_enter(MOCK_C_DeriveKey);
    const CK_ATTRIBUTE *value = mock_get_attribute(base, CKA_VALUE);
    unsigned char derived[VALUE_MAX];
    size_t size = 0;

    if (rv != CKR_OK || mock_get_session(handle) == NULL)
        return rv != CKR_OK ? rv : CKR_SESSION_HANDLE_INVALID;
    if (value == NULL)
        return CKR_KEY_HANDLE_INVALID;
    if (mock_get_flag(base, CKA_DERIVE) != 1)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    if (!mock.limits_leak && !mock_is_allowed(base, mechanism->mechanism))
        return CKR_MECHANISM_INVALID;
    if (mock_is_type(base, mock.useless_type) ||
        (mock.useless_derive && mock_get_attribute(base, CKA_LABEL) != NULL))
        return CKR_KEY_TYPE_INCONSISTENT;
    rv = compute(mechanism, value, derived, &size);
    if (rv != CKR_OK)
        return rv;
    rv = make_key(handle, template, count, derived, size, key_out);
    if (rv == CKR_OK && mock.derives_openly)
        mock_set_flag(*key_out, CKA_SENSITIVE, false);
    return rv;
}

static bool wrap_aes(CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism, bool encrypts,
                     const unsigned char *in, size_t in_size, unsigned char *out, size_t *out_size)
{
    const CK_ATTRIBUTE *value = mock_get_attribute(key, CKA_VALUE);
    const EVP_CIPHER *cipher =
        mechanism == CKM_AES_KEY_WRAP ? EVP_aes_256_wrap() : EVP_aes_256_wrap_pad();
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int size = 0;

    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    bool done = value != NULL && value->ulValueLen == 32 &&
                EVP_CipherInit_ex(context, cipher, NULL, value->pValue, NULL, encrypts) == 1 &&
                EVP_CipherUpdate(context, out, &size, in, (int)in_size) == 1;
    *out_size = (size_t)size;
    EVP_CIPHER_CTX_free(context);
    return done;
}

CK_RV mock_encrypt_init(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    CK_RV rv = mock_enter(MOCK_C_EncryptInit);
    mock_session *session = mock_get_session(handle);

    if (rv != CKR_OK || session == NULL)
        return rv != CKR_OK ? rv : CKR_SESSION_HANDLE_INVALID;
    if (mock_get_flag(key, CKA_ENCRYPT) != 1)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    if (!knows_wrap(mechanism->mechanism) || !mock_is_allowed(key, mechanism->mechanism))
        return CKR_MECHANISM_INVALID;
    session->encrypting = key;
    session->encryption = mechanism->mechanism;
    return CKR_OK;
}

CK_RV mock_encrypt(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG size,
                   unsigned char *encrypted, CK_ULONG *encrypted_size)
{
    CK_RV rv = mock_enter(MOCK_C_Encrypt);
    mock_session *session = mock_get_session(handle);
    size_t written = 0;

    if (session == NULL || session->encrypting == CK_INVALID_HANDLE)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_OBJECT_HANDLE key = session->encrypting;
    session->encrypting = CK_INVALID_HANDLE;
    if (rv != CKR_OK)
        return rv;
    if (*encrypted_size < size + 16)
        return CKR_BUFFER_TOO_SMALL;
    if (!wrap_aes(key, session->encryption, true, data, size, encrypted, &written))
        return CKR_DATA_LEN_RANGE;
    *encrypted_size = written;
    return CKR_OK;
}

CK_RV mock_unwrap_aes(CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism,
                      const unsigned char *wrapped, size_t wrapped_size, unsigned char *value,
                      size_t *value_size)
{
    if (!knows_wrap(mechanism) || !mock_is_allowed(key, mechanism))
        return CKR_MECHANISM_INVALID;
    return wrap_aes(key, mechanism, false, wrapped, wrapped_size, value, value_size)
               ? CKR_OK
               : CKR_WRAPPED_KEY_INVALID;
}

/* The public key that an object is. */
static EVP_PKEY *load_public(CK_OBJECT_HANDLE object)
{
    const CK_ATTRIBUTE *modulus = mock_get_attribute(object, CKA_MODULUS);
    const CK_ATTRIBUTE *exponent = mock_get_attribute(object, CKA_PUBLIC_EXPONENT);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(modulus->pValue, (int)modulus->ulValueLen, NULL);
    BIGNUM *e = BN_bin2bn(exponent->pValue, (int)exponent->ulValueLen, NULL);
    EVP_PKEY *key = NULL;

    (void)OSSL_PARAM_BLD_push_BN(builder, "n", n);
    (void)OSSL_PARAM_BLD_push_BN(builder, "e", e);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    if (EVP_PKEY_fromdata_init(context) <= 0 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    EVP_PKEY_CTX_free(context);
    return key;
}

static bool encrypt_oaep(CK_OBJECT_HANDLE recipient, const CK_RSA_PKCS_OAEP_PARAMS *parameters,
                         const void *value, size_t value_size, unsigned char *out, size_t *out_size)
{
    const char *hash = parameters->hashAlg == CKM_SHA_1 ? "SHA1" : "SHA256";
    EVP_PKEY *key = load_public(recipient);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool done = EVP_PKEY_encrypt_init(context) > 0 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
                EVP_PKEY_CTX_set_rsa_oaep_md_name(context, hash, NULL) > 0 &&
                EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, hash, NULL) > 0 &&
                EVP_PKEY_encrypt(context, out, out_size, value, value_size) > 0;

    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return done;
}

/* Under an AES key that is made for it. */
static bool wrap_both(CK_OBJECT_HANDLE recipient, const CK_RSA_AES_KEY_WRAP_PARAMS *parameters,
                      const CK_ATTRIBUTE *value, unsigned char *out, size_t *out_size)
{
    unsigned char aes[32];
    size_t first = *out_size;
    int written = 0;

    if (parameters->ulAESKeyBits != 256 || RAND_bytes(aes, sizeof aes) != 1 ||
        !encrypt_oaep(recipient, parameters->pOAEPParams, aes, sizeof aes, out, &first))
        return false;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    bool done = EVP_EncryptInit_ex(context, EVP_aes_256_wrap_pad(), NULL, aes, NULL) == 1 &&
                EVP_EncryptUpdate(context, out + first, &written, value->pValue,
                                  (int)value->ulValueLen) == 1;
    EVP_CIPHER_CTX_free(context);
    *out_size = first + (size_t)written;
    return done;
}

CK_RV mock_wrap_key(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE recipient,
                    CK_OBJECT_HANDLE key, unsigned char *wrapped, CK_ULONG *wrapped_size)
{
    CK_RV rv = mock_enter(MOCK_C_WrapKey);
    const CK_RSA_AES_KEY_WRAP_PARAMS *both = mechanism->pParameter;
    const CK_RSA_PKCS_OAEP_PARAMS *oaep = mechanism->pParameter;
    const CK_ATTRIBUTE *value = mock_get_attribute(key, CKA_VALUE);
    bool by_aes = mechanism->mechanism == CKM_RSA_AES_KEY_WRAP;

    if (rv != CKR_OK || mock_get_session(handle) == NULL)
        return rv != CKR_OK ? rv : CKR_SESSION_HANDLE_INVALID;
    if (value == NULL)
        return CKR_KEY_HANDLE_INVALID;
    if (mock_get_flag(recipient, CKA_WRAP) != 1 || mock_get_flag(recipient, CKA_TOKEN) != 0)
        return CKR_WRAPPING_KEY_HANDLE_INVALID;
    if (mock_get_flag(key, CKA_EXTRACTABLE) != 1)
        return CKR_KEY_UNEXTRACTABLE;
    if (by_aes && !mock.wraps_by_both)
        return CKR_MECHANISM_INVALID;
    if (mock.sha1_only && (by_aes ? both->pOAEPParams : oaep)->hashAlg != CKM_SHA_1)
        return mock.hash_refusal;
    size_t size = *wrapped_size;
    bool done =
        by_aes ? wrap_both(recipient, both, value, wrapped, &size)
               : encrypt_oaep(recipient, oaep, value->pValue, value->ulValueLen, wrapped, &size);
    *wrapped_size = size + mock.too_many;
    return done ? CKR_OK : CKR_FUNCTION_FAILED;
}
