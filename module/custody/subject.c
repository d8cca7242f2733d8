/* SPDX-License-Identifier: Apache-2.0 */
/* Whose keys are worked on: the lock on them, and the account. */
#include "custody/custody.h"

#include <time.h>

/* How long another process that works on the same user's keys is waited for. */
#define LOCK_SECONDS      60
#define LOCK_MILLISECONDS 20

hsmiam_status hsmiam_subject_wait_for_lock(const hsmiam_client *client, const hsmiam_ledger *ledger,
                                           const char *user_name, hsmiam_user_lock *lock,
                                           hsmiam_error *error)
{
    const struct timespec pause = {.tv_nsec = LOCK_MILLISECONDS * 1000000L};
    const char *subject = hsmiam_issue_get_subject(user_name);
    bool held = false;

    for (int i = 0; i < LOCK_SECONDS * 1000 / LOCK_MILLISECONDS; i++) {
        hsmiam_status status = hsmiam_user_lock_try(ledger, subject, lock, &held, error);
        if (status != HSMIAM_OK || held)
            return status;
        if (hsmiam_client_is_cancelled(client))
            return hsmiam_error_set(error, HSMIAM_ERR_CANCELLED,
                                    "Stopped while another process worked on the user's keys.");
        (void)nanosleep(&pause, NULL);
    }
    return hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                            "Another process has been working on the keys of %s for %d seconds; "
                            "nothing was done. Try again when it has ended.",
                            user_name != NULL ? user_name : "the credential's user", LOCK_SECONDS);
}

hsmiam_status hsmiam_subject_ask_caller(hsmiam_client *client, hsmiam_caller *caller_out,
                                        hsmiam_error *error)
{
    *caller_out = (hsmiam_caller){.account = ""};
    hsmiam_client_set_hurried(client, true);
    hsmiam_status status = hsmiam_client_get_caller(client, true, caller_out, error);
    hsmiam_client_set_hurried(client, false);
    if (status == HSMIAM_OK || status == HSMIAM_ERR_CANCELLED || status == HSMIAM_ERR_MEMORY)
        return status;
    hsmiam_log_write(hsmiam_client_get_log(client), HSMIAM_LOG_DEBUG,
                     "The account stays unknown: %s", hsmiam_error_get_message(error));
    hsmiam_error_clear(error);
    *caller_out = (hsmiam_caller){.account = ""};
    return HSMIAM_OK;
}
