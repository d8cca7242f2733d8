/* SPDX-License-Identifier: Apache-2.0 */
#include "support/recording_module.h"

#include "cryptoki/cryptoki3.h"

#include <stdatomic.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef unsigned long word;

enum { INITIALIZE, FINALIZE, GET_FUNCTION_LIST = 3, OPEN_SESSION = 12 };

static recording state = {.session = 1000};

EXPORT recording *recording_get(void);
recording *recording_get(void)
{
    return &state;
}

static CK_RV note_initialisation(int index, const CK_C_INITIALIZE_ARGS *arguments)
{
    if (index == INITIALIZE && state.meanwhile != NULL)
        state.meanwhile();
    if (index == INITIALIZE && state.initialised)
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    if (state.values[index] == CKR_OK)
        state.initialised = index == INITIALIZE;
    if (index == INITIALIZE) {
        state.reserved = arguments != NULL ? arguments->pReserved : NULL;
        state.flags = arguments != NULL ? arguments->flags : 0;
    }
    return state.values[index];
}

static CK_RV note(int of_3, int index, const word words[RECORDING_WORDS])
{
    recording_call *call = &state.calls[of_3][index];

    call->count++;
    memcpy(call->words, words, sizeof call->words);
    if (index == INITIALIZE || index == FINALIZE)
        return note_initialisation(index, (const CK_C_INITIALIZE_ARGS *)words[0]);
    if (index == OPEN_SESSION && state.values[index] == CKR_OK)
        *(CK_SESSION_HANDLE *)words[4] = state.session++;
    return state.values[index];
}

/* Called with fewer arguments than they have, they find what happens to lie in those's places. */
#define NOTE(n)                                                                                    \
    __attribute__((no_sanitize_address)) static CK_RV note_2_##n(                                  \
        word a, word b, word c, word d, word e, word f, word g, word h, word i, word j)            \
    {                                                                                              \
        return note(0, n, (const word[]){a, b, c, d, e, f, g, h, i, j});                           \
    }                                                                                              \
    __attribute__((no_sanitize_address)) static CK_RV note_3_##n(                                  \
        word a, word b, word c, word d, word e, word f, word g, word h, word i, word j)            \
    {                                                                                              \
        return note(1, n, (const word[]){a, b, c, d, e, f, g, h, i, j});                           \
    }

#define TEN(F, t) F(t##0) F(t##1) F(t##2) F(t##3) F(t##4) F(t##5) F(t##6) F(t##7) F(t##8) F(t##9)
#define ALL(F)                                                                                     \
    TEN(F, )                                                                                       \
    TEN(F, 1) TEN(F, 2) TEN(F, 3) TEN(F, 4) TEN(F, 5) TEN(F, 6) TEN(F, 7) TEN(F, 8) F(90) F(91)
ALL(NOTE)

#define MEMBER_2(n) (void *)note_2_##n,
#define MEMBER_3(n) (void *)note_3_##n,

static struct {
    CK_VERSION version;
    void *functions[RECORDING_OF_3];
} list_2 = {{2, 40}, {ALL(MEMBER_2)}}, list_3 = {{3, 0}, {ALL(MEMBER_3)}},
  list_3_2 = {{3, 2}, {ALL(MEMBER_3)}};

EXPORT CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list_out)
{
    list_2.functions[GET_FUNCTION_LIST] = (void *)C_GetFunctionList;
    *list_out = (CK_FUNCTION_LIST *)&list_2;
    return CKR_OK;
}

EXPORT CK_RV C_GetInterfaceList(CK_INTERFACE *list_out, CK_ULONG *count)
{
    static char name[] = "PKCS 11";
    static char vendors[] = "Vendor Recording";
    const CK_INTERFACE interfaces[] = {
        {name, &list_3_2, 1}, {name, &list_3, 1}, {name, &list_2, 0}, {vendors, &state, 0}};

    if (list_out != NULL)
        memcpy(list_out, interfaces, sizeof interfaces);
    *count = sizeof interfaces / sizeof interfaces[0];
    if (list_out != NULL && state.lies) {
        list_out[0].pInterfaceName = NULL;
        list_out[1].pFunctionList = NULL;
        *count = 1UL << 20;
    }
    return CKR_OK;
}
