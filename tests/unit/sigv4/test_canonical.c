/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 1: path, query and headers by themselves, then the whole. */
#include "support/cmocka_tests.h"

#include <string.h>

#include "base/escape.h"
#include "sigv4/canonical.h"

#define KEEP HSMIAM_CANONICAL_KEEP_PATH
#define ONCE HSMIAM_CANONICAL_ENCODE_ONCE

static void reads_no_escape_beyond_its_text(void **state)
{
    hsmiam_buffer buffer;

    (void)state;
    hsmiam_buffer_init(&buffer, 1024);
    hsmiam_escape_append_once(&buffer, "%41", 3, "");
    hsmiam_escape_append_once(&buffer, "%41", 2, "");
    hsmiam_escape_append_once(&buffer, "%41", 1, "");
    assert_string_equal(hsmiam_buffer_get_string(&buffer), "A%254%25");
    hsmiam_buffer_clear(&buffer);
}

static void puts_paths_into_canonical_form(void **state)
{
    static const struct {
        const char *wire;
        unsigned flags;
        const char *canonical;
    } cases[] = {
        /* Dot segments and repeated slashes go. */
        {"/", 0, "/"},
        {"", 0, "/"},
        {"//", 0, "/"},
        {"/a", 0, "/a"},
        {"/a/", 0, "/a/"},
        {"//a//b//", 0, "/a/b/"},
        {"/a/./b", 0, "/a/b"},
        {"/a/b/.", 0, "/a/b"},
        {"/a/b/./", 0, "/a/b/"},
        {"/a/b/..", 0, "/a"},
        {"/a/b/../", 0, "/a/"},
        {"/a/b/../../c", 0, "/c"},
        {"/a/..", 0, "/"},
        {"/a/../", 0, "/"},
        {"/..", 0, "/"},
        {"/../../a", 0, "/a"},
        {"/.", 0, "/"},
        {"/...", 0, "/..."},
        {"/.a/..b", 0, "/.a/..b"},
        {"/a//../b", 0, "/b"},
        {"/%2E%2E/a", 0, "/%252E%252E/a"},
        /* Encoded once more than on the wire. */
        {"/a%20b", 0, "/a%2520b"},
        {"/a b", 0, "/a%20b"},
        {"/a%2Fb", 0, "/a%252Fb"},
        {"/a%zz%4", 0, "/a%25zz%254"},
        {"/\xe1\x88\xb4", 0, "/%E1%88%B4"},
        {"/-._~aZ0", 0, "/-._~aZ0"},
        {"/!$&'()*+,;=:@", 0, "/%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%40"},
        {"/\t\x7f", 0, "/%09%7F"},
        /* Not normalised. */
        {"", KEEP, "/"},
        {"//a/./b/../", KEEP, "//a/./b/../"},
        {"//a b%20", KEEP, "//a%20b%2520"},
        /* Encoded once. */
        {"/a%20b", ONCE, "/a%20b"},
        {"/a b", ONCE, "/a%20b"},
        {"/a/../b", ONCE, "/b"},
        {"/a%2fb%7E", KEEP | ONCE, "/a%2Fb~"},
        {"/a%zz%4%", KEEP | ONCE, "/a%25zz%254%25"},
        {"/\xe1\x88\xb4%E1%88%B4", KEEP | ONCE, "/%E1%88%B4%E1%88%B4"},
        {"/a=b$c+d@e", KEEP | ONCE, "/a%3Db%24c%2Bd%40e"},
        {"//a/./b/../", KEEP | ONCE, "//a/./b/../"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hsmiam_buffer canonical;
        hsmiam_buffer_init(&canonical, 1024);
        assert_int_equal(
            hsmiam_canonical_path_append(&canonical, cases[i].wire, cases[i].flags, NULL),
            HSMIAM_OK);
        assert_string_equal(hsmiam_buffer_get_string(&canonical), cases[i].canonical);
        hsmiam_buffer_clear(&canonical);
    }
}

static void puts_queries_into_canonical_form(void **state)
{
    static const struct {
        const char *wire;
        const char *canonical;
    } cases[] = {
        {"", ""},
        {"a", "a="},
        {"a=", "a="},
        {"a=b", "a=b"},
        {"a=b=c", "a=b%3Dc"},
        {"=b", "=b"},
        {"=", "="},
        {"b=2&a=1", "a=1&b=2"},
        {"a=2&a=1&a=10", "a=1&a=10&a=2"},
        {"a=&a", "a=&a="},
        /* By the encoded name alone, bytewise: '-' is before '=', capitals before small letters. */
        {"Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
         "%E1%88%B4=Value1&Param=Value2&Param-3=Value3"},
        {"a=1&A=1&_=1&0=1", "0=1&A=1&_=1&a=1"},
        {"b=1&%61=1", "a=1&b=1"},
        /* Encoded once, however it came. */
        {"a=%2f+%2B+", "a=%2F%2B%2B%2B"},
        {"a=b c&d=\xe1\x88\xb4", "a=b%20c&d=%E1%88%B4"},
        {"a=%zz&b=%4&c=%", "a=%25zz&b=%254&c=%25"},
        {"a=%25%32%35", "a=%2525"},
        {"a=%00", "a=%00"},
        {"a%3Db=c%26d", "a%3Db=c%26d"},
        {"-._~=!$'()*,/:;?@[]", "-._~=%21%24%27%28%29%2A%2C%2F%3A%3B%3F%40%5B%5D"},
        /* Empty parameters are none. */
        {"&", ""},
        {"a=1&&b=2&", "a=1&b=2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hsmiam_buffer canonical;
        hsmiam_buffer_init(&canonical, 1024);
        assert_int_equal(hsmiam_canonical_query_append(&canonical, cases[i].wire, NULL), HSMIAM_OK);
        assert_string_equal(hsmiam_buffer_get_string(&canonical), cases[i].canonical);
        hsmiam_buffer_clear(&canonical);
    }
}

static void add(hsmiam_header_list *list, const char *name, const char *value)
{
    assert_int_equal(hsmiam_header_list_add(list, name, value, NULL), HSMIAM_OK);
}

static void check_headers(const hsmiam_header_list *list, const char *expected,
                          const char *expected_names)
{
    hsmiam_buffer canonical;
    hsmiam_buffer names;

    hsmiam_buffer_init(&canonical, 1024);
    hsmiam_buffer_init(&names, 1024);
    assert_int_equal(
        hsmiam_canonical_headers_append(&canonical, &names, list->items, list->count, NULL),
        HSMIAM_OK);
    assert_string_equal(hsmiam_buffer_get_string(&canonical), expected);
    assert_string_equal(hsmiam_buffer_get_string(&names), expected_names);
    hsmiam_buffer_clear(&canonical);
    hsmiam_buffer_clear(&names);
}

static void puts_headers_into_canonical_form(void **state)
{
    hsmiam_header_list list = {0};

    (void)state;
    check_headers(&list, "", "");
    add(&list, "X-Amz-Date", "20150830T123600Z");
    add(&list, "My-Header", "value4");
    add(&list, "HOST", "example.amazonaws.com");
    add(&list, "my-header", " \"a   b \t c\" ");
    add(&list, "My-header", "");
    add(&list, "My", "\t");
    check_headers(&list,
                  "host:example.amazonaws.com\nmy:\nmy-header:value4,\"a b c\",\n"
                  "x-amz-date:20150830T123600Z\n",
                  "host;my;my-header;x-amz-date");
    hsmiam_header_list_clear(&list);
}

static void leaves_headers_unsigned_that_proxies_change(void **state)
{
    static const char *const names[] = {"Connection",
                                        "Expect",
                                        "Keep-Alive",
                                        "Proxy-Authenticate",
                                        "Proxy-Authorization",
                                        "TE",
                                        "Trailer",
                                        "Transfer-Encoding",
                                        "Upgrade",
                                        "User-Agent",
                                        "X-Amzn-Trace-Id"};
    hsmiam_header_list list = {0};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        add(&list, names[i], "x");
    check_headers(&list, "", "");
    add(&list, "Content-Type", "x");
    check_headers(&list, "content-type:x\n", "content-type");
    hsmiam_header_list_clear(&list);
}

static void folds_header_values(void **state)
{
    static const struct {
        const char *given;
        const char *kept;
    } cases[] = {
        {"", ""},
        {" \t ", ""},
        {"a", "a"},
        {"  a\t\tb  c ", "a b c"},
        {"value1\n  value2\n     value3", "value1 value2 value3"},
        {"value1\r\n\tvalue2", "value1 value2"},
        {"a \r\n b\r\n \r\n c", "a b c"},
        {"a\r\n ", "a"},
        {"\r\n a", "a"},
        {"caf\xc3\xa9\xc2\xa0\x80", "caf\xc3\xa9\xc2\xa0\x80"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hsmiam_header_list list = {0};
        add(&list, "X-Name", cases[i].given);
        assert_string_equal(list.items[0].name, "x-name");
        assert_string_equal(list.items[0].value, cases[i].kept);
        hsmiam_header_list_clear(&list);
    }
}

static void refuses_control_characters_in_headers(void **state)
{
    static const char *const values[] = {"a\r\nX-Evil: b", "a\nb", "a\rb",   "a\r b", "a\n",
                                         "a\r\n",          "\n",   "a\001b", "a\x7f", "a\x1f",
                                         "a\r\n\r\n b",    "a\v"};
    hsmiam_error *error = hsmiam_error_new();
    hsmiam_header_list list = {0};

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_int_equal(hsmiam_header_list_add(&list, "X-Name", values[i], error),
                         HSMIAM_ERR_ARGUMENT);
        assert_non_null(strstr(hsmiam_error_get_message(error), "X-Name"));
        assert_null(strstr(hsmiam_error_get_message(error), "Evil"));
    }
    assert_int_equal(list.count, 0);
    hsmiam_header_list_clear(&list);
    hsmiam_error_free(&error);
}

static void joins_the_parts(void **state)
{
    static const char expected[] = "POST\n/a%2520b\nx=1&y=\nhost:h\nx-amz-date:20150830T123600Z\n\n"
                                   "host;x-amz-date\nUNSIGNED-PAYLOAD";
    const hsmiam_header headers[] = {{.name = "x-amz-date", .value = "20150830T123600Z"},
                                     {.name = "host", .value = "h"}};
    const hsmiam_canonical_request request = {.method = "POST",
                                              .path = "/a%20b",
                                              .query = "y&x=1",
                                              .headers = headers,
                                              .header_count = 2,
                                              .payload_hash = "UNSIGNED-PAYLOAD"};
    hsmiam_buffer canonical;
    hsmiam_buffer names;

    (void)state;
    hsmiam_buffer_init(&canonical, 1024);
    hsmiam_buffer_init(&names, 1024);
    assert_int_equal(hsmiam_canonical_request_append(&canonical, &names, &request, NULL),
                     HSMIAM_OK);
    assert_string_equal(hsmiam_buffer_get_string(&canonical), expected);
    hsmiam_buffer_clear(&canonical);
    hsmiam_buffer_clear(&names);
}

static void says_when_there_is_no_room(void **state)
{
    const hsmiam_header headers[] = {{.name = "host", .value = "h"}};
    const hsmiam_canonical_request request = {.method = "GET",
                                              .path = "/",
                                              .query = "",
                                              .headers = headers,
                                              .header_count = 1,
                                              .payload_hash = "UNSIGNED-PAYLOAD"};

    (void)state;
    for (size_t limit = 0; limit <= sizeof "GET\n/\n\nhost:h\n\nhost\nUNSIGNED-PAYLOAD"; limit++) {
        hsmiam_buffer canonical;
        hsmiam_buffer names;
        hsmiam_buffer_init(&canonical, limit);
        hsmiam_buffer_init(&names, 1024);
        bool fits = limit + 1 >= sizeof "GET\n/\n\nhost:h\n\nhost\nUNSIGNED-PAYLOAD";
        assert_int_equal(hsmiam_canonical_request_append(&canonical, &names, &request, NULL),
                         fits ? HSMIAM_OK : HSMIAM_ERR_MEMORY);
        hsmiam_buffer_clear(&canonical);
        hsmiam_buffer_clear(&names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_no_escape_beyond_its_text),
        cmocka_unit_test(puts_paths_into_canonical_form),
        cmocka_unit_test(puts_queries_into_canonical_form),
        cmocka_unit_test(puts_headers_into_canonical_form),
        cmocka_unit_test(leaves_headers_unsigned_that_proxies_change),
        cmocka_unit_test(folds_header_values),
        cmocka_unit_test(refuses_control_characters_in_headers),
        cmocka_unit_test(joins_the_parts),
        cmocka_unit_test(says_when_there_is_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
