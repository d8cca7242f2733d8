/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of module/iam that no public function and no command passes on as they are.
 *
 *   operations_user KEY-URI URL CA-BUNDLE OPERATION [ARGUMENT...]
 *
 * prints what the answer says, a value a line. CA-BUNDLE is "" for plain http. */
#include "iam/operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URI = 1, URL, CA_BUNDLE, OPERATION, ARGUMENTS, ARGUMENTS_MAX = ARGUMENTS + 3 };

typedef struct calling {
    hsmiam_error *error;
    hsmiam_token *token;
    hsmiam_signer *signer;
    hsmiam_client *client;
} calling;

static void print_line(void *context, hsmiam_log_level level, const char *line)
{
    (void)context;
    (void)fprintf(stderr, "%s %s\n", level == HSMIAM_LOG_NOTICE ? "notice:" : "debug:", line);
}

static hsmiam_status list_users(calling *call, char **arguments)
{
    static hsmiam_user_page page;
    char marker[HSMIAM_MARKER_SIZE] = "";
    hsmiam_status status = HSMIAM_OK;

    (void)arguments;
    do {
        status = hsmiam_client_list_users_page(call->client, true, marker, &page, call->error);
        for (size_t i = 0; status == HSMIAM_OK && i < page.count; i++)
            printf("%s\n%s\n%lld\n", page.users[i].name, page.users[i].id,
                   (long long)page.users[i].create_date);
    } while (status == HSMIAM_OK && marker[0] != '\0');
    return status;
}

static hsmiam_status get_caller(calling *call, char **arguments)
{
    hsmiam_caller caller = {.account = ""};
    hsmiam_status status = hsmiam_client_get_caller(call->client, true, &caller, call->error);

    (void)arguments;
    if (status == HSMIAM_OK)
        printf("%s\n%s\n%s\n", caller.account, caller.arn, caller.user_id);
    return status;
}

static hsmiam_status get_key_usage(calling *call, char **arguments)
{
    hsmiam_key_usage usage = {.was_used = false};
    hsmiam_status status =
        hsmiam_client_get_key_usage(call->client, arguments[0], true, &usage, call->error);

    if (status == HSMIAM_OK)
        printf("%s\n%lld\n%s\n%s\n", usage.user_name, usage.was_used ? (long long)usage.date : -1,
               usage.region, usage.service_name);
    return status;
}

static hsmiam_status update_access_key(calling *call, char **arguments)
{
    return hsmiam_client_update_access_key(call->client, arguments[0], arguments[1], arguments[2],
                                           true, call->error);
}

static hsmiam_status delete_access_key(calling *call, char **arguments)
{
    return hsmiam_client_delete_access_key(call->client, arguments[0], arguments[1], call->error);
}

static const struct {
    const char *name;
    int arguments;
    hsmiam_status (*run)(calling *call, char **arguments);
} operations[] = {
    {"ListUsers", 0, list_users},
    {"GetCallerIdentity", 0, get_caller},
    {"GetAccessKeyLastUsed", 1, get_key_usage},
    {"UpdateAccessKey", 3, update_access_key},
    {"DeleteAccessKey", 2, delete_access_key},
};

static hsmiam_status connect(calling *call, char **argv)
{
    hsmiam_status status = hsmiam_token_new(argv[URI], &call->token, call->error);

    if (status == HSMIAM_OK)
        status = hsmiam_signer_new(call->token, argv[URI], &call->signer, call->error);
    if (status == HSMIAM_OK)
        status = hsmiam_client_new(call->signer, &call->client, call->error);
    if (status == HSMIAM_OK)
        status = hsmiam_client_set_endpoint(call->client, argv[URL], call->error);
    if (status == HSMIAM_OK && *argv[CA_BUNDLE])
        status = hsmiam_client_set_ca_bundle(call->client, argv[CA_BUNDLE], call->error);
    if (status == HSMIAM_OK)
        hsmiam_client_set_log(call->client, print_line, NULL);
    return status;
}

static hsmiam_status run(calling *call, int argc, char **argv)
{
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (strcmp(operations[i].name, argv[OPERATION]) == 0 &&
            argc == ARGUMENTS + operations[i].arguments)
            return operations[i].run(call, argv + ARGUMENTS);
    return HSMIAM_ERR_ARGUMENT;
}

int main(int argc, char **argv)
{
    calling call = {.error = hsmiam_error_new()};
    hsmiam_status status = HSMIAM_ERR_ARGUMENT;

    if (argc > OPERATION && argc <= ARGUMENTS_MAX)
        status = connect(&call, argv);
    if (status == HSMIAM_OK)
        status = run(&call, argc, argv);
    if (status != HSMIAM_OK)
        (void)fprintf(stderr, "%d %s %s\n", (int)status, hsmiam_error_get_code_name(call.error),
                      hsmiam_error_get_message(call.error));
    hsmiam_client_free(&call.client);
    hsmiam_signer_free(&call.signer);
    hsmiam_token_free(&call.token);
    hsmiam_error_free(&call.error);
    return status == HSMIAM_OK ? 0 : 1;
}
