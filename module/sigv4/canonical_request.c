/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/canonical.h"

hsmiam_status hsmiam_canonical_request_append(hsmiam_buffer *canonical, hsmiam_buffer *names,
                                              const hsmiam_canonical_request *request,
                                              hsmiam_error *error)
{
    hsmiam_buffer_append_string(canonical, request->method);
    hsmiam_buffer_append_char(canonical, '\n');

    hsmiam_status status =
        hsmiam_canonical_path_append(canonical, request->path, request->flags, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_buffer_append_char(canonical, '\n');

    status = hsmiam_canonical_query_append(canonical, request->query, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_buffer_append_char(canonical, '\n');

    status = hsmiam_canonical_headers_append(canonical, names, request->headers,
                                             request->header_count, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_buffer_append_char(canonical, '\n');

    hsmiam_buffer_append_string(canonical, hsmiam_buffer_get_string(names));
    hsmiam_buffer_append_char(canonical, '\n');
    hsmiam_buffer_append_string(canonical, request->payload_hash);
    return hsmiam_buffer_check(canonical, "the canonical request", error);
}
