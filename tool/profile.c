/* SPDX-License-Identifier: Apache-2.0 */
#include "profile.h"

#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

static const char *const key_names[TOOL_PROFILE_KEY_COUNT] = {
    [TOOL_PROFILE_REGION] = "region",
    [TOOL_PROFILE_OUTPUT] = "output",
    [TOOL_PROFILE_CA_BUNDLE] = "ca_bundle",
    [TOOL_PROFILE_ENDPOINT_URL] = "endpoint_url",
    [TOOL_PROFILE_IGNORE_ENDPOINTS] = "ignore_configured_endpoint_urls",
    [TOOL_PROFILE_SERVICES] = "services",
    [TOOL_PROFILE_FIPS] = "use_fips_endpoint",
    [TOOL_PROFILE_MAX_ATTEMPTS] = "max_attempts",
    [TOOL_PROFILE_CREDENTIAL] = "hsmiam_credential",
    [TOOL_PROFILE_TOKEN] = "hsmiam_token",
    [TOOL_PROFILE_PIN_SOURCE] = "hsmiam_pin_source",
    [TOOL_PROFILE_TOKEN_TIMEOUT] = "hsmiam_token_timeout",
    [TOOL_PROFILE_FORBID_PLAINTEXT] = "hsmiam_forbid_plaintext_import",
    [TOOL_PROFILE_LEDGER] = "hsmiam_ledger",
    [TOOL_PROFILE_AUDIT_SYSLOG] = "hsmiam_audit_syslog",
};

/* The state of one reading. */
typedef struct tool_reading {
    FILE *file;
    tool_profile *profile;
    const char *wanted;
    bool found;
    bool in_profile; /* the current section is the wanted profile */
    char *services;  /* the name of the current services section, NULL in others */
    int line;
    bool too_long;
    bool no_memory;
} tool_reading;

/* A section's name behind its kind ("profile", "services"), quotes taken off, or NULL if it is of
 * another kind. Cuts `section` in place. */
static char *match_section(char *section, const char *kind)
{
    size_t length = strlen(kind);
    char *name = section + length;

    if (strncmp(section, kind, length) != 0 || !isspace((unsigned char)*name))
        return NULL;
    while (isspace((unsigned char)*name))
        name++;
    length = strlen(name);
    while (length > 0 && isspace((unsigned char)name[length - 1]))
        name[--length] = 0;
    if (length >= 2 && (*name == '"' || *name == '\'') && name[length - 1] == *name) {
        name[length - 1] = 0;
        name++;
    }
    return name;
}

bool tool_profile_is_opened(const char *line, const char *name)
{
    const char *end = strchr(line, ']');
    char *section = end && *line == '[' ? tool_text_copy(line + 1, (size_t)(end - line - 1)) : NULL;
    const char *found = NULL;
    bool is_opened = false;

    if (section && strcmp(section, "default") == 0)
        found = section;
    else if (section)
        found = match_section(section, "profile");
    is_opened = found && strcmp(found, name) == 0;
    free(section);
    return is_opened;
}

/* Notes the section that a line opens. inih hands over the first 49 bytes of a section's name
 * only, hence the name is taken from the line itself. */
static void enter_section(tool_reading *reading, const char *line)
{
    const char *end = strchr(line, ']');
    char *section = end ? tool_text_copy(line + 1, (size_t)(end - line - 1)) : NULL;
    const char *name = NULL;

    reading->in_profile = tool_profile_is_opened(line, reading->wanted);
    free(reading->services);
    reading->services = NULL;
    if (!section) {
        reading->no_memory = end != NULL;
        return;
    }
    name = match_section(section, "services");
    if (name)
        reading->services = strdup(name);
    reading->found = reading->found || reading->in_profile;
    reading->no_memory = reading->no_memory || (name && !reading->services);
    free(section);
}

/* Gives inih one line. A line that does not fit ends the reading; inih would cut it in two. inih's
 * buffer is wiped at the end, since a line may have held a PIN. */
static char *read_line(char *buffer, int size, void *stream)
{
    tool_reading *reading = stream;
    const char *start = buffer;

    if (reading->no_memory || !fgets(buffer, size, reading->file)) {
        explicit_bzero(buffer, (size_t)size);
        return NULL;
    }
    reading->line++;
    if (strlen(buffer) == (size_t)size - 1 && buffer[size - 2] != '\n') {
        reading->too_long = true;
        explicit_bzero(buffer, (size_t)size);
        return NULL;
    }
    if (reading->line == 1 && strncmp(start, "\xef\xbb\xbf", 3) == 0)
        start += 3;
    if (*start == '[')
        enter_section(reading, start);
    return buffer;
}

