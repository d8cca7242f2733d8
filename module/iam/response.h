/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services' answers. A push parser reads the XML piece by piece, and what it finds goes where
 * it belongs at once, the secret into secret memory. Elements that nobody knows are skipped, since
 * services add some; anything else unexpected makes the answer a wrong one, but reading goes on:
 * the id of a key that was made must not be lost.
 */
#ifndef HSMIAM_IAM_RESPONSE_H
#define HSMIAM_IAM_RESPONSE_H

#include "iam/operations.h"

#define HSMIAM_ERROR_CODE_MAX      63
#define HSMIAM_REQUEST_ID_MAX      127
#define HSMIAM_SERVICE_MESSAGE_MAX 2047
#define HSMIAM_MARKER_MAX          (HSMIAM_MARKER_SIZE - 1)

/* What an answer turned out to be. */
typedef enum hsmiam_reply_kind {
    HSMIAM_REPLY_NONE = 0, /* nothing known yet, or nothing that IAM would say */
    HSMIAM_REPLY_RESULT,
    HSMIAM_REPLY_ERROR
} hsmiam_reply_kind;

/* What an answer says. A field is filled when its element is complete and right, and so may be
 * filled although the answer as a whole is wrong or cut off. */
typedef struct hsmiam_reply {
    hsmiam_reply_kind kind;
    hsmiam_key_metadata key; /* of CreateAccessKey */
    hsmiam_key_list list;    /* of ListAccessKeys; the next answer of the same list adds to it */
    hsmiam_key_usage usage;  /* of GetAccessKeyLastUsed */
    hsmiam_caller caller;    /* of GetCallerIdentity */
    time_t expiration;       /* of temporary credentials, whose id is that of `key` */
    hsmiam_user_page users;  /* of ListUsers */
    bool is_truncated;
    char marker[HSMIAM_MARKER_MAX + 1];
    char code[HSMIAM_ERROR_CODE_MAX + 1]; /* of an error */
    char message[HSMIAM_SERVICE_MESSAGE_MAX + 1];
    char request_id[HSMIAM_REQUEST_ID_MAX + 1];
} hsmiam_reply;

typedef struct hsmiam_response hsmiam_response;

/* Makes a parser for the answer to `operation`, a static string. It fills `reply`, borrowed, and
 * appends the secret access key of the answer to `secret`, borrowed too; NULL if none is awaited.
 * Statuses: MEMORY. */
hsmiam_status hsmiam_response_new(const char *operation, hsmiam_reply *reply, hsmiam_secret *secret,
                                  hsmiam_response **response_out,
                                  hsmiam_error *error) HSMIAM_MUST_USE;

/* Says where the session token of the answer is appended; borrowed. Before the first piece. */
void hsmiam_response_set_session_token(hsmiam_response *response, hsmiam_secret *session_token);

/* Wipes what the parser holds of the answer, and frees it. */
void hsmiam_response_free(hsmiam_response **response);

/* Reads the next piece of the answer, which the caller wipes. What is wrong with it,
 * hsmiam_response_finish() tells. */
void hsmiam_response_feed(hsmiam_response *response, const char *data, size_t size);

/* Ends the answer: OK, or UNKNOWN_OUTCOME (it is cut off), or REPLY (it is no answer to the
 * operation; nothing of it is quoted). */
hsmiam_status hsmiam_response_finish(hsmiam_response *response,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

#endif
