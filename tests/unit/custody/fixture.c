/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "token/cryptoki.h"

/* Called on the preflight's thread as well. */
static void keep_line(void *context, hsmiam_log_level level, const char *line)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    fixture *fix = context;

    (void)pthread_mutex_lock(&lock);
    size_t used = strlen(fix->log);
    fix->notices += level == HSMIAM_LOG_NOTICE;
    (void)snprintf(fix->log + used, sizeof fix->log - used, "%s\n", line);
    (void)pthread_mutex_unlock(&lock);
}

static void drop_token(fixture *fix)
{
    hsmiam_custody_free(&fix->custody);
    hsmiam_signer_free(&fix->signer);
    hsmiam_token_free(&fix->token);
}

void fixture_name_token(fixture *fix, const char *uri)
{
    drop_token(fix);
    assert_int_equal(hsmiam_token_new(uri, &fix->token, fix->error), HSMIAM_OK);
    hsmiam_token_set_modules(fix->token, mock_get_modules());
    hsmiam_token_set_log(fix->token, keep_line, fix);
    assert_int_equal(hsmiam_signer_new(fix->token, "pkcs11:id=" ROOT_ID, &fix->signer, fix->error),
                     HSMIAM_OK);
    assert_int_equal(hsmiam_custody_new(fix->token, &fix->custody, fix->error), HSMIAM_OK);
    hsmiam_custody_set_log(fix->custody, keep_line, fix);
    fix->client.signer = fix->signer;
}

void fixture_start(fixture *fix)
{
    *fix = (fixture){.error = hsmiam_error_new()};
    assert_non_null(fix->error);
    mock_reset();
    (void)mock_add_access_key(ROOT_ID, "issuer", "root/secret");
    (void)mock_add_wrapping_pair();
    fix->client = (hsmiam_client){
        .own_user = "issuer", .new_id = NEW_ID, .new_secret = NEW_SECRET, .log = {keep_line, fix}};
    fake_iam_add_key(&fix->client, "issuer", ROOT_ID);
    fixture_name_token(fix, "pkcs11:token=mock%20token?pin-value=" MOCK_PIN);
}

static void expect_silence(const char *text)
{
    assert_null(strstr(text, NEW_SECRET));
    assert_null(strstr(text, "root/secret"));
    assert_null(strstr(text, MOCK_PIN));
}

void fixture_stop(fixture *fix)
{
    mock_stop_failing();
    expect_silence(fix->log);
    expect_silence(hsmiam_error_get_message(fix->error));
    if (fix->key != NULL)
        expect_silence(hsmiam_access_key_get_uri(fix->key));
    assert_false(mock_attributes_contain(NEW_SECRET));
    assert_false(mock_attributes_contain(MOCK_PIN));
    assert_null(fix->client.ready);

    hsmiam_access_key_free(&fix->key);
    drop_token(fix);
    assert_int_equal(mock_count_sessions(), 0);
    assert_int_equal(mock_count_session_objects(), 0);
    hsmiam_error_free(&fix->error);
    mock_reset();
}

int fixture_set_up(void **state)
{
    *state = calloc(1, sizeof(fixture));
    if (*state == NULL)
        return -1;
    fixture_start(*state);
    return 0;
}

int fixture_tear_down(void **state)
{
    fixture_stop(*state);
    free(*state);
    return 0;
}

hsmiam_status fixture_create(fixture *fix, const char *user_name)
{
    hsmiam_error_clear(fix->error);
    hsmiam_status status =
        hsmiam_access_key_create(&fix->client, fix->custody, user_name, &fix->key, fix->error);

    assert_int_equal(hsmiam_error_get_status(fix->error), status);
    assert_int_equal(fix->key != NULL, status == HSMIAM_OK);
    return status;
}

bool fixture_token_has(const char *id)
{
    const CK_ATTRIBUTE *value = mock_get_attribute(mock_find(CKO_SECRET_KEY, id), CKA_VALUE);

    return value != NULL && value->ulValueLen == strlen("AWS4" NEW_SECRET) &&
           memcmp(value->pValue, "AWS4" NEW_SECRET, value->ulValueLen) == 0;
}

void fixture_expect_message(const fixture *fix, const char *part)
{
    const char *message = hsmiam_error_get_message(fix->error);

    if (strstr(message, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, message);
}

void fixture_expect_no_message(const fixture *fix, const char *part)
{
    const char *message = hsmiam_error_get_message(fix->error);

    if (strstr(message, part) != NULL)
        fail_msg("\"%s\" is in: %s", part, message);
}
