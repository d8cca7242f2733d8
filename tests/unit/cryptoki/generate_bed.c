/* SPDX-License-Identifier: Apache-2.0 */
#include "generate_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cryptoki/behind.h"
#include "cryptoki/mechanism.h"
#include "cryptoki/message.h"
#include "hsmiam/pkcs11.h"
#include "iam/operations.h"

bed the_bed;

void hsmiam_message_write(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(the_bed.message, sizeof the_bed.message, format, arguments);
    va_end(arguments);
}

void hsmiam_message_write_error(const hsmiam_error *error)
{
    hsmiam_message_write("%s", hsmiam_error_get_message(error));
}

bool hsmiam_behind_may_start_threads(void)
{
    return !the_bed.forbids_threads;
}

const char *hsmiam_behind_get_path(void)
{
    return "/mock.so";
}

hsmiam_status hsmiam_module_settings_load(hsmiam_module_settings *settings_out, hsmiam_error *error)
{
    if (the_bed.settings_status != HSMIAM_OK)
        return hsmiam_error_set(error, the_bed.settings_status, "The settings cannot be read.");
    *settings_out =
        (hsmiam_module_settings){.credential = the_bed.has_credential ? "pkcs11:id=x" : NULL};
    return HSMIAM_OK;
}

void hsmiam_module_settings_clear(hsmiam_module_settings *settings)
{
    *settings = (hsmiam_module_settings){.credential = NULL};
    the_bed.cleared++;
}

hsmiam_status hsmiam_place_is_meant(const hsmiam_place *place,
                                    const hsmiam_module_settings *settings, bool *meant_out,
                                    hsmiam_error *error)
{
    (void)settings;
    (void)error;
    assert_string_equal(place->module_path, "/mock.so");
    *meant_out = !the_bed.elsewhere;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_issuer_start(hsmiam_issuer *issuer, const hsmiam_place *place,
                                  const hsmiam_module_settings *settings, hsmiam_cancel_fn cancel,
                                  hsmiam_error *error)
{
    (void)error;
    assert_string_equal(settings->credential, "pkcs11:id=x");
    assert_string_equal(place->module_path, "/mock.so");
    assert_int_equal(place->slot, mock.slots[0].id);
    assert_memory_equal(&place->info, &mock.slots[0].token, sizeof place->info);
    issuer->modules[0] = place->behind;
    issuer->client = (hsmiam_client *)&the_bed;
    the_bed.cancel = cancel;
    the_bed.open++;
    return HSMIAM_OK;
}

void hsmiam_issuer_clear(hsmiam_issuer *issuer)
{
    the_bed.open -= issuer->modules[0] != NULL;
}

int64_t hsmiam_client_get_secret_arrival(const hsmiam_client *client)
{
    assert_ptr_equal(client, &the_bed);
    return the_bed.has_come ? 1 : 0;
}

struct hsmiam_access_key {
    char nothing;
};

hsmiam_status hsmiam_access_key_create(hsmiam_client *client, hsmiam_custody *custody,
                                       const char *user_name, hsmiam_access_key **key_out,
                                       hsmiam_error *error)
{
    (void)client;
    (void)custody;
    the_bed.issued++;
    (void)snprintf(the_bed.user_name, sizeof the_bed.user_name, "%s",
                   user_name != NULL ? user_name : "(none)");
    if (the_bed.meanwhile != NULL)
        the_bed.meanwhile();
    if (the_bed.status == HSMIAM_OK && the_bed.cancel(NULL))
        return hsmiam_error_set(error, HSMIAM_ERR_CANCELLED, "Stopped.");
    if (the_bed.status != HSMIAM_OK) {
        (void)hsmiam_error_set(error, the_bed.status, "The issue failed.");
        hsmiam_error_set_origin(error, the_bed.domain, the_bed.code, the_bed.code_name);
        return the_bed.status;
    }
    if (the_bed.makes)
        (void)mock_add_access_key(NEW_ID, "Bob", "hush/hush+hush/hush+hush/hush+hush/hush+");
    *key_out = calloc(1, sizeof **key_out);
    return HSMIAM_OK;
}

const char *hsmiam_access_key_get_id(const hsmiam_access_key *key)
{
    (void)key;
    return NEW_ID;
}

void hsmiam_access_key_free(hsmiam_access_key **key)
{
    free(*key);
    *key = NULL;
}

int bed_set_up(void **state)
{
    (void)state;
    mock_reset();
    the_bed = (bed){.behind = mock_get_modules()[0],
                    .mechanism = {CKM_HSMIAM_AWS_ACCESS_KEY, NULL, 0},
                    .has_credential = true,
                    .makes = true};
    bed_open_session(CKF_RW_SESSION);
    mock.logged_in = true;
    return 0;
}

int bed_tear_down(void **state)
{
    (void)state;
    assert_int_equal(the_bed.open, 0);
    assert_int_equal(mock_count_sessions(), 1);
    hsmiam_mechanism_end_session(the_bed.session);
    return 0;
}

void bed_open_session(CK_FLAGS flags)
{
    if (the_bed.session != CK_INVALID_HANDLE)
        (void)the_bed.behind->C_CloseSession(the_bed.session);
    assert_int_equal(the_bed.behind->C_OpenSession(mock.slots[0].id, CKF_SERIAL_SESSION | flags,
                                                   NULL, NULL, &the_bed.session),
                     CKR_OK);
}

CK_RV bed_generate(CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key_out)
{
    return hsmiam_mechanism_generate_key(the_bed.behind, the_bed.session, &the_bed.mechanism,
                                         template, count, key_out);
}

void bed_expect(CK_RV expected)
{
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;

    assert_int_equal(bed_generate(NULL, 0, &key), expected);
    assert_int_equal(key,
                     expected == CKR_OK ? mock_find(CKO_SECRET_KEY, NEW_ID) : CK_INVALID_HANDLE);
}
