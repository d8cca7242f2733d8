/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

const char *hsmiam_version(void)
{
    return HSMIAM_VERSION;
}

hsmiam_status hsmiam_process_harden(hsmiam_error *error)
{
    const struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return hsmiam_error_set_errno(error, HSMIAM_ERR_INTERNAL, errno,
                                      "Cannot switch core dumps off");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return hsmiam_error_set_errno(error, HSMIAM_ERR_INTERNAL, errno,
                                      "Cannot make the process undumpable");
    return HSMIAM_OK;
}
