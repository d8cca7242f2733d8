/* SPDX-License-Identifier: Apache-2.0 */
#include "approver.h"

#include "progress.h"
#include "prompt.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

bool tool_approver_is_taken(const tool_arguments *arguments)
{
    const tool_option *options = arguments->command->options;

    for (size_t i = 0; options[i].name; i++)
        if (strcmp(options[i].name, "--approval-expires") == 0)
            return true;
    return false;
}

static void put(FILE *stream, const char *before, const char *text)
{
    if (*text)
        tool_text_print(stream, "%s%s", before, text);
}

/* What is to be done, for whom, where, by whom. */
static void describe(FILE *stream, const hsmiam_approval_request *request)
{
    bool is_policy = strcmp(request->operation, "policy") == 0;

    tool_text_print(stream, "%s", request->operation);
    if (is_policy && !*request->approvers)
        tool_text_put(", lifting the one in force", stream);
    else if (is_policy)
        tool_text_print(stream, ", a new one: %s approval%s of %s, by the keys %s",
                        request->approvals_asked,
                        strcmp(request->approvals_asked, "1") == 0 ? "" : "s", request->operations,
                        request->approvers);
    else if (*request->user_name || (strcmp(request->operation, "import") != 0 &&
                                     strcmp(request->operation, "export") != 0))
        put(stream, " for ",
            *request->user_name ? request->user_name : "the credential's own user");
    put(stream, ", account ", request->account);
    put(stream, ", access key ", request->access_key_id);
    put(stream, ", status ", request->status);
    put(stream, ", wrapped for the recipient with fingerprint ", request->recipient);
    if (request->is_exportable)
        tool_text_put(", as one that can be exported later", stream);
    put(stream, ", token with serial ", request->token_serial);
    put(stream, ", signed for by access key ", request->credential_id);
    put(stream, ", at ", request->endpoint);
}

static size_t find_token(const tool_approver *approver, const hsmiam_token *token)
{
    size_t i = 0;

    while (i < approver->count && approver->tokens[i] != token)
        i++;
    return i;
}

/* The token is called as it was named: one that is not open yet has no URI of its own. */
static char *make_paragraph(const tool_approver *approver, const hsmiam_approval_request *request,
                            size_t place)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    if (!stream)
        return NULL;
    tool_text_print(stream, "Request %llu, written by ", (unsigned long long)request->number);
    tool_text_print(stream, "%s on %s: ", request->asked_by, request->host);
    describe(stream, request);
    tool_text_print(
        stream, ". It has %zu of the %zu approval%s that it needs, and is good until %s. ",
        request->approvals, request->needed, request->needed == 1 ? "" : "s", request->expires);
    if (approver->is_batch)
        tool_text_put("The further users of this batch are approved in the same way. ", stream);
    tool_text_print(stream, "It is approved by the key in %s.",
                    place < approver->count ? approver->uris[place] : "");
    if (fclose(stream) == 0)
        return text;
    free(text);
    return NULL;
}

bool tool_approver_show(void *context, const hsmiam_approval_request *request,
                        const hsmiam_token *token)
{
    tool_approver *approver = context;
    size_t place = find_token(approver, token);
    char *text = NULL;
    bool yes = true;

    approver->approvals = request->approvals;
    approver->needed = request->needed;
    if (approver->is_batch && place < approver->count && approver->was_shown[place])
        return true;
    text = make_paragraph(approver, request, place);
    if (!text)
        return false;
    tool_text_put(tool_progress_get_eraser(), stderr);
    tool_text_write(stderr, text);
    tool_text_put_char('\n', stderr);
    (void)fflush(stderr);
    if (place < approver->count)
        approver->was_shown[place] = true;
    if (approver->is_asked)
        yes = tool_prompt_confirm("Approve it? [y/N] ");
    free(text);
    return yes;
}
