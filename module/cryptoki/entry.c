/* SPDX-License-Identifier: Apache-2.0 */
/* The entry points, each once for the list of PKCS#11 2.40 (C_*) and once for that of 3.0 (v3_*):
 * what the module behind does may differ between its two, if only in the version that it tells. */
#include "cryptoki/behind.h"
#include "cryptoki/functions.h"
#include "cryptoki/mechanism.h"
#include "cryptoki/sessions.h"

#include <pthread.h>
#include <string.h>

#define ENTRY __attribute__((visibility("default"))) CK_RV

/* The function of the module behind, or what is returned where there is none. */
#define FIND_BEHIND(of_3, name)                                                                    \
    CK_FUNCTION_LIST *behind = hsmiam_behind_get_functions(of_3);                                  \
    if (behind == NULL)                                                                            \
        return CKR_CRYPTOKI_NOT_INITIALIZED;                                                       \
    if (behind->C_##name == NULL)                                                                  \
        return CKR_FUNCTION_NOT_SUPPORTED;

#define PASS_ON(name, parameters, ...)                                                             \
    ENTRY C_##name parameters                                                                      \
    {                                                                                              \
        FIND_BEHIND(false, name)                                                                   \
        return behind->C_##name(__VA_ARGS__);                                                      \
    }                                                                                              \
    static CK_RV v3_##name parameters                                                              \
    {                                                                                              \
        FIND_BEHIND(true, name)                                                                    \
        return behind->C_##name(__VA_ARGS__);                                                      \
    }
HSMIAM_PASSED_ON(PASS_ON)

#define LOOK_AT(name, hook, parameters, ...)                                                       \
    ENTRY C_##name parameters                                                                      \
    {                                                                                              \
        FIND_BEHIND(false, name)                                                                   \
        return hook(behind, __VA_ARGS__);                                                          \
    }                                                                                              \
    static CK_RV v3_##name parameters                                                              \
    {                                                                                              \
        FIND_BEHIND(true, name)                                                                    \
        return hook(behind, __VA_ARGS__);                                                          \
    }
HSMIAM_LOOKED_AT(LOOK_AT)

#define PASS_ON_3(name, parameters, ...)                                                           \
    static CK_RV v3_##name parameters                                                              \
    {                                                                                              \
        hsmiam_functions_3 *behind = (hsmiam_functions_3 *)hsmiam_behind_get_functions(true);      \
        if (behind == NULL)                                                                        \
            return CKR_CRYPTOKI_NOT_INITIALIZED;                                                   \
        return behind->C_##name != NULL ? behind->C_##name(__VA_ARGS__)                            \
                                        : CKR_FUNCTION_NOT_SUPPORTED;                              \
    }
HSMIAM_PASSED_ON_3(PASS_ON_3)

static CK_RV v3_SessionCancel(CK_SESSION_HANDLE session, CK_FLAGS flags)
{
    CK_FUNCTION_LIST *behind = hsmiam_behind_get_functions(true);

    return behind != NULL ? hsmiam_mechanism_cancel(behind, session, flags)
                          : CKR_CRYPTOKI_NOT_INITIALIZED;
}

ENTRY C_Initialize(void *arguments)
{
    return hsmiam_behind_initialize(arguments);
}

ENTRY C_Finalize(void *reserved)
{
    return hsmiam_behind_finalize(reserved);
}

#define MEMBER(name, ...)   .C_##name = C_##name,
#define MEMBER_3(name, ...) .C_##name = v3_##name,

static CK_FUNCTION_LIST functions = {.version = {2, 40},
                                     .C_Initialize = C_Initialize,
                                     .C_Finalize = C_Finalize,
                                     .C_GetFunctionList = C_GetFunctionList,
                                     HSMIAM_PASSED_ON(MEMBER) HSMIAM_LOOKED_AT(MEMBER)};

static hsmiam_functions_3 functions_3 = {.of_2 = {.version = {3, 0},
                                                  .C_Initialize = C_Initialize,
                                                  .C_Finalize = C_Finalize,
                                                  .C_GetFunctionList = C_GetFunctionList,
                                                  HSMIAM_PASSED_ON(MEMBER_3)
                                                      HSMIAM_LOOKED_AT(MEMBER_3)},
                                         .C_GetInterfaceList = C_GetInterfaceList,
                                         .C_GetInterface = C_GetInterface,
                                         .C_SessionCancel = v3_SessionCancel,
                                         HSMIAM_PASSED_ON_3(MEMBER_3)};

ENTRY C_GetFunctionList(CK_FUNCTION_LIST **list_out)
{
    if (list_out == NULL)
        return CKR_ARGUMENTS_BAD;
    *list_out = &functions;
    return CKR_OK;
}

/* What of the module behind's interfaces may be shown: its own but for PKCS#11's, which are these,
 * in its order. A list of PKCS#11 after 3.1 is longer than what is known here, and left out. */
#define INTERFACES_MAX 16

static char standard_name[] = "PKCS 11";

static CK_ULONG collect(CK_INTERFACE interfaces_out[INTERFACES_MAX])
{
    const CK_INTERFACE *behind = NULL;
    CK_ULONG count_behind = hsmiam_behind_get_interfaces(&behind);
    CK_ULONG count = 0;

    for (CK_ULONG i = 0; i < count_behind && count < INTERFACES_MAX; i++) {
        const CK_VERSION *version = behind[i].pFunctionList;
        CK_INTERFACE shown = behind[i];

        if (strcmp(shown.pInterfaceName, standard_name) == 0) {
            if (version->major > 3 || (version->major == 3 && version->minor > 1))
                continue;
            shown.pFunctionList = version->major == 3 ? (void *)&functions_3 : (void *)&functions;
        }
        interfaces_out[count++] = shown;
    }
    if (count == 0)
        interfaces_out[count++] =
            (CK_INTERFACE){.pInterfaceName = standard_name, .pFunctionList = &functions};
    return count;
}

ENTRY C_GetInterfaceList(CK_INTERFACE *list_out, CK_ULONG *count)
{
    CK_INTERFACE interfaces[INTERFACES_MAX];
    CK_RV rv = CKR_OK;

    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_ULONG found = collect(interfaces);
    if (list_out != NULL && *count < found)
        rv = CKR_BUFFER_TOO_SMALL;
    else if (list_out != NULL)
        memcpy(list_out, interfaces, found * sizeof *interfaces);
    *count = found;
    return rv;
}

static bool is_wanted(const CK_INTERFACE *interface, const unsigned char *name,
                      const CK_VERSION *version, CK_FLAGS flags)
{
    const CK_VERSION *shown = interface->pFunctionList;

    return (name == NULL || strcmp(interface->pInterfaceName, (const char *)name) == 0) &&
           (version == NULL ||
            (shown->major == version->major && shown->minor == version->minor)) &&
           (interface->flags & flags) == flags;
}

ENTRY C_GetInterface(unsigned char *name, CK_VERSION *version, CK_INTERFACE **interface_out,
                     CK_FLAGS flags)
{
    static CK_INTERFACE interfaces[INTERFACES_MAX]; /* the same each time, once all is loaded */
    static pthread_mutex_t collecting = PTHREAD_MUTEX_INITIALIZER;

    if (interface_out == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = CKR_FUNCTION_FAILED;
    (void)pthread_mutex_lock(&collecting);
    CK_ULONG count = collect(interfaces);
    for (CK_ULONG i = 0; i < count && rv != CKR_OK; i++) {
        if (is_wanted(&interfaces[i], name, version, flags)) {
            *interface_out = &interfaces[i];
            rv = CKR_OK;
        }
    }
    (void)pthread_mutex_unlock(&collecting);
    return rv;
}
