/* SPDX-License-Identifier: Apache-2.0 */
/* IAM's rule for user names (API reference, CreateAccessKey), in the words of the AWS CLI. */
#include "custody/custody.h"

#include <string.h>

hsmiam_status hsmiam_user_name_check(const char *user_name, hsmiam_error *error)
{
    size_t size = user_name != NULL ? strlen(user_name) : 0;

    if (size < 1)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "Parameter validation failed:\nInvalid length for parameter "
                                "UserName, value: 0, valid min length: 1");
    if (size > HSMIAM_USER_NAME_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "Parameter validation failed:\nInvalid length for parameter "
                                "UserName, value: %zu, valid max length: %d",
                                size, HSMIAM_USER_NAME_MAX);
    size_t valid = strspn(user_name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789_+=,.@-");
    if (valid < size)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "Parameter validation failed:\nInvalid value for parameter "
                                "UserName: character %zu of %zu is not one of [\\w+=,.@-]",
                                valid + 1, size);
    return HSMIAM_OK;
}
