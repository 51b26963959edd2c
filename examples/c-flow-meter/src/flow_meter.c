/*
 * A flow meter: a paddle wheel gives so many pulses a litre. Counts them, says every second how fast it
 * flows, and how much has flowed in all, across restarts and new versions of this file.
 *
 * flow_meter.h is made of wit/flow-meter.wit by `weihe build`. Two rules hold for everything in it:
 *   - what a function here is given, it owns and frees (..._free);
 *   - what it returns, the bindings free: a text must be a copy (flow_meter_string_dup).
 * What is passed to the host is only lent (flow_meter_string_set).
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_meter.h"

typedef flow_meter_string_t text_t;

/* How often the rate is said, in nanoseconds. */
#define RATE_PERIOD UINT64_C(1000000000)
#define SECONDS_PER_MINUTE 60.0

/* Ticks of the timer "rate" arrive as events on this topic. */
#define RATE_TICK "$timer/rate"

/* The YF-S201 and many others of its size. */
#define PULSES_PER_LITRE 450.0

/* More than all topics, messages and answers here need; device names have at most 64 letters. */
#define TEXT_LENGTH 256

/* The packing of the state; one more when `struct count` changes. */
#define STATE_VERSION 1

/* What survives. WebAssembly is little-endian on every processor, so it can be copied as it is. */
struct count {
    uint64_t pulses;     /* ever, or since the last reset */
    uint64_t since_tick; /* for the rate */
};

static struct count count;
static double pulses_per_litre = PULSES_PER_LITRE;
static char rate_topic[TEXT_LENGTH];
static char total_topic[TEXT_LENGTH];

static text_t lent(const char *text)
{
    text_t lent;
    flow_meter_string_set(&lent, text);
    return lent;
}

/* Texts of the host end at their length, not at a zero. */
static bool equals(const text_t *text, const char *other)
{
    return text->len == strlen(other) && memcmp(text->ptr, other, text->len) == 0;
}

static double litres(void)
{
    return (double)count.pulses / pulses_per_litre;
}

/* Publishes a number. That a device may publish on its own topics is always granted, so an error
 * means that it publishes too much at once. */
static bool publish(const char *topic, double number)
{
    weihe_plugin_bus_publication_t publication = {
        .topic = lent(topic),
        .time = {.is_some = false},
        .quality = WEIHE_PLUGIN_TYPES_QUALITY_GOOD,
        .value = {.tag = WEIHE_PLUGIN_TYPES_VALUE_FLOAT, .val.float_ = number},
    };
    weihe_plugin_bus_bus_error_t error;
    if (weihe_plugin_bus_publish(&publication, &error))
        return true;
    weihe_plugin_bus_bus_error_free(&error);
    return false;
}

/* A setting of the device's `config`, or none. The caller frees it. */
static bool setting(const char *key, text_t *value)
{
    text_t name = lent(key);
    flow_meter_option_string_t found;
    wasi_config_store_error_t error;
    if (!wasi_config_store_get(&name, &found, &error)) {
        wasi_config_store_error_free(&error);
        return false;
    }
    *value = found.val;
    return found.is_some;
}

/* --- lifecycle -------------------------------------------------------------------------------- */

void exports_weihe_plugin_lifecycle_describe(exports_weihe_plugin_lifecycle_description_t *about)
{
    static const char *const commands[][3] = {
        {"reading", "How much has flowed", "{\"type\":\"object\"}"},
        {"reset", "Start again from zero; answers with the last reading", "{\"type\":\"object\"}"},
    };
    enum { COMMANDS = sizeof commands / sizeof commands[0] };
    static const char *const topics[][2] = {
        {"plugin/{device}/rate", "Flow, L/min, once a second"},
        {"plugin/{device}/total", "Volume so far, L, when it has changed"},
    };
    enum { TOPICS = sizeof topics / sizeof topics[0] };

    memset(about, 0, sizeof *about);
    flow_meter_string_dup(&about->name, "flow-meter");
    flow_meter_string_dup(&about->version, "0.1.0");
    flow_meter_string_dup(&about->summary, "Counts the pulses of a paddle wheel, in C");
    about->standalone = true;
    flow_meter_string_dup(&about->config_schema,
        "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
        "\"pulses-per-litre\":{\"type\":\"number\",\"minimum\":0.001},"
        "\"input\":{\"type\":\"string\"}}}");

    about->commands.len = COMMANDS;
    about->commands.ptr = calloc(COMMANDS, sizeof *about->commands.ptr);
    for (size_t i = 0; i < COMMANDS; i++) {
        flow_meter_string_dup(&about->commands.ptr[i].name, commands[i][0]);
        flow_meter_string_dup(&about->commands.ptr[i].summary, commands[i][1]);
        flow_meter_string_dup(&about->commands.ptr[i].answer, commands[i][2]);
    }
    about->topics.len = TOPICS;
    about->topics.ptr = calloc(TOPICS, sizeof *about->topics.ptr);
    for (size_t i = 0; i < TOPICS; i++) {
        flow_meter_string_dup(&about->topics.ptr[i].filter, topics[i][0]);
        about->topics.ptr[i].direction = EXPORTS_WEIHE_PLUGIN_LIFECYCLE_DIRECTION_PUBLISHES;
        flow_meter_string_dup(&about->topics.ptr[i].summary, topics[i][1]);
    }
}

