/* SPDX-License-Identifier: Apache-2.0 */
/* A PKCS#11 module that is another one, named by HSMIAM_TAP_MODULE, but for its C_UnwrapKey: what
 * it is given goes to the file HSMIAM_TAP_FILE, its size before it, by a system call and no other
 * copy; and the call that HSMIAM_TAP_REFUSE counts is refused once the token has carried it out and
 * undone it. */
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

static CK_FUNCTION_LIST functions;
static CK_FUNCTION_LIST *tapped;
static int unwraps;

static CK_RV unwrap(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                    CK_BYTE *wrapped, CK_ULONG wrapped_size, CK_ATTRIBUTE *attributes,
                    CK_ULONG count, CK_OBJECT_HANDLE *object)
{
    const char *path = getenv("HSMIAM_TAP_FILE");
    const char *refused = getenv("HSMIAM_TAP_REFUSE");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

    if (file >= 0) {
        struct iovec parts[] = {{&wrapped_size, sizeof wrapped_size}, {wrapped, wrapped_size}};
        ssize_t ignored = writev(file, parts, 2);

        (void)ignored;
        close(file);
    }
    CK_RV rv = tapped->C_UnwrapKey(session, mechanism, key, wrapped, wrapped_size, attributes,
                                   count, object);
    unwraps += rv == CKR_OK;
    if (rv == CKR_OK && refused && unwraps == atoi(refused)) {
        (void)tapped->C_DestroyObject(session, *object);
        return CKR_DEVICE_MEMORY;
    }
    return rv;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    const char *path = getenv("HSMIAM_TAP_MODULE");
    void *module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList get = NULL;

    if (module)
        *(void **)&get = dlsym(module, "C_GetFunctionList");
    if (!get || get(&tapped) != CKR_OK)
        return CKR_GENERAL_ERROR;
    functions = *tapped;
    functions.C_GetFunctionList = C_GetFunctionList;
    functions.C_UnwrapKey = unwrap;
    *list = &functions;
    return CKR_OK;
}
