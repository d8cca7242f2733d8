/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of the ledger and its one form on a line: a JSON object whose members come in a fixed
 * order, each with one way to be written. A line is a record of ours only if writing it again would
 * give the same bytes.
 */
#ifndef HSMIAM_LEDGER_RECORD_H
#define HSMIAM_LEDGER_RECORD_H

#include "ledger/hash.h"

#define HSMIAM_LINE_MAX         16384 /* bytes of a line, its line feed left out */
#define HSMIAM_KEYS_MAX         32    /* in a list of access key ids */
#define HSMIAM_KEYS_TEXT_MAX    ((size_t)HSMIAM_KEYS_MAX * (HSMIAM_ACCESS_KEY_ID_MAX + 1))
#define HSMIAM_REQUEST_MAX      128 /* of an AWS request id */
#define HSMIAM_CODE_MAX         63  /* of a service's error code */
#define HSMIAM_ENDPOINT_MAX     1023
#define HSMIAM_ACCOUNT_DIGITS   12
#define HSMIAM_SERIAL_MAX       48
#define HSMIAM_SERIALS_MAX      7 /* in a list of them */
#define HSMIAM_SERIALS_TEXT_MAX ((size_t)HSMIAM_SERIALS_MAX * (HSMIAM_SERIAL_MAX + 1))
#define HSMIAM_NAME_MAX         128 /* of an operator or a host */
#define HSMIAM_REASON_MAX       256 /* of why a person closed an intent */
#define HSMIAM_APPROVERS_MAX    8   /* in a policy */
#define HSMIAM_KEY_TEXT_MAX     800 /* base64 of one, RSA-4096 at most */
#define HSMIAM_PUBLIC_KEYS_MAX  ((size_t)HSMIAM_APPROVERS_MAX * (HSMIAM_KEY_TEXT_MAX + 1))
#define HSMIAM_NUMBER_SIZE      21 /* of a decimal number of 64 bits, with its NUL */
#define HSMIAM_TIME_SIZE        sizeof "YYYY-MM-DDTHH:MM:SSZ"

/* The members, in their order on a line. */
typedef enum hsmiam_field {
    HSMIAM_FIELD_SEQUENCE,
    HSMIAM_FIELD_TIME,
    HSMIAM_FIELD_EVENT,
    HSMIAM_FIELD_OPERATOR,
    HSMIAM_FIELD_HOST,
    HSMIAM_FIELD_ACCOUNT,
    HSMIAM_FIELD_PARTITION,
    HSMIAM_FIELD_ENDPOINT,
    HSMIAM_FIELD_TOKEN_SERIAL,
    HSMIAM_FIELD_REPLICA_SERIALS,
    HSMIAM_FIELD_CREDENTIAL_ID,
    HSMIAM_FIELD_USER_NAME,
    HSMIAM_FIELD_ACCESS_KEY_ID,
    HSMIAM_FIELD_STATUS,
    HSMIAM_FIELD_REQUEST_ID,
    HSMIAM_FIELD_ROUTE,
    HSMIAM_FIELD_INTENT,
    HSMIAM_FIELD_KEYS_BEFORE,
    HSMIAM_FIELD_IAM_TIME,
    HSMIAM_FIELD_REQUEST_TIME,
    HSMIAM_FIELD_SETTLED,
    HSMIAM_FIELD_RESULT,
    HSMIAM_FIELD_STEP,
    HSMIAM_FIELD_CODE,
    HSMIAM_FIELD_CANDIDATES,
    HSMIAM_FIELD_REASON,
    HSMIAM_FIELD_EXPORTABLE,
    HSMIAM_FIELD_WRAPPING_KEY,
    HSMIAM_FIELD_EXPORTABLE_WRAPPING_KEY,
    HSMIAM_FIELD_ALGORITHM,
    HSMIAM_FIELD_RECIPIENT,
    HSMIAM_FIELD_INTRODUCED_KEY,
    HSMIAM_FIELD_PUBLIC_KEY,
    HSMIAM_FIELD_OPERATION,
    HSMIAM_FIELD_EXPIRES,
    HSMIAM_FIELD_REQUEST,
    HSMIAM_FIELD_POLICY,
    HSMIAM_FIELD_OPERATIONS,
    HSMIAM_FIELD_APPROVALS,
    HSMIAM_FIELD_APPROVERS,
    HSMIAM_FIELD_APPROVER,
    HSMIAM_FIELD_APPROVAL,
    HSMIAM_FIELD_FIRST_PENDING,
    HSMIAM_FIELD_TORN_SIZE,
    HSMIAM_FIELD_TORN_SHA256,
    HSMIAM_FIELD_PREVIOUS,
    HSMIAM_FIELD_AUDIT_KEY,
    HSMIAM_FIELD_SIGNATURE,
    HSMIAM_FIELD_COUNT
} hsmiam_field;

