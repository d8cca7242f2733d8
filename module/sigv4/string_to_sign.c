/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/string_to_sign.h"

#include "sigv4/digest.h"

void hsmiam_scope_append(hsmiam_buffer *buffer, const hsmiam_scope *scope)
{
    hsmiam_buffer_append_format(buffer, "%s/%s/%s/" HSMIAM_SCOPE_TERMINATOR, scope->date,
                                scope->region, scope->service);
}

hsmiam_status hsmiam_string_to_sign_append(hsmiam_buffer *string_to_sign, const char *timestamp,
                                           const hsmiam_scope *scope,
                                           const hsmiam_buffer *canonical_request,
                                           hsmiam_error *error)
{
    char hash[HSMIAM_SHA256_HEX_SIZE + 1] = "";

    hsmiam_status status = hsmiam_digest_sha256_hex(hsmiam_buffer_get_string(canonical_request),
                                                    canonical_request->size, hash, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_buffer_append_format(string_to_sign, HSMIAM_SIGNING_ALGORITHM "\n%s\n", timestamp);
    hsmiam_scope_append(string_to_sign, scope);
    hsmiam_buffer_append_format(string_to_sign, "\n%s", hash);
    return hsmiam_buffer_check(string_to_sign, "the string to sign", error);
}
