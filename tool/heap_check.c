/* SPDX-License-Identifier: Apache-2.0 */
#include "heap.h"

#include "text.h"

#include <stdint.h>

/* What is still to be allocated once a token is open and IAM is connected to. */
#define ROOM_TO_GROW ((size_t)256 * 1024)

static const char required_option[] = "--require-locked-memory";

tool_heap_facts tool_heap;

static size_t left_to_secrets = TOOL_HEAP_LEFT_TO_SECRETS;

/* Debian's own limit, which is enough for all that there is to do. */
#define USUAL_KIB ((size_t)8192)

static size_t in_kilobytes(size_t size)
{
    return (size + 1023) / 1024;
}

/* What the process should be allowed to lock, for the heap to be so large. */
static size_t get_advice(size_t heap)
{
    size_t needed = in_kilobytes(heap + left_to_secrets);

    return needed > USUAL_KIB ? (needed + 1023) / 1024 * 1024 : USUAL_KIB;
}

hsmiam_status tool_heap_check(const tool_arguments *arguments, bool growing, tool_error *error)
{
    size_t needed = tool_heap.used + (growing ? ROOM_TO_GROW : 0);
    size_t advised = get_advice(needed);

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
        "Nothing was done: hsmiam may lock %zu KiB of memory, beside %zu KiB for secrets, and "
        "needs %zu KiB so far. Allow it %zu in all, by `ulimit -l %zu`, or LimitMEMLOCK=%zuK in a "
        "systemd unit, or do without --require-locked-memory.",
        in_kilobytes(tool_heap.lockable), in_kilobytes(left_to_secrets), in_kilobytes(needed),
        advised, advised, advised);
}

size_t tool_heap_get_limit(void)
{
    return tool_heap.limited ? tool_heap.lockable + left_to_secrets : SIZE_MAX;
}

void tool_heap_leave_to_secrets(size_t size)
{
    size_t more = size > left_to_secrets ? size - left_to_secrets : 0;

    if (!tool_heap.limited)
        return;
    left_to_secrets += more;
    tool_heap.lockable =
        tool_heap.lockable > tool_heap.used + more ? tool_heap.lockable - more : tool_heap.used;
}

void tool_heap_warn(hsmiam_status status)
{
    size_t advised = get_advice(tool_heap.used);

    if (status == HSMIAM_ERR_MEMORY || status == HSMIAM_ERR_CONFIG)
        return;
    if (!tool_heap.present || tool_heap.used <= tool_heap.lockable)
        return;
    tool_text_print(stderr,
                    "hsmiam: warning: %zu of %zu KiB of memory could not be locked and may have "
                    "been swapped, what held the secret not among them. Allow %zu KiB in all, by "
                    "`ulimit -l %zu`, or LimitMEMLOCK=%zuK in a systemd unit.\n",
                    in_kilobytes(tool_heap.used - tool_heap.lockable), in_kilobytes(tool_heap.used),
                    advised, advised, advised);
}
