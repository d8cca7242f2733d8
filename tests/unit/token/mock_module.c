/* SPDX-License-Identifier: Apache-2.0 */
/* The mock as a module that p11-kit loads. */
#include "support/mock_cryptoki.h"

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list_out)
{
    *list_out = mock_get_modules()[0];
    return CKR_OK;
}
