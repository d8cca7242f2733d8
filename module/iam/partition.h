/* SPDX-License-Identifier: Apache-2.0 */
/* Where AWS has its services: by partition, region and FIPS, as botocore's data have it. */
#ifndef HSMIAM_IAM_PARTITION_H
#define HSMIAM_IAM_PARTITION_H

#include "iam/endpoint.h"
#include "iam/service.h"

#define HSMIAM_REGION_MAX 63

/* ARGUMENT if `region` is not 1 to 63 letters, digits and inner hyphens, with a letter. */
hsmiam_status hsmiam_region_check(const char *region, hsmiam_error *error) HSMIAM_MUST_USE;

/* Where a service is, and the region that its requests are signed for. */
typedef struct hsmiam_location {
    const char *partition; /* its name in ARNs, "aws"; static storage */
    char url[HSMIAM_ENDPOINT_URL_MAX + 1];
    char signing_region[HSMIAM_REGION_MAX + 1];
} hsmiam_location;

/* Finds a service. `region` was checked and chooses the partition by the pattern of its name; the
 * commercial one if none matches, or if it is NULL. IAM is one for a partition, STS one for a
 * region; where a partition stands for its region ("aws-cn-global"), STS's of IAM's region. */
void hsmiam_location_find(hsmiam_service_id service, const char *region, bool fips,
                          hsmiam_location *location_out);

#endif
