/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

hsmiam_status hsmiam_access_key_id_check(const char *access_key_id, hsmiam_error *error)
{
    return strlen(access_key_id) >= 16
               ? HSMIAM_OK
               : fake_set(error, HSMIAM_ERR_ARGUMENT,
                          "Parameter validation failed:\nInvalid length for parameter AccessKeyId");
}

hsmiam_status hsmiam_access_key_list(hsmiam_client *client, hsmiam_custody *custody,
                                     const char *user_name, unsigned page_size, bool with_use,
                                     char marker[HSMIAM_MARKER_SIZE], hsmiam_key_facts_fn report,
                                     void *context, hsmiam_error *error)
{
    unsigned next = (unsigned)atoi(marker);
    unsigned end = next + (page_size > 0 ? page_size : 100);

    (void)client;
    (void)custody;
    fake_note(fake.user_name, sizeof fake.user_name, user_name);
    fake.with_use = with_use;
    fake.pages++;
    hsmiam_status status = fake_pass(FAKE_LIST, error);
    if (status != HSMIAM_OK)
        return status;
    marker[0] = '\0';
    for (; next < fake.key_count; next++) {
        if (next == end) {
            (void)snprintf(marker, HSMIAM_MARKER_SIZE, "%u", next);
            break;
        }
        report(context, &fake.keys[next]);
    }
    return HSMIAM_OK;
}

hsmiam_status hsmiam_access_key_get_last_used(hsmiam_client *client, hsmiam_custody *custody,
                                              const char *access_key_id, hsmiam_key_facts_fn report,
                                              void *context, hsmiam_error *error)
{
    (void)client;
    (void)custody;
    fake_note(fake.access_key_id, sizeof fake.access_key_id, access_key_id);
    hsmiam_status status = fake_pass(FAKE_LIST, error);
    if (status == HSMIAM_OK)
        report(context, &fake.keys[0]);
    return status;
}

hsmiam_status hsmiam_key_status_check(const char *status, hsmiam_error *error)
{
    (void)status;
    (void)error;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_access_key_update(hsmiam_client *client, hsmiam_custody *custody,
                                       const char *user_name, const char *access_key_id,
                                       const char *status, hsmiam_error *error)
{
    (void)client;
    (void)custody;
    fake_note(fake.user_name, sizeof fake.user_name, user_name);
    fake_note(fake.access_key_id, sizeof fake.access_key_id, access_key_id);
    fake_note(fake.key_status, sizeof fake.key_status, status);
    return fake_pass(FAKE_CHANGE, error);
}

hsmiam_status hsmiam_access_key_delete(hsmiam_client *client, hsmiam_custody *custody,
                                       const char *user_name, const char *access_key_id,
                                       hsmiam_error *error)
{
    (void)client;
    (void)custody;
    fake_note(fake.user_name, sizeof fake.user_name, user_name);
    fake_note(fake.access_key_id, sizeof fake.access_key_id, access_key_id);
    fake.deletions++;
    return fake_pass(FAKE_CHANGE, error);
}

hsmiam_status hsmiam_access_key_check_leftover(hsmiam_client *client, hsmiam_custody *custody,
                                               const char *user_name, const char *access_key_id,
                                               hsmiam_error *error)
{
    (void)client;
    (void)custody;
    (void)user_name;
    (void)access_key_id;
    (void)error;
    return HSMIAM_ERR_NOT_FOUND;
}

hsmiam_status hsmiam_access_key_delete_leftover(hsmiam_client *client, hsmiam_custody *custody,
                                                const char *user_name, const char *access_key_id,
                                                hsmiam_error *error)
{
    return hsmiam_access_key_delete(client, custody, user_name, access_key_id, error);
}

hsmiam_status hsmiam_signer_open(hsmiam_signer *signer, hsmiam_error *error)
{
    (void)signer;
    return fake_pass(FAKE_TOKEN_OPEN, error);
}

const char *hsmiam_signer_get_access_key_id(const hsmiam_signer *signer)
{
    (void)signer;
    return FAKE_SIGNER_ID;
}

hsmiam_status hsmiam_access_key_inventory(hsmiam_client *client, hsmiam_custody *custody,
                                          bool with_use, hsmiam_key_facts_fn report, void *context,
                                          hsmiam_error *error)
{
    (void)client;
    (void)custody;
    fake.with_use = with_use;
    for (unsigned i = 0; i < fake.key_count; i++)
        report(context, &fake.keys[i]);
    return fake_pass(FAKE_LIST, error);
}
