/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of a piece of memory. */
#ifndef HSMIAM_TESTS_SUPPORT_MAPPING_H
#define HSMIAM_TESTS_SUPPORT_MAPPING_H

#include "support/cmocka_tests.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAPPING_FLAGS_MAX 600

/* The kernel's flags of the mapping that an address is in, by their names in smaps: " lo ", " dd ".
 */
static inline void mapping_read_flags(const void *address, char flags_out[MAPPING_FLAGS_MAX])
{
    FILE *file = fopen("/proc/self/smaps", "re");
    char line[512];
    bool inside = false;

    assert_non_null(file);
    flags_out[0] = '\0';
    while (fgets(line, sizeof line, file)) {
        unsigned long begin = 0;
        unsigned long end = 0;

        if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
            inside = begin <= (unsigned long)address && (unsigned long)address < end;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            (void)snprintf(flags_out, MAPPING_FLAGS_MAX, "%s ", line);
    }
    (void)fclose(file);
}

#endif
