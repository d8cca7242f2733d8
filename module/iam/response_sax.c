/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/response_sax.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const hsmiam_shape *get_current(const hsmiam_response *response)
{
    return response->depth > 0 ? response->path[response->depth - 1] : NULL;
}

void hsmiam_response_note(hsmiam_response *response, const char *what, ...)
{
    char text[256];
    va_list arguments;

    if (response->problem.status != HSMIAM_OK)
        return;
    va_start(arguments, what);
    (void)vsnprintf(text, sizeof text, what, arguments);
    va_end(arguments);
    (void)hsmiam_error_set(&response->problem, HSMIAM_ERR_REPLY, "The answer to %s %s.",
                           response->operation, text);
}

void hsmiam_response_stop(hsmiam_response *response, const char *what)
{
    hsmiam_response_note(response, "%s", what);
    response->stopped = true;
    (void)XML_StopParser(response->parser, XML_FALSE);
}

static uint64_t get_bit(const hsmiam_shape *shape)
{
    return (uint64_t)1 << shape->id % 64;
}

static bool was_seen(const hsmiam_response *response, const hsmiam_shape *shape)
{
    return (response->seen[shape->id / 64] & get_bit(shape)) != 0;
}

static void set_seen(hsmiam_response *response, const hsmiam_shape *shape, bool seen)
{
    if (seen)
        response->seen[shape->id / 64] |= get_bit(shape);
    else
        response->seen[shape->id / 64] &= ~get_bit(shape);
}

/* Results are the service's. Errors may also come from what stands in front of it, in a namespace
 * of its own (http://webservices.amazon.com/AWSFault/2005-15-09). */
static bool is_expected_namespace(hsmiam_response *response, const char *name, const char *uri,
                                  size_t uri_size)
{
    const char *own = response->xml_namespace;
    bool is_own = uri_size == strlen(own) && memcmp(uri, own, uri_size) == 0;

    if (response->depth == 0) {
        response->has_namespace = uri_size > 0;
        return uri_size == 0 || is_own || strcmp(name, "ErrorResponse") == 0;
    }
    if (response->reply->kind == HSMIAM_REPLY_ERROR)
        return true;
    return response->has_namespace ? is_own : uri_size == 0;
}

static void check_root(hsmiam_response *response, const hsmiam_shape *root)
{
    static const char suffix[] = "Response";
    size_t size = strlen(response->operation);

    if (root != NULL && hsmiam_shape_is_error_root(root))
        response->reply->kind = HSMIAM_REPLY_ERROR;
    else if (root != NULL && strncmp(root->name, response->operation, size) == 0 &&
             strcmp(root->name + size, suffix) == 0)
        response->reply->kind = HSMIAM_REPLY_RESULT;
    else
        hsmiam_response_stop(response, "is the XML of something else");
}

static void begin_member(hsmiam_response *response, const hsmiam_shape *member)
{
    for (size_t i = 0; i < hsmiam_shape_count; i++) {
        if (hsmiam_shapes[i].parent == member->id)
            set_seen(response, &hsmiam_shapes[i], false);
    }
    const char *problem = hsmiam_shape_begin_item(member, response->reply, &response->key);
    if (problem != NULL)
        hsmiam_response_stop(response, problem);
}

static void on_start(void *context, const XML_Char *qualified, const XML_Char **attributes)
{
    hsmiam_response *response = context;
    const hsmiam_shape *parent = get_current(response);
    const hsmiam_shape *shape = NULL;
    const char *separator = strchr(qualified, HSMIAM_RESPONSE_SEPARATOR);
    const char *name = separator != NULL ? separator + 1 : qualified;
    size_t uri_size = separator != NULL ? (size_t)(separator - qualified) : 0;

    (void)attributes;
    if (response->stopped)
        return;
    if (response->unknown_depth == 0 && is_expected_namespace(response, name, qualified, uri_size))
        shape = hsmiam_shape_find(parent != NULL ? parent->id : 0, name);
    if (parent == NULL)
        check_root(response, shape);
    else if (response->unknown_depth == 0 && parent->sink != HSMIAM_TEXT_NONE)
        hsmiam_response_note(response, "has an element inside of %s", parent->name);
    if (response->depth + response->unknown_depth == HSMIAM_RESPONSE_DEPTH_MAX)
        hsmiam_response_stop(response, "is nested too deep");
    if (response->stopped)
        return;

    if (shape == NULL) {
        response->unknown_depth++;
        return;
    }
    if (was_seen(response, shape) && (shape->flags & HSMIAM_SHAPE_REPEATS) == 0) {
        hsmiam_response_note(response, "has %s twice", shape->name);
        response->unknown_depth++; /* the first one stands */
        return;
    }
    set_seen(response, shape, true);
    response->path[response->depth++] = shape;
    response->text_size = 0;
    if ((shape->flags & HSMIAM_SHAPE_REPEATS) != 0)
        begin_member(response, shape);
}

