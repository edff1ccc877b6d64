/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the decoders of src/trace share. Nobody outside the folder includes this. */
#ifndef IOMMUCTL_TRACE_INTERNAL_H
#define IOMMUCTL_TRACE_INTERNAL_H

#include <json-c/json.h>

#include "base/str.h"
#include "trace/decode.h"

/* What a decoder made of a line. */
enum line_result {
	LINE_OTHER, /* not this format, or nothing of ours */
	LINE_EVENT, /* *ev is an event */
	LINE_TAKEN, /* ours; its event is held, or it says nothing new */
	LINE_PART,  /* ours, and cut: the next line may hold the rest */
	LINE_BAD,   /* looks like ours, and cannot be decoded */
	LINE_PROBE, /* a trace that holds what a probe of ours wrote: its name is ev->unit, its text ev->stamp */
	LINE_LOG,   /* a trace that holds a kernel log message: its text is ev->stamp */
};

/*
 * ftrace text: trace, trace_pipe, trace-cmd report, perf script. LINE_EVENT with *ev, whose slices point into the
 * line; LINE_TAKEN for events that are none of ours; LINE_LOG for printk:console; LINE_PROBE.
 */
enum line_result ftrace_line(struct slice line, struct event *ev);

/* The same in the latency format, which the kernel writes into its log when it dumps the trace as it goes down. */
enum line_result ftrace_latency(struct slice line, struct event *ev);

/* The same without the columns before the event's name, which people cut away. */
enum line_result ftrace_bare(struct slice line, struct event *ev);

/* "dd 59 2.127901: iommu:map: …", perf script without its processor; "0.000 dd/59 iommu:map(iova: …)", perf trace; babeltrace. */
enum line_result ftrace_perf(struct slice line, struct event *ev);

/* The columns: "dd-59 (57)" or "dd 59"; "2.127901:"; "map: "; and what the event of a name says, whether there is one of that name. */
bool ftrace_task(struct slice head, struct event *ev);
bool ftrace_time(struct scan *s, uint64_t *ret_ns);
bool ftrace_name(struct scan *s, struct slice *ret);
enum line_result ftrace_named(struct slice name, struct scan s, struct event *ev);
bool ftrace_known(struct slice name);

/* One event's text behind "NAME: "; ev->kind EVENT_NONE and LINE_OTHER for a name that is none of ours. */
enum line_result ftrace_payload(struct slice name, struct slice text, struct event *ev);

/*
 * The same where the text has the event's fields and not the kernel's sentence: trace_options "fields", trace-cmd report -R, what trace-cmd
 * prints for a sentence that it cannot parse, perf trace, babeltrace. LINE_OTHER when they are not there.
 */
enum line_result fields_event(struct slice name, struct slice text, struct event *ev);

/* What our probes' events are called, before what tells them apart. */
#define PROBE_PREFIX "iommuctl_"

/*
 * Probes. *st, made when it is needed, is what is known of tasks and domains; free it with probe_free(). probe_event() gets
 * the name without its prefix, and makes an event of it or remembers it: LINE_EVENT (*ev is one; its slices live until the next
 * call), LINE_TAKEN, LINE_BAD. probe_comment() is for lines that begin with '#'.
 */
struct probe_state;
enum line_result probe_event(struct probe_state **st, struct slice name, struct slice text, struct event *ev);
enum line_result probe_comment(struct probe_state **st, struct slice line, struct event *ev);
/* Adds the domain to a trace event, as far as probes told it. */
void probe_complete(struct probe_state *st, struct event *ev);
void probe_free(struct probe_state *st);

/* A line of a kernel log, its prefix taken off. */
struct log_msg {
	struct slice stamp;
	uint64_t time_ns;
	bool has_time;
	bool fresh; /* it had a prefix: it is no wrapped rest of the line before */
	struct slice text;
	uint64_t line;
};

/* Takes the prefix off, of whatever logger. @buf: room for a message that has to be unescaped, which *ret then points into. */
void log_prefix(struct slice line, char *buf, size_t size, struct log_msg *ret);

/*
 * Where a second record begins in a line that has two: a serial console that two processors wrote to, a form that lost its line ends. Told by
 * the kernel's time in brackets; line.n when there is none.
 */
size_t log_second_record(struct slice line);

/* The bytes that /dev/kmsg writes as "\x09" (msg_add_ext_text() in kernel/printk/printk.c); the text itself when there are none. */
struct slice log_unescape(struct slice text, char *buf, size_t size);

