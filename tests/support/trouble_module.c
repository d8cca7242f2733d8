/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS#11 module that makes trouble: it passes calls on to another module, but for those that it
 * is told of.
 *
 * TROUBLE_MODULE: the other module's path.
 *
 * TROUBLE_LOG: a file that each call's name is appended to, and "!" for one that is in trouble.
 * TROUBLE_LOG_BRIEF: set, if only those that are in trouble are to be logged.
 *
 * TROUBLE: FUNCTION:CALL:WHAT, several of them with commas between. CALL counts from 1; with a +
 * behind it, every call from there on. WHAT is one of
 *   a CK_RV      that is returned instead
 *   late CK_RV   in one word: returned after the call was carried out
 *   kill         SIGKILL before the call; latekill: after it
 *   hang         for ever
 *   sleep        two seconds before the call
 *   logout       before the call; close: all sessions
 *   none         there are no mechanisms (C_GetMechanismList, C_GetMechanismInfo)
 *   all          there is every one (C_GetMechanismInfo)
 */
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORDERS_MAX 8

typedef enum trouble {
    TROUBLE_NONE,
    TROUBLE_INSTEAD,
    TROUBLE_LATE,
    TROUBLE_KILL,
    TROUBLE_LATE_KILL,
    TROUBLE_HANG,
    TROUBLE_SLEEP,
    TROUBLE_LOGOUT,
    TROUBLE_CLOSE,
    TROUBLE_NO_MECHANISMS,
    TROUBLE_ALL_MECHANISMS
} trouble;

typedef struct order {
    char function[40];
    unsigned call;
    bool on; /* and so on */
    trouble what;
    CK_RV rv;
    unsigned calls; /* so far */
} order;

static CK_FUNCTION_LIST *real;
static order orders[ORDERS_MAX];
static size_t order_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static CK_SLOT_ID last_slot; /* in which a session was opened */

static bool parse_what(const char *text, order *to)
{
    static const struct {
        const char *word;
        trouble what;
    } words[] = {{"kill", TROUBLE_KILL},          {"latekill", TROUBLE_LATE_KILL},
                 {"hang", TROUBLE_HANG},          {"sleep", TROUBLE_SLEEP},
                 {"logout", TROUBLE_LOGOUT},      {"close", TROUBLE_CLOSE},
                 {"none", TROUBLE_NO_MECHANISMS}, {"all", TROUBLE_ALL_MECHANISMS}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i].word) == 0) {
            to->what = words[i].what;
            return true;
        }
    to->what = strncmp(text, "late", 4) == 0 ? TROUBLE_LATE : TROUBLE_INSTEAD;
    to->rv = strtoul(to->what == TROUBLE_LATE ? text + 4 : text, NULL, 0);
    return to->rv != CKR_OK;
}

static bool parse_order(char *text)
{
    order *to = &orders[order_count];
    char *call = strchr(text, ':');
    char *what = call != NULL ? strchr(call + 1, ':') : NULL;

    if (what == NULL || order_count == ORDERS_MAX)
        return false;
    *call++ = '\0';
    *what++ = '\0';
    *to = (order){.call = (unsigned)strtoul(call, NULL, 10), .on = strchr(call, '+') != NULL};
    (void)snprintf(to->function, sizeof to->function, "%s", text);
    order_count++;
    return to->call > 0 && parse_what(what, to);
}

static bool parse_orders(void)
{
    const char *given = getenv("TROUBLE");
    char *copy = strdup(given != NULL ? given : "");
    char *rest = NULL;
    bool right = copy != NULL;

    for (char *one = right ? strtok_r(copy, ",", &rest) : NULL; right && one != NULL;
         one = strtok_r(NULL, ",", &rest))
        right = parse_order(one);
    free(copy);
    return right;
}

static void log_call(const char *function)
{
    const char *path = getenv("TROUBLE_LOG");
    FILE *file = path != NULL ? fopen(path, "a") : NULL;

    if (file != NULL) {
        (void)fprintf(file, "%s\n", function);
        (void)fclose(file);
    }
}

