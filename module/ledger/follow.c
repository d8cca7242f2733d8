/* SPDX-License-Identifier: Apache-2.0 */
/* A file that goes on growing, read on from time to time. */
#include "ledger/file.h"

hsmiam_status hsmiam_forward_read_on(hsmiam_file *file, uint64_t *place, hsmiam_line_fn take,
                                     void *context, hsmiam_error *error)
{
    hsmiam_forward lines = {.window = NULL};
    hsmiam_line line;
    uint64_t size = 0;
    bool more = true;
    hsmiam_status status = hsmiam_file_get_size(file, &size, error);

    if (status != HSMIAM_OK || size == *place)
        return status;
    if (size < *place)
        return hsmiam_error_set(error, HSMIAM_ERR_LEDGER,
                                "The ledger %s became shorter; `hsmiam audit verify` tells more.",
                                file->path);
    status = hsmiam_forward_init(&lines, file, size, error);
    lines.start = *place;
    while (status == HSMIAM_OK) {
        status = hsmiam_forward_next(&lines, &line, &more, error);
        if (status != HSMIAM_OK || !more || !line.ended)
            break;
        status = take(context, &line, error);
        if (status == HSMIAM_OK)
            *place = line.start + line.size + 1;
    }
    hsmiam_forward_clear(&lines);
    return status;
}
