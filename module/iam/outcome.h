/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer means: whether the operation was executed, was not, or perhaps was. */
#ifndef HSMIAM_IAM_OUTCOME_H
#define HSMIAM_IAM_OUTCOME_H

#include "iam/response.h"

/* Whether the service's error code says that it was asked too often, and so executed nothing. */
bool hsmiam_outcome_is_throttling(const char *code);

/* Whether an error of the service is about the time that the request was signed at. */
bool hsmiam_outcome_is_skewed(const char *code, const char *message);

/* Judges a whole answer by its HTTP status, by what was read of it, and by `reading`, what
 * hsmiam_response_finish() said about that (its message in `error`, if it failed).
 * Statuses: OK; SERVICE (refused, not executed); UNKNOWN_OUTCOME (a failure of the service, or an
 * answer that is cut off); REPLY (no answer of IAM's). */
hsmiam_status hsmiam_outcome_judge(const char *operation, long http_status,
                                   const hsmiam_reply *reply, hsmiam_status reading,
                                   hsmiam_error *error) HSMIAM_MUST_USE;

#endif