/* What this call of the function is to suffer. */
static order next_trouble(const char *function)
{
    order found = {.what = TROUBLE_NONE};

    (void)pthread_mutex_lock(&lock);
    bool logged = getenv("TROUBLE_LOG_BRIEF") == NULL;
    if (logged)
        log_call(function);
    for (size_t i = 0; i < order_count; i++) {
        if (strcmp(orders[i].function, function) != 0)
            continue;
        orders[i].calls++;
        if (orders[i].calls == orders[i].call || (orders[i].on && orders[i].calls > orders[i].call))
            found = orders[i];
    }
    if (found.what != TROUBLE_NONE && !logged)
        log_call(function);
    if (found.what != TROUBLE_NONE)
        log_call("!");
    (void)pthread_mutex_unlock(&lock);
    return found;
}

/* True if the call is to be passed on. */
static bool suffer(const order *trouble_now, CK_SESSION_HANDLE session)
{
    switch (trouble_now->what) {
    case TROUBLE_KILL:
        (void)raise(SIGKILL);
        return false;
    case TROUBLE_HANG:
        for (;;)
            (void)pause();
    case TROUBLE_SLEEP:
        (void)sleep(2);
        return true;
    case TROUBLE_LOGOUT:
        (void)real->C_Logout(session);
        return true;
    case TROUBLE_CLOSE:
        (void)real->C_CloseAllSessions(last_slot);
        return true;
    default:
        return trouble_now->what != TROUBLE_INSTEAD;
    }
}

/* What the caller gets to hear of a call that was carried out, if anything. */
static CK_RV finish(const order *trouble_now, CK_RV rv)
{
    if (trouble_now->what == TROUBLE_LATE_KILL)
        (void)raise(SIGKILL);
    return trouble_now->what == TROUBLE_LATE ? trouble_now->rv : rv;
}

#define PASS(name, session, parameters, arguments)                                                 \
    static CK_RV name##_troubled parameters                                                        \
    {                                                                                              \
        const order now = next_trouble(#name);                                                     \
        return suffer(&now, session) ? finish(&now, real->name arguments) : now.rv;                \
    }

#define TROUBLE_CALL PASS
#include "trouble_calls.h"
#undef TROUBLE_CALL

static CK_RV C_OpenSession_troubled(CK_SLOT_ID slot, CK_FLAGS flags, void *application,
                                    CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
    const order now = next_trouble("C_OpenSession");

    if (!suffer(&now, 0))
        return now.rv;
    last_slot = slot;
    return finish(&now, real->C_OpenSession(slot, flags, application, notify, session));
}

static CK_RV C_GetMechanismList_troubled(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    const order now = next_trouble("C_GetMechanismList");

    if (!suffer(&now, 0))
        return now.rv;
    if (now.what != TROUBLE_NO_MECHANISMS)
        return finish(&now, real->C_GetMechanismList(slot, list, count));
    *count = 0;
    return CKR_OK;
}

static CK_RV C_GetMechanismInfo_troubled(CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
                                         CK_MECHANISM_INFO *info)
{
    const order now = next_trouble("C_GetMechanismInfo");

    if (!suffer(&now, 0))
        return now.rv;
    if (now.what == TROUBLE_NO_MECHANISMS)
        return CKR_MECHANISM_INVALID;
    if (now.what != TROUBLE_ALL_MECHANISMS)
        return finish(&now, real->C_GetMechanismInfo(slot, type, info));
    *info = (CK_MECHANISM_INFO){.ulMaxKeySize = 4096, .flags = ~0UL};
    return CKR_OK;
}

static bool load_real(void)
{
    const char *path = getenv("TROUBLE_MODULE");
    void *library = path != NULL ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList get_list = NULL;

    if (library != NULL)
        *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    return get_list != NULL && get_list(&real) == CKR_OK && parse_orders();
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list_out)
{
    static CK_FUNCTION_LIST functions;

    if (real == NULL && !load_real())
        return CKR_GENERAL_ERROR;
    functions = *real;
    functions.C_OpenSession = C_OpenSession_troubled;
    functions.C_GetMechanismList = C_GetMechanismList_troubled;
    functions.C_GetMechanismInfo = C_GetMechanismInfo_troubled;
#define TROUBLE_CALL(name, session, parameters, arguments) functions.name = name##_troubled;
#include "trouble_calls.h"
    *list_out = &functions;
    return CKR_OK;
}
