/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of an answer, and the functions that expat calls on it. */
#ifndef HSMIAM_IAM_RESPONSE_SAX_H
#define HSMIAM_IAM_RESPONSE_SAX_H

#include "base/arena.h"
#include "iam/shape.h"

#include <expat.h>

#define HSMIAM_RESPONSE_DEPTH_MAX 16

/* Parts an element's name from the namespace before it; no namespace can hold it. */
#define HSMIAM_RESPONSE_SEPARATOR '\n'

struct hsmiam_response {
    const char *operation;
    const char *xml_namespace; /* of its results */
    hsmiam_reply *reply;
    hsmiam_secret *secret;
    hsmiam_secret *session_token; /* NULL: none is awaited */
    hsmiam_key_metadata *key;     /* the one that the elements read are of */

    hsmiam_arena *memory; /* the parser's own, all of it */
    XML_Parser parser;
    bool begun; /* some of the answer was read */

    const hsmiam_shape *path[HSMIAM_RESPONSE_DEPTH_MAX];
    size_t depth;
    size_t unknown_depth; /* levels below the innermost element that is known */
    bool has_namespace;
    uint64_t seen[HSMIAM_SHAPES_MAX / 64]; /* a bit for each shape */

    char text[HSMIAM_SERVICE_MESSAGE_MAX + 1]; /* of the element that is being read */
    size_t text_size;                          /* what it has in all, kept or not */

    hsmiam_error problem; /* the first */
    bool stopped;         /* nothing more is read */
    bool complete;        /* the root element was closed */
};

/* Notes the first problem; what follows it is read all the same. The sentence "The answer to ...
 * <what>." must quote nothing of the answer. */
void hsmiam_response_note(hsmiam_response *response, const char *what, ...)
    __attribute__((format(printf, 2, 3)));

/* Notes a problem and ends the reading. */
void hsmiam_response_stop(hsmiam_response *response, const char *what);

/* Makes `response` what the parser calls. */
void hsmiam_response_set_handlers(hsmiam_response *response);

/* As hsmiam_response_new(), with that much memory for the parser. */
hsmiam_status hsmiam_response_new_within(size_t memory, const char *operation, hsmiam_reply *reply,
                                         hsmiam_secret *secret, hsmiam_response **response_out,
                                         hsmiam_error *error) HSMIAM_MUST_USE;

#endif
