/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes of the services' answers: which element stands where, and what becomes of its text. */
#ifndef HSMIAM_IAM_SHAPE_H
#define HSMIAM_IAM_SHAPE_H

#include "iam/response.h"

#define HSMIAM_SHAPES_MAX 128 /* a multiple of 64 */

/* Where an element's text goes. */
typedef enum hsmiam_text_sink {
    HSMIAM_TEXT_NONE = 0, /* it holds elements */
    HSMIAM_TEXT_STORED,
    HSMIAM_TEXT_SECRET,
    HSMIAM_TEXT_SESSION_TOKEN
} hsmiam_text_sink;

typedef enum hsmiam_shape_flags {
    HSMIAM_SHAPE_MANDATORY = 1u << 0,
    HSMIAM_SHAPE_REPEATS = 1u << 1,
    HSMIAM_SHAPE_CUT = 1u << 2 /* a longer text is cut, not wrong */
} hsmiam_shape_flags;

/* An element of an answer. */
typedef struct hsmiam_shape {
    unsigned id;     /* its place in hsmiam_shapes, from 1 */
    unsigned parent; /* 0: the document */
    const char *name;
    unsigned flags;
    hsmiam_text_sink sink;
    size_t min;
    size_t max;
    /* Checks a text and puts it into the reply or into the key that it is of. */
    bool (*store)(hsmiam_reply *reply, hsmiam_key_metadata *key, const char *text);
} hsmiam_shape;

extern const hsmiam_shape hsmiam_shapes[];
extern const size_t hsmiam_shape_count; /* less than HSMIAM_SHAPES_MAX */

/* The element `name` within `parent`; NULL if nobody knows it. */
const hsmiam_shape *hsmiam_shape_find(unsigned parent, const char *name);

/* Makes room in the reply for another item of a list, which an element that repeats begins; `key`
 * is set to the key that it is, if it is one. NULL, or what is wrong if there is no room. */
const char *hsmiam_shape_begin_item(const hsmiam_shape *shape, hsmiam_reply *reply,
                                    hsmiam_key_metadata **key);

/* Whether it is the root of an error. */
bool hsmiam_shape_is_error_root(const hsmiam_shape *shape);

#endif
