/* SPDX-License-Identifier: Apache-2.0 */
/* The file's lines through a window of constant size, from either end. */
#include <stdlib.h>
#include <string.h>

#include "ledger/file.h"

static hsmiam_status make_window(char **window_out, hsmiam_error *error)
{
    *window_out = malloc(HSMIAM_WINDOW_SIZE);
    return *window_out != NULL ? HSMIAM_OK : hsmiam_error_set_memory(error, "reading the ledger");
}

hsmiam_status hsmiam_backward_init(hsmiam_backward *backward, hsmiam_file *file, uint64_t end,
                                   hsmiam_error *error)
{
    *backward = (hsmiam_backward){.file = file, .end = end, .start = end};
    return make_window(&backward->window, error);
}

void hsmiam_backward_clear(hsmiam_backward *backward)
{
    free(backward->window);
    backward->window = NULL;
}

/* Lets the window end where the next line does. */
static hsmiam_status refill_backward(hsmiam_backward *backward, hsmiam_error *error)
{
    size_t size = backward->end < HSMIAM_WINDOW_SIZE ? (size_t)backward->end : HSMIAM_WINDOW_SIZE;

    backward->start = backward->end - size;
    backward->size = size;
    return hsmiam_file_read(backward->file, backward->start, backward->window, size, error);
}

/* The line that ends at `backward->end`, if the window has it whole. */
static bool find_backward(const hsmiam_backward *backward, hsmiam_line *line_out)
{
    if (backward->end <= backward->start || backward->end > backward->start + backward->size)
        return false;
    const char *window = backward->window;
    size_t end = (size_t)(backward->end - backward->start);
    bool ended = window[end - 1] == '\n';
    if (ended)
        end--;
    const char *before = memrchr(window, '\n', end);
    if (before == NULL && backward->start > 0)
        return false;
    size_t from = before != NULL ? (size_t)(before - window) + 1 : 0;
    *line_out = (hsmiam_line){
        .text = window + from, .size = end - from, .start = backward->start + from, .ended = ended};
    return true;
}

hsmiam_status hsmiam_backward_next(hsmiam_backward *backward, hsmiam_line *line_out,
                                   bool *found_out, hsmiam_error *error)
{
    *found_out = backward->end > 0;
    if (!*found_out)
        return HSMIAM_OK;
    if (!find_backward(backward, line_out)) {
        hsmiam_status status = refill_backward(backward, error);
        if (status != HSMIAM_OK)
            return status;
        /* A line longer than the window is a piece of something else. */
        if (!find_backward(backward, line_out))
            *line_out = (hsmiam_line){.size = backward->size, .start = backward->start};
    }
    backward->end = line_out->start;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_forward_init(hsmiam_forward *forward, hsmiam_file *file, uint64_t limit,
                                  hsmiam_error *error)
{
    *forward = (hsmiam_forward){.file = file, .limit = limit};
    return make_window(&forward->window, error);
}

void hsmiam_forward_clear(hsmiam_forward *forward)
{
    free(forward->window);
    forward->window = NULL;
}

/* Moves what is left to the window's beginning and reads on. */
static hsmiam_status refill_forward(hsmiam_forward *forward, hsmiam_error *error)
{
    size_t left = forward->size - forward->at;

    memmove(forward->window, forward->window + forward->at, left);
    forward->start += forward->at;
    forward->at = 0;
    uint64_t offset = forward->start + left;
    uint64_t more = forward->limit - offset;
    size_t size = HSMIAM_WINDOW_SIZE - left;
    if (more < size)
        size = (size_t)more;
    forward->size = left + size;
    return hsmiam_file_read(forward->file, offset, forward->window + left, size, error);
}

static const char *find_end(const hsmiam_forward *forward)
{
    return memchr(forward->window + forward->at, '\n', forward->size - forward->at);
}

hsmiam_status hsmiam_forward_next(hsmiam_forward *forward, hsmiam_line *line_out, bool *found_out,
                                  hsmiam_error *error)
{
    *found_out = false;
    const char *end = find_end(forward);
    if (end == NULL && forward->start + forward->size < forward->limit) {
        hsmiam_status status = refill_forward(forward, error);
        if (status != HSMIAM_OK)
            return status;
        end = find_end(forward);
    }
    const char *text = forward->window + forward->at;
    size_t left = forward->size - forward->at;
    if (left == 0)
        return HSMIAM_OK;
    *line_out = (hsmiam_line){.text = text,
                              .size = end != NULL ? (size_t)(end - text) : left,
                              .start = forward->start + forward->at,
                              .ended = end != NULL};
    forward->at += line_out->size + (line_out->ended ? 1 : 0);
    *found_out = true;
    return HSMIAM_OK;
}
