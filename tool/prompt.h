/* SPDX-License-Identifier: Apache-2.0 */
/* Questions on the terminal, answers without echo. */
#ifndef HSMIAM_TOOL_PROMPT_H
#define HSMIAM_TOOL_PROMPT_H

#include "error.h"

/* Asks for a secret on the process's terminal. The answer goes byte by byte into `buffer` and
 * nowhere else; its line end does not count.
 * no_terminal  the sentence that is said if there is no terminal.
 * Statuses: PIN (no terminal, no answer, or one of more than `size` bytes), CANCELLED, IO. */
hsmiam_status tool_prompt_secret(const char *question, const char *no_terminal, char *buffer,
                                 size_t size, size_t *length_out,
                                 tool_error *error) HSMIAM_MUST_USE;

/* The PIN prompt as hsmiam_token_set_pin_callback() takes it. `context` is the tool_error that
 * says why there is no PIN to open the token with. */
hsmiam_status tool_prompt_pin(void *context, const char *token_label, hsmiam_pin_reason reason,
                              char *pin_out, size_t pin_size, size_t *length_out);

/* Asks on the terminal for a yes; false without one, and for every other answer. */
bool tool_prompt_confirm(const char *question);

/* True if there is a terminal to ask on. */
bool tool_prompt_is_possible(void);

#endif
