/* SPDX-License-Identifier: Apache-2.0 */
/* Block style YAML; a string that a reader could take for something else is quoted. */
#include "input.h"
#include "output.h"

#include <string.h>
#include <yaml.h>

static int write_bytes(void *stream, unsigned char *bytes, size_t size)
{
    return fwrite(bytes, 1, size, stream) == size;
}

/* Whatever becomes of the event, the emitter takes it over. */
static bool emit_scalar(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style)
{
    yaml_event_t event = {0};

    return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
                                        (int)strlen(text), 1, 1, style) &&
           yaml_emitter_emit(emitter, &event);
}

static bool emit_string(yaml_emitter_t *emitter, const char *text)
{
    bool quote = tool_input_is_ambiguous_scalar(text);

    return emit_scalar(emitter, text,
                       quote ? YAML_SINGLE_QUOTED_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE);
}

static bool emit_value(yaml_emitter_t *emitter, const tool_value *value)
{
    bool is_list = value->type == TOOL_VALUE_LIST;
    yaml_event_t start = {0};
    yaml_event_t end = {0};

    if (value->type == TOOL_VALUE_STRING)
        return emit_string(emitter, value->text);
    if (!tool_value_is_container(value))
        return emit_scalar(emitter, value->text ? value->text : "null", YAML_PLAIN_SCALAR_STYLE);
    if (!(is_list ? yaml_sequence_start_event_initialize(&start, NULL, NULL, 1,
                                                         YAML_BLOCK_SEQUENCE_STYLE)
                  : yaml_mapping_start_event_initialize(&start, NULL, NULL, 1,
                                                        YAML_BLOCK_MAPPING_STYLE)) ||
        !yaml_emitter_emit(emitter, &start))
        return false;
    for (const tool_value *member = value->first; member; member = member->next) {
        if ((!is_list && !emit_string(emitter, member->name)) || !emit_value(emitter, member))
            return false;
    }
    return (is_list ? yaml_sequence_end_event_initialize(&end)
                    : yaml_mapping_end_event_initialize(&end)) &&
           yaml_emitter_emit(emitter, &end);
}

static bool emit_document(yaml_emitter_t *emitter, const tool_value *object)
{
    yaml_event_t event = {0};

    if (!yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) ||
        !yaml_emitter_emit(emitter, &event))
        return false;
    if (!yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) ||
        !yaml_emitter_emit(emitter, &event))
        return false;
    if (!emit_value(emitter, object))
        return false;
    if (!yaml_document_end_event_initialize(&event, 1) || !yaml_emitter_emit(emitter, &event))
        return false;
    return yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

bool tool_output_render_yaml(const tool_value *object, FILE *stream)
{
    yaml_emitter_t emitter = {0};
    bool done = false;

    if (!yaml_emitter_initialize(&emitter))
        return false;
    yaml_emitter_set_output(&emitter, write_bytes, stream);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    /* A write error is the stream's to report. */
    done = emit_document(&emitter, object) || emitter.error == YAML_WRITER_ERROR;
    yaml_emitter_delete(&emitter);
    return done;
}
