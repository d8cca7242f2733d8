/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a record: how each is written, and what it can hold. A new one is an enumerator of
 * hsmiam_field, where it is to stand on a line, and a row here; event.c says who has it. */
#include <string.h>

#include "base/time.h"
#include "ledger/record.h"

#define LOWER      "abcdefghijklmnopqrstuvwxyz"
#define LETTERS    LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS     "0123456789"
#define SECRET_RUN 40 /* so many characters of base64 on end could be a secret access key */

/* How a member is written. Of what somebody typed there are names, and a reason in short words. */
typedef enum field_kind {
    KIND_NUMBER,  /* decimal, 64 bits */
    KIND_TIME,    /* 2015-08-30T12:36:00Z */
    KIND_WORD,    /* a-z, 0-9 and '-' */
    KIND_ACCOUNT, /* 12 digits */
    KIND_TEXT,    /* of this host's or of the configuration */
    KIND_USER,    /* an IAM user's name */
    KIND_REPLY,   /* a word of a service's reply: letters, digits, '.' and '-' */
    KIND_ID,      /* an access key id */
    KIND_IDS,     /* an array of them */
    KIND_WORDS,   /* an array of words */
    KIND_KEYS,    /* an array of public keys, in base64 */
    KIND_REASON,  /* a person's words, parted by blanks, none of them as long as a secret */
    KIND_SERIALS, /* an array of tokens' serial numbers, none of which has a blank */
    KIND_SHA256,
    KIND_BASE64
} field_kind;

