/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/shape.h"

#include "base/time.h"

#include <stdio.h>
#include <string.h>

static const char letters_and_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789";

static bool consists_of(const char *text, const char *more)
{
    for (; *text != '\0'; text++) {
        if (strchr(letters_and_digits, *text) == NULL && strchr(more, *text) == NULL)
            return false;
    }
    return true;
}

/* The shape's limits keep a text within the field that it goes to. */
static bool store(char *field, size_t size, const char *text)
{
    return snprintf(field, size, "%s", text) < (int)size;
}

static bool is_graphic(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~')
            return false;
    }
    return true;
}

/* The user that the elements read are of. */
static hsmiam_user *get_user(hsmiam_reply *reply)
{
    return &reply->users.users[reply->users.count - 1];
}

/* Stores a text of one shape: what it must be, and its field. */
#define STORE_TEXT(what, field, is_right)                                                          \
    static bool store_##what(hsmiam_reply *reply, hsmiam_key_metadata *key, const char *text)      \
    {                                                                                              \
        (void)reply;                                                                               \
        (void)key;                                                                                 \
        return (is_right) && store(field, sizeof(field), text);                                    \
    }
#define STORE_DATE(what, field)                                                                    \
    static bool store_##what(hsmiam_reply *reply, hsmiam_key_metadata *key, const char *text)      \
    {                                                                                              \
        (void)reply;                                                                               \
        (void)key;                                                                                 \
        return hsmiam_time_parse_extended(text, &(field));                                         \
    }
#define USER_NAME_MARKS "_+=,.@-"

STORE_TEXT(user_name, key->user_name, consists_of(text, USER_NAME_MARKS))
/* IAM's pattern is wider, but lower case would let a secret pass for an id, and be printed. */
STORE_TEXT(id, key->id,
           strpbrk(text, "abcdefghijklmnopqrstuvwxyz") == NULL && consists_of(text, "_"))
STORE_TEXT(status, key->status, consists_of(text, ""))
STORE_DATE(create_date, key->create_date)
STORE_TEXT(usage_user_name, reply->usage.user_name, consists_of(text, USER_NAME_MARKS))
STORE_TEXT(usage_region, reply->usage.region, consists_of(text, "/-_"))
STORE_TEXT(usage_service, reply->usage.service_name, consists_of(text, "/-_. "))
STORE_TEXT(account, reply->caller.account, strspn(text, "0123456789") == strlen(text))
STORE_TEXT(arn, reply->caller.arn, strncmp(text, "arn:", 4) == 0 && is_graphic(text))
STORE_TEXT(caller_id, reply->caller.user_id, is_graphic(text))
STORE_TEXT(listed_name, get_user(reply)->name, consists_of(text, USER_NAME_MARKS))
STORE_TEXT(listed_id, get_user(reply)->id, is_graphic(text))
STORE_DATE(listed_date, get_user(reply)->create_date)
STORE_DATE(expiration, reply->expiration)
STORE_TEXT(marker, reply->marker, true)
STORE_TEXT(code, reply->code, consists_of(text, "._-"))

static bool store_usage_date(hsmiam_reply *reply, hsmiam_key_metadata *key, const char *text)
{
    (void)key;
    reply->usage.was_used = true;
    return hsmiam_time_parse_extended(text, &reply->usage.date);
}

static bool store_is_truncated(hsmiam_reply *reply, hsmiam_key_metadata *key, const char *text)
{
    (void)key;
    reply->is_truncated = strcmp(text, "true") == 0;
    return reply->is_truncated || strcmp(text, "false") == 0;
}

/* An id that is not as expected is not worth losing an answer for. */
static bool store_request_id(hsmiam_reply *reply, hsmiam_key_metadata *key, const char *text)
{
    (void)key;
    if (consists_of(text, "-_"))
        (void)store(reply->request_id, sizeof reply->request_id, text);
    return true;
}

/* The bytes of the control character at `text`, one of C0, DEL or C1 (in UTF-8); 0 if none. */
static size_t control_size(const unsigned char *text)
{
    if ((text[0] < ' ' && text[0] != '\n') || text[0] == 0x7f)
        return 1;
    /* U+200E, U+200F, U+202A to U+202E and U+2066 to U+2069 turn the direction of what follows. */
    if (text[0] == 0xe2 && text[1] == 0x80 &&
        (text[2] == 0x8e || text[2] == 0x8f || (text[2] >= 0xaa && text[2] <= 0xae)))
        return 3;
    if (text[0] == 0xe2 && text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9)
        return 3;
    return text[0] == 0xc2 && text[1] >= 0x80 && text[1] <= 0x9f ? 2 : 0;
}

