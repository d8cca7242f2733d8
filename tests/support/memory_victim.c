/* SPDX-License-Identifier: Apache-2.0 */
/* A program that forgets what it read from standard input in every place where a secret can lie:
 * what a scan must find. It stops itself by SIGSTOP. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE 64

static char in_data[SIZE];

/* On a stack of a thread that waits. */
static void *wait_with(void *context)
{
    volatile char on_stack[SIZE];

    for (size_t i = 0; i < SIZE; i++)
        on_stack[i] = ((const char *)context)[i];
    __asm__ volatile("" : : "m"(on_stack));
    for (;;)
        pause();
    return NULL;
}

/* In memory that was freed, behind what the allocator writes there. */
static void leave_on_heap(const char *secret)
{
    char *block = malloc(1024);

    if (!block)
        return;
    memcpy(block + 512, secret, SIZE);
    __asm__ volatile("" : : "r"(block) : "memory");
    free(block);
}

int main(void)
{
    pthread_t thread;

    if (read(STDIN_FILENO, in_data, SIZE) != SIZE ||
        pthread_create(&thread, NULL, wait_with, in_data) != 0)
        return 2;
    leave_on_heap(in_data);
    (void)usleep(50000);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        __asm__ volatile("vmovdqu64 %0, %%zmm20" : : "m"(in_data));
    __asm__ volatile("movdqu %0, %%xmm7" : : "m"(in_data));
#endif
    (void)raise(SIGSTOP);
    return 0;
}