static const struct {
    const char *name;
    field_kind kind;
    size_t maximum; /* of its text */
} fields[HSMIAM_FIELD_COUNT] = {
    [HSMIAM_FIELD_SEQUENCE] = {"sequence", KIND_NUMBER, 20},
    [HSMIAM_FIELD_TIME] = {"time", KIND_TIME, 20},
    [HSMIAM_FIELD_EVENT] = {"event", KIND_WORD, 32},
    [HSMIAM_FIELD_OPERATOR] = {"operator", KIND_TEXT, HSMIAM_NAME_MAX},
    [HSMIAM_FIELD_HOST] = {"host", KIND_TEXT, HSMIAM_NAME_MAX},
    [HSMIAM_FIELD_ACCOUNT] = {"account", KIND_ACCOUNT, 12},
    [HSMIAM_FIELD_PARTITION] = {"partition", KIND_WORD, 32},
    [HSMIAM_FIELD_ENDPOINT] = {"endpoint", KIND_TEXT, HSMIAM_ENDPOINT_MAX},
    [HSMIAM_FIELD_TOKEN_SERIAL] = {"token_serial", KIND_TEXT, HSMIAM_SERIAL_MAX},
    [HSMIAM_FIELD_REPLICA_SERIALS] = {"replica_serials", KIND_SERIALS, HSMIAM_SERIALS_TEXT_MAX},
    [HSMIAM_FIELD_CREDENTIAL_ID] = {"credential_id", KIND_ID, HSMIAM_ACCESS_KEY_ID_MAX},
    [HSMIAM_FIELD_USER_NAME] = {"user_name", KIND_USER, HSMIAM_USER_NAME_MAX},
    [HSMIAM_FIELD_ACCESS_KEY_ID] = {"access_key_id", KIND_ID, HSMIAM_ACCESS_KEY_ID_MAX},
    [HSMIAM_FIELD_STATUS] = {"status", KIND_REPLY, 16},
    [HSMIAM_FIELD_REQUEST_ID] = {"request_id", KIND_REPLY, HSMIAM_REQUEST_MAX},
    [HSMIAM_FIELD_ROUTE] = {"route", KIND_WORD, 32},
    [HSMIAM_FIELD_INTENT] = {"intent", KIND_NUMBER, 20},
    [HSMIAM_FIELD_KEYS_BEFORE] = {"keys_before", KIND_IDS, HSMIAM_KEYS_TEXT_MAX},
    [HSMIAM_FIELD_IAM_TIME] = {"iam_time", KIND_TIME, 20},
    [HSMIAM_FIELD_REQUEST_TIME] = {"request_time", KIND_TIME, 20},
    [HSMIAM_FIELD_SETTLED] = {"settled", KIND_NUMBER, 20},
    [HSMIAM_FIELD_RESULT] = {"result", KIND_WORD, 32},
    [HSMIAM_FIELD_STEP] = {"step", KIND_WORD, 32},
    [HSMIAM_FIELD_CODE] = {"code", KIND_REPLY, HSMIAM_CODE_MAX},
    [HSMIAM_FIELD_CANDIDATES] = {"candidates", KIND_IDS, HSMIAM_KEYS_TEXT_MAX},
    [HSMIAM_FIELD_REASON] = {"reason", KIND_REASON, HSMIAM_REASON_MAX},
    [HSMIAM_FIELD_EXPORTABLE] = {"exportable", KIND_WORD, 3},
    [HSMIAM_FIELD_WRAPPING_KEY] = {"wrapping_key", KIND_SHA256, 64},
    [HSMIAM_FIELD_EXPORTABLE_WRAPPING_KEY] = {"exportable_wrapping_key", KIND_SHA256, 64},
    [HSMIAM_FIELD_ALGORITHM] = {"algorithm", KIND_WORD, 32},
    [HSMIAM_FIELD_RECIPIENT] = {"recipient", KIND_SHA256, 64},
    [HSMIAM_FIELD_INTRODUCED_KEY] = {"introduced_key", KIND_SHA256, 64},
    [HSMIAM_FIELD_PUBLIC_KEY] = {"public_key", KIND_BASE64, 256},
    [HSMIAM_FIELD_OPERATION] = {"operation", KIND_WORD, 32},
    [HSMIAM_FIELD_EXPIRES] = {"expires", KIND_TIME, 20},
    [HSMIAM_FIELD_REQUEST] = {"request", KIND_NUMBER, 20},
    [HSMIAM_FIELD_POLICY] = {"policy", KIND_NUMBER, 20},
    [HSMIAM_FIELD_OPERATIONS] = {"operations", KIND_WORDS, 256},
    [HSMIAM_FIELD_APPROVALS] = {"approvals", KIND_NUMBER, 20},
    [HSMIAM_FIELD_APPROVERS] = {"approvers", KIND_KEYS, HSMIAM_PUBLIC_KEYS_MAX},
    [HSMIAM_FIELD_APPROVER] = {"approver", KIND_SHA256, 64},
    [HSMIAM_FIELD_APPROVAL] = {"approval", KIND_BASE64, 1024},
    [HSMIAM_FIELD_FIRST_PENDING] = {"first_pending", KIND_NUMBER, 20},
    [HSMIAM_FIELD_TORN_SIZE] = {"torn_size", KIND_NUMBER, 20},
    [HSMIAM_FIELD_TORN_SHA256] = {"torn_sha256", KIND_SHA256, 64},
    [HSMIAM_FIELD_PREVIOUS] = {"previous", KIND_SHA256, 64},
    [HSMIAM_FIELD_AUDIT_KEY] = {"audit_key", KIND_SHA256, 64},
    [HSMIAM_FIELD_SIGNATURE] = {"sig", KIND_BASE64, 128},
};

const char *hsmiam_field_get_name(hsmiam_field field)
{
    return fields[field].name;
}

bool hsmiam_field_is_number(hsmiam_field field)
{
    return fields[field].kind == KIND_NUMBER;
}

bool hsmiam_field_is_list(hsmiam_field field)
{
    return fields[field].kind == KIND_IDS || fields[field].kind == KIND_SERIALS ||
           fields[field].kind == KIND_WORDS || fields[field].kind == KIND_KEYS;
}

static bool consists_of(const char *text, const char *characters)
{
    return text[strspn(text, characters)] == '\0';
}

