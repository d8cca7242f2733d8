/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of secret keys, each with the values that it points to. */
#ifndef HSMIAM_TOKEN_KEY_TEMPLATE_H
#define HSMIAM_TOKEN_KEY_TEMPLATE_H

#include "token/object.h"

#define HSMIAM_KEY_TEMPLATE_MAX 32

/* It points into itself: it is filled where it stays. */
typedef struct hsmiam_key_template {
    CK_ATTRIBUTE attributes[HSMIAM_KEY_TEMPLATE_MAX];
    CK_ULONG count;
    CK_OBJECT_CLASS class;
    CK_KEY_TYPE type;
    CK_MECHANISM_TYPE allowed;
    CK_ULONG value_len;
    CK_DATE start;
} hsmiam_key_template;

void hsmiam_key_template_put(hsmiam_key_template *template, CK_ATTRIBUTE_TYPE type,
                             const void *value, size_t size);
void hsmiam_key_template_put_bool(hsmiam_key_template *template, CK_ATTRIBUTE_TYPE type,
                                  bool value);
void hsmiam_key_template_put_value_len(hsmiam_key_template *template, size_t size);

/* Fills in what an access key of `spec` must be. */
void hsmiam_key_template_fill(hsmiam_key_template *template, const hsmiam_key_spec *spec,
                              CK_KEY_TYPE type);

/* Completes a template by what not every token knows, but for what was `dropped`: the key can be
 * used for one mechanism, and cannot be changed or copied into something laxer. */
void hsmiam_key_template_harden(hsmiam_key_template *template, unsigned dropped);

/* object.c: C_UnwrapKey. A key that wants the PIN for each use gets it, if the token has a way for
 * that; if not, KEY_FUNCTION_NOT_PERMITTED. */
CK_RV hsmiam_session_unwrap(hsmiam_token *token, const hsmiam_session *session,
                            CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                            const hsmiam_secret *wrapped, hsmiam_key_template *template,
                            CK_OBJECT_HANDLE *handle_out);

/* derive.c: hsmiam_token_derive_hmac() in a session that the caller has, whosever it is.
 * `*unlimited`: no derived key can be given CKA_ALLOWED_MECHANISMS here, which it may find out. */
CK_RV hsmiam_session_derive_hmac(const hsmiam_session *session, CK_OBJECT_HANDLE base,
                                 const void *data, size_t size, bool last, bool *unlimited,
                                 CK_OBJECT_HANDLE *derived_out) HSMIAM_MUST_USE;

/* Whether the token made of it what was asked for: `broken_out->name` is NULL then. The caller
 * destroys the key in any case. */
CK_RV hsmiam_session_check_derived(const hsmiam_session *session, CK_OBJECT_HANDLE derived,
                                   bool signs, hsmiam_bool_rule *broken_out) HSMIAM_MUST_USE;

#endif