bool exports_weihe_plugin_lifecycle_start(exports_weihe_plugin_lifecycle_start_context_t *context,
                                          exports_weihe_plugin_lifecycle_error_t *error)
{
    char input[TEXT_LENGTH], message[TEXT_LENGTH];
    int device_length = (int)context->device.len;
    const char *device = (const char *)context->device.ptr;
    snprintf(rate_topic, sizeof rate_topic, "plugin/%.*s/rate", device_length, device);
    snprintf(total_topic, sizeof total_topic, "plugin/%.*s/total", device_length, device);
    snprintf(input, sizeof input, "plugin/%.*s/pulses", device_length, device);
    snprintf(message, sizeof message, "%s at %.3f L", context->restored ? "goes on" : "begins", litres());
    exports_weihe_plugin_lifecycle_start_context_free(context);

    text_t value;
    if (setting("pulses-per-litre", &value)) {
        char number[TEXT_LENGTH];
        snprintf(number, sizeof number, "%.*s", (int)value.len, (const char *)value.ptr);
        pulses_per_litre = strtod(number, NULL); /* the host has checked that it is one, above zero */
        flow_meter_string_free(&value);
    }
    if (setting("input", &value)) {
        snprintf(input, sizeof input, "%.*s", (int)value.len, (const char *)value.ptr);
        flow_meter_string_free(&value);
    }

    text_t filter = lent(input);
    weihe_plugin_bus_subscribe_options_t options = {
        .overflow = WEIHE_PLUGIN_BUS_OVERFLOW_DROP_OLDEST,
        .capacity = 0, /* the host's default */
    };
    weihe_plugin_bus_subscription_id_t id;
    weihe_plugin_bus_bus_error_t refused;
    if (!weihe_plugin_bus_subscribe(&filter, &options, &id, &refused)) {
        /* Every case holds a text that names topic and grant; it goes on to the operator. */
        error->tag = WEIHE_PLUGIN_TYPES_ERROR_FATAL;
        error->val.fatal = refused.val.denied;
        return false;
    }

    text_t timer = lent("rate");
    weihe_plugin_schedule_every_options_t every = {.missed = WEIHE_PLUGIN_SCHEDULE_MISSED_ONCE};
    weihe_plugin_schedule_schedule_error_t unscheduled;
    if (!weihe_plugin_schedule_every(&timer, RATE_PERIOD, &every, &unscheduled)) {
        error->tag = WEIHE_PLUGIN_TYPES_ERROR_FATAL;
        error->val.fatal = unscheduled.val.invalid;
        return false;
    }

    text_t group = lent("start"), line = lent(message);
    wasi_logging_logging_log(WASI_LOGGING_LOGGING_LEVEL_INFO, &group, &line);
    publish(total_topic, litres());
    return true;
}

void exports_weihe_plugin_lifecycle_stop(exports_weihe_plugin_lifecycle_stop_reason_t reason)
{
    (void)reason; /* timers and subscriptions end with the device */
}

/* --- events ----------------------------------------------------------------------------------- */

/* A tick stands for one period, or for several when the device was busy. */
static bool tick(const weihe_plugin_types_event_t *event)
{
    double periods = event->value.tag == WEIHE_PLUGIN_TYPES_VALUE_INTEGER && event->value.val.integer > 0
                         ? (double)event->value.val.integer
                         : 1.0;
    double seconds = periods * ((double)RATE_PERIOD / 1e9);
    double rate = (double)count.since_tick / pulses_per_litre / seconds * SECONDS_PER_MINUTE;
    bool changed = count.since_tick > 0;
    count.since_tick = 0;
    return publish(rate_topic, rate) && (!changed || publish(total_topic, litres()));
}

