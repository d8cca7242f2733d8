/* SPDX-License-Identifier: Apache-2.0 */
/* SoftHSM, called by one thread at a time.
 *
 * It says that it may be called by many. But whoever reads an object while another thread makes one
 * has it read its directory anew, and if the new file is not in the list of either yet, SoftHSM
 * forgets it or counts it twice: C_UnwrapKey fails in the middle and leaves an object without a
 * value, an id and a label in the token, or a key is found twice (measured on 2.6.1). The module is
 * one for the whole process, and so is this. */
#include "token/session.h"

#include <string.h>
#include <unistd.h>

static pthread_mutex_t alone = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static _Atomic(pid_t) process; /* that uses it */

bool hsmiam_alone_is_needed(const CK_TOKEN_INFO *info)
{
    static const char model[] = "SoftHSM";

    return memcmp(info->model, model, sizeof model - 1) == 0;
}

/* In a forked child, a thread that is not there may hold it. */
static void forget_parents(void)
{
    static const pthread_mutex_t fresh = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
    pid_t before = atomic_load(&process);

    if (before != getpid() && atomic_compare_exchange_strong(&process, &before, getpid()) &&
        before != 0)
        alone = fresh;
}

void hsmiam_alone_begin(void)
{
    forget_parents();
    (void)pthread_mutex_lock(&alone);
}

void hsmiam_alone_end(void)
{
    (void)pthread_mutex_unlock(&alone);
}
