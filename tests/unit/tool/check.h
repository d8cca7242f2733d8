/* SPDX-License-Identifier: Apache-2.0 */
/* What the tool's tests have in common. */
#ifndef HSMIAM_TESTS_TOOL_CHECK_H
#define HSMIAM_TESTS_TOOL_CHECK_H

#include "support/cmocka_tests.h"

#include <string.h>

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (!strstr((text), (part)))                                                               \
            fail_msg("\"%s\" does not hold \"%s\"", (text), (part));                               \
    } while (0)

#define assert_lacks(text, part)                                                                   \
    do {                                                                                           \
        if (strstr((text), (part)))                                                                \
            fail_msg("\"%s\" holds \"%s\"", (text), (part));                                       \
    } while (0)

#endif
