/* SPDX-License-Identifier: Apache-2.0 */
/* A program that speaks PKCS#11 to our module, and stops itself after every step so that its memory
 * can be looked at: it generates an AWS access key, signs by it, by either way to name the scope,
 * and finalises the module. What each step came to is printed at the end.
 *
 *   module_memory_user MODULE TOKEN-LABEL USER, with the PIN's file named by PIN_FILE */
#include <hsmiam/pkcs11.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MODULE = 1, LABEL, USER, COUNT };

#define SCOPE     "20150830/us-east-1/iam/aws4_request"
#define TEXT      "AWS4-HMAC-SHA256\n20150830T123600Z\n" SCOPE "\nhash"
#define SLOTS_MAX 16

static CK_FUNCTION_LIST *load(const char *path)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = NULL;
    CK_FUNCTION_LIST *functions = NULL;

    if (module)
        *(void **)&get = dlsym(module, "C_GetFunctionList");
    return get && get(&functions) == CKR_OK ? functions : NULL;
}

static CK_RV open_session(CK_FUNCTION_LIST *module, const char *label, CK_SESSION_HANDLE *session)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_RV rv = module->C_GetSlotList(CK_TRUE, slots, &count);

    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        CK_TOKEN_INFO info;

        if (module->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
            memcmp(info.label, label, strlen(label)) == 0)
            return module->C_OpenSession(slots[i], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                         session);
    }
    return CKR_TOKEN_NOT_PRESENT;
}

static CK_RV log_in(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session)
{
    unsigned char pin[256];
    int descriptor = open(getenv("PIN_FILE"), O_RDONLY | O_CLOEXEC);
    ssize_t size = read(descriptor, pin, sizeof pin);

    (void)close(descriptor);
    CK_RV rv =
        size > 1 ? module->C_Login(session, CKU_USER, pin, (CK_ULONG)size - 1) : CKR_PIN_INVALID;
    explicit_bzero(pin, sizeof pin);
    return rv;
}

static CK_RV sign(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM mechanisms[] = {{CKM_HSMIAM_AWS_SIGV4, NULL, 0},
                                 {CKM_HSMIAM_AWS_SIGV4, (char *)SCOPE, strlen(SCOPE)}};
    unsigned char made[2][32];
    CK_RV rv = CKR_OK;

    for (int i = 0; rv == CKR_OK && i < 2; i++) {
        CK_ULONG size = sizeof made[i];

        rv = module->C_SignInit(session, &mechanisms[i], key);
        if (rv == CKR_OK)
            rv = module->C_Sign(session, (unsigned char *)TEXT, strlen(TEXT), made[i], &size);
    }
    return rv == CKR_OK && memcmp(made[0], made[1], sizeof made[0]) != 0 ? CKR_SIGNATURE_INVALID
                                                                         : rv;
}

int main(int argc, char **argv)
{
    CK_MECHANISM issue = {CKM_HSMIAM_AWS_ACCESS_KEY, NULL, 0};
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CK_FUNCTION_LIST *module = argc == COUNT ? load(argv[MODULE]) : NULL;
    CK_RV results[3];

    if (!module || module->C_Initialize(NULL) != CKR_OK ||
        open_session(module, argv[LABEL], &session) != CKR_OK || log_in(module, session) != CKR_OK)
        return 2;
    issue.pParameter = argv[USER];
    issue.ulParameterLen = strlen(argv[USER]);
    results[0] = module->C_GenerateKey(session, &issue, NULL, 0, &key);
    (void)raise(SIGSTOP);
    results[1] = sign(module, session, key);
    (void)raise(SIGSTOP);
    results[2] = module->C_Finalize(NULL);
    (void)raise(SIGSTOP);
    printf("%lu %lu %lu\n", results[0], results[1], results[2]);
    return 0;
}