static bool is_secret(const hsmiam_shape *shape)
{
    return shape->sink == HSMIAM_TEXT_SECRET || shape->sink == HSMIAM_TEXT_SESSION_TOKEN;
}

/* A secret goes to secret memory. What the caller fed it with, the caller wipes. */
static void take_secret(hsmiam_response *response, const hsmiam_shape *shape, const char *text,
                        size_t size)
{
    hsmiam_secret *secret =
        shape->sink == HSMIAM_TEXT_SECRET ? response->secret : response->session_token;
    bool is_clean = true;

    for (size_t i = 0; i < size; i++)
        is_clean = is_clean && text[i] > ' ' && text[i] <= '~';
    if (!is_clean)
        hsmiam_response_note(response, "has %s of other characters than printable ASCII",
                             shape->name);
    else if (secret == NULL || response->text_size > shape->max ||
             !hsmiam_secret_append(secret, text, size))
        hsmiam_response_note(response, "has %s that there is no room for", shape->name);
}

static bool is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n')
            return false;
    }
    return true;
}

static void on_text(void *context, const XML_Char *text, int length)
{
    hsmiam_response *response = context;
    const hsmiam_shape *shape = get_current(response);
    size_t size = length > 0 ? (size_t)length : 0;

    if (response->stopped || response->unknown_depth > 0 || shape == NULL)
        return;
    if (shape->sink == HSMIAM_TEXT_NONE) {
        if (!is_blank(text, size))
            hsmiam_response_note(response, "has text where %s holds elements only", shape->name);
        return;
    }
    size_t kept = response->text_size;
    response->text_size += size;
    if (is_secret(shape))
        take_secret(response, shape, text, size);
    else if (kept < shape->max)
        memcpy(response->text + kept, text, size < shape->max - kept ? size : shape->max - kept);
}

static void end_text(hsmiam_response *response, const hsmiam_shape *shape)
{
    size_t size = response->text_size;

    if ((shape->flags & HSMIAM_SHAPE_CUT) != 0 && size > shape->max)
        size = shape->max;
    if (size < shape->min || size > shape->max) {
        hsmiam_response_note(response, "has %s of %zu bytes, where %zu to %zu are expected",
                             shape->name, size, shape->min, shape->max);
        return;
    }
    if (is_secret(shape))
        return;
    response->text[size] = '\0';
    if (strlen(response->text) != size ||
        !shape->store(response->reply, response->key, response->text))
        hsmiam_response_note(response, "has %s of %zu bytes that is none", shape->name, size);
}

static void check_children(hsmiam_response *response, const hsmiam_shape *shape)
{
    for (size_t i = 0; i < hsmiam_shape_count; i++) {
        const hsmiam_shape *child = &hsmiam_shapes[i];
        if (child->parent == shape->id && (child->flags & HSMIAM_SHAPE_MANDATORY) != 0 &&
            !was_seen(response, child))
            hsmiam_response_note(response, "lacks %s", child->name);
    }
    if (hsmiam_shape_is_error_root(shape) && response->reply->code[0] == '\0')
        hsmiam_response_note(response, "is an error without a code");
}

static void on_end(void *context, const XML_Char *name)
{
    hsmiam_response *response = context;
    const hsmiam_shape *shape = get_current(response);

    (void)name;
    if (response->stopped || shape == NULL)
        return;
    if (response->unknown_depth > 0) {
        response->unknown_depth--;
        return;
    }
    if (shape->sink != HSMIAM_TEXT_NONE)
        end_text(response, shape);
    else
        check_children(response, shape);
    response->depth--;
    response->complete = response->depth == 0;
}

/* A comment or a processing instruction means nothing, but no text of ours is parted by one. */
static void check_markup(hsmiam_response *response)
{
    const hsmiam_shape *shape = get_current(response);

    if (shape != NULL && response->unknown_depth == 0 && shape->sink != HSMIAM_TEXT_NONE)
        hsmiam_response_note(response, "has markup inside of %s", shape->name);
}

static void on_comment(void *context, const XML_Char *text)
{
    (void)text;
    check_markup(context);
}

static void on_instruction(void *context, const XML_Char *target, const XML_Char *text)
{
    (void)target, (void)text;
    check_markup(context);
}

/* Called before anything of a document type is read: no entity is known but XML's own five. */
static void on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
                       const XML_Char *public_id, int has_internal_subset)
{
    hsmiam_response *response = context;

    (void)name, (void)system_id, (void)public_id, (void)has_internal_subset;
    hsmiam_response_stop(response, "has a document type, which is not allowed");
}

void hsmiam_response_set_handlers(hsmiam_response *response)
{
    XML_SetUserData(response->parser, response);
    XML_SetElementHandler(response->parser, on_start, on_end);
    XML_SetCharacterDataHandler(response->parser, on_text);
    XML_SetCommentHandler(response->parser, on_comment);
    XML_SetProcessingInstructionHandler(response->parser, on_instruction);
    XML_SetStartDoctypeDeclHandler(response->parser, on_doctype);
}
