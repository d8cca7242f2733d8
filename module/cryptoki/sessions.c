/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki/sessions.h"

#include "cryptoki/mechanism.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct opened {
    CK_SESSION_HANDLE session;
    CK_SLOT_ID slot;
} opened;

static pthread_mutex_t in_list = PTHREAD_MUTEX_INITIALIZER;
static opened *list;
static size_t count;
static size_t room;

static bool grow(void)
{
    size_t more = room == 0 ? 8 : 2 * room;
    opened *grown = reallocarray(list, more, sizeof *list);

    if (grown == NULL)
        return false;
    list = grown;
    room = more;
    return true;
}

static bool add(CK_SESSION_HANDLE session, CK_SLOT_ID slot)
{
    (void)pthread_mutex_lock(&in_list);
    bool added = count < room || grow();
    if (added)
        list[count++] = (opened){.session = session, .slot = slot};
    (void)pthread_mutex_unlock(&in_list);
    return added;
}

/* Takes one out of the list: that session, or, with NULL, the last one with the slot, or, with NULL
 * again, the last one. False: there is none. */
static bool take(const CK_SESSION_HANDLE *session, const CK_SLOT_ID *slot, opened *taken_out)
{
    bool found = false;

    (void)pthread_mutex_lock(&in_list);
    for (size_t i = count; i > 0 && !found; i--) {
        found = (session == NULL || list[i - 1].session == *session) &&
                (slot == NULL || list[i - 1].slot == *slot);
        if (found) {
            *taken_out = list[i - 1];
            list[i - 1] = list[--count];
        }
    }
    (void)pthread_mutex_unlock(&in_list);
    return found;
}

/* The module behind closes sessions by itself when a token is taken out. What was known by a handle
 * that a new session gets is then one's that is gone. */
static void forget(CK_SESSION_HANDLE session)
{
    opened gone = {0};

    (void)take(&session, NULL, &gone);
    hsmiam_mechanism_end_session(session);
}

CK_RV hsmiam_sessions_open(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot, CK_FLAGS flags,
                           void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *session_out)
{
    CK_RV rv = behind->C_OpenSession(slot, flags, application, notify, session_out);

    if (rv != CKR_OK)
        return rv;
    forget(*session_out);
    if (add(*session_out, slot))
        return rv;
    (void)behind->C_CloseSession(*session_out);
    return CKR_HOST_MEMORY;
}

static bool is_gone(CK_RV rv)
{
    return rv == CKR_OK || rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_SESSION_CLOSED;
}

/* It leaves the list first, for once it is closed another one may get its handle. */
CK_RV hsmiam_sessions_close(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session)
{
    opened taken = {0};
    bool is_ours = take(&session, NULL, &taken);

    hsmiam_mechanism_end_session(session);
    CK_RV rv = behind->C_CloseSession(session);
    if (is_ours && !is_gone(rv))
        (void)add(session, taken.slot); /* there is room, for it has just left */
    return rv;
}

CK_RV hsmiam_sessions_close_all(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot)
{
    CK_SLOT_INFO info;
    CK_RV first = behind->C_GetSlotInfo(slot, &info);
    opened taken = {0};

    while (take(NULL, &slot, &taken)) {
        hsmiam_mechanism_end_session(taken.session);
        CK_RV rv = behind->C_CloseSession(taken.session);
        if (first == CKR_OK && !is_gone(rv))
            first = rv;
    }
    return first;
}

void hsmiam_sessions_end(CK_FUNCTION_LIST *behind)
{
    opened taken = {0};

    while (take(NULL, NULL, &taken)) {
        hsmiam_mechanism_end_session(taken.session);
        (void)behind->C_CloseSession(taken.session);
    }
    (void)pthread_mutex_lock(&in_list);
    free(list);
    list = NULL;
    room = 0;
    (void)pthread_mutex_unlock(&in_list);
}

void hsmiam_sessions_forget(void)
{
    static const pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;

    in_list = fresh;
    count = 0;
}