/* A message goes to a terminal. The parser made sure of UTF-8, but cutting may tear a character. */
static bool store_message(hsmiam_reply *reply, hsmiam_key_metadata *key, const char *text)
{
    (void)key;
    char *to = reply->message;
    size_t size = strlen(text);

    while (strlen(text) == HSMIAM_SERVICE_MESSAGE_MAX && size > 0 &&
           ((unsigned char)text[size - 1] & 0x80) != 0)
        size--;
    for (size_t i = 0; i < size;) {
        size_t skip = control_size((const unsigned char *)text + i);
        if (skip == 0)
            *to++ = text[i];
        i += skip > 0 ? skip : 1;
    }
    *to = '\0';
    return true;
}

enum {
    CREATE = 1,
    CREATE_RESULT,
    KEY,
    KEY_USER_NAME,
    KEY_ID,
    KEY_STATUS,
    KEY_SECRET,
    KEY_CREATE_DATE,
    CREATE_METADATA,
    CREATE_REQUEST_ID,
    LIST,
    LIST_RESULT,
    LIST_KEYS,
    MEMBER,
    MEMBER_USER_NAME,
    MEMBER_ID,
    MEMBER_STATUS,
    MEMBER_CREATE_DATE,
    LIST_IS_TRUNCATED,
    LIST_MARKER,
    LIST_METADATA,
    LIST_REQUEST_ID,
    DELETE,
    DELETE_METADATA,
    DELETE_REQUEST_ID,
    UPDATE,
    UPDATE_METADATA,
    UPDATE_REQUEST_ID,
    LAST_USED,
    LAST_USED_RESULT,
    LAST_USED_USER_NAME,
    USAGE,
    USAGE_DATE,
    USAGE_REGION,
    USAGE_SERVICE,
    LAST_USED_METADATA,
    LAST_USED_REQUEST_ID,
    CALLER,
    CALLER_RESULT,
    CALLER_ACCOUNT,
    CALLER_ARN,
    CALLER_ID,
    CALLER_METADATA,
    CALLER_REQUEST_ID,
    USERS,
    USERS_RESULT,
    USERS_LIST,
    USER,
    USER_NAME,
    USER_ID,
    USER_CREATE_DATE,
    USERS_IS_TRUNCATED,
    USERS_MARKER,
    USERS_METADATA,
    USERS_REQUEST_ID,
    SESSION,
    SESSION_RESULT,
    SESSION_CREDENTIALS,
    SESSION_KEY_ID,
    SESSION_SECRET,
    SESSION_TOKEN,
    SESSION_EXPIRATION,
    SESSION_METADATA,
    SESSION_REQUEST_ID,
    ROLE,
    ROLE_RESULT,
    ROLE_CREDENTIALS,
    ROLE_KEY_ID,
    ROLE_SECRET,
    ROLE_TOKEN,
    ROLE_EXPIRATION,
    ROLE_METADATA,
    ROLE_REQUEST_ID,
    FAILURE,
    FAILURE_REQUEST_ID,
    FAILURE_ERROR,
    FAILURE_CODE,
    FAILURE_MESSAGE,
    NESTED, /* some implementations put the error into one more element */
    NESTED_ERROR,
    NESTED_CODE,
    NESTED_MESSAGE,
};

#define MUST   HSMIAM_SHAPE_MANDATORY
#define CUT    HSMIAM_SHAPE_CUT
#define MANY   HSMIAM_SHAPE_REPEATS
#define STORED HSMIAM_TEXT_STORED

