/* SPDX-License-Identifier: Apache-2.0 */
/* The crew of a batch: who is given what, and when nobody begins anything more. */
#include "fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define USERS_MAX 512

/* What a test's batch does, and what it saw. The lock guards the rest. */
typedef struct plan {
    hsmiam_batch batch;
    size_t users;       /* how many there are */
    size_t handed_out;  /* so far */
    hsmiam_status fail; /* what the work for `fail_from` and later comes to, with `code` */
    size_t fail_from;
    size_t fail_to;
    const char *code;
    bool stops_at_first; /* the caller wants an end once one user is done */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned at_once; /* now, and at most */
    unsigned most;
    unsigned gather; /* wait until so many work at once */
    unsigned done[USERS_MAX];
    size_t done_count;
    hsmiam_client *clients[HSMIAM_BATCH_CONCURRENCY_MAX];
    size_t client_count;
    unsigned ticks;
    bool waits_for_tick; /* the work does, for the first one */
    bool names_are_slow; /* the second one comes when the first user is done, */
    bool name_is_awaited;
} plan;

static plan run;

static bool next(void *context, char name_out[HSMIAM_USER_NAME_SIZE])
{
    plan *mine = context;

    if (mine->handed_out == mine->users)
        return false;
    (void)pthread_mutex_lock(&mine->lock);
    mine->name_is_awaited = mine->handed_out > 0;
    (void)pthread_cond_broadcast(&mine->changed);
    while (mine->names_are_slow && mine->handed_out > mine->done_count)
        (void)pthread_cond_wait(&mine->changed, &mine->lock);
    (void)pthread_mutex_unlock(&mine->lock);
    (void)snprintf(name_out, HSMIAM_USER_NAME_SIZE, "user%zu", mine->handed_out++);
    return true;
}

static void note_client(plan *mine, hsmiam_client *client)
{
    for (size_t i = 0; i < mine->client_count; i++)
        if (mine->clients[i] == client)
            return;
    mine->clients[mine->client_count++] = client;
}

static hsmiam_status work(void *context, hsmiam_client *client, hsmiam_custody *custody,
                          const char *user_name, hsmiam_error *error)
{
    plan *mine = context;
    size_t user = strtoul(user_name + strlen("user"), NULL, 10);
    bool perhaps = false;

    (void)pthread_mutex_lock(&mine->lock);
    note_client(mine, client);
    mine->done[user]++;
    if (++mine->at_once > mine->most)
        mine->most = mine->at_once;
    (void)pthread_cond_broadcast(&mine->changed);
    while (mine->most < mine->gather || (mine->waits_for_tick && mine->ticks == 0) ||
           (mine->names_are_slow && !mine->name_is_awaited))
        (void)pthread_cond_wait(&mine->changed, &mine->lock);
    (void)pthread_mutex_unlock(&mine->lock);
    if (mine->names_are_slow)
        (void)hsmiam_client_is_cancelled(client);
    (void)pthread_mutex_lock(&mine->lock);
    mine->at_once--;
    mine->done_count++;
    (void)pthread_cond_broadcast(&mine->changed);
    (void)pthread_mutex_unlock(&mine->lock);
    if (hsmiam_custody_prepare(custody, error) != HSMIAM_OK || client->pace == NULL)
        return HSMIAM_ERR_INTERNAL;
    if (custody->watch != NULL &&
        hsmiam_ledger_watch_ask(custody->watch, user_name, &perhaps, error) != HSMIAM_OK)
        return HSMIAM_ERR_INTERNAL;
    if (user < mine->fail_from || user >= mine->fail_to || mine->fail == HSMIAM_OK)
        return HSMIAM_OK;
    hsmiam_status status =
        hsmiam_error_set(error, mine->fail, "That went wrong for user%zu.", user);
    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_SERVICE, 400, mine->code);
    return status;
}

static void tick(void *context)
{
    plan *mine = context;

    (void)pthread_mutex_lock(&mine->lock);
    mine->ticks++;
    (void)pthread_cond_broadcast(&mine->changed);
    (void)pthread_mutex_unlock(&mine->lock);
}

static bool wants_an_end(void *context)
{
    plan *mine = context;

    (void)pthread_mutex_lock(&mine->lock);
    bool end = mine->stops_at_first && mine->done_count > 0;
    (void)pthread_mutex_unlock(&mine->lock);
    return end;
}

/* A batch of so many users. */
static hsmiam_status run_batch(fixture *fix, size_t users, unsigned concurrency)
{
    run.users = users;
    run.batch = (hsmiam_batch){
        .next = next, .work = work, .tick = tick, .context = &run, .concurrency = concurrency};
    fix->client.cancel = wants_an_end;
    fix->client.cancel_context = &run;
    hsmiam_status status = hsmiam_batch_run(&fix->client, fix->custody, &run.batch, fix->error);
    assert_null(fix->custody->watch);
    for (size_t i = 0; i < users; i++)
        assert_true(run.done[i] <= 1);
    return status;
}

static int set_up(void **state)
{
    run = (plan){.fail_to = USERS_MAX};
    (void)pthread_mutex_init(&run.lock, NULL);
    (void)pthread_cond_init(&run.changed, NULL);
    return fixture_set_up(state);
}

