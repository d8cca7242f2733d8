/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside (arguments, files, tokens, replies) made fit to be shown. */
#ifndef HSMIAM_TOOL_TEXT_H
#define HSMIAM_TOOL_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/* fprintf(), fputs() and fputc() for streams that are asked once, when they are closed, whether all
 * went well (tool_output_close(), fclose() of a memory stream), and for standard error, where
 * nothing more can be said. */
void tool_text_print(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tool_text_put(const char *text, FILE *stream);
void tool_text_put_char(int character, FILE *stream);

/* Takes the value of every pin-value attribute out of a PKCS#11 URI, or of any text that holds one,
 * in place, and wipes the bytes that become free. */
void tool_text_remove_pin(char *text);

/* Writes text for a person: without PINs, and with control characters, line feeds apart, as \xNN,
 * so that no text can steer a terminal. */
void tool_text_write(FILE *stream, const char *text);

/* Writes a field for a line of fields: all control characters escaped (\t, \n, \r, \xNN), and the
 * backslash doubled so that the escapes can be told from what looks like them. */
void tool_text_write_field(FILE *stream, const char *text);

/* Writes text as Python's repr() does, the AWS CLI's way of showing a value. */
void tool_text_write_quoted(FILE *stream, const char *text, char quote);

/* How many bytes the control character at `text` has: C0, DEL, or a C1 one in UTF-8; 0 for any
 * other character. */
size_t tool_text_count_control(const char *text);

/* A copy of the first `size` bytes. NULL if there is no memory. */
char *tool_text_copy(const char *text, size_t size);

/* True for "true" in any case, as the AWS CLI reads booleans of environment and profile. */
bool tool_text_is_true(const char *text);

#endif