const hsmiam_shape hsmiam_shapes[] = {
    {CREATE, 0, "CreateAccessKeyResponse", 0, 0, 0, 0, NULL},
    {CREATE_RESULT, CREATE, "CreateAccessKeyResult", MUST, 0, 0, 0, NULL},
    {KEY, CREATE_RESULT, "AccessKey", MUST, 0, 0, 0, NULL},
    {KEY_USER_NAME, KEY, "UserName", 0, STORED, 0, HSMIAM_USER_NAME_MAX, store_user_name},
    {KEY_ID, KEY, "AccessKeyId", MUST, STORED, 16, HSMIAM_ACCESS_KEY_ID_MAX, store_id},
    {KEY_STATUS, KEY, "Status", MUST, STORED, 1, HSMIAM_ACCESS_KEY_STATUS_MAX, store_status},
    {KEY_SECRET, KEY, "SecretAccessKey", MUST, HSMIAM_TEXT_SECRET, 16, 128, NULL},
    {KEY_CREATE_DATE, KEY, "CreateDate", MUST, STORED, 20, 40, store_create_date},
    {CREATE_METADATA, CREATE, "ResponseMetadata", 0, 0, 0, 0, NULL},
    {CREATE_REQUEST_ID, CREATE_METADATA, "RequestId", CUT, STORED, 0, HSMIAM_REQUEST_ID_MAX,
     store_request_id},

    {LIST, 0, "ListAccessKeysResponse", 0, 0, 0, 0, NULL},
    {LIST_RESULT, LIST, "ListAccessKeysResult", MUST, 0, 0, 0, NULL},
    {LIST_KEYS, LIST_RESULT, "AccessKeyMetadata", 0, 0, 0, 0, NULL},
    {MEMBER, LIST_KEYS, "member", MANY, 0, 0, 0, NULL},
    {MEMBER_USER_NAME, MEMBER, "UserName", 0, STORED, 0, HSMIAM_USER_NAME_MAX, store_user_name},
    {MEMBER_ID, MEMBER, "AccessKeyId", MUST, STORED, 16, HSMIAM_ACCESS_KEY_ID_MAX, store_id},
    {MEMBER_STATUS, MEMBER, "Status", MUST, STORED, 1, HSMIAM_ACCESS_KEY_STATUS_MAX, store_status},
    {MEMBER_CREATE_DATE, MEMBER, "CreateDate", MUST, STORED, 20, 40, store_create_date},
    {LIST_IS_TRUNCATED, LIST_RESULT, "IsTruncated", 0, STORED, 4, 5, store_is_truncated},
    {LIST_MARKER, LIST_RESULT, "Marker", 0, STORED, 1, HSMIAM_MARKER_MAX, store_marker},
    {LIST_METADATA, LIST, "ResponseMetadata", 0, 0, 0, 0, NULL},
    {LIST_REQUEST_ID, LIST_METADATA, "RequestId", CUT, STORED, 0, HSMIAM_REQUEST_ID_MAX,
     store_request_id},

    {DELETE, 0, "DeleteAccessKeyResponse", 0, 0, 0, 0, NULL},
    {DELETE_METADATA, DELETE, "ResponseMetadata", 0, 0, 0, 0, NULL},
    {DELETE_REQUEST_ID, DELETE_METADATA, "RequestId", CUT, STORED, 0, HSMIAM_REQUEST_ID_MAX,
     store_request_id},

    {UPDATE, 0, "UpdateAccessKeyResponse", 0, 0, 0, 0, NULL},
    {UPDATE_METADATA, UPDATE, "ResponseMetadata", 0, 0, 0, 0, NULL},
    {UPDATE_REQUEST_ID, UPDATE_METADATA, "RequestId", CUT, STORED, 0, HSMIAM_REQUEST_ID_MAX,
     store_request_id},

    {LAST_USED, 0, "GetAccessKeyLastUsedResponse", 0, 0, 0, 0, NULL},
    {LAST_USED_RESULT, LAST_USED, "GetAccessKeyLastUsedResult", MUST, 0, 0, 0, NULL},
    {LAST_USED_USER_NAME, LAST_USED_RESULT, "UserName", 0, STORED, 0, HSMIAM_USER_NAME_MAX,
     store_usage_user_name},
    {USAGE, LAST_USED_RESULT, "AccessKeyLastUsed", MUST, 0, 0, 0, NULL},
    {USAGE_DATE, USAGE, "LastUsedDate", 0, STORED, 20, 40, store_usage_date},
    {USAGE_REGION, USAGE, "Region", MUST, STORED, 1, HSMIAM_USE_MAX, store_usage_region},
    {USAGE_SERVICE, USAGE, "ServiceName", MUST, STORED, 1, HSMIAM_USE_MAX, store_usage_service},
    {LAST_USED_METADATA, LAST_USED, "ResponseMetadata", 0, 0, 0, 0, NULL},
    {LAST_USED_REQUEST_ID, LAST_USED_METADATA, "RequestId", CUT, STORED, 0, HSMIAM_REQUEST_ID_MAX,
     store_request_id},

    {CALLER, 0, "GetCallerIdentityResponse", 0, 0, 0, 0, NULL},
    {CALLER_RESULT, CALLER, "GetCallerIdentityResult", MUST, 0, 0, 0, NULL},
    {CALLER_ACCOUNT, CALLER_RESULT, "Account", MUST, STORED, 1, HSMIAM_ACCOUNT_MAX, store_account},
    {CALLER_ARN, CALLER_RESULT, "Arn", MUST, STORED, 20, HSMIAM_ARN_MAX, store_arn},
    {CALLER_ID, CALLER_RESULT, "UserId", MUST, STORED, 1, HSMIAM_USER_ID_MAX, store_caller_id},
    {CALLER_METADATA, CALLER, "ResponseMetadata", 0, 0, 0, 0, NULL},
    {CALLER_REQUEST_ID, CALLER_METADATA, "RequestId", CUT, STORED, 0, HSMIAM_REQUEST_ID_MAX,
     store_request_id},

    {USERS, 0, "ListUsersResponse", 0, 0, 0, 0, NULL},
    {USERS_RESULT, USERS, "ListUsersResult", MUST, 0, 0, 0, NULL},
    {USERS_LIST, USERS_RESULT, "Users", MUST, 0, 0, 0, NULL},
    {USER, USERS_LIST, "member", MANY, 0, 0, 0, NULL},
    {USER_NAME, USER, "UserName", MUST, STORED, 1, HSMIAM_USER_NAME_MAX, store_listed_name},
    {USER_ID, USER, "UserId", MUST, STORED, 1, HSMIAM_USER_ID_MAX, store_listed_id},
    {USER_CREATE_DATE, USER, "CreateDate", MUST, STORED, 20, 40, store_listed_date},
    {USERS_IS_TRUNCATED, USERS_RESULT, "IsTruncated", 0, STORED, 4, 5, store_is_truncated},
    {USERS_MARKER, USERS_RESULT, "Marker", 0, STORED, 1, HSMIAM_MARKER_MAX, store_marker},
    {USERS_METADATA, USERS, "ResponseMetadata", 0, 0, 0, 0, NULL},
    {USERS_REQUEST_ID, USERS_METADATA, "RequestId", CUT, STORED, 0, HSMIAM_REQUEST_ID_MAX,
     store_request_id},

    {SESSION, 0, "GetSessionTokenResponse", 0, 0, 0, 0, NULL},
    {SESSION_RESULT, SESSION, "GetSessionTokenResult", MUST, 0, 0, 0, NULL},
    {SESSION_CREDENTIALS, SESSION_RESULT, "Credentials", MUST, 0, 0, 0, NULL},
    {SESSION_KEY_ID, SESSION_CREDENTIALS, "AccessKeyId", MUST, STORED, 16, HSMIAM_ACCESS_KEY_ID_MAX,
     store_id},
    {SESSION_SECRET, SESSION_CREDENTIALS, "SecretAccessKey", MUST, HSMIAM_TEXT_SECRET, 16, 128,
     NULL},
    {SESSION_TOKEN, SESSION_CREDENTIALS, "SessionToken", MUST, HSMIAM_TEXT_SESSION_TOKEN, 1,
     HSMIAM_SESSION_TOKEN_MAX, NULL},
    {SESSION_EXPIRATION, SESSION_CREDENTIALS, "Expiration", MUST, STORED, 20, 40, store_expiration},
    {SESSION_METADATA, SESSION, "ResponseMetadata", 0, 0, 0, 0, NULL},
    {SESSION_REQUEST_ID, SESSION_METADATA, "RequestId", CUT, STORED, 0, HSMIAM_REQUEST_ID_MAX,
     store_request_id},

    {ROLE, 0, "AssumeRoleResponse", 0, 0, 0, 0, NULL},
    {ROLE_RESULT, ROLE, "AssumeRoleResult", MUST, 0, 0, 0, NULL},
    {ROLE_CREDENTIALS, ROLE_RESULT, "Credentials", MUST, 0, 0, 0, NULL},
    {ROLE_KEY_ID, ROLE_CREDENTIALS, "AccessKeyId", MUST, STORED, 16, HSMIAM_ACCESS_KEY_ID_MAX,
     store_id},
    {ROLE_SECRET, ROLE_CREDENTIALS, "SecretAccessKey", MUST, HSMIAM_TEXT_SECRET, 16, 128, NULL},
    {ROLE_TOKEN, ROLE_CREDENTIALS, "SessionToken", MUST, HSMIAM_TEXT_SESSION_TOKEN, 1,
     HSMIAM_SESSION_TOKEN_MAX, NULL},
    {ROLE_EXPIRATION, ROLE_CREDENTIALS, "Expiration", MUST, STORED, 20, 40, store_expiration},
    {ROLE_METADATA, ROLE, "ResponseMetadata", 0, 0, 0, 0, NULL},
    {ROLE_REQUEST_ID, ROLE_METADATA, "RequestId", CUT, STORED, 0, HSMIAM_REQUEST_ID_MAX,
     store_request_id},

    {FAILURE, 0, "ErrorResponse", 0, 0, 0, 0, NULL},
    {FAILURE_REQUEST_ID, FAILURE, "RequestId", CUT, STORED, 0, HSMIAM_REQUEST_ID_MAX,
     store_request_id},
    {FAILURE_ERROR, FAILURE, "Error", 0, 0, 0, 0, NULL},
    {FAILURE_CODE, FAILURE_ERROR, "Code", MUST, STORED, 1, HSMIAM_ERROR_CODE_MAX, store_code},
    {FAILURE_MESSAGE, FAILURE_ERROR, "Message", CUT, STORED, 0, HSMIAM_SERVICE_MESSAGE_MAX,
     store_message},
    {NESTED, FAILURE, "Errors", 0, 0, 0, 0, NULL},
    {NESTED_ERROR, NESTED, "Error", MUST, 0, 0, 0, NULL},
    {NESTED_CODE, NESTED_ERROR, "Code", MUST, STORED, 1, HSMIAM_ERROR_CODE_MAX, store_code},
    {NESTED_MESSAGE, NESTED_ERROR, "Message", CUT, STORED, 0, HSMIAM_SERVICE_MESSAGE_MAX,
     store_message},
};
const size_t hsmiam_shape_count = sizeof hsmiam_shapes / sizeof hsmiam_shapes[0];
_Static_assert(sizeof hsmiam_shapes / sizeof hsmiam_shapes[0] == NESTED_MESSAGE,
               "one row for each id, in order");
