/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a Query API request: application/x-www-form-urlencoded. */
#ifndef HSMIAM_IAM_QUERY_H
#define HSMIAM_IAM_QUERY_H

#include "base/buffer.h"

#define HSMIAM_QUERY_CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"

/* Appends `name=value`, after an '&' if the query is not empty. Encoded as the AWS CLI does it:
 * letters, digits and "-_.~" stay, a space becomes '+', any other byte %XX. */
void hsmiam_query_append(hsmiam_buffer *query, const char *name, const char *value);

#endif
