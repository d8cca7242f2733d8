/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "user_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/hsmiam-users-XXXXXX";
static tool_user_file *file;
static tool_error error;
static char names[4096]; /* that were read, parted by commas */

static int make_path(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd >= 0 && close(fd) == 0 ? 0 : -1;
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static int clear(void **state)
{
    (void)state;
    tool_user_file_close(&file);
    tool_error_clear(&error);
    return 0;
}

/* Opens a file with that content. */
static hsmiam_status open_with(const char *content, size_t size)
{
    FILE *stream = fopen(path, "w");

    (void)clear(NULL);
    assert_non_null(stream);
    assert_int_equal(fwrite(content, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
    return tool_user_file_open(path, &file, &error);
}

static hsmiam_status open_text(const char *content)
{
    return open_with(content, strlen(content));
}

/* All that are left, in `names`. */
static const char *read_all(void)
{
    char name[HSMIAM_USER_NAME_SIZE];

    names[0] = '\0';
    while (tool_user_file_next(file, name)) {
        strcat(names, names[0] ? "," : "");
        strcat(names, name);
    }
    return names;
}

static void reads_names(void **state)
{
    static const struct {
        const char *content;
        const char *names;
    } rows[] = {
        {"Bob", "Bob"},
        {"Bob\n", "Bob"},
        {"Bob\nAlice\nEve", "Bob,Alice,Eve"},
        {"Bob\r\nAlice\r\n", "Bob,Alice"},
        {"\n\nBob\n\n\nAlice\n\n", "Bob,Alice"},
        {"# all\nBob\n  # some\nAlice\n#\n", "Bob,Alice"},
        {"  Bob \t\n\tAlice  \r\n", "Bob,Alice"},
        {"\xef\xbb\xbf"
         "Bob\nAlice\n",
         "Bob,Alice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(open_text(rows[i].content), HSMIAM_OK);
        assert_string_equal(read_all(), rows[i].names);
    }
    assert_int_equal(tool_user_file_count(file), 2);
}

static void expect_complaint(const char *content, const char *complaint)
{
    assert_int_equal(open_text(content), HSMIAM_ERR_ARGUMENT);
    assert_null(file);
    assert_contains(error.message, complaint);
}

static void names_bad_lines(void **state)
{
    static char longest[200] = "";

    (void)state;
    expect_complaint("Bob\nA B\n", ", line 2: 3 bytes that are no user name");
    expect_complaint("Bob\nAlice\nbob\n", ", line 3: the user of line 1 once more");
    expect_complaint("\xef\xbb\xbf"
                     "Bob\n\n#\nBOB \r\n",
                     ", line 4: the user of line 1 once more");
    memset(longest, 'x', 129);
    expect_complaint(longest, ", line 1: 129 bytes that are no user name");
    expect_complaint("a/b\nc/d\nBob", ", line 2: 3 bytes");
    expect_complaint("", "names no user.");
    expect_complaint("#\n\n", "names no user.");
    assert_int_equal(open_with("B\0b\n", 4), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, ", line 1: 3 bytes");
}

/* It may be another file than was meant, with secrets in it. */
static void repeats_nothing(void **state)
{
    (void)state;
    expect_complaint("user:sEcReT\nsEcReT:x\n", "line 2");
    assert_lacks(error.message, "sEcReT");
    expect_complaint("sEcReT\nsEcReT\n", "line 2");
    assert_lacks(error.message, "sEcReT");
}

static void names_ten_of_many(void **state)
{
    (void)state;
    expect_complaint("/\n/\n/\n/\n/\n/\n/\n/\n/\n/\n/\n/\n/\n", "and 3 more");
    assert_lacks(error.message, "line 11");
}

static void long_lines(void **state)
{
    size_t size = 300000;
    char *content = malloc(size + 1);

    (void)state;
    assert_non_null(content);
    memset(content, 'x', size);
    content[size] = '\0';
    memcpy(content + size - 4, "\nBob", 4);
    expect_complaint(content, "line 1: 299996 bytes");
    memset(content, ' ', size - 4);
    assert_int_equal(open_text(content), HSMIAM_OK);
    assert_string_equal(read_all(), "Bob");
    memcpy(content + 299990, "Bob", 3);
    expect_complaint(content, "line 2: the user of line 1 once more");
    free(content);
}

static void passes_over_who_has_a_key(void **state)
{
    (void)state;
    assert_int_equal(open_text("Bob\nAlice\nEve\nCarol\n"), HSMIAM_OK);
    tool_user_file_note_key(file, "ALICE", "AKIA1", true);
    tool_user_file_note_key(file, "Alice", "AKIA1", true);
    tool_user_file_note_key(file, "Eve", "AKIA2", true);
    tool_user_file_note_key(file, "Eve", "AKIA2", false);
    tool_user_file_note_key(file, "Eve", "AKIA2", false);
    tool_user_file_note_key(file, "Mallory", "AKIA3", true);
    tool_user_file_note_key(file, "Mallory", "AKIA3", false);
    tool_user_file_note_key(file, "", "AKIA3", true);
    for (int i = 4; i < 7; i++) {
        char id[] = "AKIA0";
        id[4] = (char)('0' + i);
        tool_user_file_note_key(file, "Carol", id, true);
    }
    tool_user_file_note_key(file, "Carol", "AKIA6", false);
    tool_user_file_note_key(file, "Carol", "AKIA1", false);
    assert_int_equal(tool_user_file_count_holders(file), 2);
    assert_int_equal(tool_user_file_count(file), 4);
    assert_string_equal(read_all(), "Bob,Eve");
}

/* What is at the path afterwards does not matter. */
static void keeps_a_copy(void **state)
{
    FILE *stream = NULL;

    (void)state;
    assert_int_equal(open_text("Bob\nAlice\n"), HSMIAM_OK);
    stream = fopen(path, "w");
    assert_non_null(stream);
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(read_all(), "Bob,Alice");
}

static void many(void **state)
{
    char *content = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&content, &size);
    char name[HSMIAM_USER_NAME_SIZE];
    size_t count = 0;

    (void)state;
    assert_non_null(stream);
    for (int i = 0; i < 50000; i++)
        (void)fprintf(stream, "user%d\n", i);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(open_with(content, size), HSMIAM_OK);
    tool_user_file_note_key(file, "user49999", "AKIA1", true);
    while (tool_user_file_next(file, name))
        count++;
    assert_int_equal(count, 49999);
    memcpy(content + size - 10, "user12345\n", 10);
    assert_int_equal(open_with(content, size), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "line 50000: the user of line 12346 once more");
    free(content);
}

static void files_that_are_none(void **state)
{
    (void)state;
    assert_int_equal(tool_user_file_open("/nonexistent/users", &file, &error), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "/nonexistent/users cannot be opened");
    assert_int_equal(tool_user_file_open("/tmp", &file, &error), HSMIAM_ERR_IO);
    assert_contains(error.message, "/tmp cannot be read");
}

int main(void)
{
#define file_test(test) cmocka_unit_test_teardown(test, clear)
    const struct CMUnitTest tests[] = {
        file_test(reads_names),         file_test(names_bad_lines),
        file_test(repeats_nothing),     file_test(names_ten_of_many),
        file_test(long_lines),          file_test(passes_over_who_has_a_key),
        file_test(keeps_a_copy),        file_test(many),
        file_test(files_that_are_none),
    };

    return cmocka_run_group_tests(tests, make_path, remove_path);
}
