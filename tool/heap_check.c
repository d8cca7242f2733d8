/* SPDX-License-Identifier: Apache-2.0 */
#include "heap.h"

#include "text.h"

/* What is still to be allocated once a token is open and IAM is connected to. */
#define ROOM_TO_GROW ((size_t)256 * 1024)

static const char required_option[] = "--require-locked-memory";

tool_heap_facts tool_heap;

static size_t in_kilobytes(size_t size)
{
    return (size + 1023) / 1024;
}

hsmiam_status tool_heap_check(const tool_arguments *arguments, bool growing, tool_error *error)
{
    size_t needed = tool_heap.used + (growing ? ROOM_TO_GROW : 0);

    if (!tool_arguments_get(arguments, required_option))
        return HSMIAM_OK;
    if (!tool_heap.present)
        return tool_error_set(
            error, HSMIAM_ERR_CONFIG,
            "This build of hsmiam does not lock its memory (HSMIAM_HEAP is off).");
    if (needed <= tool_heap.lockable)
        return HSMIAM_OK;
    return tool_error_set(
        error, HSMIAM_ERR_CONFIG,
        "Nothing was done: of the memory that it needs, %zu KiB so far, hsmiam may "
        "lock %zu KiB only. Raise the limit that `ulimit -l` shows, or do without "
        "--require-locked-memory.",
        in_kilobytes(needed), in_kilobytes(tool_heap.lockable));
}

void tool_heap_warn(void)
{
    if (!tool_heap.present || tool_heap.used <= tool_heap.lockable)
        return;
    tool_text_print(stderr,
                    "hsmiam: warning: %zu of %zu KiB of memory could not be locked and may have "
                    "been swapped; raise the limit that `ulimit -l` shows. What held the secret "
                    "was locked.\n",
                    in_kilobytes(tool_heap.used - tool_heap.lockable),
                    in_kilobytes(tool_heap.used));
}
