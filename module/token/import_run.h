/* SPDX-License-Identifier: Apache-2.0 */
/* What import.c, which tries a form, and import_form.c, which chooses the next, share. */
#ifndef HSMIAM_TOKEN_IMPORT_RUN_H
#define HSMIAM_TOKEN_IMPORT_RUN_H

#include "token/key_template.h"
#include "token/keys.h"

/* One import, and what became of the last attempt at it. */
typedef struct hsmiam_import_run {
    hsmiam_token *token;
    const hsmiam_session *session;
    hsmiam_import_route route;
    const hsmiam_key_spec *spec;
    const hsmiam_secret *value;
    const hsmiam_wrapped_value *wrapped; /* NULL: `value` goes in */
    size_t wrapped_by;                   /* the value in it, by this one of the AES key wraps */
    const hsmiam_import_trial *trial;    /* NULL: a form that works is looked for */
    CK_OBJECT_HANDLE key;                /* of the token, that the value is wrapped under */
    hsmiam_key_template template;
    CK_OBJECT_HANDLE object;
    const char *function; /* that gave `rv` */
    CK_RV rv;
    bool doubted;
    bool key_refused; /* `rv` is about the transport key, or what came in its place */
    hsmiam_import_form before;
} hsmiam_import_run;

/* import_form.c ---------------------------------------------------------------------------------*/

/* The type of key that the form says. */
CK_KEY_TYPE hsmiam_import_get_key_type(const hsmiam_import_form *form);

/* After a refusal, the next form to try; false if there is none. A rehearsal, which can lose
 * nothing, takes a doubtful answer for a refusal of the mechanism. */
bool hsmiam_import_next_form(hsmiam_import_run *import);

#endif
