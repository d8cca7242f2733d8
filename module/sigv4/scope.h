/* SPDX-License-Identifier: Apache-2.0 */
/* Credential scopes in text: DATE/REGION/SERVICE/aws4_request. */
#ifndef HSMIAM_SIGV4_SCOPE_H
#define HSMIAM_SIGV4_SCOPE_H

#include "sigv4/signer.h"

/* Whether a region or a service may be called so: 1 to HSMIAM_SCOPE_PART_MAX lower-case letters,
 * digits, '-', '_' and '.'. */
bool hsmiam_scope_is_part(const char *text, size_t size);

/* Reads a scope, with or without its last part. False if it is none. */
bool hsmiam_scope_parse(const char *text, size_t size, hsmiam_scope *scope_out);

/* Reads the scope that a string to sign has in its third line. False if it has none there. */
bool hsmiam_scope_find(const char *string_to_sign, size_t size, hsmiam_scope *scope_out);

#endif
