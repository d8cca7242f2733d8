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
#define MAPS_SIZE      ((size_t)1 << 20)

/* What is being looked through. */
typedef struct place {
    FILE *channel;
    const char *name;
    unsigned long begin;
} place;

static void report(void *context, const finding *found)
{
    const place *where = context;

    fprintf(where->channel, "found %s %zu %zu %s+0x%lx\n", found->needle->name, found->in_needle,
            found->size, where->name, where->begin + found->in_data);
}

static size_t scan_registers(const tracee *process, const needles *set)
{
    static const int sets[] = {NT_PRSTATUS, NT_PRFPREG, NT_X86_XSTATE};
    static uint8_t registers[REGISTERS_SIZE];
    size_t scanned = 0;
    char name[64];

    for (size_t i = 0; i < process->thread_count; i++) {
        for (size_t j = 0; j < sizeof sets / sizeof sets[0]; j++) {
            struct iovec area = {registers, sizeof registers};
            place where = {process->channel, name, 0};

            if (ptrace(PTRACE_GETREGSET, process->threads[i], (void *)(long)sets[j], &area) != 0)
                continue;
            snprintf(name, sizeof name, "registers-%d-of-%d", sets[j], (int)process->threads[i]);
            needles_search(set, registers, area.iov_len, report, &where);
            scanned += area.iov_len;
        }
    }
    return scanned;
}

/* Reads as much as there is from the address on. */
static size_t read_at(int descriptor, uint8_t *buffer, size_t size, off_t from)
{
    size_t done = 0;

    while (done < size) {
        ssize_t got = pread(descriptor, buffer + done, size - done, from + (off_t)done);

        if (got <= 0)
            break;
        done += (size_t)got;
    }
    return done;
}

static size_t scan_mapping(const tracee *process, const needles *set, const char *line)
{
    unsigned long begin = 0;
    unsigned long end = 0;
    char access[5] = "";
    char name[256] = "anonymous";

    if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %255s", &begin, &end, access, name) < 3 ||
        access[0] != 'r' || strcmp(name, "[vsyscall]") == 0)
        return 0;
    uint8_t *buffer = malloc(end - begin);
    if (!buffer)
        return 0;
    size_t size = read_at(process->memory, buffer, end - begin, (off_t)begin);
    place where = {process->channel, name, begin};
    needles_search(set, buffer, size, report, &where);
    free(buffer);
    return size;
}

size_t scan_tracee(const tracee *process, const needles *set)
{
    size_t scanned = scan_registers(process, set);
    char *maps = calloc(1, MAPS_SIZE + 1);
    size_t size = 0;
    char *rest = NULL;

    if (!maps)
        return 0;
    /* The kernel gives this file in pieces. */
    (void)lseek(process->maps, 0, SEEK_SET);
    for (ssize_t got = 1; got > 0 && size < MAPS_SIZE; size += (size_t)(got > 0 ? got : 0))
        got = read(process->maps, maps + size, MAPS_SIZE - size);
    for (char *line = strtok_r(maps, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        scanned += scan_mapping(process, set, line);
    free(maps);
    return scanned;
}

size_t scan_file(const char *path, const needles *set, FILE *channel)
{
    FILE *file = fopen(path, "rb");
    struct stat information = {0};
    size_t size = 0;

    if (!file || fstat(fileno(file), &information) != 0)
        return 0;
    uint8_t *buffer = malloc((size_t)information.st_size + 1);
    if (buffer) {
        place where = {channel, "file", 0};

        size = fread(buffer, 1, (size_t)information.st_size, file);
        needles_search(set, buffer, size, report, &where);
    }
    free(buffer);
    fclose(file);
    return size;
}
