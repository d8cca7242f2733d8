/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of an answer, and the functions that libxml2 calls on it. */
#ifndef HSMIAM_IAM_RESPONSE_SAX_H
#define HSMIAM_IAM_RESPONSE_SAX_H

#include "iam/shape.h"

#include <libxml/parser.h>

#define HSMIAM_RESPONSE_DEPTH_MAX 16

struct hsmiam_response {
    const char *operation;
    hsmiam_reply *reply;
    hsmiam_secret *secret;
    hsmiam_key_metadata *key; /* the one that the elements read are of */

    xmlParserCtxtPtr parser;
    const xmlChar *input; /* the parser's input buffer */
    size_t input_high;    /* how far it was ever filled */

    const hsmiam_shape *path[HSMIAM_RESPONSE_DEPTH_MAX];
    size_t depth;
    size_t unknown_depth; /* levels below the innermost element that is known */
    bool has_namespace;
    uint64_t seen; /* a bit for each shape */

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

/* Notes a problem and ends the reading. The parser is not told to stop: it would free its input as
 * it stands. */
void hsmiam_response_stop(hsmiam_response *response, const char *what);

/* libxml2's handler; its user data is the response. */
extern const xmlSAXHandler hsmiam_response_handler;

#endif
