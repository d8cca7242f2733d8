/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_library.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct hsmiam_client {
    hsmiam_cancel_fn cancel;
    void *cancel_context;
    hsmiam_log_fn log;
    void *log_context;
};

struct hsmiam_custody {
    hsmiam_token *token;
};

struct hsmiam_access_key {
    const char *user_name;
    const char *id;
    bool created;
};

hsmiam_status hsmiam_client_new(hsmiam_signer *signer, hsmiam_client **client_out,
                                hsmiam_error *error)
{
    (void)signer;
    (void)error;
    *client_out = fake_make(sizeof **client_out);
    return HSMIAM_OK;
}

void hsmiam_client_free(hsmiam_client **client)
{
    fake_unmake(*client);
    *client = NULL;
}

hsmiam_status hsmiam_client_set_region(hsmiam_client *client, const char *region,
                                       hsmiam_error *error)
{
    (void)client;
    fake_note(fake.region, sizeof fake.region, region);
    return fake_pass(FAKE_CLIENT_REGION, error);
}

hsmiam_status hsmiam_client_set_endpoint(hsmiam_client *client, const char *url,
                                         hsmiam_error *error)
{
    (void)client;
    fake_note(fake.endpoint, sizeof fake.endpoint, url);
    return fake_pass(FAKE_CLIENT_ENDPOINT, error);
}

hsmiam_status hsmiam_client_set_sts_endpoint(hsmiam_client *client, const char *url,
                                             hsmiam_error *error)
{
    (void)client;
    (void)error;
    fake_note(fake.sts_endpoint, sizeof fake.sts_endpoint, url);
    return HSMIAM_OK;
}

void hsmiam_client_set_max_attempts(hsmiam_client *client, unsigned attempts)
{
    (void)client;
    fake.max_attempts = attempts;
}

void hsmiam_client_set_fips(hsmiam_client *client, bool fips)
{
    (void)client;
    fake.fips = fips;
}

hsmiam_status hsmiam_client_set_ca_bundle(hsmiam_client *client, const char *path,
                                          hsmiam_error *error)
{
    (void)client;
    (void)error;
    fake_note(fake.ca_bundle, sizeof fake.ca_bundle, path);
    return HSMIAM_OK;
}

void hsmiam_client_set_no_verify(hsmiam_client *client, bool no_verify)
{
    (void)client;
    fake.no_verify = no_verify;
}

void hsmiam_client_set_timeouts(hsmiam_client *client, unsigned connect_seconds,
                                unsigned read_seconds)
{
    (void)client;
    fake.connect_timeout = connect_seconds;
    fake.read_timeout = read_seconds;
}

void hsmiam_client_set_log(hsmiam_client *client, hsmiam_log_fn log, void *context)
{
    client->log = log;
    client->log_context = context;
}

void hsmiam_client_set_cancel(hsmiam_client *client, hsmiam_cancel_fn cancel, void *context)
{
    client->cancel = cancel;
    client->cancel_context = context;
}

hsmiam_status hsmiam_custody_new(hsmiam_token *token, hsmiam_custody **custody_out,
                                 hsmiam_error *error)
{
    (void)error;
    *custody_out = fake_make(sizeof **custody_out);
    (*custody_out)->token = token;
    return HSMIAM_OK;
}

void hsmiam_custody_free(hsmiam_custody **custody)
{
    fake_unmake(*custody);
    *custody = NULL;
}

hsmiam_status hsmiam_custody_add_replica(hsmiam_custody *custody, hsmiam_custody *replica,
                                         hsmiam_error *error)
{
    (void)custody;
    (void)replica;
    (void)error;
    fake.replicas++;
    return HSMIAM_OK;
}

const char *hsmiam_access_key_get_replica_uri(const hsmiam_access_key *key, size_t index)
{
    (void)key;
    return index < fake.replicas ? "pkcs11:token=other;object=Bob;type=secret-key" : NULL;
}

void hsmiam_custody_set_import_route(hsmiam_custody *custody, hsmiam_import_route route)
{
    (void)custody;
    fake.route = route;
}

void hsmiam_token_set_wants_aes_key(hsmiam_token *token, bool wants)
{
    (void)token;
    fake.wants_aes_key = wants;
}

void hsmiam_custody_set_sigv4_route(hsmiam_custody *custody, hsmiam_sigv4_route route)
{
    (void)custody;
    fake.sigv4 = route;
}

void hsmiam_custody_set_forbid_plaintext(hsmiam_custody *custody, bool forbid)
{
    (void)custody;
    fake.forbid_plaintext = forbid;
}

