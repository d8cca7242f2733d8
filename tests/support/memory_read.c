/* SPDX-License-Identifier: Apache-2.0 */
/* Where a stopped process keeps what it knows: its threads' registers and its memory. */
#include "memory_scan.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REGISTERS_SIZE (16 * 1024)
#define MAPS_SIZE      ((size_t)8 << 20)
#define FLAGS_SIZE     128

/* A mapping of the process, or something else that is looked through. */
typedef struct place {
    FILE *channel;
    char name[256];
    unsigned long begin;
    unsigned long end; /* 0: it is no mapping */
    bool readable;
    char flags[FLAGS_SIZE]; /* the kernel's two letters each, with commas between */
} place;

/* How much of what there is was looked through. */
typedef struct amount {
    size_t scanned;
    size_t mapped;
} amount;

static void report(void *context, const finding *found)
{
    const place *where = context;

    fprintf(where->channel, "found %s %zu %zu %s+0x%lx %lx %lx %s\n", found->needle->name,
            found->in_needle, found->size, where->name, where->begin + found->in_data,
            where->end ? where->begin : 0, where->end, where->end ? where->flags : "-");
}

static size_t scan_registers(const tracee *process)
{
    static const int sets[] = {NT_PRSTATUS, NT_PRFPREG, NT_X86_XSTATE};
    static uint8_t registers[REGISTERS_SIZE];
    size_t scanned = 0;

    for (size_t i = 0; i < process->thread_count; i++) {
        for (size_t j = 0; j < sizeof sets / sizeof sets[0]; j++) {
            struct iovec area = {registers, sizeof registers};
            place where = {.channel = process->channel};

            if (ptrace(PTRACE_GETREGSET, process->threads[i], (void *)(long)sets[j], &area) != 0)
                continue;
            snprintf(where.name, sizeof where.name, "registers-%d-of-%d", sets[j],
                     (int)process->threads[i]);
            needles_search(process->set, registers, area.iov_len, report, &where);
            scanned += area.iov_len;
        }
    }
    return scanned;
}

/* Reads what there is. A page that cannot be read is left as zeros. */
static size_t read_all(int descriptor, uint8_t *buffer, size_t size, unsigned long from)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t read = 0;

    for (size_t at = 0; at < size;) {
        ssize_t got = pread(descriptor, buffer + at, size - at, (off_t)(from + at));

        read += got > 0 ? (size_t)got : 0;
        if (got > 0) {
            at += (size_t)got;
            continue;
        }
        size_t next = (at / page + 1) * page;
        memset(buffer + at, 0, (next < size ? next : size) - at);
        at = next;
    }
    return read;
}

/* Memory to read a mapping into: one piece for all. */
static uint8_t *get_buffer(size_t size)
{
    static uint8_t *buffer;
    static size_t room;

    if (size <= room)
        return buffer;
    free(buffer);
    buffer = malloc(size);
    if (!buffer)
        die("a mapping");
    room = size;
    return buffer;
}

static void scan_mapping(const tracee *process, place *where, amount *total)
{
    size_t size = where->end - where->begin;

    /* The kernel's own pages, a device's: nobody reads those from outside. */
    if (!where->readable || strstr(where->flags, "io,") || strstr(where->flags, "pf,") ||
        strcmp(where->name, "[vsyscall]") == 0)
        return;
    uint8_t *buffer = get_buffer(size);
    total->scanned += read_all(process->memory, buffer, size, where->begin);
    total->mapped += size;
    needles_search(process->set, buffer, size, report, where);
}

/* Of a mapping's lines the first names it, and this one is the last. */
static bool read_flags(const char *line, char *flags_out)
{
    size_t length = 0;
    char flag[3];
    int taken = 0;

    if (strncmp(line, "VmFlags:", 8) != 0)
        return false;
    flags_out[0] = '\0';
    for (line += 8; sscanf(line, "%2s%n", flag, &taken) == 1 && length + 4 < FLAGS_SIZE;
         line += taken)
        length += (size_t)snprintf(flags_out + length, FLAGS_SIZE - length, "%s,", flag);
    return true;
}

static char *read_maps(const tracee *process)
{
    char *maps = calloc(1, MAPS_SIZE);
    size_t size = 0;

    if (!maps)
        die("the list of mappings");
    /* The kernel gives this file in pieces. */
    (void)lseek(process->maps, 0, SEEK_SET);
    for (ssize_t got = 1; got > 0; size += (size_t)(got > 0 ? got : 0)) {
        got = read(process->maps, maps + size, MAPS_SIZE - 1 - size);
        if (got < 0 || size + (size_t)got == MAPS_SIZE - 1)
            die("the list of mappings");
    }
    return maps;
}

void scan_tracee(const tracee *process)
{
    place where = {.channel = process->channel};
    amount total = {0, 0};
    char *maps = read_maps(process);
    char *rest = NULL;

    for (char *line = strtok_r(maps, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        place next = {.channel = process->channel, .name = "anonymous"};
        char access[5];

        if (read_flags(line, where.flags)) {
            scan_mapping(process, &where, &total);
        } else if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %255s", &next.begin, &next.end, access,
                          next.name) >= 3) {
            next.readable = access[0] == 'r';
            where = next;
        }
    }
    free(maps);
    size_t registers = scan_registers(process);
    fprintf(process->channel, "scanned %zu %zu\n", total.scanned + registers,
            total.mapped + registers);
}

void scan_file(const char *path, const needles *set, FILE *channel)
{
    FILE *file = fopen(path, "rb");
    struct stat information = {0};
    place where = {.channel = channel, .name = "file"};

    if (!file || fstat(fileno(file), &information) != 0)
        die(path);
    uint8_t *buffer = malloc((size_t)information.st_size + 1);
    if (!buffer)
        die("a file");
    size_t size = fread(buffer, 1, (size_t)information.st_size, file);
    needles_search(set, buffer, size, report, &where);
    fprintf(channel, "scanned %zu %zu\n", size, (size_t)information.st_size);
    free(buffer);
    fclose(file);
}
