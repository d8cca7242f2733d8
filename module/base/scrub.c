/* SPDX-License-Identifier: Apache-2.0 */
/* What a computation leaves behind where no allocator reaches. memcpy() leaves what it copied in
 * vector registers, and where symbols are bound lazily the dynamic linker spills those to the
 * stack at the next call. */
#include "base/sealed.h"

#include <stdint.h>

#define SCRUBBED_STACK_SIZE 8192

#if defined(__x86_64__)

static __attribute__((noinline, target("avx512f"))) void clear_avx512(void)
{
#define CLEAR(number) "vpxorq %%zmm" #number ", %%zmm" #number ", %%zmm" #number "\n\t"
    __asm__ volatile(CLEAR(16) CLEAR(17) CLEAR(18) CLEAR(19) CLEAR(20) CLEAR(21) CLEAR(22) CLEAR(23)
                         CLEAR(24) CLEAR(25) CLEAR(26) CLEAR(27) CLEAR(28) CLEAR(29) CLEAR(30)
                             CLEAR(31)
                     :
                     :
                     : "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23",
                       "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
#undef CLEAR
}

static __attribute__((noinline, target("avx"))) void clear_avx(void)
{
    __asm__ volatile("vzeroall"
                     :
                     :
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void clear_sse(void)
{
#define CLEAR(number) "pxor %%xmm" #number ", %%xmm" #number "\n\t"
    __asm__ volatile(CLEAR(0) CLEAR(1) CLEAR(2) CLEAR(3) CLEAR(4) CLEAR(5) CLEAR(6) CLEAR(7)
                         CLEAR(8) CLEAR(9) CLEAR(10) CLEAR(11) CLEAR(12) CLEAR(13) CLEAR(14)
                             CLEAR(15)
                     :
                     :
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#undef CLEAR
}

static void clear_registers(void)
{
    if (__builtin_cpu_supports("avx512f"))
        clear_avx512();
    if (__builtin_cpu_supports("avx"))
        clear_avx();
    else
        clear_sse();
}

#elif defined(__aarch64__)

static void clear_registers(void)
{
#define CLEAR(number) "movi v" #number ".16b, #0\n\t"
    __asm__ volatile(CLEAR(0) CLEAR(1) CLEAR(2) CLEAR(3) CLEAR(4) CLEAR(5) CLEAR(6) CLEAR(7)
                         CLEAR(8) CLEAR(9) CLEAR(10) CLEAR(11) CLEAR(12) CLEAR(13) CLEAR(14)
                             CLEAR(15) CLEAR(16) CLEAR(17) CLEAR(18) CLEAR(19) CLEAR(20) CLEAR(21)
                                 CLEAR(22) CLEAR(23) CLEAR(24) CLEAR(25) CLEAR(26) CLEAR(27)
                                     CLEAR(28) CLEAR(29) CLEAR(30) CLEAR(31)
                     :
                     :
                     : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",
                       "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22",
                       "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
#undef CLEAR
}

#else

static void clear_registers(void)
{
}

#endif

/* No call is made here in which the dynamic linker could spill anything. */
static __attribute__((noinline)) void clear_stack(void)
{
    volatile uint64_t area[SCRUBBED_STACK_SIZE / sizeof(uint64_t)];

    for (size_t i = 0; i < sizeof area / sizeof area[0]; i++)
        area[i] = 0;
}

void hsmiam_thread_scrub(void)
{
    clear_registers();
    clear_stack();
}