_Static_assert(NESTED_MESSAGE < HSMIAM_SHAPES_MAX && HSMIAM_SHAPES_MAX % 64 == 0,
               "the parser keeps a bit for each element that it saw");
_Static_assert(HSMIAM_ARN_MAX <= HSMIAM_SERVICE_MESSAGE_MAX,
               "the parser keeps no longer text than a message");

const hsmiam_shape *hsmiam_shape_find(unsigned parent, const char *name)
{
    for (size_t i = 0; i < hsmiam_shape_count; i++) {
        if (hsmiam_shapes[i].parent == parent && strcmp(hsmiam_shapes[i].name, name) == 0)
            return &hsmiam_shapes[i];
    }
    return NULL;
}

bool hsmiam_shape_is_error_root(const hsmiam_shape *shape)
{
    return shape->id == FAILURE;
}

const char *hsmiam_shape_begin_item(const hsmiam_shape *shape, hsmiam_reply *reply,
                                    hsmiam_key_metadata **key)
{
    if (shape->id == USER) {
        if (reply->users.count == HSMIAM_USERS_PAGE_MAX)
            return "lists more users than were asked for";
        reply->users.users[reply->users.count++] = (hsmiam_user){.create_date = 0};
        return NULL;
    }
    if (reply->list.count == HSMIAM_ACCESS_KEYS_MAX)
        return "lists more access keys than a user can have";
    *key = &reply->list.keys[reply->list.count++];
    **key = (hsmiam_key_metadata){.create_date = 0};
    return NULL;
}
