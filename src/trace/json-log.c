// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JSON that holds a log or a trace: our own JSON Lines, journalctl -o json, dmesg -J, the records of container and cloud
 * loggers; and the forms of the journal and of dmesg that have a line for each field.
 */
#include "trace/internal.h"

static struct slice text_of(struct json_object *v)
{
	if (!json_object_is_type(v, json_type_string))
		return (struct slice){ 0 };
	return (struct slice){ json_object_get_string(v), (size_t)json_object_get_string_len(v) };
}

/* Microseconds as a decimal string. */
static void set_usec(struct log_msg *m, struct slice text)
{
	struct scan s = scan_of(text);
	uint64_t usec;

	if (!text.n || !scan_dec(&s, &usec) || usec > UINT64_MAX / 1000)
		return;
	m->time_ns = usec * 1000;
	m->has_time = true;
}

/* dmesg's: seconds since boot, with a fraction; dmesg -T and the like have text there. */
static void set_seconds(struct log_msg *m, double sec)
{
	if (!(sec >= 0) || sec > 1e9)
		return;
	m->time_ns = (uint64_t)(sec * 1e6 + 0.5) * 1000;
	m->has_time = true;
}

static void entry_time(struct json_object *o, struct log_msg *m)
{
	static const char *const keys[] = { "_SOURCE_MONOTONIC_TIMESTAMP", "__MONOTONIC_TIMESTAMP" };
	struct json_object *v;

	for (size_t i = 0; i < ARRAY_SIZE(keys) && !m->has_time; i++)
		if (json_object_object_get_ex(o, keys[i], &v))
			set_usec(m, text_of(v));
	if (!m->has_time && json_object_object_get_ex(o, "time", &v) &&
	    (json_object_is_type(v, json_type_double) || json_object_is_type(v, json_type_int)))
		set_seconds(m, json_object_get_double(v));
}

/* The journal writes text that is not UTF-8, or has escape codes in it, as an array of bytes. */
static struct slice bytes_of(struct json_object *array, struct strbuf *buf)
{
	strbuf_reset(buf);
	for (size_t i = 0; i < json_object_array_length(array); i++)
		strbuf_putc(buf, (char)json_object_get_int(json_object_array_get_idx(array, i)));
	return (struct slice){ strbuf_str(buf), buf->len };
}

/* A field that occurs twice in an entry is an array of its values; of the message, the first one is taken. */
static enum line_result message_of(struct json_object *v, struct strbuf *buf, struct log_msg *m)
{
	if (json_object_is_type(v, json_type_array) && json_object_array_length(v) &&
	    json_object_is_type(json_object_array_get_idx(v, 0), json_type_string))
		v = json_object_array_get_idx(v, 0);
	if (json_object_is_type(v, json_type_string))
		m->text = text_of(v);
	else if (json_object_is_type(v, json_type_array))
		m->text = bytes_of(v, buf);
	else
		return LINE_TAKEN;
	m->text = slice_trim(m->text);
	return LINE_PART;
}

/* More levels of somebody else's JSON are not looked into. */
#define DEPTH_MAX 16

/* All text that is somewhere in @v, with an empty line behind each, so that nothing goes on in what follows by chance. */
static void collect_text(struct json_object *v, unsigned depth, struct strbuf *buf)
{
	if (depth > DEPTH_MAX)
		return;
	if (json_object_is_type(v, json_type_string)) {
		strbuf_add(buf, json_object_get_string(v), (size_t)json_object_get_string_len(v));
		strbuf_puts(buf, "\n\n");
	} else if (json_object_is_type(v, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(v); i++)
			collect_text(json_object_array_get_idx(v, i), depth + 1, buf);
	} else if (json_object_is_type(v, json_type_object)) {
		json_object_object_foreach(v, key, member) {
			(void)key;
			collect_text(member, depth + 1, buf);
		}
	}
}

/* A record of a logger that we do not know: whatever text it has, is looked at. */
static enum line_result any_text(struct json_object *o, struct strbuf *buf, struct log_msg *m)
{
	strbuf_reset(buf);
	collect_text(o, 0, buf);
	if (!buf->len)
		return LINE_TAKEN;
	m->text = (struct slice){ strbuf_str(buf), buf->len };
	return LINE_PART;
}

