/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/authorization.h"

#include "sigv4/string_to_sign.h"

hsmiam_status hsmiam_authorization_append(hsmiam_buffer *authorization, const char *access_key_id,
                                          const hsmiam_scope *scope, const char *names,
                                          const char *signature, hsmiam_error *error)
{
    hsmiam_buffer_append_format(authorization, HSMIAM_SIGNING_ALGORITHM " Credential=%s/",
                                access_key_id);
    hsmiam_scope_append(authorization, scope);
    hsmiam_buffer_append_format(authorization, ", SignedHeaders=%s, Signature=%s", names,
                                signature);
    return hsmiam_buffer_check(authorization, "the Authorization header", error);
}
