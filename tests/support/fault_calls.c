/* SPDX-License-Identifier: Apache-2.0 */
#include "fault_shim.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define CALL(name, about, flags)                                                                   \
    {                                                                                              \
#name, SYS_##name, FAULT_ABOUT_##about, flags                                              \
    }

static const fault_call calls[] = {
#ifdef SYS_open
    CALL(open, PATH, FAULT_OPENS),
    CALL(stat, PATH, 0),
    CALL(lstat, PATH, 0),
    CALL(access, PATH, 0),
    CALL(mkdir, PATH, 0),
    CALL(rename, PATH, 0),
    CALL(unlink, PATH, 0),
    CALL(chmod, PATH, 0),
    CALL(poll, POLL, 0),
    CALL(dup2, COPY, 0),
#endif
    CALL(openat, PATH_AT, FAULT_OPENS),
    CALL(newfstatat, PATH_AT, 0),
    CALL(fstat, DESCRIPTOR, 0),
    CALL(faccessat, PATH_AT, 0),
    CALL(getdents64, DESCRIPTOR, 0),
    CALL(read, DESCRIPTOR, 0),
    CALL(readv, DESCRIPTOR, 0),
    CALL(pread64, DESCRIPTOR, 0),
    CALL(write, DESCRIPTOR, 0),
    CALL(writev, DESCRIPTOR, 0),
    CALL(pwrite64, DESCRIPTOR, 0),
    CALL(ftruncate, DESCRIPTOR, 0),
    CALL(fallocate, DESCRIPTOR, 0),
    CALL(fchmod, DESCRIPTOR, 0),
    CALL(flock, DESCRIPTOR, 0),
    CALL(fcntl, LOCK, 0),
    CALL(fsync, DESCRIPTOR, 0),
    CALL(fdatasync, DESCRIPTOR, 0),
    CALL(syncfs, DESCRIPTOR, 0),
    CALL(sync, ALL_FILES, 0),
    CALL(mkdirat, PATH_AT, 0),
    CALL(renameat, PATH_AT, 0),
    CALL(renameat2, PATH_AT, 0),
    CALL(unlinkat, PATH_AT, 0),
    CALL(close, DESCRIPTOR, FAULT_CLOSES),
    CALL(dup, COPY, 0),
    CALL(dup3, COPY, 0),
    CALL(socket, SOCKET, FAULT_OPENS),
    CALL(connect, DESCRIPTOR, 0),
    CALL(getsockopt, DESCRIPTOR, 0),
    CALL(setsockopt, DESCRIPTOR, 0),
    CALL(sendto, DESCRIPTOR, 0),
    CALL(sendmsg, DESCRIPTOR, 0),
    CALL(recvfrom, DESCRIPTOR, 0),
    CALL(recvmsg, DESCRIPTOR, 0),
    CALL(shutdown, DESCRIPTOR, 0),
    CALL(ppoll, POLL, 0),
};

#define CALL_COUNT (sizeof calls / sizeof calls[0])
_Static_assert(CALL_COUNT <= FAULT_CALLS_MAX, "each call is counted");

const fault_call *fault_call_of_name(const char *name)
{
    for (size_t i = 0; i < CALL_COUNT; i++)
        if (strcmp(calls[i].name, name) == 0)
            return &calls[i];
    return NULL;
}

const fault_call *fault_call_of_number(long number)
{
    for (size_t i = 0; i < CALL_COUNT; i++)
        if (calls[i].number == number)
            return &calls[i];
    return NULL;
}

size_t fault_call_index(const fault_call *call)
{
    return (size_t)(call - calls);
}

