/* SPDX-License-Identifier: Apache-2.0 */
#include "key_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECONDS_OF_DAY 86400

const hsmiam_key_facts tool_key_facts_sample = {
    .access_key_id = "AccessKeyId",
    .user_name = "UserName",
    .in_iam = true,
    .status = "Status",
    .create_date = 0,
    .age = 0,
    .use_known = true,
    .last_used = 0,
    .last_used_service = "LastUsedService",
    .last_used_region = "LastUsedRegion",
    .in_token = true,
    .uri = "SecretAccessKeyUri",
    .token_label = "TokenLabel",
    .token_serial = "TokenSerial",
    .replica_serials = "ReplicaSerials",
    .origin = "Origin",
    .made_by = "MadeBy",
    .made = 0,
    .proven = 0,
};

void tool_time_format(time_t when, char text_out[TOOL_TIME_SIZE])
{
    struct tm parts = {0};

    text_out[0] = 0;
    if (when >= 0 && gmtime_r(&when, &parts))
        (void)strftime(text_out, TOOL_TIME_SIZE, "%Y-%m-%dT%H:%M:%S+00:00", &parts);
}

/* An object being described. */
typedef struct tool_sheet {
    tool_value *object;
    bool complete;
    bool failed;
} tool_sheet;

static void add(tool_sheet *sheet, const char *name, tool_value_type type, const char *text)
{
    if (!*text) {
        if (!sheet->complete)
            return;
        type = TOOL_VALUE_NULL;
        text = NULL;
    }
    if (!tool_value_add(sheet->object, name, type, text))
        sheet->failed = true;
}

static void add_text(tool_sheet *sheet, const char *name, const char *text)
{
    add(sheet, name, TOOL_VALUE_STRING, text);
}

static void add_time(tool_sheet *sheet, const char *name, time_t when)
{
    char text[TOOL_TIME_SIZE];

    tool_time_format(when, text);
    add_text(sheet, name, text);
}

static void add_truth(tool_sheet *sheet, const char *name, bool truth)
{
    add(sheet, name, TOOL_VALUE_BOOLEAN, truth ? "true" : "false");
}

static void add_days(tool_sheet *sheet, const char *name, long long seconds)
{
    char text[32] = "";

    if (seconds >= 0)
        (void)snprintf(text, sizeof text, "%lld", seconds / SECONDS_OF_DAY);
    add(sheet, name, TOOL_VALUE_INTEGER, text);
}

bool tool_key_facts_is_too_old(const hsmiam_key_facts *facts, const tool_key_view *view)
{
    return view->marks_age && facts->age > view->max_age;
}

bool tool_key_facts_describe(tool_value *object, const hsmiam_key_facts *facts,
                             const tool_key_view *view)
{
    tool_sheet sheet = {.object = object, .complete = view->complete};

    add_text(&sheet, "UserName", facts->user_name);
    add_text(&sheet, "AccessKeyId", facts->access_key_id);
    add_text(&sheet, "Status", facts->status);
    add_time(&sheet, "CreateDate", facts->create_date);
    add_days(&sheet, "AgeDays", facts->age);
    if (view->marks_age)
        add_truth(&sheet, "TooOld", tool_key_facts_is_too_old(facts, view));
    add_time(&sheet, "LastUsedDate", facts->last_used);
    add_text(&sheet, "LastUsedService", facts->use_known ? facts->last_used_service : "");
    add_text(&sheet, "LastUsedRegion", facts->use_known ? facts->last_used_region : "");
    if (view->complete)
        add_truth(&sheet, "InIam", facts->in_iam);
    add_truth(&sheet, "InToken", facts->in_token);
    add_text(&sheet, "SecretAccessKeyUri", facts->uri);
    if (view->complete) {
        add_text(&sheet, "TokenLabel", facts->token_label);
        add_text(&sheet, "TokenSerial", facts->token_serial);
        add_text(&sheet, "ReplicaSerials", facts->replica_serials);
        if (facts->in_token)
            add_truth(&sheet, "Exportable", facts->is_extractable);
        else
            add_text(&sheet, "Exportable", "");
        add_text(&sheet, "Origin", facts->origin);
        add_text(&sheet, "MadeBy", facts->made_by);
        add_time(&sheet, "MadeDate", facts->made);
        add_time(&sheet, "ProvenDate", facts->proven);
    }
    return !sheet.failed;
}

hsmiam_status tool_key_view_read(const tool_arguments *arguments, tool_key_view *view_out,
                                 tool_error *error)
{
    view_out->marks_age = tool_arguments_get(arguments, "--max-age") != NULL;
    return tool_arguments_get_duration(arguments, "--max-age", &view_out->max_age, error);
}