/*
 * The line without what terminals, mails and web pages have put into it: colours, byte order marks, NULs, blanks that do not
 * break, quoted-printable, entities, tags, Markdown's backslashes; <br> becomes a newline. It is @line itself when there was nothing of it, or when @buf cannot hold it, else it is in @buf. *ret_soft: a
 * quoted-printable line that goes on in the next one, in the middle of a word.
 */
struct slice clean_line(struct slice line, char *buf, size_t size, bool *ret_soft);

/* A fault that may still get details from the lines behind it. */
struct held {
	bool active;
	struct event ev;
	uint64_t words[4]; /* of an SMMUv3 event or command dump */
	unsigned n_words, want_words;
	bool is_command;
	bool has_status;     /* VT-d: a status line belongs to it */
	struct slice maybe;  /* VT-d: what may turn out to be the rest of its reason's text */
	unsigned age; /* lines since */
	uint64_t seq; /* in which order they began: several may be of one line */
	size_t used;
	char text[768]; /* what the event's slices point to */
};

/* Units that write their dumps at the same time, each line by line. */
#define MAX_SPEAKERS 4

struct log_state {
	struct held speakers[MAX_SPEAKERS], *held; /* held: the one that the last line was about */
	unsigned n_held;
	uint64_t seq;
	bool overflowed; /* VT-d: a status line said that the fault registers had overflowed */
	int (*emit)(void *arg, const struct event *ev);
	void *arg;
	int err; /* what emit returned, once nonzero */
};

/* Before the first line. */
void hold_init(struct log_state *st);
/* Starts a new held event (what was held of the same speaker goes out) with the message's time and line. */
struct event *hold_new(struct log_state *st, const struct log_msg *m);
/* A line of @unit follows: st->held is what is held of it, or a place for that. For units whose lines may alternate. */
void hold_speaker(struct log_state *st, enum vendor vendor, struct slice unit);
struct slice hold_text(struct log_state *st, struct slice s);
struct slice hold_printf(struct log_state *st, const char *fmt, ...) _printf_(2, 3);
/* Hands out all that is held, in the order of the lines. */
void hold_emit(struct log_state *st);
/* A line that was none of ours: who waits for too long goes out. */
void hold_age(struct log_state *st);
/* Whether anything is held. */
bool hold_any(const struct log_state *st);

/*
 * The vendors' parsers. @last: no more lines will be joined, so take what there is. LINE_TAKEN means that a
 * held event was begun or added to.
 */
enum line_result log_vtd(struct log_state *st, const struct log_msg *m, bool last);
enum line_result log_amd(struct log_state *st, const struct log_msg *m, bool last);
enum line_result log_smmu(struct log_state *st, const struct log_msg *m, bool last);
enum line_result log_soc(struct log_state *st, const struct log_msg *m, bool last);
enum line_result log_misc(struct log_state *st, const struct log_msg *m, bool last);

/*
 * "02:00.0", "0000:02:00.0", "0x02:0x00.0" as the kernel's name, in @buf, as far as it goes; has HAS_SEGMENT when the
 * segment was there. false: no PCI address.
 */
bool scan_bdf(struct slice s, char *buf, size_t size, unsigned *has);

/* "DRIVER DEVICE: " before @text, as dev_err() writes it, looking back from @at; false when there is none. */
bool log_device(struct slice text, const char *at, struct slice *ret_driver, struct slice *ret_device);

/* An event as event_json() writes it: LINE_EVENT, or LINE_BAD. Its text is @o's. */
enum line_result event_load(struct json_object *o, struct event *ev);

/*
 * A line of our own JSON Lines: LINE_EVENT; or of journalctl -o json, dmesg -J, and loggers that keep a message as "log" or "message":
 * LINE_PART, with the message in *ret_msg. A line may be an array, or an object with one: @nth says which, from 0, and LINE_OTHER that there
 * are no more. Text lives in *keep and @buf until the next call.
 */
enum line_result json_line(struct slice line, size_t nth, struct json_tokener *tok, struct json_object **keep, struct strbuf *buf,
			   struct event *ev, struct log_msg *ret_msg);

/*
 * One field of a journal's or dmesg's entry, where each has a line: "MESSAGE=…", "\"msg\": \"…\",". LINE_PART: *entry has the message now, with
 * the time if that came before; LINE_TAKEN: it has something of it; LINE_OTHER. Text lives in @line and *keep.
 */
enum line_result json_field(struct slice line, struct json_tokener *tok, struct json_object **keep, struct log_msg *entry);

#endif