hsmiam_status hsmiam_custody_prepare(hsmiam_custody *custody, hsmiam_error *error)
{
    (void)custody;
    return fake_pass(FAKE_PREPARE, error);
}

hsmiam_status hsmiam_custody_check(hsmiam_custody *custody, hsmiam_fact_fn report, void *context,
                                   hsmiam_error *error)
{
    static const hsmiam_fact facts[] = {
        {.topic = HSMIAM_FACT_TOKEN, .name = "Label", .value = "custody", .number = -1, .why = ""},
        {.topic = HSMIAM_FACT_CAPACITY, .name = "AccessKeys", .value = "", .number = 3, .why = ""},
        {.topic = HSMIAM_FACT_MECHANISM,
         .name = "CKM_ECDSA",
         .told = HSMIAM_FINDING_YES,
         .found = HSMIAM_FINDING_NO,
         .value = "",
         .number = -1,
         .why = "It fails."},
        {.topic = HSMIAM_FACT_TIMING, .name = "hmac", .value = "", .number = 1500000, .why = ""},
        {.topic = HSMIAM_FACT_LEFTOVER, .name = "secret key", .value = "", .why = "It stays."},
        {.topic = (hsmiam_fact_topic)1000, .name = "New", .value = "", .why = ""},
    };

    (void)custody;
    hsmiam_status status = fake_pass(FAKE_CHECK, error);
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        report(context, &facts[i]);
    report(context,
           &(hsmiam_fact){.topic = HSMIAM_FACT_VERDICT,
                          .name = "Ready",
                          .found = status == HSMIAM_OK ? HSMIAM_FINDING_YES : HSMIAM_FINDING_NO,
                          .value = "In one line.",
                          .why = ""});
    return status;
}

const char *hsmiam_custody_get_import_route(const hsmiam_custody *custody)
{
    (void)custody;
    return "rsa-oaep";
}

const char *hsmiam_custody_get_sigv4_route(const hsmiam_custody *custody)
{
    (void)custody;
    return "in-token";
}

void hsmiam_signer_set_log(hsmiam_signer *signer, hsmiam_log_fn log, void *context)
{
    (void)signer;
    (void)log;
    (void)context;
}

const char *hsmiam_access_key_get_sigv4_route(const hsmiam_access_key *key)
{
    (void)key;
    return "sign";
}

void hsmiam_custody_set_log(hsmiam_custody *custody, hsmiam_log_fn log, void *context)
{
    (void)custody;
    (void)log;
    (void)context;
}

void hsmiam_access_key_free(hsmiam_access_key **key)
{
    fake_unmake(*key);
    *key = NULL;
}

const char *hsmiam_access_key_get_id(const hsmiam_access_key *key)
{
    return key->id;
}

const char *hsmiam_access_key_get_user_name(const hsmiam_access_key *key)
{
    return key->user_name;
}

const char *hsmiam_access_key_get_status(const hsmiam_access_key *key)
{
    return key->created ? "Active" : "";
}

time_t hsmiam_access_key_get_create_date(const hsmiam_access_key *key)
{
    return key->created ? 1795505950 : -1;
}

const char *hsmiam_access_key_get_uri(const hsmiam_access_key *key)
{
    (void)key;
    return "pkcs11:token=label;object=Bob;type=secret-key";
}

const char *hsmiam_access_key_get_import_route(const hsmiam_access_key *key)
{
    (void)key;
    return "rsa-oaep";
}

hsmiam_status hsmiam_access_key_import(hsmiam_custody *custody, const char *access_key_id,
                                       const char *user_name, const char *secret,
                                       size_t secret_size, hsmiam_access_key **key_out,
                                       hsmiam_error *error)
{
    hsmiam_status status = hsmiam_token_open(custody->token, error);

    if (status == HSMIAM_OK)
        status = fake_pass(FAKE_IMPORT, error);
    if (status != HSMIAM_OK)
        return status;
    fake_note(fake.access_key_id, sizeof fake.access_key_id, access_key_id);
    fake_note(fake.user_name, sizeof fake.user_name, user_name);
    (void)snprintf(fake.secret, sizeof fake.secret, "%.*s", (int)secret_size, secret);
    *key_out = fake_make(sizeof **key_out);
    (*key_out)->id = fake.access_key_id;
    (*key_out)->user_name = user_name ? fake.user_name : "";
    return HSMIAM_OK;
}

