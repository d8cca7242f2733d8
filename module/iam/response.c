/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/response.h"

#include "iam/response_sax.h"

#include <libxml/parserInternals.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The parser gets the answer in pieces that end with a tag. When it finds an error it may free what
 * it holds as it stands, and then it holds little. */
#define PIECE_MAX 256

/* What libxml2 allots to the input of a parser. Input that stays within does not move, and so
 * leaves no copy behind. */
#define INPUT_MAX ((size_t)8192)

static pthread_once_t once = PTHREAD_ONCE_INIT;

hsmiam_status hsmiam_response_new(const char *operation, hsmiam_reply *reply, hsmiam_secret *secret,
                                  hsmiam_response **response_out, hsmiam_error *error)
{
    /* libxml2 asks this of programs with threads; it does nothing if it was done. */
    (void)pthread_once(&once, xmlInitParser);

    hsmiam_response *response = calloc(1, sizeof *response);
    if (response == NULL)
        return hsmiam_error_set_memory(error, "the answer");
    response->operation = operation;
    response->reply = reply;
    response->secret = secret;
    response->key = &reply->key;

    xmlSAXHandler handler = hsmiam_response_handler;
    response->parser = xmlCreatePushParserCtxt(&handler, response, NULL, 0, NULL);
    if (response->parser == NULL) {
        free(response);
        return hsmiam_error_set_memory(error, "the answer");
    }
    /* Answers are UTF-8, whatever they declare: libxml2 prints bytes of what it cannot convert. */
    (void)xmlCtxtUseOptions(response->parser, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
    response->input = response->parser->input->base;
    *response_out = response;
    return HSMIAM_OK;
}

/* How much the parser has in its input, read or not. It has none once it gave up. */
static size_t get_input_size(const hsmiam_response *response)
{
    const xmlParserInput *input = response->parser->input;

    return input != NULL && input->base == response->input ? (size_t)(input->end - input->base) : 0;
}

/* Wipes what the parser has read; or all that ever was in its input, since it moves what it has
 * not read to the front and leaves it behind. */
static void wipe_input(hsmiam_response *response, bool all)
{
    const xmlParserInput *input = response->parser->input;

    if (input == NULL || input->buf == NULL || input->base != response->input)
        return;
    hsmiam_wipe((xmlChar *)input->base,
                all ? response->input_high : (size_t)(input->cur - input->base));
}

void hsmiam_response_free(hsmiam_response **response)
{
    if (response == NULL || *response == NULL)
        return;
    wipe_input(*response, true);
    xmlFreeParserCtxt((*response)->parser);
    hsmiam_wipe(*response, sizeof **response);
    free(*response);
    *response = NULL;
}

static void check_parser(hsmiam_response *response)
{
    const xmlParserCtxt *parser = response->parser;

    if (parser->wellFormed == 0 || parser->nsWellFormed == 0)
        hsmiam_response_stop(response, parser->errNo == XML_ERR_NO_MEMORY
                                           ? "cannot be read for lack of memory"
                                           : "is not well-formed XML");
}

/* An encoding in which a '<' is not one byte is found by its first byte, or by a zero. */
static bool is_utf8_like(const hsmiam_response *response, const char *data, size_t size)
{
    static const char first[] = "< \t\r\n\xef";

    if (memchr(data, '\0', size) != NULL)
        return false;
    return response->input_high > 0 || strchr(first, data[0]) != NULL;
}

static void feed_piece(hsmiam_response *response, const char *data, size_t size)
{
    size_t end = get_input_size(response) + size;

    if (!is_utf8_like(response, data, size)) {
        hsmiam_response_stop(response, "is not XML in UTF-8");
        return;
    }
    if (end >= INPUT_MAX) {
        hsmiam_response_stop(response, "has a tag or text that is too long");
        return;
    }
    if (end > response->input_high)
        response->input_high = end;
    (void)xmlParseChunk(response->parser, data, (int)size, 0);
    wipe_input(response, false);
    check_parser(response);
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
    if (response->complete && !response->stopped) {
        (void)xmlParseChunk(response->parser, NULL, 0, 1);
        check_parser(response);
    }
    if (!response->complete && !response->stopped)
        return hsmiam_error_set(error, HSMIAM_ERR_UNKNOWN_OUTCOME, "The answer to %s is cut off.",
                                response->operation);
    if (response->problem.status == HSMIAM_OK)
        return HSMIAM_OK;
    return hsmiam_error_set(error, response->problem.status, "%s", response->problem.message);
}
