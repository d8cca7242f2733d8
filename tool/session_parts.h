/* SPDX-License-Identifier: Apache-2.0 */
/* What session.c puts together. */
#ifndef HSMIAM_TOOL_SESSION_PARTS_H
#define HSMIAM_TOOL_SESSION_PARTS_H

#include "session.h"

/* session_log.c ---------------------------------------------------------------------------------*/

/* An hsmiam_log_fn whose context is the tool_context: a line on standard error. The library may
 * call it on a thread of its own. */
void tool_session_log_line(void *context, hsmiam_log_level level, const char *line);

/* With --debug, a setting; NULL: it is not set. */
void tool_session_log_setting(tool_context *context, const char *name, const char *value);

/* session_custody.c -----------------------------------------------------------------------------*/

/* Names a token. `owns_pin_source`: --pin-source is meant for it. Statuses: ARGUMENT, MEMORY. */
hsmiam_status tool_session_name_token(tool_session *session, tool_context *context, const char *uri,
                                      bool owns_pin_source, hsmiam_token **token_out,
                                      tool_error *error) HSMIAM_MUST_USE;

/* Names the ledger. `signing`: the token whose audit key signs, NULL for reading. */
hsmiam_status tool_session_make_ledger(tool_session *session, tool_context *context,
                                       hsmiam_token *signing, tool_error *error) HSMIAM_MUST_USE;

/* The ledger, those who approve, and the custodies over all tokens that take keys. */
hsmiam_status tool_session_make_custody(tool_session *session, tool_context *context,
                                        tool_error *error) HSMIAM_MUST_USE;

#endif
