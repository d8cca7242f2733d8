/* SPDX-License-Identifier: Apache-2.0 */
/* What a loaded module is configured with: one profile of an AWS configuration file.
 *
 * The module's own file name chooses the profile. hsmiam-pkcs11.so takes AWS_PROFILE's or else
 * [default], and as the hsmiam command does, the environment goes over it. A copy of the file,
 * hsmiam-pkcs11-NAME.so, is another module to the loader and to p11-kit; it takes profile NAME, and
 * nothing from the environment but AWS_CONFIG_FILE. */
#ifndef HSMIAM_CRYPTOKI_SETTINGS_H
#define HSMIAM_CRYPTOKI_SETTINGS_H

#include "hsmiam.h"

#include <stdbool.h>

/* Each is NULL where nothing says it. They may hold a PIN (a URI's pin-value): clear them as soon
 * as the tokens are named. */
typedef struct hsmiam_module_settings {
    char *credential; /* PKCS#11 URI */
    char *token;      /* PKCS#11 URI of the token that keys go to, and of the module behind; that of
                         the credential if nothing else is said; not NULL */
    char *pin_source; /* for the credential's URI, where that names no source itself */
    char *ledger;     /* path; not NULL */
    char *region;
    char *endpoint_url;     /* of IAM */
    char *sts_endpoint_url; /* NULL: that of IAM */
    char *ca_bundle;
    char *log_file; /* where messages go; NULL: standard error */
    bool fips;
    bool forbid_plaintext; /* create-object is no import route */
    bool audit_syslog;
    unsigned token_timeout; /* seconds */
    unsigned max_attempts;  /* 0: the default */
} hsmiam_module_settings;

/* Reads them anew: a profile may be changed while a program runs (a rotated credential is).
 * Statuses: CONFIG, IO, MEMORY; NOT_FOUND: nothing is configured, neither token nor credential. */
hsmiam_status hsmiam_module_settings_load(hsmiam_module_settings *settings_out,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* Wipes and frees. */
void hsmiam_module_settings_clear(hsmiam_module_settings *settings);

#endif