static void everyone_has_a_turn(void **state)
{
    fixture *fix = *state;

    assert_int_equal(run_batch(fix, 300, 4), HSMIAM_OK);
    assert_int_equal(run.done_count, 300);
    assert_true(run.most <= 4);
    assert_true(run.client_count <= 4);
    for (size_t i = 0; i < run.client_count; i++)
        assert_ptr_not_equal(run.clients[i], &fix->client);
}

static void several_at_a_time(void **state)
{
    run.gather = 8;
    assert_int_equal(run_batch(*state, 16, 0), HSMIAM_OK);
    assert_int_equal(run.most, 8);
    assert_int_equal(run.client_count, 8);
}

static void ticks_meanwhile(void **state)
{
    run.waits_for_tick = true;
    assert_int_equal(run_batch(*state, 1, 1), HSMIAM_OK);
    assert_true(run.ticks > 0);
}

/* Who waits for a name does not hold up those at work, who ask meanwhile whether to stop. */
static void names_that_take_their_time(void **state)
{
    run.names_are_slow = true;
    assert_int_equal(run_batch(*state, 2, 2), HSMIAM_OK);
    assert_int_equal(run.done_count, 2);
}

static void nobody(void **state)
{
    assert_int_equal(run_batch(*state, 0, 0), HSMIAM_OK);
    assert_int_equal(run.done_count, 0);
}

static void too_many_threads(void **state)
{
    assert_int_equal(run_batch(*state, 1, HSMIAM_BATCH_CONCURRENCY_MAX + 1), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(run.done_count, 0);
}

/* What is wrong with one says nothing of the others. */
static void goes_on_after_a_failure(void **state)
{
    static const struct {
        hsmiam_status status;
        const char *code;
    } failures[] = {
        {HSMIAM_ERR_SERVICE, "NoSuchEntity"},
        {HSMIAM_ERR_SERVICE, "LimitExceeded"},
        {HSMIAM_ERR_SERVICE, "AccessDenied"},
        {HSMIAM_ERR_UNSETTLED, NULL},
        {HSMIAM_ERR_EXISTS, NULL},
        {HSMIAM_ERR_ARGUMENT, NULL},
    };

    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        run.handed_out = run.done_count = 0;
        memset(run.done, 0, sizeof run.done);
        run.fail = failures[i].status;
        run.code = failures[i].code;
        assert_int_equal(run_batch(*state, 30, 2), HSMIAM_OK);
        assert_int_equal(run.done_count, 30);
    }
}

static void stops_where_all_would_fail(void **state)
{
    static const struct {
        hsmiam_status status;
        const char *code;
    } failures[] = {
        {HSMIAM_ERR_TOKEN, NULL},   {HSMIAM_ERR_PIN, NULL},
        {HSMIAM_ERR_LEDGER, NULL},  {HSMIAM_ERR_IO, NULL},
        {HSMIAM_ERR_CUSTODY, NULL}, {HSMIAM_ERR_MEMORY, NULL},
        {HSMIAM_ERR_CONFIG, NULL},  {HSMIAM_ERR_SERVICE, "InvalidClientTokenId"},
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        run.handed_out = run.done_count = 0;
        memset(run.done, 0, sizeof run.done);
        run.fail = failures[i].status;
        run.code = failures[i].code;
        run.fail_from = 5;
        assert_int_equal(run_batch(fix, 300, 2), failures[i].status);
        assert_in_range(run.done_count, 6, 299);
        fixture_expect_message(fix, "That went wrong for user");
    }
}

static void stops_where_iam_is_out_of_reach(void **state)
{
    run.fail = HSMIAM_ERR_NETWORK;
    run.fail_from = 10;
    run.fail_to = 12; /* two in a row are not enough */
    assert_int_equal(run_batch(*state, 50, 1), HSMIAM_OK);
    assert_int_equal(run.done_count, 50);

    run.handed_out = run.done_count = 0;
    memset(run.done, 0, sizeof run.done);
    run.fail_to = 13;
    assert_int_equal(run_batch(*state, 50, 1), HSMIAM_ERR_NETWORK);
    assert_int_equal(run.done_count, 13);
}

static void stops_when_asked_to(void **state)
{
    run.stops_at_first = true;
    assert_int_equal(run_batch(*state, 300, 4), HSMIAM_ERR_CANCELLED);
    assert_in_range(run.done_count, 1, 8);
}

/* Nothing is begun that cannot end well. */
static void begins_nothing_without_a_token(void **state)
{
    fixture *fix = *state;

    fixture_name_token(fix, "pkcs11:token=another?pin-value=1234");
    assert_int_equal(run_batch(fix, 10, 2), HSMIAM_ERR_NOT_FOUND);
    assert_int_equal(run.handed_out, 0);
}

int main(void)
{
#define batch_test(test) cmocka_unit_test_setup_teardown(test, set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        batch_test(everyone_has_a_turn),
        batch_test(several_at_a_time),
        batch_test(ticks_meanwhile),
        batch_test(names_that_take_their_time),
        batch_test(nobody),
        batch_test(too_many_threads),
        batch_test(goes_on_after_a_failure),
        batch_test(stops_where_all_would_fail),
        batch_test(stops_where_iam_is_out_of_reach),
        batch_test(stops_when_asked_to),
        batch_test(begins_nothing_without_a_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
