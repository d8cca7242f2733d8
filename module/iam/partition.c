/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/partition.h"

#include <stdio.h>
#include <string.h>

#define REGION "{region}"

/* A service in a partition. Where the FIPS endpoint stands in another region than the plain one,
 * its requests are signed for that region. */
typedef struct hsmiam_site {
    const char *url;            /* REGION stands for the region */
    const char *signing_region; /* NULL: the region itself */
    const char *fips_url;
    const char *fips_signing_region;
} hsmiam_site;

typedef struct hsmiam_partition {
    const char *name;          /* as in ARNs */
    const char *region_prefix; /* its regions are this and NAME-NUMBER; NULL: all other regions */
    const char *global_region; /* the pseudo region of the whole partition */
    hsmiam_site sites[HSMIAM_SERVICE_COUNT]; /* IAM, STS */
} hsmiam_partition;

/* The last row is the commercial partition, which takes every region that no other one claims. */
static const hsmiam_partition partitions[] = {
    {"aws-cn",
     "cn-",
     "aws-cn-global",
     {{"https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1", "https://iam-fips.amazonaws.com.cn",
       "cn-northwest-1"},
      {"https://sts." REGION ".amazonaws.com.cn", NULL,
       "https://sts-fips." REGION ".amazonaws.com.cn", NULL}}},
    {"aws-us-gov",
     "us-gov-",
     "aws-us-gov-global",
     {{"https://iam.us-gov.amazonaws.com", "us-gov-west-1", "https://iam.us-gov.amazonaws.com",
       "us-gov-west-1"},
      {"https://sts." REGION ".amazonaws.com", NULL, "https://sts." REGION ".amazonaws.com",
       NULL}}},
    {"aws-iso",
     "us-iso-",
     "aws-iso-global",
     {{"https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1",
       "https://iam-fips.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
      {"https://sts." REGION ".c2s.ic.gov", NULL, "https://sts-fips." REGION ".c2s.ic.gov", NULL}}},
    {"aws-iso-b",
     "us-isob-",
     "aws-iso-b-global",
     {{"https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1",
       "https://iam-fips.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
      {"https://sts." REGION ".sc2s.sgov.gov", NULL, "https://sts-fips." REGION ".sc2s.sgov.gov",
       NULL}}},
    {"aws-iso-e",
     "eu-isoe-",
     "aws-iso-e-global",
     {{"https://iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1",
       "https://iam-fips.cloud.adc-e.uk", "eu-isoe-west-1"},
      {"https://sts." REGION ".cloud.adc-e.uk", NULL, "https://sts-fips." REGION ".cloud.adc-e.uk",
       NULL}}},
    {"aws-iso-f",
     "us-isof-",
     "aws-iso-f-global",
     {{"https://iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1",
       "https://iam-fips.csp.hci.ic.gov", "us-isof-south-1"},
      {"https://sts." REGION ".csp.hci.ic.gov", NULL, "https://sts-fips." REGION ".csp.hci.ic.gov",
       NULL}}},
    {"aws-eusc",
     "eusc-de-",
     NULL,
     {{"https://iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", "https://iam-fips.amazonaws.eu",
       "eusc-de-east-1"},
      {"https://sts." REGION ".amazonaws.eu", NULL, "https://sts-fips." REGION ".amazonaws.eu",
       NULL}}},
    {"aws",
     NULL,
     "aws-global",
     {{"https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com", "us-east-1"},
      {"https://sts." REGION ".amazonaws.com", NULL, "https://sts-fips." REGION ".amazonaws.com",
       NULL}}},
};
#define COMMERCIAL (&partitions[sizeof partitions / sizeof partitions[0] - 1])

/* STS's first endpoint, which is for whoever names no region. */
static const hsmiam_site global_sts = {"https://sts.amazonaws.com", "us-east-1",
                                       "https://sts-fips.us-east-1.amazonaws.com", "us-east-1"};

static const char digits[] = "0123456789";
static const char letters_and_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789";

/* NAME-NUMBER, as in `east-1`. */
static bool is_place(const char *text)
{
    size_t name = strspn(text, letters_and_digits);

    if (name == 0 || text[name] != '-')
        return false;
    size_t number = strspn(text + name + 1, digits);
    return number > 0 && text[name + 1 + number] == '\0';
}

static bool is_global(const hsmiam_partition *partition, const char *region)
{
    return partition->global_region != NULL && strcmp(region, partition->global_region) == 0;
}

static bool claims(const hsmiam_partition *partition, const char *region)
{
    if (is_global(partition, region))
        return true;
    size_t size = strlen(partition->region_prefix);
    return strncmp(region, partition->region_prefix, size) == 0 && is_place(region + size);
}

static const hsmiam_partition *find(const char *region)
{
    for (const hsmiam_partition *row = partitions; row != COMMERCIAL; row++) {
        if (claims(row, region))
            return row;
    }
    return COMMERCIAL;
}

void hsmiam_location_find(hsmiam_service_id service, const char *region, bool fips,
                          hsmiam_location *location_out)
{
    if (region == NULL)
        region = COMMERCIAL->global_region;
    const hsmiam_partition *partition = find(region);
    const hsmiam_site *site = &partition->sites[service];

    if (is_global(partition, region)) {
        if (service == HSMIAM_SERVICE_STS && partition == COMMERCIAL)
            site = &global_sts;
        region = partition->sites[HSMIAM_SERVICE_IAM].signing_region;
    }
    const char *url = fips ? site->fips_url : site->url;
    const char *signing_region = fips ? site->fips_signing_region : site->signing_region;
    const char *mark = strstr(url, REGION);

    if (mark != NULL)
        (void)snprintf(location_out->url, sizeof location_out->url, "%.*s%s%s", (int)(mark - url),
                       url, region, mark + strlen(REGION));
    else
        (void)snprintf(location_out->url, sizeof location_out->url, "%s", url);
    location_out->partition = partition->name;
    (void)snprintf(location_out->signing_region, sizeof location_out->signing_region, "%s",
                   signing_region != NULL ? signing_region : region);
}

hsmiam_status hsmiam_region_check(const char *region, hsmiam_error *error)
{
    size_t size = region != NULL ? strlen(region) : 0;
    bool valid = size > 0 && size <= HSMIAM_REGION_MAX && region[0] != '-' &&
                 region[size - 1] != '-' && strspn(region, digits) < size;

    for (size_t i = 0; valid && i < size; i++)
        valid = region[i] == '-' || strchr(letters_and_digits, region[i]) != NULL;
    if (valid)
        return HSMIAM_OK;
    return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                            "Invalid region: \"%s\" is not 1 to %d letters, digits and inner "
                            "hyphens, as in \"eu-central-1\".",
                            size <= HSMIAM_REGION_MAX && hsmiam_text_is_printable(region) ? region
                                                                                          : "...",
                            HSMIAM_REGION_MAX);
}
