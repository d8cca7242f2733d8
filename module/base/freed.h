/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HSMIAM_BASE_FREED_H
#define HSMIAM_BASE_FREED_H

/* Overwrites what this thread's allocator has free, up to some MiB: there lies what another library
 * freed without wiping it, and named to nobody before. It costs a millisecond or two, and does
 * nothing where malloc() is not libc's. */
void hsmiam_freed_wipe(void);

#endif