typedef enum hsmiam_event {
    HSMIAM_EVENT_AUDIT_KEY,     /* introduces a key that signs from here on */
    HSMIAM_EVENT_PROVISION,     /* a token's key pairs were made or checked */
    HSMIAM_EVENT_IMPORT,        /* an access key that existed went into a token */
    HSMIAM_EVENT_INTENT,        /* CreateAccessKey is about to be sent */
    HSMIAM_EVENT_RENEWAL,       /* it was not sent after all and now is, with a newer signature */
    HSMIAM_EVENT_OUTCOME,       /* what became of an intent */
    HSMIAM_EVENT_UPDATE,        /* UpdateAccessKey is about to be sent; an outcome follows */
    HSMIAM_EVENT_DELETE,        /* DeleteAccessKey is about to be sent; an outcome follows */
    HSMIAM_EVENT_SEAL,          /* what stood behind the record before is no record, and stays */
    HSMIAM_EVENT_COUNTERSIGN,   /* the records up to here that nobody signed were seen */
    HSMIAM_EVENT_ROTATION,      /* an access key is to be replaced by a new one, and */
    HSMIAM_EVENT_ROTATION_STEP, /* what is about to be done, or was, of it */
    HSMIAM_EVENT_CLOSING,       /* a person answers for what became of an intent */
    HSMIAM_EVENT_POLICY,        /* from here on, what it names needs approvals */
    HSMIAM_EVENT_REQUEST,       /* an approval is asked for */
    HSMIAM_EVENT_APPROVAL,      /* a key in another token signs a request */
    HSMIAM_EVENT_EXPORT,        /* an access key is handed out, wrapped for a recipient */
    /* New ones go here, and into the table in event.c. */
    HSMIAM_EVENT_CHECKPOINT, /* a signed head; not a line of the ledger */
    HSMIAM_EVENT_COUNT
} hsmiam_event;

typedef enum hsmiam_append_rule {
    HSMIAM_APPEND_SIGNED,    /* a token that fails to sign fails the call */
    HSMIAM_APPEND_OR_PENDING /* it leaves the record unsigned */
} hsmiam_append_rule;

/* The form of an event's records: the members that one must have besides what every record has, and
 * those that it may have, as sets of bits. */
#define HSMIAM_FIELD_BIT(field) (UINT64_C(1) << HSMIAM_FIELD_##field)
typedef struct hsmiam_event_form {
    const char *name;
    uint64_t needed;
    uint64_t allowed;
    hsmiam_append_rule rule;
    bool is_intent; /* an outcome is to follow */
} hsmiam_event_form;

extern const hsmiam_event_form hsmiam_event_forms[HSMIAM_EVENT_COUNT];

/* A record: members as text, NULL where there is none. A list of ids is parted by blanks, "" if it
 * is empty. Borrowed, when read from the storage that goes with it. */
struct hsmiam_ledger_record {
    const char *fields[HSMIAM_FIELD_COUNT];
};
typedef struct hsmiam_ledger_record hsmiam_record;

/* Where the text of a record that was read lies. */
typedef struct hsmiam_record_storage {
    char text[HSMIAM_LINE_MAX];
} hsmiam_record_storage;

/* "intent"; a member's name, "user_name"; whether it is a number. Static storage. */
const char *hsmiam_event_get_name(hsmiam_event event);
const char *hsmiam_field_get_name(hsmiam_field field);
bool hsmiam_field_is_number(hsmiam_field field);
bool hsmiam_field_is_list(hsmiam_field field);

/* Whether a member can have that value. */
bool hsmiam_field_takes(hsmiam_field field, const char *text);

/* The event; HSMIAM_EVENT_COUNT for a name that is none. */
hsmiam_event hsmiam_event_find(const char *name);
bool hsmiam_record_is(const hsmiam_record *record, hsmiam_event event);

/* A number of the record, 0 where there is none. */
uint64_t hsmiam_record_get_number(const hsmiam_record *record, hsmiam_field field);

/* Appends the line, without its line feed, up to the signature; hsmiam_record_close() appends that,
 * NULL for none, and the brace. INTERNAL if a member is missing, malformed or not the event's. */
hsmiam_status hsmiam_record_write(const hsmiam_record *record, hsmiam_buffer *line,
                                  hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_record_close(const char *signature, hsmiam_buffer *line);

/* Reads a line, without its line feed. false if it is none that is written here. `*signed_size_out`
 * is how many of its bytes are signed, 0 if it is not. */
bool hsmiam_record_read(const char *line, size_t size, hsmiam_record_storage *storage,
                        hsmiam_record *record_out, size_t *signed_size_out) HSMIAM_MUST_USE;

#endif