/* The one place from which calls are let through: the filter knows it by its address. */
#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
__asm__(".text\n"
        ".globl fault_syscall\n"
        ".hidden fault_syscall\n"
        ".type fault_syscall, @function\n"
        "fault_syscall:\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    mov %rdx, %rsi\n"
        "    mov %rcx, %rdx\n"
        "    mov %r8, %r10\n"
        "    mov %r9, %r8\n"
        "    mov 8(%rsp), %r9\n"
        "    syscall\n"
        ".globl fault_syscall_end\n"
        ".hidden fault_syscall_end\n"
        "fault_syscall_end:\n"
        "    ret\n"
        ".size fault_syscall, . - fault_syscall\n");

void fault_read_arguments(const ucontext_t *context, long *arguments_out)
{
    static const int registers[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};

    for (size_t i = 0; i < sizeof registers / sizeof registers[0]; i++)
        arguments_out[i] = context->uc_mcontext.gregs[registers[i]];
}

void fault_write_result(ucontext_t *context, long result)
{
    context->uc_mcontext.gregs[REG_RAX] = result;
}
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
__asm__(".text\n"
        ".globl fault_syscall\n"
        ".hidden fault_syscall\n"
        ".type fault_syscall, %function\n"
        "fault_syscall:\n"
        "    mov x8, x0\n"
        "    mov x0, x1\n"
        "    mov x1, x2\n"
        "    mov x2, x3\n"
        "    mov x3, x4\n"
        "    mov x4, x5\n"
        "    mov x5, x6\n"
        "    svc #0\n"
        ".globl fault_syscall_end\n"
        ".hidden fault_syscall_end\n"
        "fault_syscall_end:\n"
        "    ret\n"
        ".size fault_syscall, . - fault_syscall\n");

void fault_read_arguments(const ucontext_t *context, long *arguments_out)
{
    for (size_t i = 0; i < 6; i++)
        arguments_out[i] = (long)context->uc_mcontext.regs[i];
}

void fault_write_result(ucontext_t *context, long result)
{
    context->uc_mcontext.regs[0] = (unsigned long long)result;
}
#else
#error "say how a system call is made here, and where its arguments are"
#endif

extern const char fault_syscall_end[];

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_HIGH(field)                                                                           \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + sizeof(uint32_t))
#define EQUALS(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define RETURN(value)          BPF_STMT(BPF_RET | BPF_K, (value))

/* What opens, closes and copies descriptors tells which class a call belongs to. */
static bool is_watched(const fault_call *call, const fault_call *only)
{
    return only == NULL || call == only || (call->flags & (FAULT_OPENS | FAULT_CLOSES)) != 0 ||
           call->about == FAULT_ABOUT_COPY || call->about == FAULT_ABOUT_LOCK;
}

bool fault_install_filter(const fault_call *only)
{
    const uint64_t door = (uint64_t)(uintptr_t)fault_syscall_end;
    const struct sock_filter head[] = {
        LOAD(arch),
        EQUALS(ARCHITECTURE, 1, 0),
        RETURN(SECCOMP_RET_ALLOW),
        LOAD(instruction_pointer), /* little-endian */
        EQUALS((uint32_t)door, 0, 3),
        LOAD_HIGH(instruction_pointer),
        EQUALS((uint32_t)(door >> 32), 0, 1),
        RETURN(SECCOMP_RET_ALLOW),
        LOAD(nr),
    };
    size_t size = sizeof head / sizeof head[0];
    size_t watched = 0;
    struct sock_filter filter[sizeof head / sizeof head[0] + CALL_COUNT + 2];

    memcpy(filter, head, sizeof head);
    for (size_t i = 0; i < CALL_COUNT; i++)
        watched += is_watched(&calls[i], only);
    for (size_t i = 0; i < CALL_COUNT; i++)
        if (is_watched(&calls[i], only))
            filter[size++] =
                (struct sock_filter)EQUALS((uint32_t)calls[i].number, (uint8_t)watched--, 0);
    filter[size++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    filter[size++] = (struct sock_filter)RETURN(SECCOMP_RET_TRAP);
    struct sock_fprog program = {.len = (unsigned short)size, .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}
