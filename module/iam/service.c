/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/service.h"

#include <string.h>

static const hsmiam_service services[HSMIAM_SERVICE_COUNT] = {
    [HSMIAM_SERVICE_IAM] = {"IAM", "iam", "2010-05-08",
                            "https://iam.amazonaws.com/doc/2010-05-08/"},
    [HSMIAM_SERVICE_STS] = {"STS", "sts", "2011-06-15",
                            "https://sts.amazonaws.com/doc/2011-06-15/"},
};

static const hsmiam_operation operations[] = {
    {"CreateAccessKey", HSMIAM_SERVICE_IAM, HSMIAM_CALL_CREATES, true},
    {"ListAccessKeys", HSMIAM_SERVICE_IAM, HSMIAM_CALL_IDEMPOTENT, false},
    {"UpdateAccessKey", HSMIAM_SERVICE_IAM, HSMIAM_CALL_IDEMPOTENT, true},
    {"DeleteAccessKey", HSMIAM_SERVICE_IAM, HSMIAM_CALL_IDEMPOTENT, true},
    {"GetAccessKeyLastUsed", HSMIAM_SERVICE_IAM, HSMIAM_CALL_IDEMPOTENT, false},
    {"ListUsers", HSMIAM_SERVICE_IAM, HSMIAM_CALL_IDEMPOTENT, false},
    {"GetCallerIdentity", HSMIAM_SERVICE_STS, HSMIAM_CALL_IDEMPOTENT, false},
    {"GetSessionToken", HSMIAM_SERVICE_STS, HSMIAM_CALL_IDEMPOTENT, false},
    {"AssumeRole", HSMIAM_SERVICE_STS, HSMIAM_CALL_IDEMPOTENT, false},
};

const hsmiam_service *hsmiam_service_get(hsmiam_service_id id)
{
    return &services[id];
}

const hsmiam_operation *hsmiam_operation_find(const char *name)
{
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (strcmp(operations[i].name, name) == 0)
            return &operations[i];
    }
    return NULL;
}
