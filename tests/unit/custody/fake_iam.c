/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_iam.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iam/outcome.h"
#include "sigv4/signer.h"

bool fake_iam_blames_the_clock;

#define CREATE_DATE 1440938160 /* 2015-08-30T12:36:00Z */

void fake_iam_add_key(hsmiam_client *client, const char *user_name, const char *id)
{
    if (client->key_count == FAKE_KEYS_MAX)
        return;
    fake_key *key = &client->keys[client->key_count++];
    *key = (fake_key){.id = id, .create_date = CREATE_DATE};
    (void)snprintf(key->user_name, sizeof key->user_name, "%s", user_name);
}

static fake_key *find_key(hsmiam_client *client, const char *id)
{
    for (size_t i = 0; i < client->key_count; i++)
        if (strcmp(client->keys[i].id, id) == 0)
            return &client->keys[i];
    return NULL;
}

void fake_iam_remove_key(hsmiam_client *client, const char *id)
{
    fake_key *key = find_key(client, id);

    if (key != NULL)
        *key = client->keys[--client->key_count];
}

bool fake_iam_has_key(const hsmiam_client *client, const char *id)
{
    return find_key((hsmiam_client *)client, id) != NULL;
}

static const char *name_of(const hsmiam_client *client, const char *user_name)
{
    return user_name != NULL ? user_name : client->own_user;
}

/* A connection stands, and the request is about to be signed. */
static hsmiam_status be_ready(hsmiam_client *client, hsmiam_error *error)
{
    return client->ready != NULL ? client->ready(client->ready_context, error) : HSMIAM_OK;
}

/* A request that changes something is about to leave. */
static hsmiam_status announce(hsmiam_client *client, hsmiam_error *error)
{
    time_t now = client->service_time != 0 ? client->service_time : CREATE_DATE;

    return client->before_send != NULL
               ? client->before_send(client->before_send_context, now, error)
               : HSMIAM_OK;
}

static hsmiam_status answer(const fake_answer *with, const char *operation, hsmiam_error *error)
{
    if (with->status == HSMIAM_OK)
        return HSMIAM_OK;
    (void)hsmiam_error_set(error, with->status, "The fake %s fails.", operation);
    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_SERVICE, 400, with->code);
    return with->status;
}

void hsmiam_client_set_ready(hsmiam_client *client, hsmiam_ready_fn ready, void *context)
{
    client->ready = ready;
    client->ready_context = context;
}

void hsmiam_client_set_before_send(hsmiam_client *client, hsmiam_before_send_fn before_send,
                                   void *context)
{
    client->before_send = before_send;
    client->before_send_context = context;
}

hsmiam_status hsmiam_client_describe(const hsmiam_client *client, const char **partition_out,
                                     char endpoint_out[HSMIAM_ENDPOINT_SIZE], hsmiam_error *error)
{
    (void)client;
    (void)error;
    *partition_out = "aws";
    (void)snprintf(endpoint_out, HSMIAM_ENDPOINT_SIZE, "https://iam.test/");
    return HSMIAM_OK;
}

bool hsmiam_client_get_service_time(const hsmiam_client *client, time_t *time_out)
{
    *time_out = client->service_time;
    return client->service_time != 0;
}

hsmiam_signer *hsmiam_client_swap_signer(hsmiam_client *client, hsmiam_signer *signer)
{
    hsmiam_signer *before = client->signer;

    client->asks_as_other = !client->asks_as_other;
    client->signer = signer;
    return before;
}

/* A batch's threads do not reach IAM here: what they do is the test's own. */
hsmiam_status hsmiam_client_new_like(const hsmiam_client *like, hsmiam_signer *signer,
                                     hsmiam_client **client_out, hsmiam_error *error)
{
    hsmiam_client *client = calloc(1, sizeof *client);

    if (client == NULL)
        return hsmiam_error_set_memory(error, "a client");
    client->signer = signer;
    client->log = like->log;
    *client_out = client;
    return HSMIAM_OK;
}

void hsmiam_client_free(hsmiam_client **client)
{
    free(*client);
    *client = NULL;
}

