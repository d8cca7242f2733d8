/* SPDX-License-Identifier: Apache-2.0 */
/* The chain inside the token: what is derived, what is left of it, and what a second request costs.
 * The signature is that of the AWS documentation. */
#include "support/cmocka_tests.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_token.h"
#include "sigv4/signer.h"

static const hsmiam_scope iam_scope = {"20150830", "us-east-1", "iam"};

static const char string_to_sign[] =
    "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
    "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";

static const char signature_hex[] =
    "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";

typedef struct bench {
    hsmiam_token token;
    hsmiam_signer *signer;
    hsmiam_error *error;
    size_t notices;
} bench;

static void count_notices(void *context, hsmiam_log_level level, const char *line)
{
    bench *on = context;

    assert_null(strstr(line, "wJalr"));
    on->notices += level == HSMIAM_LOG_NOTICE;
}

static void name_signer(bench *on)
{
    hsmiam_signer_free(&on->signer);
    assert_int_equal(hsmiam_signer_new(&on->token, NULL, &on->signer, on->error), HSMIAM_OK);
    hsmiam_signer_set_log(on->signer, count_notices, on);
}

static int set_up(void **state)
{
    bench *on = calloc(1, sizeof *on);

    if (on == NULL)
        return -1;
    on->token = (hsmiam_token)FAKE_TOKEN_EXAMPLE;
    on->token.use.derive = true;
    on->token.in_token = HSMIAM_IN_TOKEN_LIMITED;
    on->error = hsmiam_error_new();
    name_signer(on);
    *state = on;
    return 0;
}

/* Nothing derived is left in the token, whatever happened. */
static int tear_down(void **state)
{
    bench *on = *state;

    hsmiam_signer_free(&on->signer);
    assert_int_equal(on->token.objects, 0);
    hsmiam_error_free(&on->error);
    free(on);
    return 0;
}

static hsmiam_status sign(bench *on, const hsmiam_scope *scope, char *signature)
{
    hsmiam_error_clear(on->error);
    return hsmiam_signer_sign(on->signer, scope, string_to_sign, strlen(string_to_sign), signature,
                              on->error);
}

static void expect_signature(bench *on)
{
    char signature[HSMIAM_SIGNATURE_SIZE + 1] = "";

    assert_int_equal(sign(on, &iam_scope, signature), HSMIAM_OK);
    assert_string_equal(signature, signature_hex);
}

static void second_request_is_one_operation(void **state)
{
    bench *on = *state;

    assert_string_equal(hsmiam_signer_get_sigv4_route(on->signer), "");
    expect_signature(on);
    assert_string_equal(hsmiam_signer_get_sigv4_route(on->signer), "in-token");
    assert_int_equal(on->token.derivations, 4);
    assert_int_equal(on->token.signatures, 1);
    /* Each link is gone but the last. */
    assert_int_equal(on->token.destroyed, 3);
    assert_int_equal(on->token.objects, 1);

    expect_signature(on);
    assert_int_equal(on->token.derivations, 4);
    assert_int_equal(on->token.signatures, 2);
    assert_int_equal(on->token.found, 1);
    assert_int_equal(on->notices, 0);
}

static void another_scope_replaces_the_key(void **state)
{
    bench *on = *state;
    char first[HSMIAM_SIGNATURE_SIZE + 1] = "";
    const hsmiam_scope other = {"20150831", "us-east-1", "iam"};

    expect_signature(on);
    assert_int_equal(sign(on, &other, first), HSMIAM_OK);
    assert_string_not_equal(first, signature_hex);
    assert_int_equal(on->token.derivations, 8);
    assert_int_equal(on->token.objects, 1);
    expect_signature(on);
    assert_int_equal(on->token.objects, 1);
    hsmiam_signer_free(&on->signer);
    assert_int_equal(on->token.objects, 0);
    assert_int_equal(on->token.destroyed, 12);
}

/* Objects of the session before are gone with it, and so is the access key's handle. */
static void token_is_opened_anew(void **state)
{
    bench *on = *state;

    expect_signature(on);
    on->token.losses++;
    memset(on->token.derived, 0, sizeof on->token.derived);
    on->token.objects = 0;
    expect_signature(on);
    assert_int_equal(on->token.derivations, 8);
    assert_int_equal(on->token.found, 2);
    assert_int_equal(on->token.signatures, 2);
    /* What was gone was not destroyed: its handle may name another object now. */
    assert_int_equal(on->token.destroyed, 6);
}

static void object_was_taken_away(void **state)
{
    bench *on = *state;

    expect_signature(on);
    memset(on->token.derived, 0, sizeof on->token.derived);
    on->token.objects = 0;
    expect_signature(on);
    assert_int_equal(on->token.derivations, 8);
    /* If it is gone every time, that is a failure and no loop. */
    on->token.loses_objects = true;
    char signature[HSMIAM_SIGNATURE_SIZE + 1] = "";
    assert_int_equal(sign(on, &iam_scope, signature), HSMIAM_ERR_TOKEN);
    assert_string_equal(signature, "");
    on->token.loses_objects = false;
    memset(on->token.derived, 0, sizeof on->token.derived);
    on->token.objects = 0;
    expect_signature(on);
}

