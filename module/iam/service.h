/* SPDX-License-Identifier: Apache-2.0 */
/* The services that are asked, and their operations: one table each. */
#ifndef HSMIAM_IAM_SERVICE_H
#define HSMIAM_IAM_SERVICE_H

#include "iam/retry.h"

typedef enum hsmiam_service_id {
    HSMIAM_SERVICE_IAM = 0,
    HSMIAM_SERVICE_STS,
    HSMIAM_SERVICE_COUNT
} hsmiam_service_id;

/* A service with a Query API. */
typedef struct hsmiam_service {
    const char *title; /* in sentences */
    const char *name;  /* what requests are signed for */
    const char *version;
    const char *xml_namespace; /* of its results */
} hsmiam_service;

/* Static. */
const hsmiam_service *hsmiam_service_get(hsmiam_service_id id);

/* An operation of a service. */
typedef struct hsmiam_operation {
    const char *name;
    hsmiam_service_id service;
    hsmiam_call_class class;
    bool changes; /* something at the service: hsmiam_client_set_before_send() is for it */
} hsmiam_operation;

/* The operation of that name, static; NULL if there is none. */
const hsmiam_operation *hsmiam_operation_find(const char *name);

#endif