static bool is_number(const char *text)
{
    size_t length = strlen(text);

    return consists_of(text, DIGITS) && length > 0 && (length == 1 || text[0] != '0') &&
           (length < 20 || (length == 20 && strcmp(text, "18446744073709551615") <= 0));
}

static bool is_time(const char *text)
{
    time_t when = 0;

    return strlen(text) == HSMIAM_TIME_SIZE - 1 && text[HSMIAM_TIME_SIZE - 2] == 'Z' &&
           hsmiam_time_parse_extended(text, &when);
}

/* Groups of four, filled up by '='; whether the unused bits are zero is left to who decodes. */
static bool is_base64(const char *text)
{
    size_t length = strlen(text);
    size_t digits = strspn(text, LETTERS DIGITS "+/");

    return length > 0 && length % 4 == 0 && length - digits <= 2 && consists_of(text + digits, "=");
}

static bool are_ids(const char *text)
{
    size_t count = 0;

    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (!hsmiam_access_key_id_is_valid(text, length) || ++count > HSMIAM_KEYS_MAX)
            return false;
        text += length;
        if (*text == ' ' && *++text == '\0')
            return false;
    }
    return true;
}

static bool are_serials(const char *text)
{
    size_t count = 0;

    for (const char *at = text; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\')
            return false;
        if (*at == ' ' && (at == text || at[-1] == ' ' || at[1] == '\0'))
            return false;
        count += at == text || at[-1] == ' ';
    }
    return count <= HSMIAM_SERIALS_MAX;
}

/* What a service sends is kept out if a secret could hide in it. */
static bool is_reply(const char *text)
{
    size_t run = 0;

    for (const char *at = text; *at != '\0'; at++) {
        run = *at == '-' || *at == '.' ? 0 : run + 1;
        if (run >= SECRET_RUN)
            return false;
    }
    return *text != '\0' && consists_of(text, LETTERS DIGITS ".-");
}

static bool is_reason(const char *text)
{
    size_t run = 0;

    for (const char *at = text; *at != '\0'; at++) {
        run = *at == ' ' ? 0 : run + 1;
        if ((unsigned char)*at < ' ' || *at == 0x7F || run >= SECRET_RUN)
            return false;
    }
    return *text != '\0';
}

/* Parted by one blank each; "" is the empty list. */
static bool are_words(const char *text, const char *characters)
{
    for (const char *at = text; *at != '\0';) {
        size_t length = strspn(at, characters);
        if (length == 0)
            return false;
        at += length;
        if (*at == ' ' && at[1] != '\0')
            at++;
        else if (*at != '\0')
            return false;
    }
    return true;
}

bool hsmiam_field_takes(hsmiam_field field, const char *text)
{
    size_t length = strlen(text);

    if (length > fields[field].maximum)
        return false;
    switch (fields[field].kind) {
    case KIND_NUMBER:
        return is_number(text);
    case KIND_TIME:
        return is_time(text);
    case KIND_WORD:
        return length > 0 && consists_of(text, LOWER DIGITS "-");
    case KIND_USER:
        return length > 0 && consists_of(text, LETTERS DIGITS "_+=,.@-");
    case KIND_REPLY:
        return is_reply(text);
    case KIND_ACCOUNT:
        return length == 12 && consists_of(text, DIGITS);
    case KIND_ID:
        return hsmiam_access_key_id_is_valid(text, length);
    case KIND_IDS:
        return are_ids(text);
    case KIND_REASON:
        return is_reason(text);
    case KIND_WORDS:
        return are_words(text, LOWER DIGITS "-");
    case KIND_KEYS:
        return are_words(text, LETTERS DIGITS "+/=");
    case KIND_SERIALS:
        return are_serials(text);
    case KIND_SHA256:
        return length == 64 && consists_of(text, DIGITS "abcdef");
    case KIND_BASE64:
        return is_base64(text);
    default:
        return true;
    }
}