/* One pulse is an event without a value, or `true`; a counter sends how many there were. */
static bool pulses_of(const weihe_plugin_types_event_t *event, uint64_t *pulses)
{
    switch (event->value.tag) {
    case WEIHE_PLUGIN_TYPES_VALUE_NONE:
        *pulses = 1;
        return true;
    case WEIHE_PLUGIN_TYPES_VALUE_BOOLEAN:
        *pulses = event->value.val.boolean;
        return true;
    case WEIHE_PLUGIN_TYPES_VALUE_INTEGER:
        *pulses = (uint64_t)event->value.val.integer;
        return event->value.val.integer >= 0;
    default:
        return false;
    }
}

bool exports_weihe_plugin_events_handle(exports_weihe_plugin_events_event_t *event,
                                        exports_weihe_plugin_events_error_t *error)
{
    bool done = true;
    uint64_t pulses;
    if (equals(&event->topic, RATE_TICK)) {
        done = tick(event);
        if (!done) {
            error->tag = WEIHE_PLUGIN_TYPES_ERROR_RETRY;
            flow_meter_string_dup(&error->val.retry, "the rate cannot be published now");
        }
    } else if (event->quality == WEIHE_PLUGIN_TYPES_QUALITY_BAD) {
        /* Its source says itself that it is no count. */
    } else if (pulses_of(event, &pulses)) {
        count.pulses += pulses;
        count.since_tick += pulses;
    } else {
        done = false;
        error->tag = WEIHE_PLUGIN_TYPES_ERROR_REJECTED;
        flow_meter_string_dup(&error->val.rejected,
                              "pulses are a number of them, true, or an event without a value");
    }
    exports_weihe_plugin_events_event_free(event);
    return done;
}

/* --- commands --------------------------------------------------------------------------------- */

bool exports_weihe_plugin_commands_call(exports_weihe_plugin_commands_invocation_t *invocation,
                                        exports_weihe_plugin_commands_outcome_t *outcome,
                                        exports_weihe_plugin_commands_call_error_t *error)
{
    bool reading = equals(&invocation->command, "reading");
    bool reset = equals(&invocation->command, "reset");
    if (!reading && !reset) {
        error->tag = WEIHE_PLUGIN_TYPES_CALL_ERROR_UNKNOWN_COMMAND;
        flow_meter_string_dup_n(&error->val.unknown_command, (const char *)invocation->command.ptr,
                                invocation->command.len);
    } else {
        char answer[TEXT_LENGTH];
        snprintf(answer, sizeof answer, "{\"litres\":%.3f,\"pulses\":%" PRIu64 "}", litres(), count.pulses);
        outcome->tag = EXPORTS_WEIHE_PLUGIN_COMMANDS_OUTCOME_DONE;
        flow_meter_string_dup(&outcome->val.done, answer);
        if (reset) {
            count.pulses = 0;
            publish(total_topic, 0.0);
        }
    }
    exports_weihe_plugin_commands_invocation_free(invocation);
    return reading || reset;
}

/* --- state ------------------------------------------------------------------------------------ */

void exports_weihe_plugin_state_export_state(exports_weihe_plugin_state_snapshot_t *snapshot)
{
    snapshot->version = STATE_VERSION;
    snapshot->bytes.len = sizeof count;
    snapshot->bytes.ptr = malloc(sizeof count);
    memcpy(snapshot->bytes.ptr, &count, sizeof count);
}

bool exports_weihe_plugin_state_import_state(exports_weihe_plugin_state_snapshot_t *snapshot,
                                             exports_weihe_plugin_state_error_t *error)
{
    bool known = snapshot->version == STATE_VERSION && snapshot->bytes.len == sizeof count;
    if (known) {
        memcpy(&count, snapshot->bytes.ptr, sizeof count);
    } else {
        error->tag = WEIHE_PLUGIN_TYPES_ERROR_REJECTED;
        flow_meter_string_dup(&error->val.rejected, "the state is of another version of this plugin");
    }
    exports_weihe_plugin_state_snapshot_free(snapshot);
    return known;
}
