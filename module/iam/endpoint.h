/* SPDX-License-Identifier: Apache-2.0 */
/* Where IAM is: the partition of a region, and the endpoint URL of a partition or of the caller. */
#ifndef HSMIAM_IAM_ENDPOINT_H
#define HSMIAM_IAM_ENDPOINT_H

#include "base/error.h"

#define HSMIAM_REGION_MAX       63
#define HSMIAM_ENDPOINT_URL_MAX 1023
#define HSMIAM_HOST_MAX         255

/* A partition of AWS and its one IAM. Where the FIPS endpoint stands in another region than the
 * plain one, its requests are signed for that region. */
typedef struct hsmiam_partition {
    const char *region_prefix; /* its regions are this and NAME-NUMBER; NULL: all other regions */
    const char *global_region; /* the pseudo region of the whole partition */
    const char *url;
    const char *signing_region;
    const char *fips_url;
    const char *fips_signing_region;
} hsmiam_partition;

/* The partition of a region: by its name's pattern, the commercial one if none matches or `region`
 * is NULL. Never NULL, static. */
const hsmiam_partition *hsmiam_partition_find(const char *region);

/* ARGUMENT if `region` is not 1 to 63 letters, digits and inner hyphens, with a letter. */
hsmiam_status hsmiam_region_check(const char *region, hsmiam_error *error) HSMIAM_MUST_USE;

/* An endpoint URL, checked and taken apart. */
typedef struct hsmiam_endpoint {
    char url[HSMIAM_ENDPOINT_URL_MAX + 1];             /* with a path, no port if the scheme's */
    char host[HSMIAM_HOST_MAX + 1];                    /* an IPv6 address in brackets */
    char authority[HSMIAM_HOST_MAX + sizeof ":65535"]; /* Host header; no port if the scheme's */
    unsigned port;
    bool plain;    /* http */
    bool loopback; /* `localhost`, 127.0.0.0/8 or [::1], literally */
} hsmiam_endpoint;

/* Checks a URL: https, or http if the host is literally a loopback one; no user information, query
 * or fragment, and a host in its plain form, so that what is checked is what is connected to.
 * Statuses: ARGUMENT, CONFIG (http to another host), MEMORY. */
hsmiam_status hsmiam_endpoint_parse(const char *url, hsmiam_endpoint *endpoint_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;

#endif
