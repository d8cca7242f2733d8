/* SPDX-License-Identifier: Apache-2.0 */
#include "wrapped_file.h"

#include "input.h"
#include "paths.h"

#include <stdlib.h>
#include <string.h>

#define NAME_SHOWN_MAX 20 /* bytes: a damaged file may have what is wrapped in it */

static const tool_member members[] = {
    {.name = "AccessKeyId", .type = TOOL_VALUE_STRING},
    {.name = "UserName", .type = TOOL_VALUE_STRING},
    {.name = "Algorithm", .type = TOOL_VALUE_STRING},
    {.name = "RecipientFingerprint", .type = TOOL_VALUE_STRING},
    {.name = "WrappedKey", .type = TOOL_VALUE_STRING},
    {.name = NULL},
};

static bool is_known(const tool_value *member)
{
    for (const tool_member *known = members; known->name; known++)
        if (strcmp(known->name, member->name) == 0)
            return member->type == known->type;
    return false;
}

static hsmiam_status check(const tool_value *object, const char *path, tool_error *error)
{
    if (!object || object->type != TOOL_VALUE_OBJECT)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                              "%s does not hold what `hsmiam export-access-key` prints as JSON.",
                              path);
    for (const tool_value *member = object->first; member; member = member->next)
        if (!is_known(member))
            return tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                                  "%s has a member \"%.*s\" that is not known, or no string.", path,
                                  NAME_SHOWN_MAX, member->name);
    return HSMIAM_OK;
}

static const char *get(const tool_value *object, const char *name)
{
    return tool_input_get_text(object, name);
}

hsmiam_status tool_wrapped_key_load(const char *path, const char *user_name,
                                    hsmiam_wrapped_key **wrapped_out, hsmiam_error *library,
                                    tool_error *error)
{
    char *text = NULL;
    tool_value *object = NULL;
    hsmiam_status status = tool_file_load("--wrapped", path, &text, error);

    if (status == HSMIAM_OK)
        status = tool_input_parse_json(text, "", &object, error);
    if (status != HSMIAM_OK && text)
        status = tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "%s is not JSON, as `hsmiam export-access-key` prints it.", path);
    if (status == HSMIAM_OK)
        status = check(object, path, error);
    if (status == HSMIAM_OK &&
        hsmiam_wrapped_key_new(get(object, "AccessKeyId"),
                               user_name ? user_name : get(object, "UserName"),
                               get(object, "Algorithm"), get(object, "RecipientFingerprint"),
                               get(object, "WrappedKey"), wrapped_out, library) != HSMIAM_OK)
        status = tool_error_set_library(error, library);
    tool_value_free(&object);
    free(text);
    hsmiam_thread_scrub(); /* of what it was read by; a token's library would spill that */
    return status;
}