void hsmiam_client_set_cancel(hsmiam_client *client, hsmiam_cancel_fn cancel, void *context)
{
    client->cancel = cancel;
    client->cancel_context = context;
}

void hsmiam_client_set_pace(hsmiam_client *client, hsmiam_pace *pace)
{
    client->pace = pace;
}

bool hsmiam_client_was_perhaps_executed(const hsmiam_client *client)
{
    return client->perhaps_executed;
}

void hsmiam_client_set_hurried(hsmiam_client *client, bool hurried)
{
    (void)client;
    (void)hurried;
}

bool hsmiam_client_is_cancelled(const hsmiam_client *client)
{
    return client->cancel != NULL && client->cancel(client->cancel_context);
}

hsmiam_signer *hsmiam_client_get_signer(const hsmiam_client *client)
{
    return client->signer;
}

hsmiam_status hsmiam_client_prime_signer(const hsmiam_client *client, hsmiam_error *error)
{
    static const hsmiam_scope scope = {"20150830", "us-east-1", "iam"};

    return hsmiam_signer_derive(client->signer, &scope, error);
}

int64_t hsmiam_client_get_secret_arrival(const hsmiam_client *client)
{
    (void)client;
    return 0;
}

const hsmiam_log *hsmiam_client_get_log(const hsmiam_client *client)
{
    return &client->log;
}

hsmiam_status hsmiam_client_create_access_key(hsmiam_client *client, const char *user_name,
                                              hsmiam_key_metadata *key_out, hsmiam_secret *secret,
                                              hsmiam_error *error)
{
    const char *user = name_of(client, user_name);
    hsmiam_status status = be_ready(client, error);

    key_out->id[0] = '\0';
    if (status == HSMIAM_OK)
        status = announce(client, error);
    if (status != HSMIAM_OK)
        return status;
    client->creates++;
    if (!client->makes_nothing)
        fake_iam_add_key(client, user, client->new_id);
    if (client->on_create != NULL)
        client->on_create(client);

    status = answer(&client->create, "CreateAccessKey", error);
    if (status != HSMIAM_OK && !client->names_key)
        return status;
    (void)snprintf(key_out->id, sizeof key_out->id, "%s",
                   client->answered_id != NULL ? client->answered_id : client->new_id);
    (void)snprintf(key_out->user_name, sizeof key_out->user_name, "%s",
                   client->answered_user != NULL ? client->answered_user : user);
    (void)snprintf(key_out->status, sizeof key_out->status, "Active");
    key_out->create_date = CREATE_DATE;
    if (!hsmiam_secret_append(secret, client->new_secret, strlen(client->new_secret)))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "The fake secret does not fit.");
    return status;
}

hsmiam_status hsmiam_client_list_access_keys_page(hsmiam_client *client, const char *user_name,
                                                  unsigned max_items, bool may_cancel,
                                                  hsmiam_key_list *list,
                                                  char marker[HSMIAM_MARKER_SIZE],
                                                  hsmiam_error *error)
{
    hsmiam_key_list all = {.count = 0};
    size_t start = (size_t)atoi(marker);
    hsmiam_status status =
        hsmiam_client_list_access_keys(client, user_name, may_cancel, &all, error);

    marker[0] = '\0';
    for (size_t i = start; status == HSMIAM_OK && i < all.count; i++) {
        if (max_items > 0 && list->count == max_items) {
            (void)snprintf(marker, HSMIAM_MARKER_SIZE, "%zu", i);
            break;
        }
        list->keys[list->count++] = all.keys[i];
    }
    return status;
}

hsmiam_status hsmiam_client_list_access_keys(hsmiam_client *client, const char *user_name,
                                             bool may_cancel, hsmiam_key_list *list_out,
                                             hsmiam_error *error)
{
    hsmiam_status status = be_ready(client, error);

    if (status != HSMIAM_OK)
        return status;
    client->may_cancel = may_cancel;
    client->lists++;
    status = answer(client->creates == 0 ? &client->list_before : &client->list_after,
                    "ListAccessKeys", error);
    if (status != HSMIAM_OK)
        return status;
    list_out->count = 0;
    for (size_t i = 0; i < client->key_count; i++) {
        const fake_key *key = &client->keys[i];
        if (strcmp(key->user_name, name_of(client, user_name)) != 0)
            continue;
        hsmiam_key_metadata *told = &list_out->keys[list_out->count++];
        *told = (hsmiam_key_metadata){.create_date = key->create_date};
        (void)snprintf(told->status, sizeof told->status, "%s",
                       key->is_inactive ? "Inactive" : "Active");
        (void)snprintf(told->id, sizeof told->id, "%s", key->id);
        (void)snprintf(told->user_name, sizeof told->user_name, "%s", key->user_name);
    }
    return HSMIAM_OK;
}

