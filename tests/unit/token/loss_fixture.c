/* SPDX-License-Identifier: Apache-2.0 */
#include "loss_fixture.h"

#include <string.h>

const hsmiam_key_spec loss_spec = {
    .id = LOSS_ID, .label = "alice", .created = 1440938160, .persistent = true};

hsmiam_object loss_find_key(fixture *fix)
{
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1] = "";
    hsmiam_object key = CK_INVALID_HANDLE;

    assert_int_equal(hsmiam_token_find_access_key(fix->token, NULL, &key, id, fix->error),
                     HSMIAM_OK);
    assert_string_equal(id, LOSS_ID);
    return key;
}

hsmiam_object loss_open_with_key(fixture *fix)
{
    (void)fixture_open_token(fix);
    (void)mock_add_access_key(LOSS_ID, "alice", LOSS_SECRET);
    return loss_find_key(fix);
}

hsmiam_status loss_hmac(fixture *fix, hsmiam_object key)
{
    hsmiam_secret *mac = NULL;

    hsmiam_error_clear(fix->error);
    assert_int_equal(hsmiam_secret_new(HSMIAM_HMAC_SIZE, &mac, fix->error), HSMIAM_OK);
    hsmiam_status status = hsmiam_token_hmac(fix->token, key, "data", 4, mac, fix->error);
    if (status == HSMIAM_OK)
        assert_int_equal(hsmiam_secret_get_size(mac), HSMIAM_HMAC_SIZE);
    hsmiam_secret_free(&mac);
    return status;
}

hsmiam_status loss_import_key(fixture *fix, hsmiam_object *object_out)
{
    hsmiam_secret *value = NULL;

    hsmiam_error_clear(fix->error);
    assert_int_equal(hsmiam_secret_new(64, &value, fix->error), HSMIAM_OK);
    assert_true(hsmiam_secret_append(value, "AWS4" LOSS_SECRET, strlen("AWS4" LOSS_SECRET)));
    hsmiam_status status = hsmiam_token_import_key(fix->token, HSMIAM_ROUTE_CREATE_OBJECT,
                                                   &loss_spec, value, object_out, fix->error);
    hsmiam_secret_free(&value);
    return status;
}
