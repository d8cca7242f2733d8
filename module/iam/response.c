/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/response.h"

#include "iam/response_sax.h"
#include "iam/service.h"

#include <stdlib.h>
#include <string.h>

/* The parser gets the answer in pieces that end with a tag: it then has little to keep. */
#define PIECE_MAX 256

/* All that the parser ever takes, with room for a tag of some kilobytes. */
#define MEMORY_MAX ((size_t)64 * 1024)

/* expat's functions for memory are not told which parser asks. */
static _Thread_local hsmiam_arena *current;

static void *allocate(size_t size)
{
    return hsmiam_arena_allocate(current, size);
}

static void *reallocate(void *block, size_t size)
{
    return hsmiam_arena_reallocate(current, block, size);
}

static void release(void *block)
{
    hsmiam_arena_release(current, block);
}

hsmiam_status hsmiam_response_new(const char *operation, hsmiam_reply *reply, hsmiam_secret *secret,
                                  hsmiam_response **response_out, hsmiam_error *error)
{
    return hsmiam_response_new_within(MEMORY_MAX, operation, reply, secret, response_out, error);
}

hsmiam_status hsmiam_response_new_within(size_t memory, const char *operation, hsmiam_reply *reply,
                                         hsmiam_secret *secret, hsmiam_response **response_out,
                                         hsmiam_error *error)
{
    static const XML_Memory_Handling_Suite suite = {allocate, reallocate, release};
    static const XML_Char separator[] = {HSMIAM_RESPONSE_SEPARATOR, '\0'};

    hsmiam_response *response = calloc(1, sizeof *response);
    if (response == NULL)
        return hsmiam_error_set_memory(error, "the answer");
    const hsmiam_operation *known = hsmiam_operation_find(operation);
    response->operation = operation;
    response->xml_namespace =
        hsmiam_service_get(known != NULL ? known->service : HSMIAM_SERVICE_IAM)->xml_namespace;
    response->reply = reply;
    response->secret = secret;
    response->key = &reply->key;

    hsmiam_status status = hsmiam_arena_new(memory, &response->memory, error);
    if (status != HSMIAM_OK)
        goto out;
    current = response->memory;
    /* Answers are UTF-8, whatever they declare. */
    response->parser = XML_ParserCreate_MM("UTF-8", &suite, separator);
    current = NULL;
    if (response->parser == NULL) {
        status = hsmiam_error_set_memory(error, "the answer");
        goto out;
    }
    hsmiam_response_set_handlers(response);
    *response_out = response;
    response = NULL;
out:
    hsmiam_response_free(&response);
    return status;
}

void hsmiam_response_set_session_token(hsmiam_response *response, hsmiam_secret *session_token)
{
    response->session_token = session_token;
}

void hsmiam_response_free(hsmiam_response **response)
{
    if (response == NULL || *response == NULL)
        return;
    /* The parser has nothing that is not in the arena. */
    hsmiam_arena_free(&(*response)->memory);
    hsmiam_wipe(*response, sizeof **response);
    free(*response);
    *response = NULL;
}

/* Errors of an end that comes too soon; they are looked at when there is no more to come. */
static bool is_cut(enum XML_Error code)
{
    return code == XML_ERROR_NO_ELEMENTS || code == XML_ERROR_UNCLOSED_TOKEN ||
           code == XML_ERROR_PARTIAL_CHAR || code == XML_ERROR_UNCLOSED_CDATA_SECTION;
}

static void parse(hsmiam_response *response, const char *data, size_t size, bool is_final)
{
    current = response->memory;
    enum XML_Status status = XML_Parse(response->parser, data, (int)size, is_final);
    current = NULL;
    if (status == XML_STATUS_OK || response->stopped)
        return;
    enum XML_Error code = XML_GetErrorCode(response->parser);
    if (code == XML_ERROR_NO_MEMORY)
        hsmiam_response_stop(response, "has a tag or text that is too long");
    else if (!is_final || response->complete || !is_cut(code))
        hsmiam_response_stop(response, "is not well-formed XML");
}

/* An encoding in which a '<' is not one byte is found by its first byte, or by a zero. */
static bool is_utf8_like(const hsmiam_response *response, const char *data, size_t size)
{
    static const char first[] = "< \t\r\n\xef";

    if (memchr(data, '\0', size) != NULL)
        return false;
    return response->begun || strchr(first, data[0]) != NULL;
}

static void feed_piece(hsmiam_response *response, const char *data, size_t size)
{
    if (!is_utf8_like(response, data, size)) {
        /* What came before is read: the parser may have put it off, and a key's id is in it. */
        if (response->begun)
            parse(response, NULL, 0, true);
        if (!response->stopped)
            hsmiam_response_stop(response, "is not XML in UTF-8");
        return;
    }
    response->begun = true;
    parse(response, data, size, false);
}

void hsmiam_response_feed(hsmiam_response *response, const char *data, size_t size)
{
    while (size > 0 && !response->stopped) {
        size_t most = size < PIECE_MAX ? size : PIECE_MAX;
        const char *tag_end = memchr(data, '>', most);
        size_t piece = tag_end != NULL ? (size_t)(tag_end - data) + 1 : most;

        feed_piece(response, data, piece);
        data += piece;
        size -= piece;
    }
}

hsmiam_status hsmiam_response_finish(hsmiam_response *response, hsmiam_error *error)
{
    /* The parser may have put off what came in small pieces. */
    if (!response->stopped)
        parse(response, NULL, 0, true);
    if (!response->complete && !response->stopped)
        return hsmiam_error_set(error, HSMIAM_ERR_UNKNOWN_OUTCOME, "The answer to %s is cut off.",
                                response->operation);
    if (response->problem.status == HSMIAM_OK)
        return HSMIAM_OK;
    return hsmiam_error_set(error, response->problem.status, "%s", response->problem.message);
}
