/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that are given words of their own in C_Initialize, such as NSS's parameter string.
 *
 * p11-kit passes such words for modules of its configuration only, so a module named by its path is
 * initialised here. That is done once a process, whoever else uses the module; hence the list. */
#include "token/cryptoki.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct instance {
    struct instance *next;
    CK_FUNCTION_LIST *functions;
    char *words;
    size_t users;
    bool ours; /* nobody else in this process had initialised the module before */
} instance;

static pthread_mutex_t in_list = PTHREAD_MUTEX_INITIALIZER;
static instance *first;
static pid_t process; /* whose list it is */

/* NSS has one pointer more than PKCS#11, which it wants to be NULL. */
typedef struct initialisation {
    CK_C_INITIALIZE_ARGS standard;
    void *of_nss;
} initialisation;

/* A forked child has initialised no module yet, whatever its parent had (PKCS#11, C_Initialize). */
static void forget_parents(void)
{
    if (process == getpid())
        return;
    process = getpid();
    while (first != NULL) {
        instance *next = first->next;
        free(first->words);
        free(first);
        first = next;
    }
}

static instance *find(const CK_FUNCTION_LIST *functions)
{
    instance *found = first;

    while (found != NULL && found->functions != functions)
        found = found->next;
    return found;
}

static CK_RV initialise(CK_FUNCTION_LIST *functions, const char *words)
{
    instance *made = calloc(1, sizeof *made);
    char *copy = strdup(words);
    initialisation arguments = {.standard = {.flags = CKF_OS_LOCKING_OK, .pReserved = copy}};

    if (made == NULL || copy == NULL) {
        free(made);
        free(copy);
        return CKR_HOST_MEMORY;
    }
    CK_RV rv = functions->C_Initialize(&arguments);
    if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        free(made);
        free(copy);
        return rv;
    }
    *made = (instance){
        .next = first, .functions = functions, .words = copy, .users = 1, .ours = rv == CKR_OK};
    first = made;
    return CKR_OK;
}

CK_RV hsmiam_instance_acquire(CK_FUNCTION_LIST *functions, const char *words)
{
    CK_RV rv = CKR_OK;

    (void)pthread_mutex_lock(&in_list);
    forget_parents();
    instance *found = find(functions);
    if (found == NULL)
        rv = initialise(functions, words);
    else if (strcmp(found->words, words) == 0)
        found->users++;
    else
        rv = CKR_CRYPTOKI_ALREADY_INITIALIZED;
    (void)pthread_mutex_unlock(&in_list);
    return rv;
}

void hsmiam_instance_release(CK_FUNCTION_LIST *functions)
{
    (void)pthread_mutex_lock(&in_list);
    forget_parents();
    instance **link = &first;
    while (*link != NULL && (*link)->functions != functions)
        link = &(*link)->next;
    instance *found = *link;
    if (found != NULL && --found->users == 0) {
        *link = found->next;
        if (found->ours)
            (void)functions->C_Finalize(NULL);
        free(found->words);
        free(found);
    }
    (void)pthread_mutex_unlock(&in_list);
}
