/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka wants these headers before its own. */
#ifndef HSMIAM_TESTS_SUPPORT_CMOCKA_TESTS_H
#define HSMIAM_TESTS_SUPPORT_CMOCKA_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
