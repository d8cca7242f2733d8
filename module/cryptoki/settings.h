/* SPDX-License-Identifier: Apache-2.0 */
/* What a loaded module is configured with: one profile of an AWS configuration file, which is
 * AWS_CONFIG_FILE's or ~/.aws/config, or, where neither is there, hsmiam/config in the system's
 * configuration (/etc).
 *
 * The module's own file name chooses the profile. hsmiam-pkcs11.so takes AWS_PROFILE's or else
 * [default], and as the hsmiam command does, the environment goes over it. A copy of the file,
 * hsmiam-pkcs11-NAME.so, is another module to the loader and to p11-kit; it takes profile NAME, and
 * nothing from the environment but AWS_CONFIG_FILE. In a program with more rights than its user
 * (setuid), the system's file is the only one, and the environment says nothing. */
#ifndef HSMIAM_CRYPTOKI_SETTINGS_H
#define HSMIAM_CRYPTOKI_SETTINGS_H

#include "base/secret.h"

#include <stdbool.h>

/* Each text is NULL where nothing says it, and borrowed from the profile or the environment. They
 * may hold a PIN (a URI's pin-value): clear them as soon as the tokens are named. */
typedef struct hsmiam_module_settings {
    hsmiam_profile *profile;
    const char *profile_name;
    const char *file;         /* that the profile is in */
    const char *missing_file; /* that it would be in; NULL: it is */
    char *path;               /* one of the two; owned */
    const char *credential;   /* PKCS#11 URI */
    const char *token;        /* PKCS#11 URI of the token that keys go to, and of the module behind;
                                 the credential's if nothing else is said; not NULL */
    const char *replicas[HSMIAM_REPLICAS_MAX + 1]; /* other tokens that take keys; ends with NULL */
    hsmiam_secret *token_text;                     /* what those were cut from */
    const char *pin_source; /* for the credential's URI, where that names no source itself */
    const char *region;
    const char *endpoint_url;     /* of IAM */
    const char *sts_endpoint_url; /* NULL: that of IAM */
    const char *ca_bundle;
    char *ledger;   /* path; owned, not NULL */
    char *log_file; /* where messages go; owned; NULL: standard error */
    bool fips;
    bool forbid_plaintext; /* create-object is no import route */
    bool audit_syslog;
    unsigned token_timeout; /* seconds */
    unsigned max_attempts;  /* 0: the default */
} hsmiam_module_settings;

/* Reads them anew: a profile may be changed while a program runs (a rotated credential is).
 * After a failure, log_file is all that is there, if it could be read; clear it, too.
 * Statuses: CONFIG, MEMORY. */
hsmiam_status hsmiam_module_settings_load(hsmiam_module_settings *settings_out,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* Wipes and frees. */
void hsmiam_module_settings_clear(hsmiam_module_settings *settings);

#endif
