/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/outcome.h"

#include "iam/service.h"

#include <stdio.h>
#include <string.h>

/* A secret has 40 characters; nothing else that a message of IAM holds has so many in a row. */
#define SECRET_LIKE_MIN 30
#define LEFT_OUT        "<left out>"

/* How the AWS services say "not so fast". */
static const char *const throttling_codes[] = {
    "Throttling",       "ThrottlingException",    "ThrottledException",
    "RequestThrottled", "RequestLimitExceeded",   "RequestThrottledException",
    "SlowDown",         "BandwidthLimitExceeded", "TooManyRequestsException",
};

bool hsmiam_outcome_is_throttling(const char *code)
{
    for (size_t i = 0; i < sizeof throttling_codes / sizeof throttling_codes[0]; i++) {
        if (strcmp(code, throttling_codes[i]) == 0)
            return true;
    }
    return false;
}

/* ... and "what time do you think it is". A signature that does not match may have other causes;
 * then its sentence begins otherwise. */
static const struct {
    const char *code;
    const char *beginning;
} skew_errors[] = {
    {"RequestTimeTooSkewed", ""},
    {"RequestExpired", ""},
    {"RequestInTheFuture", ""},
    {"SignatureDoesNotMatch", "Signature expired"},
    {"SignatureDoesNotMatch", "Signature not yet current"},
};

bool hsmiam_outcome_is_skewed(const char *code, const char *message)
{
    for (size_t i = 0; i < sizeof skew_errors / sizeof skew_errors[0]; i++) {
        const char *beginning = skew_errors[i].beginning;
        if (strcmp(code, skew_errors[i].code) == 0 &&
            strncmp(message, beginning, strlen(beginning)) == 0)
            return true;
    }
    return false;
}

/* The first row that fits decides. A failure of the service may have struck before or after the
 * operation was executed; a refusal struck before. */
static const struct {
    long first;
    long last;
    bool needs_error;      /* fits only an error in IAM's own words */
    bool needs_throttling; /* ... whose code is a throttling one */
    hsmiam_status status;
} verdicts[] = {
    {400, 499, true, false, HSMIAM_ERR_SERVICE},
    {500, 599, true, true, HSMIAM_ERR_SERVICE},
    {500, 599, false, false, HSMIAM_ERR_UNKNOWN_OUTCOME},
};

static hsmiam_status find_verdict(long http_status, bool is_error, const char *code)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        if (http_status >= verdicts[i].first && http_status <= verdicts[i].last &&
            (!verdicts[i].needs_error || is_error) &&
            (!verdicts[i].needs_throttling || hsmiam_outcome_is_throttling(code)))
            return verdicts[i].status;
    }
    return HSMIAM_ERR_REPLY;
}

static void add_origin(hsmiam_error *error, const char *operation, long http_status,
                       const hsmiam_reply *reply)
{
    if (error == NULL)
        return;
    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_SERVICE, (unsigned long)http_status, reply->code);
    (void)snprintf(error->request_id, sizeof error->request_id, "%s", reply->request_id);
    (void)snprintf(error->operation, sizeof error->operation, "%s", operation);
}

static bool is_secret_character(char character)
{
    return (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z') ||
           (character >= '0' && character <= '9') || character == '+' || character == '/' ||
           character == '=';
}

/* Copies a service's message without what might be a secret or a signature: a service that is
 * broken or hostile may say in an error what belongs in a result. Ids of keys and requests are
 * shorter, or have hyphens. */
static void copy_without_secrets(char *to, const char *message)
{
    while (*message != '\0') {
        size_t run = 0;
        while (is_secret_character(message[run]))
            run++;
        if (run >= SECRET_LIKE_MIN) {
            memcpy(to, LEFT_OUT, strlen(LEFT_OUT));
            to += strlen(LEFT_OUT);
            message += run;
            continue;
        }
        if (run == 0)
            run = 1;
        memcpy(to, message, run);
        to += run;
        message += run;
    }
    *to = '\0';
}

static const char *get_title(const char *operation)
{
    const hsmiam_operation *known = hsmiam_operation_find(operation);

    return hsmiam_service_get(known != NULL ? known->service : HSMIAM_SERVICE_IAM)->title;
}

static hsmiam_status judge_error(const char *operation, long http_status, const hsmiam_reply *reply,
                                 hsmiam_error *error)
{
    hsmiam_status status = find_verdict(http_status, true, reply->code);
    char message[sizeof reply->message];

    copy_without_secrets(message, reply->message);
    if (status == HSMIAM_ERR_SERVICE)
        return hsmiam_error_set(error, status, "%s", message);
    if (status == HSMIAM_ERR_UNKNOWN_OUTCOME)
        return hsmiam_error_set(error, status, "%s failed in %s with HTTP status %ld and %s: %s",
                                get_title(operation), operation, http_status, reply->code, message);
    return hsmiam_error_set(error, status,
                            "The answer to %s has HTTP status %ld, and yet is an error.", operation,
                            http_status);
}

static bool is_redirect(long http_status)
{
    return http_status >= 300 && http_status < 400;
}

static hsmiam_status judge_other(const char *operation, long http_status, const hsmiam_reply *reply,
                                 hsmiam_error *error)
{
    hsmiam_status status = find_verdict(http_status, false, "");

    if (is_redirect(http_status))
        return hsmiam_error_set(error, status,
                                "The answer to %s is a redirect (HTTP status %ld), which is not "
                                "followed; check the endpoint.",
                                operation, http_status);
    if (reply->kind == HSMIAM_REPLY_RESULT)
        return hsmiam_error_set(error, status,
                                "The answer to %s has HTTP status %ld, and yet is a result.",
                                operation, http_status);
    return hsmiam_error_set(error, status,
                            "The answer to %s has HTTP status %ld and is not an answer of %s; "
                            "check the endpoint and the proxy.",
                            operation, http_status, get_title(operation));
}

hsmiam_status hsmiam_outcome_judge(const char *operation, long http_status,
                                   const hsmiam_reply *reply, hsmiam_status reading,
                                   hsmiam_error *error)
{
    hsmiam_status status = reading;

    if (reading == HSMIAM_OK && reply->kind == HSMIAM_REPLY_ERROR && !is_redirect(http_status))
        status = judge_error(operation, http_status, reply, error);
    else if (http_status != 200)
        status = judge_other(operation, http_status, reply, error);
    if (status != HSMIAM_OK)
        add_origin(error, operation, http_status, reply);
    return status;
}
