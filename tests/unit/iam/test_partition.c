/* SPDX-License-Identifier: Apache-2.0 */
/* Where the services are, held against what botocore resolves. */

#include "support/cmocka_tests.h"

#include <string.h>

#include "iam/partition.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

/* What botocore 1.43 resolves for service iam: every region that it knows, and some others. */
static const struct {
    const char *region;
    const char *url;
    const char *signing_region;
    const char *fips_url;
    const char *fips_signing_region;
} iam[] = {
    {"af-south-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-east-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-east-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-northeast-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-northeast-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-northeast-3", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-south-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-south-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-southeast-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-southeast-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-southeast-3", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-southeast-4", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-southeast-5", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-southeast-6", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-southeast-7", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"aws-global", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ca-central-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ca-west-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-central-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-central-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-north-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-south-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-south-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-west-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-west-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-west-3", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"il-central-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"me-central-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"me-south-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"mx-central-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"sa-east-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-east-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-east-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-west-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-west-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"aws-cn-global", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1",
     "https://iam-fips.amazonaws.com.cn", "cn-northwest-1"},
    {"cn-north-1", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1",
     "https://iam-fips.amazonaws.com.cn", "cn-northwest-1"},
    {"cn-northwest-1", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1",
     "https://iam-fips.amazonaws.com.cn", "cn-northwest-1"},
    {"eusc-de-east-1", "https://iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1",
     "https://iam-fips.amazonaws.eu", "eusc-de-east-1"},
    {"aws-iso-global", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1",
     "https://iam-fips.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
    {"us-iso-east-1", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1",
     "https://iam-fips.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
    {"us-iso-west-1", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1",
     "https://iam-fips.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
    {"aws-iso-b-global", "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1",
     "https://iam-fips.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
    {"us-isob-east-1", "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1",
     "https://iam-fips.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
    {"us-isob-west-1", "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1",
     "https://iam-fips.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
    {"aws-iso-e-global", "https://iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1",
     "https://iam-fips.cloud.adc-e.uk", "eu-isoe-west-1"},
    {"eu-isoe-west-1", "https://iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1",
     "https://iam-fips.cloud.adc-e.uk", "eu-isoe-west-1"},
    {"aws-iso-f-global", "https://iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1",
     "https://iam-fips.csp.hci.ic.gov", "us-isof-south-1"},
    {"us-isof-east-1", "https://iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1",
     "https://iam-fips.csp.hci.ic.gov", "us-isof-south-1"},
    {"us-isof-south-1", "https://iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1",
     "https://iam-fips.csp.hci.ic.gov", "us-isof-south-1"},
    {"aws-us-gov-global", "https://iam.us-gov.amazonaws.com", "us-gov-west-1",
     "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
    {"us-gov-east-1", "https://iam.us-gov.amazonaws.com", "us-gov-west-1",
     "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
    {"us-gov-west-1", "https://iam.us-gov.amazonaws.com", "us-gov-west-1",
     "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
    /* Regions that are not in it. */
    {"us-east-99", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"xx-moon-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"cn-moon-1", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1",
     "https://iam-fips.amazonaws.com.cn", "cn-northwest-1"},
    {"us-gov-moon-12", "https://iam.us-gov.amazonaws.com", "us-gov-west-1",
     "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
    {"us-iso-moon-1", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1",
     "https://iam-fips.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
    {"us-isob-moon-1", "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1",
     "https://iam-fips.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
    {"us-isof-moon-1", "https://iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1",
     "https://iam-fips.csp.hci.ic.gov", "us-isof-south-1"},
    {"eu-isoe-moon-1", "https://iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1",
     "https://iam-fips.cloud.adc-e.uk", "eu-isoe-west-1"},
    {"eusc-de-moon-1", "https://iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1",
     "https://iam-fips.amazonaws.eu", "eusc-de-east-1"},
    {"eusc-xx-moon-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-gov", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-gov-west", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-gov-west-1x", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-gov-a-b-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"CN-north-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"aws-eusc-global", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"aws-cn", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"1a", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com", "us-east-1"},
    {"iam", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
};

/* What botocore 1.43 resolves for service sts, likewise. Requests are signed for the region itself.
 */
static const struct {
    const char *region;
    const char *url;
    const char *fips_url;
} sts[] = {
    {"af-south-1", "https://sts.af-south-1.amazonaws.com",
     "https://sts-fips.af-south-1.amazonaws.com"},
    {"ap-east-1", "https://sts.ap-east-1.amazonaws.com",
     "https://sts-fips.ap-east-1.amazonaws.com"},
    {"ap-east-2", "https://sts.ap-east-2.amazonaws.com",
     "https://sts-fips.ap-east-2.amazonaws.com"},
    {"ap-northeast-1", "https://sts.ap-northeast-1.amazonaws.com",
     "https://sts-fips.ap-northeast-1.amazonaws.com"},
    {"ap-northeast-2", "https://sts.ap-northeast-2.amazonaws.com",
     "https://sts-fips.ap-northeast-2.amazonaws.com"},
    {"ap-northeast-3", "https://sts.ap-northeast-3.amazonaws.com",
     "https://sts-fips.ap-northeast-3.amazonaws.com"},
    {"ap-south-1", "https://sts.ap-south-1.amazonaws.com",
     "https://sts-fips.ap-south-1.amazonaws.com"},
    {"ap-south-2", "https://sts.ap-south-2.amazonaws.com",
     "https://sts-fips.ap-south-2.amazonaws.com"},
    {"ap-southeast-1", "https://sts.ap-southeast-1.amazonaws.com",
     "https://sts-fips.ap-southeast-1.amazonaws.com"},
    {"ap-southeast-2", "https://sts.ap-southeast-2.amazonaws.com",
     "https://sts-fips.ap-southeast-2.amazonaws.com"},
    {"ap-southeast-3", "https://sts.ap-southeast-3.amazonaws.com",
     "https://sts-fips.ap-southeast-3.amazonaws.com"},
    {"ap-southeast-4", "https://sts.ap-southeast-4.amazonaws.com",
     "https://sts-fips.ap-southeast-4.amazonaws.com"},
    {"ap-southeast-5", "https://sts.ap-southeast-5.amazonaws.com",
     "https://sts-fips.ap-southeast-5.amazonaws.com"},
    {"ap-southeast-6", "https://sts.ap-southeast-6.amazonaws.com",
     "https://sts-fips.ap-southeast-6.amazonaws.com"},
    {"ap-southeast-7", "https://sts.ap-southeast-7.amazonaws.com",
     "https://sts-fips.ap-southeast-7.amazonaws.com"},
    {"ca-central-1", "https://sts.ca-central-1.amazonaws.com",
     "https://sts-fips.ca-central-1.amazonaws.com"},
    {"ca-west-1", "https://sts.ca-west-1.amazonaws.com",
     "https://sts-fips.ca-west-1.amazonaws.com"},
    {"eu-central-1", "https://sts.eu-central-1.amazonaws.com",
     "https://sts-fips.eu-central-1.amazonaws.com"},
    {"eu-central-2", "https://sts.eu-central-2.amazonaws.com",
     "https://sts-fips.eu-central-2.amazonaws.com"},
    {"eu-north-1", "https://sts.eu-north-1.amazonaws.com",
     "https://sts-fips.eu-north-1.amazonaws.com"},
    {"eu-south-1", "https://sts.eu-south-1.amazonaws.com",
     "https://sts-fips.eu-south-1.amazonaws.com"},
    {"eu-south-2", "https://sts.eu-south-2.amazonaws.com",
     "https://sts-fips.eu-south-2.amazonaws.com"},
    {"eu-west-1", "https://sts.eu-west-1.amazonaws.com",
     "https://sts-fips.eu-west-1.amazonaws.com"},
    {"eu-west-2", "https://sts.eu-west-2.amazonaws.com",
     "https://sts-fips.eu-west-2.amazonaws.com"},
    {"eu-west-3", "https://sts.eu-west-3.amazonaws.com",
     "https://sts-fips.eu-west-3.amazonaws.com"},
    {"il-central-1", "https://sts.il-central-1.amazonaws.com",
     "https://sts-fips.il-central-1.amazonaws.com"},
    {"me-central-1", "https://sts.me-central-1.amazonaws.com",
     "https://sts-fips.me-central-1.amazonaws.com"},
    {"me-south-1", "https://sts.me-south-1.amazonaws.com",
     "https://sts-fips.me-south-1.amazonaws.com"},
    {"mx-central-1", "https://sts.mx-central-1.amazonaws.com",
     "https://sts-fips.mx-central-1.amazonaws.com"},
    {"sa-east-1", "https://sts.sa-east-1.amazonaws.com",
     "https://sts-fips.sa-east-1.amazonaws.com"},
    {"us-east-1", "https://sts.us-east-1.amazonaws.com",
     "https://sts-fips.us-east-1.amazonaws.com"},
    {"us-east-2", "https://sts.us-east-2.amazonaws.com",
     "https://sts-fips.us-east-2.amazonaws.com"},
    {"us-west-1", "https://sts.us-west-1.amazonaws.com",
     "https://sts-fips.us-west-1.amazonaws.com"},
    {"us-west-2", "https://sts.us-west-2.amazonaws.com",
     "https://sts-fips.us-west-2.amazonaws.com"},
    {"cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn",
     "https://sts-fips.cn-north-1.amazonaws.com.cn"},
    {"cn-northwest-1", "https://sts.cn-northwest-1.amazonaws.com.cn",
     "https://sts-fips.cn-northwest-1.amazonaws.com.cn"},
    {"us-gov-east-1", "https://sts.us-gov-east-1.amazonaws.com",
     "https://sts.us-gov-east-1.amazonaws.com"},
    {"us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com",
     "https://sts.us-gov-west-1.amazonaws.com"},
    {"us-iso-east-1", "https://sts.us-iso-east-1.c2s.ic.gov",
     "https://sts-fips.us-iso-east-1.c2s.ic.gov"},
    {"us-iso-west-1", "https://sts.us-iso-west-1.c2s.ic.gov",
     "https://sts-fips.us-iso-west-1.c2s.ic.gov"},
    {"us-isob-east-1", "https://sts.us-isob-east-1.sc2s.sgov.gov",
     "https://sts-fips.us-isob-east-1.sc2s.sgov.gov"},
    {"us-isob-west-1", "https://sts.us-isob-west-1.sc2s.sgov.gov",
     "https://sts-fips.us-isob-west-1.sc2s.sgov.gov"},
    {"eu-isoe-west-1", "https://sts.eu-isoe-west-1.cloud.adc-e.uk",
     "https://sts-fips.eu-isoe-west-1.cloud.adc-e.uk"},
    {"us-isof-east-1", "https://sts.us-isof-east-1.csp.hci.ic.gov",
     "https://sts-fips.us-isof-east-1.csp.hci.ic.gov"},
    {"us-isof-south-1", "https://sts.us-isof-south-1.csp.hci.ic.gov",
     "https://sts-fips.us-isof-south-1.csp.hci.ic.gov"},
    {"eusc-de-east-1", "https://sts.eusc-de-east-1.amazonaws.eu",
     "https://sts-fips.eusc-de-east-1.amazonaws.eu"},
    {"us-gov-moon-1", "https://sts.us-gov-moon-1.amazonaws.com",
     "https://sts.us-gov-moon-1.amazonaws.com"},
    {"cn-moon-1", "https://sts.cn-moon-1.amazonaws.com.cn",
     "https://sts-fips.cn-moon-1.amazonaws.com.cn"},
    {"xx-moon-1", "https://sts.xx-moon-1.amazonaws.com",
     "https://sts-fips.xx-moon-1.amazonaws.com"},
    {"us-iso-moon-1", "https://sts.us-iso-moon-1.c2s.ic.gov",
     "https://sts-fips.us-iso-moon-1.c2s.ic.gov"},
    {"eusc-xx-moon-1", "https://sts.eusc-xx-moon-1.amazonaws.com",
     "https://sts-fips.eusc-xx-moon-1.amazonaws.com"},
    {"us-isob-moon-1", "https://sts.us-isob-moon-1.sc2s.sgov.gov",
     "https://sts-fips.us-isob-moon-1.sc2s.sgov.gov"},
    {"us-isof-moon-1", "https://sts.us-isof-moon-1.csp.hci.ic.gov",
     "https://sts-fips.us-isof-moon-1.csp.hci.ic.gov"},
    {"eu-isoe-moon-1", "https://sts.eu-isoe-moon-1.cloud.adc-e.uk",
     "https://sts-fips.eu-isoe-moon-1.cloud.adc-e.uk"},
    {"eusc-de-moon-1", "https://sts.eusc-de-moon-1.amazonaws.eu",
     "https://sts-fips.eusc-de-moon-1.amazonaws.eu"},
    {"iam", "https://sts.iam.amazonaws.com", "https://sts-fips.iam.amazonaws.com"},
    {"1a", "https://sts.1a.amazonaws.com", "https://sts-fips.1a.amazonaws.com"},
};

/* For these botocore makes up hosts that do not exist ("sts.aws-cn-global.amazonaws.com.cn"), but
 * for aws-global's plain one. */
static const struct {
    const char *region;
    const char *url;
    const char *fips_url;
    const char *signing_region;
} global_sts[] = {
    {NULL, "https://sts.amazonaws.com", "https://sts-fips.us-east-1.amazonaws.com", "us-east-1"},
    {"aws-global", "https://sts.amazonaws.com", "https://sts-fips.us-east-1.amazonaws.com",
     "us-east-1"},
    {"aws-cn-global", "https://sts.cn-north-1.amazonaws.com.cn",
     "https://sts-fips.cn-north-1.amazonaws.com.cn", "cn-north-1"},
    {"aws-us-gov-global", "https://sts.us-gov-west-1.amazonaws.com",
     "https://sts.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
    {"aws-iso-global", "https://sts.us-iso-east-1.c2s.ic.gov",
     "https://sts-fips.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
    {"aws-iso-b-global", "https://sts.us-isob-east-1.sc2s.sgov.gov",
     "https://sts-fips.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
    {"aws-iso-e-global", "https://sts.eu-isoe-west-1.cloud.adc-e.uk",
     "https://sts-fips.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1"},
    {"aws-iso-f-global", "https://sts.us-isof-south-1.csp.hci.ic.gov",
     "https://sts-fips.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1"},
};

static void assert_location(hsmiam_service_id service, const char *region, bool fips,
                            const char *url, const char *signing_region)
{
    hsmiam_location location = {.url = ""};

    hsmiam_location_find(service, region, fips, &location);
    assert_string_equal(location.url, url);
    assert_string_equal(location.signing_region, signing_region);
}

static void test_iam_is_where_botocore_finds_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(iam); i++) {
        assert_int_equal(hsmiam_region_check(iam[i].region, NULL), HSMIAM_OK);
        assert_location(HSMIAM_SERVICE_IAM, iam[i].region, false, iam[i].url,
                        iam[i].signing_region);
        assert_location(HSMIAM_SERVICE_IAM, iam[i].region, true, iam[i].fips_url,
                        iam[i].fips_signing_region);
    }
    assert_location(HSMIAM_SERVICE_IAM, NULL, false, "https://iam.amazonaws.com", "us-east-1");
}

static void test_sts_is_where_botocore_finds_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sts); i++) {
        assert_location(HSMIAM_SERVICE_STS, sts[i].region, false, sts[i].url, sts[i].region);
        assert_location(HSMIAM_SERVICE_STS, sts[i].region, true, sts[i].fips_url, sts[i].region);
    }
    for (size_t i = 0; i < COUNT(global_sts); i++) {
        assert_location(HSMIAM_SERVICE_STS, global_sts[i].region, false, global_sts[i].url,
                        global_sts[i].signing_region);
        assert_location(HSMIAM_SERVICE_STS, global_sts[i].region, true, global_sts[i].fips_url,
                        global_sts[i].signing_region);
    }
}

/* The longest region makes no URL that is none. */
static void test_every_location_is_an_endpoint(void **state)
{
    static const char *const regions[] = {
        "a12345678901234567890123456789012345678901234567890123456789012", "cn-moon-1"};

    (void)state;
    for (size_t i = 0; i < COUNT(regions); i++) {
        hsmiam_location location = {.url = ""};
        hsmiam_endpoint endpoint = {.port = 0};
        hsmiam_location_find(HSMIAM_SERVICE_STS, regions[i], true, &location);
        assert_int_equal(hsmiam_endpoint_parse(location.url, &endpoint, NULL), HSMIAM_OK);
        assert_string_equal(location.signing_region, regions[i]);
    }
}

static void test_malformed_regions_are_refused(void **state)
{
    static const char *const regions[] = {
        "",           "-us-east-1",
        "us-east-1-", "us_east_1",
        "us east 1",  "us-east-1.evil.com",
        "42",         "-",
        "us-east-1/", "us-east-1\n",
        "ü-east-1",   "a123456789012345678901234567890123456789012345678901234567890123",
    };
    hsmiam_error *error = hsmiam_error_new();

    (void)state;
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        assert_int_equal(hsmiam_region_check(regions[i], error), HSMIAM_ERR_ARGUMENT);
        assert_memory_equal(hsmiam_error_get_message(error), "Invalid region: ", 16);
        assert_null(strchr(hsmiam_error_get_message(error), '\n'));
    }
    assert_int_equal(hsmiam_region_check(NULL, error), HSMIAM_ERR_ARGUMENT);
    hsmiam_error_free(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iam_is_where_botocore_finds_it),
        cmocka_unit_test(test_sts_is_where_botocore_finds_it),
        cmocka_unit_test(test_every_location_is_an_endpoint),
        cmocka_unit_test(test_malformed_regions_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
