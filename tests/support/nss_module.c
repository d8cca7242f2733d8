/* SPDX-License-Identifier: Apache-2.0 */
/* A face of NSS's softoken as a module of its own: HSMIAM_NSS_FACE is "NSC_GetFunctionList", or
 * "FC_GetFunctionList" for the token in FIPS mode, which libsoftokn3.so has under that name only.
 *
 * Programs that cannot give NSS its parameters, such as pkcs11-tool, put them into the environment
 * variable HSMIAM_TEST_NSS. */
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <stdlib.h>

typedef CK_RV (*get_function_list)(CK_FUNCTION_LIST **list_out);

/* NSS has one pointer more than PKCS#11, which it wants to be NULL. */
typedef struct arguments {
    CK_C_INITIALIZE_ARGS standard;
    void *of_nss;
} arguments;

static CK_FUNCTION_LIST *nss;

static CK_RV initialize(void *given)
{
    arguments ours = {.standard = {.flags = CKF_OS_LOCKING_OK}};

    if (given != NULL)
        ours.standard = *(const CK_C_INITIALIZE_ARGS *)given;
    if (ours.standard.pReserved == NULL)
        ours.standard.pReserved = getenv("HSMIAM_TEST_NSS");
    return nss->C_Initialize(&ours);
}

/* Not linked to softoken: whoever looks for C_GetInterface here would find the other face's. */
__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list_out)
{
    static CK_FUNCTION_LIST shown;
    void *library = dlopen("libsoftokn3.so", RTLD_NOW | RTLD_LOCAL);
    get_function_list face = NULL;

    if (library == NULL)
        return CKR_GENERAL_ERROR;
    *(void **)&face = dlsym(library, HSMIAM_NSS_FACE);
    CK_RV rv = face != NULL ? face(&nss) : CKR_GENERAL_ERROR;
    if (rv != CKR_OK)
        return rv;
    shown = *nss;
    shown.C_Initialize = initialize;
    *list_out = &shown;
    return CKR_OK;
}
