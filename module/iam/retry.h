/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be sent again and what may not. CreateAccessKey is not idempotent: it is sent again only
 * where the service certainly did not execute it. Everything else here may be executed twice.
 */
#ifndef HSMIAM_IAM_RETRY_H
#define HSMIAM_IAM_RETRY_H

#include "base/error.h"

/* What being executed twice would do. */
typedef enum hsmiam_call_class {
    HSMIAM_CALL_IDEMPOTENT = 0, /* nothing */
    HSMIAM_CALL_CREATES,        /* make another key */
    HSMIAM_CALL_CLASSES
} hsmiam_call_class;

/* What an attempt to call a service came to. */
typedef enum hsmiam_attempt {
    HSMIAM_ATTEMPT_DONE = 0,
    HSMIAM_ATTEMPT_UNCONNECTED,       /* refused, unreachable, or closed before the request left */
    HSMIAM_ATTEMPT_CONNECT_TIMED_OUT, /* the whole patience was spent on it */
    HSMIAM_ATTEMPT_TLS_FAILED,        /* the handshake broke */
    HSMIAM_ATTEMPT_UNTRUSTED,         /* the peer is not who it should be */
    HSMIAM_ATTEMPT_THROTTLED,
    HSMIAM_ATTEMPT_SKEWED,  /* refused for the time that it was signed at */
    HSMIAM_ATTEMPT_REFUSED, /* any other refusal, 4xx */
    HSMIAM_ATTEMPT_FAILED,  /* 5xx: the service itself failed, before or after executing it */
    HSMIAM_ATTEMPT_READ_TIMED_OUT,
    HSMIAM_ATTEMPT_CUT,     /* the connection or the answer ended too soon */
    HSMIAM_ATTEMPT_GARBLED, /* no answer of the service's */
    HSMIAM_ATTEMPT_STOPPED, /* by the caller, or by trouble on this side */
    HSMIAM_ATTEMPT_COUNT
} hsmiam_attempt;

typedef enum hsmiam_resend {
    HSMIAM_RESEND_NEVER = 0,
    HSMIAM_RESEND,
    HSMIAM_RESEND_CORRECTED /* once the clock was corrected, which is done once */
} hsmiam_resend;

/* A row of the table. */
typedef struct hsmiam_retry_rule {
    const char *says;   /* why, for a line of the log */
    bool is_unexecuted; /* the operation certainly was not executed */
    hsmiam_resend resend[HSMIAM_CALL_CLASSES];
    unsigned first_pause; /* milliseconds, at most, before the second attempt; doubled by each */
    unsigned longest_pause;
} hsmiam_retry_rule;

/* The row of what an attempt came to. Static. */
const hsmiam_retry_rule *hsmiam_retry_get_rule(hsmiam_attempt attempt);

/* What an attempt came to: by its status, and by the error record that came with it. */
hsmiam_attempt hsmiam_attempt_classify(hsmiam_status status, const hsmiam_error *error);

/* Milliseconds to wait after the `attempts`th attempt: a random part of what the row grants ("full
 * jitter"), and no less than what the service asked for by Retry-After, up to a minute.
 * random       any number, each as likely as the other
 * retry_after  seconds, below 0: none */
unsigned hsmiam_retry_get_pause(const hsmiam_retry_rule *rule, unsigned attempts, uint32_t random,
                                long retry_after);

/* Attempts in all, the first included, if nobody says otherwise: as the AWS CLI makes. */
#define HSMIAM_ATTEMPTS_DEFAULT 3

#endif
