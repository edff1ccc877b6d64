// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/kmsg.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "source/doc.h"

/* A record of /dev/kmsg (kernel/printk: PRINTKRB_RECORD_MAX is 1024, with the dictionary below 8192). */
#define RECORD_MAX 8192

#define TEXT_MAX (16u << 20)

static void add_line(struct json_object *list, struct num seq, struct num usec, struct num level, const char *text, size_t len)
{
	struct json_object *o = json_make_object();

	if (seq.known)
		json_set(o, "seq", json_make_int(seq.v));
	json_set(o, "usec", usec.known ? json_make_int(usec.v) : NULL);
	json_set(o, "level", level.known ? json_make_int(level.v) : NULL);
	json_set(o, "text", json_make_string_len(text, len));
	json_append(list, o);
}

static struct json_object *make_doc(struct json_object *lines, bool complete)
{
	struct json_object *doc = json_make_object();

	doc_put_bool(doc, "complete", complete);
	json_set(doc, "lines", lines);
	return doc;
}

/* -- /dev/kmsg ----------------------------------------------------------------------------------- */

static int hex_of(const char *s)
{
	static const char digits[] = "0123456789abcdef";
	const char *a = s[0] ? strchr(digits, s[0]) : NULL, *b = a && s[1] ? strchr(digits, s[1]) : NULL;

	return b ? (int)((a - digits) << 4 | (b - digits)) : -1;
}

size_t kmsg_plain(char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int c = text[i] == '\\' && len - i >= 4 && text[i + 1] == 'x' ? hex_of(text + i + 2) : -1;
		bool plain = c == '\t' || c == '\\' || c >= 0x80;

		text[n++] = plain ? (char)c : text[i];
		i += plain ? 3 : 0;
	}
	return n;
}

/* "6,339,5140900,-;text\n KEY=value\n": priority, sequence, microseconds (Documentation/ABI/testing/dev-kmsg) */
static bool take_record(struct json_object *list, char *rec, uint64_t *ret_seq)
{
	unsigned priority;
	unsigned long long seq, usec;
	char *text = strchr(rec, ';');

	if (!text || sscanf(rec, "%u,%llu,%llu", &priority, &seq, &usec) != 3)
		return false;
	text++;
	add_line(list, NUM(seq), NUM(usec), NUM(priority & 7), text, kmsg_plain(text, strcspn(text, "\n")));
	*ret_seq = seq;
	return true;
}

static int read_records(int fd, struct json_object *list, uint64_t *ret_first)
{
	bool first = true;

	for (;;) {
		char buf[RECORD_MAX + 1];
		ssize_t n = read(fd, buf, RECORD_MAX);
		uint64_t seq;

		if (n < 0 && errno == EAGAIN)
			return 0;
		/* EPIPE: overwritten while we read; the next read goes on behind the gap */
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return 0;
		buf[n] = '\0';
		if (take_record(list, buf, &seq) && first) {
			*ret_first = seq;
			first = false;
		}
	}
}

int kmsg_gather(struct ctx *ctx _unused_, struct json_object **ret)
{
	_cleanup_close_ int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct json_object *list;
	uint64_t first = 0;
	int r;

	if (fd < 0)
		return -errno;
	list = json_make_array();
	r = read_records(fd, list, &first);
	if (r < 0) {
		json_object_put(list);
		return r;
	}
	*ret = make_doc(list, first == 0);
	return 0;
}

int kmsg_follow(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	lseek(fd, 0, SEEK_END);
	return fd;
}

/* -- texts --------------------------------------------------------------------------------------- */

/* "<6>" or "<30>" */
static const char *take_level(const char *s, const char *end, struct num *ret)
{
	const char *p = s;
	unsigned v = 0;

	if (p == end || *p != '<')
		return s;
	for (p++; p < end && isdigit((unsigned char)*p) && v < 1000; p++)
		v = v * 10 + (*p - '0');
	if (p == end || *p != '>' || p == s + 1)
		return s;
	*ret = NUM(v & 7);
	return p + 1;
}

/* "[   12.345678] " */
static const char *take_time(const char *s, const char *end, struct num *ret)
{
	const char *p = s;
	uint64_t sec = 0, usec = 0;
	int digits = 0;

	if (p == end || *p != '[')
		return s;
	for (p++; p < end && *p == ' '; p++)
		;
	for (; p < end && isdigit((unsigned char)*p) && sec < UINT32_MAX; p++)
		sec = sec * 10 + (*p - '0');
	if (p == end || *p++ != '.')
		return s;
	for (; p < end && isdigit((unsigned char)*p) && digits < 6; p++, digits++)
		usec = usec * 10 + (*p - '0');
	if (p == end || *p++ != ']' || digits != 6)
		return s;
	*ret = NUM(sec * 1000000 + usec);
	return p + (p < end && *p == ' ');
}

/* "Nov 20 10:00:00 host kernel: [ 1.234567] text" has what we look for behind "kernel: ". */
static const char *skip_syslog_head(const char *s, const char *end)
{
	static const char word[] = "kernel: ";
	const char *p = memmem(s, MIN(end - s, 128), word, sizeof(word) - 1);

	return p ? p + sizeof(word) - 1 : s;
}

struct json_object *kmsg_from_text(const char *text, size_t len)
{
	struct json_object *list = json_make_array();
	const char *end = text + len;

	for (const char *s = text, *eol; s < end; s = eol + 1) {
		struct num usec = NUM_UNKNOWN, level = NUM_UNKNOWN;
		const char *t;

		eol = memchr(s, '\n', end - s);
		eol = eol ? eol : end;
		t = take_level(s, eol, &level);
		if (*s != '[' && *s != '<')
			t = skip_syslog_head(t, eol);
		t = take_time(t, eol, &usec);
		if (t < eol)
			add_line(list, NUM_UNKNOWN, usec, level, t, eol - t);
	}
	return make_doc(list, false);
}

int kmsg_from_files(struct source *s, struct json_object **ret)
{
	static const char *const files[] = { "dmesg.txt", "dmesg", "var/log/dmesg", "var/log/kern.log" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct arena a = { 0 };
		char *text;
		size_t len;
		int r = source_read_all(s, files[i], TEXT_MAX, &a, &text, &len);

		if (!r)
			*ret = kmsg_from_text(text, len);
		arena_free(&a);
		if (!r)
			return 0;
	}
	return -ENOTCAPTURED;
}

bool kmsg_concerns_us(const char *text)
{
	static const char *const words[] = { "iommu", "dmar", "amd-vi", "vfio", "pci", "smmu", "sva", "viot",
					     "iort", "ivrs", "x2apic", "remapping", "lockdown", "dma" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(text, words[i]))
			return true;
	return false;
}

/* -- the document -------------------------------------------------------------------------------- */

int source_kmsg(struct source *src, struct ctx *ctx, struct arena *a, struct kmsg *ret)
{
	struct json_object *doc;
	struct kmsg k = { 0 };
	int r = source_section(src, ctx, SECTION_KMSG, &doc);

	if (r < 0)
		return r;
	k.complete = doc_bool(doc, "complete") == TRI_YES;
	k.n = doc_len(doc, "lines");
	k.v = arena_array(a, struct kmsg_line, k.n);
	for (size_t i = 0; i < k.n; i++) {
		struct json_object *o = doc_at(doc, "lines", i);
		const char *text = doc_text(a, o, "text");

		k.v[i] = (struct kmsg_line){ .seq = doc_num(o, "seq"), .usec = doc_num(o, "usec"), .level = doc_num(o, "level"),
					     .text = text ? text : "" };
	}
	json_object_put(doc);
	*ret = k;
	return 0;
}