static bool set_value(char **place, const char *text)
{
    if (*place)
        explicit_bzero(*place, strlen(*place));
    free(*place);
    *place = tool_text_copy(text, strlen(text));
    return *place != NULL;
}

/* Takes "endpoint_url = URL", a nested line under "iam =" of a services section. */
static void take_service_line(tool_reading *reading, const char *text)
{
    static const char key[] = "endpoint_url";
    tool_value **endpoints = &reading->profile->service_endpoints;

    if (strncmp(text, key, sizeof key - 1) != 0)
        return;
    text += sizeof key - 1;
    text += strspn(text, " \t");
    if (*text++ != '=')
        return;
    text += strspn(text, " \t");
    if (!*endpoints)
        *endpoints = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    if (!*endpoints || !tool_value_add_string(*endpoints, reading->services, text))
        reading->no_memory = true;
}

static int take_pair(void *user, const char *section, const char *name, const char *value)
{
    tool_reading *reading = user;

    (void)section;
    if (reading->services && strcmp(name, "iam") == 0)
        take_service_line(reading, value);
    for (int key = 0; reading->in_profile && key < TOOL_PROFILE_KEY_COUNT; key++) {
        if (strcmp(name, key_names[key]) == 0 && !set_value(&reading->profile->values[key], value))
            reading->no_memory = true;
    }
    return !reading->no_memory;
}

static hsmiam_status judge(const tool_reading *reading, int line, const char *path,
                           const char *name, tool_error *error)
{
    if (reading->no_memory || line == -2)
        return tool_error_set_memory(error);
    if (reading->too_long)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "Unable to parse config file: %s: line %d is longer than %d bytes",
                              path, reading->line, TOOL_PROFILE_LINE_MAX - 2);
    if (ferror(reading->file))
        return tool_error_set(error, HSMIAM_ERR_CONFIG, "Unable to read config file: %s", path);
    if (line != 0)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "Unable to parse config file: %s: line %d is neither a section nor "
                              "name = value",
                              path, line);
    if (name && !reading->found)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "The config profile (%s) could not be found", name);
    return HSMIAM_OK;
}

static hsmiam_status open_file(const char *path, const char *name, FILE **file_out,
                               tool_error *error)
{
    *file_out = fopen(path, "re");
    if (*file_out)
        return HSMIAM_OK;
    if (errno != ENOENT && errno != ENOTDIR)
        return tool_error_set(error, HSMIAM_ERR_CONFIG, "Unable to read config file: %s: %s", path,
                              strerror(errno));
    if (name)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "The config profile (%s) could not be found", name);
    return HSMIAM_OK;
}

hsmiam_status tool_profile_load(const char *path, const char *name, tool_profile *profile_out,
                                tool_error *error)
{
    tool_reading reading = {.profile = profile_out, .wanted = name ? name : "default"};
    char buffer[BUFSIZ];
    hsmiam_status status = open_file(path, name, &reading.file, error);

    if (status != HSMIAM_OK || !reading.file)
        return status;
    /* PKCS#11 URIs are long and hold ';'. */
    ini_max_line = TOOL_PROFILE_LINE_MAX;
    ini_initial_alloc = TOOL_PROFILE_LINE_MAX;
    ini_use_stack = false;
    ini_allow_inline_comments = false;
    ini_stop_on_first_error = true;
    (void)setvbuf(reading.file, buffer, _IOFBF, sizeof buffer);
    status = judge(&reading, ini_parse_stream(read_line, &reading, take_pair, &reading), path, name,
                   error);
    (void)fclose(reading.file);
    explicit_bzero(buffer, sizeof buffer);
    free(reading.services);
    if (status != HSMIAM_OK)
        tool_profile_clear(profile_out);
    return status;
}

void tool_profile_clear(tool_profile *profile)
{
    for (size_t i = 0; i < TOOL_PROFILE_KEY_COUNT; i++) {
        if (profile->values[i])
            explicit_bzero(profile->values[i], strlen(profile->values[i]));
        free(profile->values[i]);
    }
    tool_value_free(&profile->service_endpoints);
    *profile = (tool_profile){0};
}

const char *tool_profile_get_service_endpoint(const tool_profile *profile)
{
    const char *services = profile->values[TOOL_PROFILE_SERVICES];
    const tool_value *endpoint = NULL;

    if (services && profile->service_endpoints)
        endpoint = tool_value_get_member(profile->service_endpoints, services);
    return endpoint ? endpoint->text : NULL;
}
