/* SPDX-License-Identifier: Apache-2.0 */
/* An access key that is wrapped, between one token and another. */
#ifndef HSMIAM_CUSTODY_WRAPPED_KEY_H
#define HSMIAM_CUSTODY_WRAPPED_KEY_H

#include "custody/custody.h"
#include "token/export.h"

/* Makes one of the bytes that a token gave; the texts are well-formed. */
hsmiam_status hsmiam_wrapped_key_take(const char *access_key_id, const char *user_name,
                                      const hsmiam_export_form *form, const char *fingerprint,
                                      const hsmiam_secret *bytes, hsmiam_wrapped_key **wrapped_out,
                                      hsmiam_error *error) HSMIAM_MUST_USE;

/* Borrowed. */
const hsmiam_secret *hsmiam_wrapped_key_get_bytes(const hsmiam_wrapped_key *wrapped);
const hsmiam_export_form *hsmiam_wrapped_key_get_form(const hsmiam_wrapped_key *wrapped);

#endif
