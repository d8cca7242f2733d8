/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki/behind.h"

#include "cryptoki/load.h"
#include "cryptoki/mechanism.h"
#include "cryptoki/message.h"
#include "cryptoki/sessions.h"

#include <p11-kit/p11-kit.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* It is initialised and finalised by the list that p11-kit makes of it, which counts who uses it,
 * and used by its own. */
static struct {
    pthread_mutex_t changing; /* finds out if a module behind leads back to here */
    pthread_mutex_t loading;  /* of `loaded`; never held while p11-kit is called, which asks for
                                 the interfaces under a lock of its own */
    pid_t process;            /* that initialised it */
    hsmiam_loaded loaded;
    CK_FUNCTION_LIST *counted; /* p11-kit's list; NULL: there is none yet */
    bool is_apart; /* the list in use has a state of its own, which p11-kit does not count */
    bool may_start_threads;
    atomic_bool initialised;
} behind = {.changing = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP,
            .loading = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP};

CK_FUNCTION_LIST *hsmiam_behind_get_functions(bool of_3)
{
    if (!atomic_load_explicit(&behind.initialised, memory_order_acquire))
        return NULL;
    return of_3 ? behind.loaded.functions_3 : behind.loaded.functions;
}

const char *hsmiam_behind_get_path(void)
{
    return atomic_load(&behind.initialised) ? behind.loaded.path : NULL;
}

bool hsmiam_behind_may_start_threads(void)
{
    return behind.may_start_threads;
}

/* In a forked child, a thread that is not there may hold the lock, and nothing is initialised. What
 * p11-kit counted was the parent's: only its older function takes that back. */
static void forget_parents(void)
{
    static const pthread_mutex_t fresh = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

    if (!atomic_load(&behind.initialised) || behind.process == getpid())
        return;
    behind.changing = fresh;
    behind.loading = fresh;
    atomic_store(&behind.initialised, false);
    behind.is_apart = false;
    hsmiam_message_forget();
    hsmiam_sessions_forget();
    hsmiam_mechanism_forget();
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    (void)p11_kit_finalize_module(behind.loaded.functions);
#pragma GCC diagnostic pop
}

CK_ULONG hsmiam_behind_get_interfaces(const CK_INTERFACE **interfaces_out)
{
    CK_ULONG count = 0;

    if (pthread_mutex_lock(&behind.loading) != 0)
        return 0;
    /* Why it cannot be loaded is said by C_Initialize. */
    if (hsmiam_load(&behind.loaded, NULL) == HSMIAM_OK) {
        *interfaces_out = behind.loaded.interfaces;
        count = behind.loaded.interface_count;
    }
    (void)pthread_mutex_unlock(&behind.loading);
    return count;
}

/* With the words that the settings have for it, if the program has none. */
static CK_RV initialise_by(CK_FUNCTION_LIST *functions, const CK_C_INITIALIZE_ARGS *arguments)
{
    /* NSS has one pointer more than PKCS#11, which it wants to be NULL. */
    struct {
        CK_C_INITIALIZE_ARGS standard;
        void *of_nss;
    } with_words = {.standard = {.flags = CKF_OS_LOCKING_OK}};
    const void *given = arguments;

    if (behind.loaded.words != NULL && (arguments == NULL || arguments->pReserved == NULL)) {
        if (arguments != NULL)
            with_words.standard = *arguments;
        with_words.standard.pReserved = behind.loaded.words;
        given = &with_words;
    }
    return functions->C_Initialize((void *)given);
}

/* What p11-kit initialises is the list that it has got. Its own remoting (p11-kit-client.so) makes
 * another one for everybody who asks, with a connection of its own. */
static CK_RV initialise_all(const CK_C_INITIALIZE_ARGS *arguments)
{
    CK_INFO info;

    CK_RV rv = initialise_by(behind.counted, arguments);
    if (rv != CKR_OK || behind.loaded.functions->C_GetInfo(&info) != CKR_CRYPTOKI_NOT_INITIALIZED)
        return rv;
    rv = initialise_by(behind.loaded.functions, arguments);
    behind.is_apart = rv == CKR_OK;
    if (rv != CKR_OK)
        (void)behind.counted->C_Finalize(NULL);
    return rv;
}

static void say_that_it_leads_back(void)
{
    hsmiam_message_write(
        "The module \"%s\" leads back to this one; name the HSM's own module in the "
        "profile's hsmiam_token.",
        behind.loaded.path != NULL ? behind.loaded.path : "behind");
}

static CK_RV load(void)
{
    hsmiam_error *error = NULL;

    if (pthread_mutex_lock(&behind.loading) != 0) {
        say_that_it_leads_back();
        return CKR_GENERAL_ERROR;
    }
    error = hsmiam_error_new();
    hsmiam_status status = hsmiam_load(&behind.loaded, error);
    (void)pthread_mutex_unlock(&behind.loading);
    if (status != HSMIAM_OK)
        hsmiam_message_write_error(error);
    hsmiam_error_free(&error);
    if (status == HSMIAM_ERR_MEMORY)
        return CKR_HOST_MEMORY;
    return status == HSMIAM_OK ? CKR_OK : CKR_GENERAL_ERROR;
}

static CK_RV initialise(const CK_C_INITIALIZE_ARGS *arguments)
{
    if (atomic_load(&behind.initialised))
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    CK_RV rv = load();
    if (rv != CKR_OK)
        return rv;
    if (behind.counted == NULL) /* a forked child goes on with its parent's */
        behind.counted = p11_kit_module_load(behind.loaded.path, 0);
    if (behind.counted == NULL) {
        hsmiam_message_write("p11-kit cannot load the module \"%s\".", behind.loaded.path);
        return CKR_GENERAL_ERROR;
    }
    rv = initialise_all(arguments);
    if (rv == CKR_OK) {
        behind.process = getpid();
        behind.may_start_threads =
            arguments == NULL || (arguments->flags & CKF_LIBRARY_CANT_CREATE_OS_THREADS) == 0;
        atomic_store(&behind.initialised, true);
    } else {
        p11_kit_module_release(behind.counted);
        behind.counted = NULL;
    }
    return rv;
}

CK_RV hsmiam_behind_initialize(CK_C_INITIALIZE_ARGS *arguments)
{
    forget_parents();
    if (pthread_mutex_lock(&behind.changing) != 0) {
        say_that_it_leads_back();
        return CKR_GENERAL_ERROR;
    }
    CK_RV rv = initialise(arguments);
    (void)pthread_mutex_unlock(&behind.changing);
    return rv;
}

static CK_RV finalise(void *reserved)
{
    if (!atomic_load(&behind.initialised))
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (reserved != NULL)
        return CKR_ARGUMENTS_BAD;
    hsmiam_sessions_end(behind.loaded.functions);
    atomic_store(&behind.initialised, false);
    if (behind.is_apart)
        (void)behind.loaded.functions->C_Finalize(NULL);
    behind.is_apart = false;
    CK_RV rv = behind.counted->C_Finalize(NULL);
    p11_kit_module_release(behind.counted);
    behind.counted = NULL;
    return rv;
}

CK_RV hsmiam_behind_finalize(void *reserved)
{
    forget_parents();
    if (reserved == NULL && atomic_load(&behind.initialised))
        hsmiam_mechanism_end();
    if (pthread_mutex_lock(&behind.changing) != 0)
        return CKR_GENERAL_ERROR;
    CK_RV rv = finalise(reserved);
    (void)pthread_mutex_unlock(&behind.changing);
    return rv;
}