static void each_derivation_fails(void **state)
{
    bench *on = *state;
    char signature[HSMIAM_SIGNATURE_SIZE + 1] = "";

    for (unsigned call = 1; call <= 4; call++) {
        name_signer(on);
        on->token.derivations = 0;
        on->token.derive_status = HSMIAM_ERR_TOKEN;
        on->token.derive_fails_from = call;
        assert_int_equal(sign(on, &iam_scope, signature), HSMIAM_ERR_TOKEN);
        assert_string_equal(signature, "");
        assert_int_equal(on->token.objects, 0);
        on->token.derive_status = HSMIAM_OK;
        expect_signature(on);
    }
}

static void signs_without_an_error_record(void **state)
{
    bench *on = *state;
    char signature[HSMIAM_SIGNATURE_SIZE + 1] = "";

    assert_int_equal(hsmiam_signer_sign(on->signer, &iam_scope, string_to_sign,
                                        strlen(string_to_sign), signature, NULL),
                     HSMIAM_OK);
    assert_string_equal(signature, signature_hex);
    on->token.loses_objects = true;
    assert_int_equal(hsmiam_signer_sign(on->signer, &iam_scope, string_to_sign,
                                        strlen(string_to_sign), signature, NULL),
                     HSMIAM_ERR_TOKEN);
    on->token.loses_objects = false;
    memset(on->token.derived, 0, sizeof on->token.derived);
    on->token.objects = 0;
}

/* A child has neither the session nor the right to destroy what its parent signs with. */
static void forked_child_destroys_nothing(void **state)
{
    bench *on = *state;
    int result = 0;

    expect_signature(on);
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        char signature[HSMIAM_SIGNATURE_SIZE + 1] = "";
        bool refused = sign(on, &iam_scope, signature) == HSMIAM_ERR_INTERNAL;
        hsmiam_signer_free(&on->signer);
        _exit(refused && on->token.objects == 1 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
    expect_signature(on);
}

static void route_follows_the_key(void **state)
{
    static const struct {
        hsmiam_key_use use;
        hsmiam_in_token in_token;
        const char *route;
        size_t notices;
    } cases[] = {
        {{.derive = true}, HSMIAM_IN_TOKEN_LIMITED, "in-token", 0},
        {{.derive = true}, HSMIAM_IN_TOKEN_NO, "in-token", 0}, /* nothing else is possible */
        {{.sign = true}, HSMIAM_IN_TOKEN_NO, "sign", 0},
        {{.sign = true}, HSMIAM_IN_TOKEN_UNLIMITED, "sign", 0},
        {{.sign = true}, HSMIAM_IN_TOKEN_LIMITED, "sign", 1},
        {{.sign = true, .derive = true}, HSMIAM_IN_TOKEN_NO, "sign", 0},
        {{.sign = true, .derive = true}, HSMIAM_IN_TOKEN_UNLIMITED, "in-token", 0},
    };
    bench *on = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        on->notices = 0;
        on->token.use = cases[i].use;
        on->token.in_token = cases[i].in_token;
        name_signer(on);
        expect_signature(on);
        assert_string_equal(hsmiam_signer_get_sigv4_route(on->signer), cases[i].route);
        assert_int_equal(on->notices, cases[i].notices);
        assert_int_equal(on->token.objects, strcmp(cases[i].route, "in-token") == 0);
    }
    assert_string_equal(hsmiam_signer_get_sigv4_route(NULL), "");
}

static void bare_secret(void **state)
{
    bench *on = *state;
    char signature[HSMIAM_SIGNATURE_SIZE + 1] = "";

    on->token.bare = true;
    for (int in_token = 0; in_token < 2; in_token++) {
        on->token.in_token = in_token ? HSMIAM_IN_TOKEN_LIMITED : HSMIAM_IN_TOKEN_NO;
        name_signer(on);
        hsmiam_signer_set_bare_secret(on->signer, true);
        expect_signature(on);
        expect_signature(on);
        assert_string_equal(hsmiam_signer_get_sigv4_route(on->signer),
                            in_token ? "in-token" : "sign");
        assert_int_equal(on->token.objects, in_token);
        hsmiam_signer_free(&on->signer);
        assert_int_equal(on->token.objects, 0);
    }
    on->token.use = (hsmiam_key_use){.sign = true};
    name_signer(on);
    hsmiam_signer_set_bare_secret(on->signer, true);
    assert_int_equal(sign(on, &iam_scope, signature), HSMIAM_ERR_UNSUPPORTED);
    assert_non_null(strstr(hsmiam_error_get_message(on->error), "CKA_DERIVE is false"));
}

#define in_token_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_token_test(second_request_is_one_operation),
        in_token_test(another_scope_replaces_the_key),
        in_token_test(token_is_opened_anew),
        in_token_test(object_was_taken_away),
        in_token_test(each_derivation_fails),
        in_token_test(signs_without_an_error_record),
        in_token_test(forked_child_destroys_nothing),
        in_token_test(route_follows_the_key),
        in_token_test(bare_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
