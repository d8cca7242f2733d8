/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki/issuer.h"

#include "cryptoki/message.h"
#include "token/cryptoki.h"

#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#define URI_MAX 1024

static bool is_same_file(const char *a, const char *b)
{
    struct stat of_a;
    struct stat of_b;

    if (strcmp(a, b) == 0)
        return true;
    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

/* Whether the session's token is one that a URI names. */
static hsmiam_status is_named(const hsmiam_place *place, const char *text, bool *named_out,
                              hsmiam_error *error)
{
    P11KitUri *uri = NULL;

    hsmiam_status status = hsmiam_uri_parse(text, &uri, error);
    if (status != HSMIAM_OK)
        return status;
    const char *path = p11_kit_uri_get_module_path(uri);
    CK_SLOT_ID slot = p11_kit_uri_get_slot_id(uri);
    CK_TOKEN_INFO info = place->info;
    *named_out =
        (path == NULL || place->module_path == NULL || is_same_file(path, place->module_path)) &&
        (slot == (CK_SLOT_ID)-1 || slot == place->slot) &&
        p11_kit_uri_match_token_info(uri, &info) == 1;
    hsmiam_uri_free(&uri);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_place_is_meant(const hsmiam_place *place,
                                    const hsmiam_module_settings *settings, bool *meant_out,
                                    hsmiam_error *error)
{
    hsmiam_status status = is_named(place, settings->token, meant_out, error);

    for (size_t i = 0; status == HSMIAM_OK && !*meant_out && settings->replicas[i] != NULL; i++)
        status = is_named(place, settings->replicas[i], meant_out, error);
    return status;
}

static void set_up_token(hsmiam_token *token, const hsmiam_module_settings *settings)
{
    hsmiam_token_set_timeout(token, settings->token_timeout);
    hsmiam_token_set_log(token, hsmiam_message_log, NULL);
}

/* The application logs in. When it has logged out meanwhile, nobody is asked in its place. */
static hsmiam_status give_no_pin(void *context, const char *label, hsmiam_pin_reason reason,
                                 char *pin_out, size_t pin_size, size_t *length_out)
{
    (void)context;
    (void)label;
    (void)reason;
    (void)pin_out;
    (void)pin_size;
    *length_out = 0;
    return HSMIAM_ERR_PIN;
}

static hsmiam_status name_token(hsmiam_issuer *issuer, const hsmiam_place *place,
                                const hsmiam_module_settings *settings, hsmiam_error *error)
{
    hsmiam_buffer uri;

    hsmiam_buffer_init(&uri, URI_MAX);
    hsmiam_status status = hsmiam_uri_format(&place->info, NULL, 0, &uri, error);
    if (status != HSMIAM_OK)
        goto out;
    hsmiam_buffer_append_format(&uri, ";slot-id=%lu", place->slot);
    status = hsmiam_buffer_check(&uri, "the token's URI", error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_new(hsmiam_buffer_get_string(&uri), &issuer->token, error);
    if (status != HSMIAM_OK)
        goto out;
    issuer->modules[0] = place->behind;
    hsmiam_token_set_modules(issuer->token, issuer->modules);
    hsmiam_token_set_pin_callback(issuer->token, give_no_pin, NULL);
    set_up_token(issuer->token, settings);
out:
    hsmiam_buffer_clear(&uri);
    return status;
}

/* Where the credential is in the session's token, what the settings know of its PIN is not used. */
static hsmiam_status name_credential(hsmiam_issuer *issuer, const hsmiam_place *place,
                                     const hsmiam_module_settings *settings, hsmiam_error *error)
{
    bool same = false;
    hsmiam_status status = is_named(place, settings->credential, &same, error);

    if (status != HSMIAM_OK || same)
        return status;
    status = hsmiam_token_new(settings->credential, &issuer->other_token, error);
    if (status != HSMIAM_OK)
        return status;
    set_up_token(issuer->other_token, settings);
    if (settings->pin_source != NULL && hsmiam_token_needs_pin_callback(issuer->other_token))
        status = hsmiam_token_set_pin_source(issuer->other_token, settings->pin_source, error);
    return status;
}

static hsmiam_status make_client(hsmiam_issuer *issuer, hsmiam_token *token,
                                 const hsmiam_module_settings *settings, hsmiam_cancel_fn cancel,
                                 hsmiam_error *error)
{
    hsmiam_status status = hsmiam_signer_new(token, settings->credential, &issuer->signer, error);

    if (status == HSMIAM_OK)
        status = hsmiam_client_new(issuer->signer, &issuer->client, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_signer_set_log(issuer->signer, hsmiam_message_log, NULL);
    hsmiam_client_set_log(issuer->client, hsmiam_message_log, NULL);
    hsmiam_client_set_cancel(issuer->client, cancel, NULL);
    hsmiam_client_set_max_attempts(issuer->client, settings->max_attempts);
    hsmiam_client_set_fips(issuer->client, settings->fips);
    if (settings->region != NULL)
        status = hsmiam_client_set_region(issuer->client, settings->region, error);
    if (status == HSMIAM_OK && settings->endpoint_url != NULL)
        status = hsmiam_client_set_endpoint(issuer->client, settings->endpoint_url, error);
    if (status == HSMIAM_OK && settings->sts_endpoint_url != NULL)
        status = hsmiam_client_set_sts_endpoint(issuer->client, settings->sts_endpoint_url, error);
    if (status == HSMIAM_OK && settings->ca_bundle != NULL)
        status = hsmiam_client_set_ca_bundle(issuer->client, settings->ca_bundle, error);
    return status;
}

/* By no name but the program's own, for openlog() is the program's. */
static void write_to_syslog(void *context, const char *line)
{
    (void)context;
    syslog(LOG_AUTHPRIV | LOG_NOTICE, "%s", line);
}

static hsmiam_status make_ledger(hsmiam_issuer *issuer, hsmiam_token *signing,
                                 const hsmiam_module_settings *settings, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_ledger_new(settings->ledger, &issuer->ledger, error);

    if (status != HSMIAM_OK)
        return status;
    hsmiam_ledger_set_token(issuer->ledger, signing);
    hsmiam_ledger_set_log(issuer->ledger, hsmiam_message_log, NULL);
    if (settings->audit_syslog)
        hsmiam_ledger_set_mirror(issuer->ledger, write_to_syslog, NULL);
    return HSMIAM_OK;
}

static hsmiam_status make_custody(const hsmiam_issuer *issuer, hsmiam_token *token,
                                  const hsmiam_module_settings *settings,
                                  hsmiam_custody **custody_out, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_custody_new(token, custody_out, error);

    if (status != HSMIAM_OK)
        return status;
    hsmiam_custody_set_log(*custody_out, hsmiam_message_log, NULL);
    hsmiam_custody_set_ledger(*custody_out, issuer->ledger);
    hsmiam_custody_set_forbid_plaintext(*custody_out, settings->forbid_plaintext);
    return HSMIAM_OK;
}

/* A further token, logged in to by its own URI. */
static hsmiam_status add_replica(hsmiam_issuer *issuer, const char *uri,
                                 const hsmiam_module_settings *settings, hsmiam_error *error)
{
    size_t index = issuer->replica_count;

    if (index == HSMIAM_REPLICAS_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG, "At most %d tokens may take keys in.",
                                HSMIAM_REPLICAS_MAX + 1);
    hsmiam_status status = hsmiam_token_new(uri, &issuer->replica_tokens[index], error);
    if (status != HSMIAM_OK)
        return status;
    issuer->replica_count++;
    set_up_token(issuer->replica_tokens[index], settings);
    status = make_custody(issuer, issuer->replica_tokens[index], settings, &issuer->replicas[index],
                          error);
    if (status == HSMIAM_OK)
        status = hsmiam_custody_add_replica(issuer->custody, issuer->replicas[index], error);
    return status;
}

/* Whichever of the tokens the session is on, the others are its replicas. */
static hsmiam_status add_replicas(hsmiam_issuer *issuer, const hsmiam_place *place,
                                  const hsmiam_module_settings *settings, hsmiam_error *error)
{
    const char *uri = settings->token;
    hsmiam_status status = HSMIAM_OK;

    for (size_t i = 0; status == HSMIAM_OK && uri != NULL; uri = settings->replicas[i++]) {
        bool same = false;
        status = is_named(place, uri, &same, error);
        if (status == HSMIAM_OK && !same)
            status = add_replica(issuer, uri, settings, error);
    }
    return status;
}

hsmiam_status hsmiam_issuer_start(hsmiam_issuer *issuer, const hsmiam_place *place,
                                  const hsmiam_module_settings *settings, hsmiam_cancel_fn cancel,
                                  hsmiam_error *error)
{
    bool meant = false;
    hsmiam_status status = hsmiam_place_is_meant(place, settings, &meant, error);

    if (status == HSMIAM_OK && !meant)
        return hsmiam_error_set(
            error, HSMIAM_ERR_UNSUPPORTED,
            "The profile's hsmiam_token names other tokens for access keys "
            "than the one of this session, \"%.*s\".",
            (int)p11_kit_space_strlen(place->info.label, sizeof place->info.label),
            (const char *)place->info.label);
    if (status == HSMIAM_OK)
        status = name_token(issuer, place, settings, error);
    if (status == HSMIAM_OK)
        status = name_credential(issuer, place, settings, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_token *signing = issuer->other_token != NULL ? issuer->other_token : issuer->token;
    status = make_client(issuer, signing, settings, cancel, error);
    /* The audit key is that of the credential's token, as it is for the hsmiam command. */
    if (status == HSMIAM_OK)
        status = make_ledger(issuer, signing, settings, error);
    if (status == HSMIAM_OK)
        status = make_custody(issuer, issuer->token, settings, &issuer->custody, error);
    if (status == HSMIAM_OK)
        status = add_replicas(issuer, place, settings, error);
    return status;
}

void hsmiam_issuer_clear(hsmiam_issuer *issuer)
{
    hsmiam_custody_free(&issuer->custody);
    for (size_t i = 0; i < issuer->replica_count; i++)
        hsmiam_custody_free(&issuer->replicas[i]);
    hsmiam_ledger_free(&issuer->ledger);
    hsmiam_client_free(&issuer->client);
    hsmiam_signer_free(&issuer->signer);
    for (size_t i = 0; i < issuer->replica_count; i++)
        hsmiam_token_free(&issuer->replica_tokens[i]);
    hsmiam_token_free(&issuer->other_token);
    hsmiam_token_free(&issuer->token);
}
