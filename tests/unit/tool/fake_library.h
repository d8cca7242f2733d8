/* SPDX-License-Identifier: Apache-2.0 */
/* A library without token and network, in whose place the tool's tests put it: it notes what it
 * was told, and fails on order. */
#ifndef HSMIAM_TESTS_FAKE_LIBRARY_H
#define HSMIAM_TESTS_FAKE_LIBRARY_H

#include "hsmiam.h"

#define FAKE_SIGNER_ID "AKIAIOSFODNN7SIGNER0"

/* Where a failure can be ordered. */
typedef enum fake_point {
    FAKE_NOWHERE,
    FAKE_TOKEN_NEW,
    FAKE_TOKEN_OPEN,
    FAKE_PROVISION,
    FAKE_PREPARE,
    FAKE_CHECK,
    FAKE_CLIENT_REGION,
    FAKE_CLIENT_ENDPOINT,
    FAKE_CREATE,
    FAKE_ROTATE,
    FAKE_IMPORT,
    FAKE_EXPORT,
    FAKE_LEDGER,
    FAKE_RECOVER,
    FAKE_LIST,
    FAKE_REQUEST_URL,
    FAKE_SIGN,
    FAKE_IDENTITY,
    FAKE_CREDENTIALS,
    FAKE_MFA,
    FAKE_CHANGE,
    FAKE_BATCH,
    FAKE_USER, /* fail_user's turn */
    FAKE_HELD
} fake_point;

typedef struct fake_state {
    /* orders */
    fake_point fail_at;
    hsmiam_status status;
    const char *code_name;
    const char *message;
    bool no_user_name; /* IAM answers without one */
    unsigned token_timeout;
    bool needs_pin;   /* no token has a source for its PIN */
    int raise_signal; /* sent to the process while the key is made */
    int records;      /* that the ledger has, at most 2 */
    const char *fail_user;
    bool failure_stops;      /* a batch, which then ends with it */
    time_t rotated_since;    /* of whose rotations were asked for */
    const char *const *held; /* users whose key the ledger shows, NULL-terminated; may be NULL */
    /* what was told */
    int tokens;
    int live; /* objects that are not freed */
    char token_uri[2][512];
    char pin_source[2][128];
    char pin[64];
    hsmiam_pin_reason pin_reason;
    char signer_uri[512];
    char region[64];
    char endpoint[128];
    char sts_endpoint[128];
    char ca_bundle[128];
    char method[64];
    char url[512];
    char scope[128];
    char headers[512];
    char body[512];
    char mfa[64];
    unsigned canonical_flags;
    unsigned expires;
    char user_name[256];
    char access_key_id[256];
    char secret[256];
    bool fips;
    bool no_verify;
    bool allow_final_try;
    bool asked_to_stop; /* what the cancel function said when the request was about to leave */
    unsigned connect_timeout;
    unsigned read_timeout;
    unsigned max_attempts;
    hsmiam_import_route route;
    hsmiam_sigv4_route sigv4;
    bool forbid_plaintext;
    bool exportable;
    char exported[512]; /* the key's URI, or what came wrapped */
    hsmiam_export_algorithm algorithm;
    bool wants_aes_key;
    char ledger[512];
    char public_keys[256];
    bool allow_unsigned;
    char checkpoint[128];
    time_t since;
    time_t until;
    bool mirrored;
    bool accepts_changed_keys;
    bool has_ledger;                   /* the custody has */
    const hsmiam_recovery *recoveries; /* what recover finds, */
    int recovery_count;                /* so many */
    int recover_calls;
    unsigned long long closed; /* the intent that was closed, */
    char closing_reason[64];   /* and why */
    bool dry_run;
    const hsmiam_key_facts *keys; /* what is listed, */
    unsigned key_count;           /* so many, */
    unsigned pages;               /* in so many requests */
    bool with_use;
    char key_status[32];
    int deletions;
    size_t replicas;
    bool rotates_signer; /* what is rotated is the credential */
    hsmiam_rotation_options rotation;
    unsigned concurrency;
} fake_state;

extern fake_state fake;

/* For the parts of the fake: notes a text, fills an error record, fails if that was ordered, and
 * counts the objects that live. */
void fake_note(char *to, size_t size, const char *text);
hsmiam_status fake_set(hsmiam_error *error, hsmiam_status status, const char *message);
hsmiam_status fake_pass(fake_point point, hsmiam_error *error);
void *fake_make(size_t size);
void fake_unmake(void *object);

#endif