static const fake_answer no_such_entity = {HSMIAM_ERR_SERVICE, "NoSuchEntity"};
static const fake_answer access_denied = {HSMIAM_ERR_SERVICE, "AccessDenied"};

hsmiam_status hsmiam_client_update_access_key(hsmiam_client *client, const char *user_name,
                                              const char *id, const char *key_status,
                                              bool may_cancel, hsmiam_error *error)
{
    hsmiam_status status = be_ready(client, error);

    if (status != HSMIAM_OK)
        return status;
    client->may_cancel = may_cancel;
    status = announce(client, error);
    if (status != HSMIAM_OK)
        return status;
    client->updates++;
    client->updated_as_other = client->asks_as_other;
    status = answer(&client->update, "UpdateAccessKey", error);
    if (status != HSMIAM_OK)
        return status;
    fake_key *key = find_key(client, id);
    if (key == NULL || strcmp(key->user_name, name_of(client, user_name)) != 0)
        return answer(&no_such_entity, "UpdateAccessKey", error);
    key->is_inactive = strcmp(key_status, "Inactive") == 0;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_client_get_key_usage(hsmiam_client *client, const char *id, bool may_cancel,
                                          hsmiam_key_usage *usage_out, hsmiam_error *error)
{
    const fake_key *key = find_key(client, id);
    hsmiam_status status = be_ready(client, error);

    if (status != HSMIAM_OK)
        return status;
    client->may_cancel = may_cancel;
    status = answer(&client->usage, "GetAccessKeyLastUsed", error);
    if (status != HSMIAM_OK)
        return status;
    if (key == NULL)
        return answer(&access_denied, "GetAccessKeyLastUsed", error);
    *usage_out = (hsmiam_key_usage){.was_used = key->last_used != 0, .date = key->last_used};
    (void)snprintf(usage_out->user_name, sizeof usage_out->user_name, "%s", key->user_name);
    (void)snprintf(usage_out->region, sizeof usage_out->region, "%s",
                   usage_out->was_used ? "us-east-1" : "N/A");
    (void)snprintf(usage_out->service_name, sizeof usage_out->service_name, "%s",
                   usage_out->was_used ? "iam" : "N/A");
    return HSMIAM_OK;
}

hsmiam_status hsmiam_client_get_caller(hsmiam_client *client, bool may_cancel,
                                       hsmiam_caller *caller_out, hsmiam_error *error)
{
    hsmiam_status status = be_ready(client, error);

    if (status != HSMIAM_OK)
        return status;
    client->may_cancel = may_cancel;
    client->callers++;
    status = answer(client->asks_as_other ? &client->other_caller : &client->caller,
                    "GetCallerIdentity", error);
    if (status != HSMIAM_OK)
        return status;
    *caller_out = (hsmiam_caller){.user_id = "AIDAEXAMPLE"};
    const char *account = client->account != NULL ? client->account : "123456789012";
    if (client->asks_as_other && client->other_account != NULL)
        account = client->other_account;
    (void)snprintf(caller_out->account, sizeof caller_out->account, "%s", account);
    (void)snprintf(caller_out->arn, sizeof caller_out->arn, "arn:aws:iam::123456789012:%s%s",
                   client->own_user[0] != '\0' ? "user/" : "root", client->own_user);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_client_send_deletion(hsmiam_client *client, const char *user_name,
                                          const char *id, hsmiam_error *error)
{
    hsmiam_status status = be_ready(client, error);

    if (status != HSMIAM_OK)
        return status;
    status = announce(client, error);
    if (status != HSMIAM_OK)
        return status;
    client->deletes++;
    client->deleted_for_nobody = user_name == NULL;
    (void)snprintf(client->deleted_id, sizeof client->deleted_id, "%s", id);
    (void)snprintf(client->deleted_user, sizeof client->deleted_user, "%s",
                   name_of(client, user_name));
    status = answer(&client->delete, "DeleteAccessKey", error);
    if (status != HSMIAM_OK)
        return status;

    fake_key *key = find_key(client, id);
    if (key == NULL || strcmp(key->user_name, name_of(client, user_name)) != 0)
        return answer(&no_such_entity, "DeleteAccessKey", error);
    *key = client->keys[--client->key_count];
    return HSMIAM_OK;
}

hsmiam_status hsmiam_client_delete_access_key(hsmiam_client *client, const char *user_name,
                                              const char *id, hsmiam_error *error)
{
    return hsmiam_client_send_deletion(client, user_name, id, error);
}

/* A user a page, each once, in the order of their first keys; the root user is in no list. */
hsmiam_status hsmiam_client_list_users_page(hsmiam_client *client, bool may_cancel,
                                            char marker[HSMIAM_MARKER_SIZE],
                                            hsmiam_user_page *page_out, hsmiam_error *error)
{
    size_t at = (size_t)atoi(marker);
    hsmiam_status status = be_ready(client, error);

    if (status == HSMIAM_OK)
        status = answer(&client->users, "ListUsers", error);
    if (status != HSMIAM_OK)
        return status;
    client->may_cancel = may_cancel;
    page_out->count = 0;
    marker[0] = '\0';
    if (at >= client->key_count)
        return HSMIAM_OK;
    const char *name = client->keys[at].user_name;
    bool is_new = name[0] != '\0';
    for (size_t i = 0; i < at; i++)
        is_new = is_new && strcmp(client->keys[i].user_name, name) != 0;
    if (is_new)
        (void)snprintf(page_out->users[page_out->count++].name, sizeof page_out->users[0].name,
                       "%s", name);
    if (at + 1 < client->key_count)
        (void)snprintf(marker, HSMIAM_MARKER_SIZE, "%zu", at + 1);
    return HSMIAM_OK;
}

bool hsmiam_outcome_is_skewed(const char *code, const char *message)
{
    (void)code;
    (void)message;
    return fake_iam_blames_the_clock;
}

void hsmiam_credentials_free(hsmiam_credentials **credentials)
{
    if (*credentials == NULL)
        return;
    hsmiam_secret_free(&(*credentials)->secret);
    hsmiam_secret_free(&(*credentials)->session_token);
    free(*credentials);
    *credentials = NULL;
}

hsmiam_status hsmiam_client_get_credentials(hsmiam_client *client,
                                            const hsmiam_credentials_request *request,
                                            hsmiam_credentials **credentials_out,
                                            hsmiam_error *error)
{
    const char *secret = client->new_secret;
    hsmiam_credentials *made = calloc(1, sizeof *made);

    (void)snprintf(client->mfa_asked_by, sizeof client->mfa_asked_by, "%s",
                   hsmiam_signer_get_signing_id(client->signer));
    (void)snprintf(client->mfa, sizeof client->mfa, "%s|%s|%u", request->mfa_serial,
                   request->token_code, request->duration_seconds);
    if (made == NULL || client->session.status != HSMIAM_OK) {
        free(made);
        return answer(&client->session, "GetSessionToken", error);
    }
    (void)snprintf(made->access_key_id, sizeof made->access_key_id, "%s", FAKE_SESSION_ID);
    if (hsmiam_secret_new(256, &made->secret, error) != HSMIAM_OK ||
        hsmiam_secret_new(256, &made->session_token, error) != HSMIAM_OK ||
        !hsmiam_secret_append(made->secret, secret, strlen(secret) + 1) ||
        !hsmiam_secret_append(made->session_token, FAKE_SESSION_TOKEN, sizeof FAKE_SESSION_TOKEN)) {
        hsmiam_credentials_free(&made);
        return HSMIAM_ERR_MEMORY;
    }
    *credentials_out = made;
    return HSMIAM_OK;
}
