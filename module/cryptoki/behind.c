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

/* It is initialised in one of two ways. By p11-kit, which counts who uses it, libhsmiam and other
 * instances among them; but p11-kit does not pass on what C_Initialize was given. Or, where that
 * matters, by ourselves with what we were given: then others may join, and the module behind is
 * finalised when we are. */
static struct {
    pthread_mutex_t changing; /* finds out if a module behind leads back to here */
    pid_t process;            /* that initialised it */
    hsmiam_loaded loaded;
    CK_FUNCTION_LIST *counted; /* by p11-kit; NULL: by none */
    bool is_ours;              /* initialised with what we were given */
    atomic_bool initialised;
} behind = {.changing = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP};

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

bool hsmiam_behind_has_credential(void)
{
    return behind.loaded.has_credential;
}

/* In a forked child, a thread that is not there may hold the lock, nothing is initialised, and what
 * p11-kit counted was the parent's. */
static void forget_parents(void)
{
    static const pthread_mutex_t fresh = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

    if (!atomic_load(&behind.initialised) || behind.process == getpid())
        return;
    behind.changing = fresh;
    atomic_store(&behind.initialised, false);
    behind.is_ours = false;
    hsmiam_sessions_forget();
    hsmiam_mechanism_forget();
    if (behind.counted != NULL) {
        (void)p11_kit_module_finalize(behind.counted);
        p11_kit_module_release(behind.counted);
        behind.counted = NULL;
    }
}

CK_ULONG hsmiam_behind_get_interfaces(const CK_INTERFACE **interfaces_out)
{
    CK_ULONG count = 0;

    if (pthread_mutex_lock(&behind.changing) != 0)
        return 0;
    /* Why it cannot be loaded is said by C_Initialize. */
    if (hsmiam_load(&behind.loaded, NULL) == HSMIAM_OK) {
        *interfaces_out = behind.loaded.interfaces;
        count = behind.loaded.interface_count;
    }
    (void)pthread_mutex_unlock(&behind.changing);
    return count;
}

/* Whether p11-kit's own arguments (it allows threads, and the system's locks) serve as well. */
static bool may_be_counted(const CK_C_INITIALIZE_ARGS *arguments)
{
    if (behind.loaded.words != NULL)
        return false;
    if (arguments == NULL)
        return true;
    bool has_none = arguments->CreateMutex == NULL && arguments->DestroyMutex == NULL &&
                    arguments->LockMutex == NULL && arguments->UnlockMutex == NULL;
    bool has_all = arguments->CreateMutex != NULL && arguments->DestroyMutex != NULL &&
                   arguments->LockMutex != NULL && arguments->UnlockMutex != NULL;

    if (arguments->pReserved != NULL || (arguments->flags & ~CKF_OS_LOCKING_OK) != 0)
        return false;
    return has_none || (has_all && arguments->flags == CKF_OS_LOCKING_OK);
}

static CK_RV initialise_counted(void)
{
    behind.counted = p11_kit_module_load(behind.loaded.path, P11_KIT_MODULE_UNMANAGED);
    if (behind.counted == NULL)
        return CKR_GENERAL_ERROR;
    CK_RV rv = p11_kit_module_initialize(behind.counted);
    if (rv != CKR_OK) {
        p11_kit_module_release(behind.counted);
        behind.counted = NULL;
    }
    return rv;
}

static CK_RV initialise_ours(const CK_C_INITIALIZE_ARGS *arguments)
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
    CK_RV rv = behind.loaded.functions->C_Initialize((void *)given);
    behind.is_ours = rv == CKR_OK;
    return rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : rv;
}

static bool load(void)
{
    hsmiam_error *error = hsmiam_error_new();
    bool loaded = hsmiam_load(&behind.loaded, error) == HSMIAM_OK;

    if (!loaded)
        hsmiam_message_write_error(error);
    hsmiam_error_free(&error);
    return loaded;
}

static CK_RV initialise(const CK_C_INITIALIZE_ARGS *arguments)
{
    if (atomic_load(&behind.initialised))
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    if (!load())
        return CKR_GENERAL_ERROR;
    CK_RV rv = may_be_counted(arguments) ? initialise_counted() : initialise_ours(arguments);
    if (rv == CKR_OK) {
        behind.process = getpid();
        atomic_store(&behind.initialised, true);
    }
    return rv;
}

CK_RV hsmiam_behind_initialize(CK_C_INITIALIZE_ARGS *arguments)
{
    forget_parents();
    if (pthread_mutex_lock(&behind.changing) != 0) {
        hsmiam_message_write("The module \"%s\" leads back to this one; name the HSM's own module "
                             "in the profile's hsmiam_token.",
                             behind.loaded.path);
        return CKR_GENERAL_ERROR;
    }
    CK_RV rv = initialise(arguments);
    (void)pthread_mutex_unlock(&behind.changing);
    return rv;
}

static CK_RV finalise(void *reserved)
{
    CK_FUNCTION_LIST *functions = behind.loaded.functions;
    CK_RV rv = CKR_OK;

    if (!atomic_load(&behind.initialised))
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (reserved != NULL)
        return CKR_ARGUMENTS_BAD;
    hsmiam_sessions_end(functions);
    hsmiam_mechanism_end();
    atomic_store(&behind.initialised, false);
    if (behind.counted != NULL) {
        rv = p11_kit_module_finalize(behind.counted);
        p11_kit_module_release(behind.counted);
        behind.counted = NULL;
    } else if (behind.is_ours) {
        rv = functions->C_Finalize(NULL);
        behind.is_ours = false;
    }
    return rv;
}

CK_RV hsmiam_behind_finalize(void *reserved)
{
    if (pthread_mutex_lock(&behind.changing) != 0)
        return CKR_GENERAL_ERROR;
    CK_RV rv = finalise(reserved);
    (void)pthread_mutex_unlock(&behind.changing);
    return rv;
}