hsmiam_status hsmiam_access_key_create(hsmiam_client *client, hsmiam_custody *custody,
                                       const char *user_name, hsmiam_access_key **key_out,
                                       hsmiam_error *error)
{
    (void)custody;
    client->log(client->log_context, HSMIAM_LOG_NOTICE, "a notice with pkcs11:?pin-value=1234;x");
    client->log(client->log_context, HSMIAM_LOG_DEBUG, "a debug line");
    if (fake.raise_signal)
        (void)raise(fake.raise_signal);
    fake.asked_to_stop = client->cancel(client->cancel_context);
    if (fake_pass(FAKE_CREATE, error) != HSMIAM_OK)
        return fake.status;
    if (fake.fail_user && strcmp(user_name, fake.fail_user) == 0 &&
        fake_pass(FAKE_USER, error) != HSMIAM_OK)
        return fake.status;
    fake_note(fake.user_name, sizeof fake.user_name, user_name);
    *key_out = fake_make(sizeof **key_out);
    (*key_out)->created = true;
    (*key_out)->id = "AKIAIOSFODNN7EXAMPLE";
    (*key_out)->user_name = fake.no_user_name ? "" : user_name ? fake.user_name : "Bob";
    return HSMIAM_OK;
}

hsmiam_status hsmiam_user_name_check(const char *user_name, hsmiam_error *error)
{
    if (strlen(user_name) > 128 || strpbrk(user_name, " /:\\"))
        return fake_set(error, HSMIAM_ERR_ARGUMENT,
                        "Parameter validation failed:\nInvalid value for parameter UserName");
    return HSMIAM_OK;
}

struct hsmiam_rotation {
    hsmiam_access_key key;
};

hsmiam_status hsmiam_access_key_rotate(hsmiam_client *client, hsmiam_custody *custody,
                                       const hsmiam_rotation_options *options,
                                       hsmiam_rotation **rotation_out, hsmiam_error *error)
{
    (void)client;
    (void)custody;
    fake.rotation = *options;
    fake_note(fake.user_name, sizeof fake.user_name, options->user_name);
    if (fake_pass(FAKE_ROTATE, error) != HSMIAM_OK)
        return fake.status;
    *rotation_out = fake_make(sizeof **rotation_out);
    (*rotation_out)->key =
        (hsmiam_access_key){.id = "AKIAIOSFODNN7EXAMPLE", .user_name = "Bob", .created = true};
    return HSMIAM_OK;
}

void hsmiam_rotation_free(hsmiam_rotation **rotation)
{
    fake_unmake(*rotation);
    *rotation = NULL;
}

const hsmiam_access_key *hsmiam_rotation_get_key(const hsmiam_rotation *rotation)
{
    return &rotation->key;
}

const char *hsmiam_rotation_get_previous_id(const hsmiam_rotation *rotation)
{
    (void)rotation;
    return "AKIAI44QH8DHBEXAMPLE";
}

const char *hsmiam_rotation_get_previous_status(const hsmiam_rotation *rotation)
{
    (void)rotation;
    return fake.rotation.delete_old ? "Deleted" : "Inactive";
}

bool hsmiam_rotation_is_of_signer(const hsmiam_rotation *rotation)
{
    (void)rotation;
    return fake.rotates_signer;
}

hsmiam_status hsmiam_batch_run(hsmiam_client *client, hsmiam_custody *custody,
                               const hsmiam_batch *batch, hsmiam_error *error)
{
    char name[HSMIAM_USER_NAME_SIZE];

    fake.concurrency = batch->concurrency;
    if (fake_pass(FAKE_BATCH, error) != HSMIAM_OK)
        return fake.status;
    while (batch->next(batch->context, name)) {
        hsmiam_status status = batch->work(batch->context, client, custody, name, error);

        batch->tick(batch->context);
        if (status != HSMIAM_OK && fake.failure_stops)
            return status;
        if (client->cancel(client->cancel_context))
            return fake_set(error, HSMIAM_ERR_CANCELLED, "Stopped.");
    }
    return HSMIAM_OK;
}

hsmiam_status hsmiam_custody_find_held(hsmiam_client *client, hsmiam_custody *custody,
                                       hsmiam_held_fn take, void *context, hsmiam_error *error)
{
    (void)client;
    (void)custody;
    for (size_t i = 0; fake.held && fake.held[i]; i++)
        take(context, fake.held[i], "AKIAIOSFODNN7EXAMPLE", true);
    return fake_pass(FAKE_HELD, error);
}

hsmiam_status hsmiam_custody_find_rotated(hsmiam_client *client, hsmiam_custody *custody,
                                          time_t since, hsmiam_rotated_fn take, void *context,
                                          hsmiam_error *error)
{
    (void)client;
    (void)custody;
    fake.rotated_since = since;
    for (size_t i = 0; fake.held && fake.held[i]; i++)
        take(context, fake.held[i], i > 0);
    return fake_pass(FAKE_HELD, error);
}
