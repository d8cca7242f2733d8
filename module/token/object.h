/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in the token: finding, reading and making them, whatever a token knows of attributes. */
#ifndef HSMIAM_TOKEN_OBJECT_H
#define HSMIAM_TOKEN_OBJECT_H

#include "token/session.h"

/* attribute.c -----------------------------------------------------------------------------------*/

/* Copies a fixed, space-padded PKCS#11 string. `size` counts the field; `to` has size + 1 bytes. */
void hsmiam_attribute_copy_padded(char *to, const unsigned char *field, size_t size);

/* What a boolean attribute must be. */
typedef struct hsmiam_bool_rule {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
    bool value;
} hsmiam_bool_rule;

#define HSMIAM_BOOL_RULES_MAX 16

/* Holds an object against rules, all in one call to the token if it can, for each call may cost it
 * a file or a network. An attribute that the token does not know keeps a rule only if it is a usage
 * that must be false. `*broken_out` is the first rule that is broken, NULL if all are kept. */
hsmiam_status hsmiam_attribute_check_bools(const hsmiam_token *token, hsmiam_object object,
                                           const hsmiam_bool_rule *rules, size_t count,
                                           const hsmiam_bool_rule **broken_out,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* The same in a session that the caller has, whosever it is; at most HSMIAM_BOOL_RULES_MAX. */
CK_RV hsmiam_session_check_bools(const hsmiam_session *session, CK_OBJECT_HANDLE object,
                                 const hsmiam_bool_rule *rules, size_t count,
                                 const hsmiam_bool_rule **broken_out) HSMIAM_MUST_USE;

/* C_GetAttributeValue in a borrowed session; its result goes to `rv_out`. */
hsmiam_status hsmiam_attribute_read(const hsmiam_token *token, CK_OBJECT_HANDLE object,
                                    CK_ATTRIBUTE *attributes, CK_ULONG count, CK_RV *rv_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* Reads bytes: at most `*size_inout` of them, whose number it becomes. UNSUPPORTED if the object
 * has no such attribute or it is longer. `name` is for the message. */
hsmiam_status hsmiam_attribute_get_bytes(const hsmiam_token *token, hsmiam_object object,
                                         CK_ATTRIBUTE_TYPE type, const char *name, void *bytes_out,
                                         size_t *size_inout, hsmiam_error *error) HSMIAM_MUST_USE;

/* object.c --------------------------------------------------------------------------------------*/

#define HSMIAM_OBJECTS_MAX 64

/* Finds the objects that match a template: up to HSMIAM_OBJECTS_MAX, `*count_out` of them; more are
 * an AMBIGUOUS error. */
hsmiam_status hsmiam_objects_find(hsmiam_token *token, CK_ATTRIBUTE *template, CK_ULONG attributes,
                                  hsmiam_object *objects_out, size_t *count_out,
                                  hsmiam_error *error) HSMIAM_MUST_USE;

/* The same for the private secret keys of the token with that CKA_ID: one that is not private
 * anyone may have put there. */
hsmiam_status hsmiam_objects_find_private(hsmiam_token *token, const char *id,
                                          hsmiam_object *objects_out, size_t *count_out,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* Tells whether a template was refused for what it holds, so that a plainer one may be tried. */
bool hsmiam_rv_is_template_refusal(CK_RV rv);

/* The attributes that only harden a key: bits, of those that a token refused. */
typedef enum hsmiam_hardening {
    HSMIAM_HARDENING_COPYABLE = 1u << 0,
    HSMIAM_HARDENING_MODIFIABLE = 1u << 1,
    HSMIAM_HARDENING_UNWRAP_TEMPLATE = 1u << 2,
    HSMIAM_HARDENING_ALLOWED_MECHANISMS = 1u << 3
} hsmiam_hardening;

/* To do without what NSS's database has no column for. */
#define HSMIAM_HARDENING_STORABLE                                                                  \
    ((unsigned)HSMIAM_HARDENING_COPYABLE | (unsigned)HSMIAM_HARDENING_ALLOWED_MECHANISMS)

/* What a token is asked for first: everything, but for NSS what it can store. What it cannot, it
 * does not refuse as it should but by CKR_GENERAL_ERROR, after which its FIPS mode does nothing
 * more. */
unsigned hsmiam_hardening_start(const CK_TOKEN_INFO *info);

/* Goes on to the next set of attributes to do without, from few to many; false if there is none.
 * No token tells which of them it does not know. */
bool hsmiam_hardening_drop(unsigned *dropped, bool has_unwrap_template);

/* After a failed attempt to make an object: whether to try again, in the same form or with less in
 * the template. Some tokens refuse what they cannot store by CKR_GENERAL_ERROR, which others may
 * mean otherwise: after a doubtful answer, the caller has seen to it that nothing was made, and the
 * same is tried once more before anything is dropped. `*doubted` is false at the beginning. */
bool hsmiam_hardening_retry(CK_RV rv, bool has_unwrap_template, unsigned *dropped, bool *doubted);

/* Whether an attribute is still asked for. */
bool hsmiam_hardening_has(unsigned dropped, hsmiam_hardening attribute);

#endif