static enum line_result object_line(struct json_object *o, struct strbuf *buf, struct event *ev, struct log_msg *ret_msg)
{
	static const char *const messages[] = { "MESSAGE", "log", "message", "msg" };
	struct json_object *v;

	if (!json_object_is_type(o, json_type_object))
		return LINE_TAKEN;
	if (json_object_object_get_ex(o, "schema", &v) || json_object_object_get_ex(o, "end", &v))
		return LINE_TAKEN;
	/* Kubernetes has its own kinds, beside a version of them */
	if (json_object_object_get_ex(o, "kind", &v) && !json_object_object_get_ex(o, "apiVersion", NULL))
		return event_load(o, ev);
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		if (!json_object_object_get_ex(o, messages[i], &v))
			continue;
		if (json_object_is_type(v, json_type_object))
			break;
		entry_time(o, ret_msg);
		return message_of(v, buf, ret_msg);
	}
	return any_text(o, buf, ret_msg);
}

enum line_result json_line(struct slice line, size_t nth, struct json_tokener *tok, struct json_object **keep, struct strbuf *buf,
			   struct event *ev, struct log_msg *ret_msg)
{
	struct json_object *o = *keep, *list;

	if (line.n > INT32_MAX)
		return LINE_OTHER;
	if (!nth) {
		json_object_put(o);
		json_tokener_reset(tok);
		*keep = o = json_tokener_parse_ex(tok, line.p, (int)line.n);
	}
	if (!o)
		return slice_has(line, "\"kind\":") ? LINE_BAD : LINE_OTHER;
	if (json_object_is_type(o, json_type_array))
		list = o;
	else if (!json_object_object_get_ex(o, "dmesg", &list) || !json_object_is_type(list, json_type_array))
		return nth ? LINE_OTHER : object_line(o, buf, ev, ret_msg);
	if (nth >= json_object_array_length(list))
		return LINE_OTHER;
	return object_line(json_object_array_get_idx(list, nth), buf, ev, ret_msg);
}

/* "\"NAME\" : " or "NAME=" at the start: what is behind it is *ret. */
static bool field(struct slice line, const char *name, struct slice *ret, bool *ret_json)
{
	struct scan s = scan_of(line);
	size_t n = strlen(name);

	*ret_json = scan_char(&s, '"');
	if (!scan_bytes(&s, name, n))
		return false;
	if (*ret_json) {
		if (!scan_char(&s, '"'))
			return false;
		scan_blanks(&s);
	}
	if (!scan_char(&s, *ret_json ? ':' : '='))
		return false;
	if (*ret_json)
		scan_blanks(&s);
	*ret = scan_rest(&s);
	return true;
}

/* Parses @value into *keep; its text, if it is text. */
static struct slice json_string(struct slice value, struct json_tokener *tok, struct json_object **keep)
{
	json_object_put(*keep);
	json_tokener_reset(tok);
	*keep = json_tokener_parse_ex(tok, value.p, (int)MIN(value.n, (size_t)INT32_MAX));
	return *keep ? text_of(*keep) : (struct slice){ 0 };
}

enum line_result json_field(struct slice line, struct json_tokener *tok, struct json_object **keep, struct log_msg *entry)
{
	static const char *const messages[] = { "MESSAGE", "msg", "message", "log" };
	static const char *const times[] = { "__MONOTONIC_TIMESTAMP", "_SOURCE_MONOTONIC_TIMESTAMP" };
	struct slice value;
	bool json;

	line = slice_trim(line);
	if (!line.n || *line.p == '{' || *line.p == '}') {
		*entry = (struct log_msg){ 0 };
		return LINE_OTHER;
	}
	if (*line.p != '"' && *line.p != '_' && *line.p != 'M')
		return LINE_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		if (!field(line, times[i], &value, &json))
			continue;
		set_usec(entry, json ? json_string(value, tok, keep) : value);
		return LINE_TAKEN;
	}
	if (field(line, "time", &value, &json) && json) {
		json_string(value, tok, keep); /* a number */
		if (json_object_is_type(*keep, json_type_double))
			set_seconds(entry, json_object_get_double(*keep));
		return LINE_TAKEN;
	}
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		if (!field(line, messages[i], &value, &json) || (!json && i))
			continue;
		entry->text = slice_trim(json ? json_string(value, tok, keep) : value);
		return entry->text.n ? LINE_PART : LINE_TAKEN;
	}
	return LINE_OTHER;
}
