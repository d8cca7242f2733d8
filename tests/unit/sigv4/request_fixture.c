/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_tests.h"

#include <stdlib.h>
#include <string.h>

#include "request_fixture.h"

#define TIME_2015 1440938160 /* 2015-08-30T12:36:00Z */

int fixture_set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);

    if (f == NULL)
        return -1;
    *state = f;
    f->token = (struct hsmiam_token)FAKE_TOKEN_EXAMPLE;
    f->error = hsmiam_error_new();
    if (f->error == NULL || hsmiam_signer_new(&f->token, NULL, &f->signer, NULL) != HSMIAM_OK ||
        hsmiam_request_new(&f->request, NULL) != HSMIAM_OK)
        return -1;
    return 0;
}

int fixture_tear_down(void **state)
{
    fixture *f = *state;

    hsmiam_request_free(&f->request);
    hsmiam_signer_free(&f->signer);
    hsmiam_error_free(&f->error);
    free(f);
    return 0;
}

void fixture_fill(fixture *f)
{
    assert_int_equal(hsmiam_request_set_url(f->request, "https://iam.amazonaws.com/", f->error),
                     HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_scope(f->request, "iam", "us-east-1", f->error), HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_time(f->request, TIME_2015, f->error), HSMIAM_OK);
}

void fixture_sign(fixture *f)
{
    assert_int_equal(hsmiam_request_sign(f->request, f->signer, f->error), HSMIAM_OK);
}

void fixture_add(fixture *f, const char *name, const char *value)
{
    assert_int_equal(hsmiam_request_add_header(f->request, name, value, f->error), HSMIAM_OK);
}

void fixture_assert_canonical_has(const fixture *f, const char *text)
{
    assert_non_null(strstr(hsmiam_request_get_canonical_request(f->request), text));
}
