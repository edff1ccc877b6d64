// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/smmuv3.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "trace/hw.h"

#define SSV (1ull << 11)

static const char *const configs[] = { "abort", NULL, NULL, NULL, "bypass", "s1", "s2", "nested" };
static const char *const formats[] = { "linear", "4k", "64k" };
static const char *const defaults[] = { "terminate", "bypass", "ssid0" };
static const char *const caches[] = { "nc", "wbra", "wt", "wb" };
static const char *const shares[] = { "non", NULL, "outer", "inner" };
static const char *const ats_modes[] = { "abort", "full", "split" };

#define WORDS(v) .words = (v), .n_words = ARRAY_SIZE(v)

static const struct smmuv3_field ste_fields[] = {
	{ "v", 0, 0, 1 },
	{ "config", 0, 1, 3, WORDS(configs) },
	{ "s1fmt", 0, 4, 2, WORDS(formats) },
	{ "s1ctxptr", 0, 6, 46, .in_place = true },
	{ "s1cdmax", 0, 59, 5 },
	{ "s1dss", 1, 0, 2, WORDS(defaults) },
	{ "s1cir", 1, 2, 2, WORDS(caches) },
	{ "s1cor", 1, 4, 2, WORDS(caches) },
	{ "s1csh", 1, 6, 2, WORDS(shares) },
	{ "mev", 1, 19, 1 },
	{ "s2fwb", 1, 25, 1 },
	{ "s1stalld", 1, 27, 1 },
	{ "eats", 1, 28, 2, WORDS(ats_modes) },
	{ "strw", 1, 30, 2 },
	{ "shcfg", 1, 44, 2 },
};

/* -- commands --------------------------------------------------------------------------------------------------------- */

static const struct smmuv3_field op = { "op", 0, 0, 8 }, sid = { "sid", 0, 32, 32 }, ssid = { "ssid", 0, 12, 20 },
				 vssid = { "ssid", 0, 12, 20, .with = SSV }, vmid = { "vmid", 0, 32, 16 }, asid = { "asid", 0, 48, 16 },
				 num = { "num", 0, 12, 5 }, scale = { "scale", 0, 20, 5 }, leaf = { "leaf", 1, 0, 1 }, ttl = { "ttl", 1, 8, 2 },
				 tg = { "tg", 1, 10, 2 }, addr = { "addr", 1, 12, 52, .in_place = true }, global = { "global", 0, 9, 1 },
				 size = { "size", 1, 0, 6 }, range = { "range", 1, 0, 5 }, grpid = { "grpid", 1, 0, 9 }, resp = { "resp", 1, 12, 2 },
				 stag = { "stag", 1, 0, 16 }, answer = { "resp", 0, 12, 2 }, cs = { "cs", 0, 12, 2 };

#define FIELDS_MAX 9

static const struct {
	uint8_t opcode;
	const struct smmuv3_field *fields[FIELDS_MAX];
} commands[] = {
	{ 0x01, { &sid, &vssid } },
	{ 0x02, { &sid, &vssid, &addr, &size } },
	{ 0x03, { &sid, &leaf } },
	{ 0x04, { &sid, &range } },
	{ 0x05, { &sid, &ssid, &leaf } },
	{ 0x06, { &sid } },
	{ 0x07, { &vmid } },
	{ 0x10, { &vmid } },
	{ 0x11, { &asid, &vmid } },
	{ 0x12, { &asid, &vmid, &addr, &leaf, &tg, &ttl, &num, &scale } },
	{ 0x13, { &vmid, &addr, &leaf, &tg, &ttl, &num, &scale } },
	{ 0x18, { NULL } },
	{ 0x1a, { &addr, &leaf, &tg, &ttl, &num, &scale } },
	{ 0x20, { NULL } },
	{ 0x21, { &asid } },
	{ 0x22, { &asid, &addr, &leaf, &tg, &ttl, &num, &scale } },
	{ 0x23, { &addr, &leaf, &tg, &ttl, &num, &scale } },
	{ 0x28, { &vmid } },
	{ 0x2a, { &vmid, &addr, &leaf, &tg, &ttl, &num, &scale } },
	{ 0x30, { NULL } },
	{ 0x40, { &sid, &vssid, &global, &addr, &size } },
	{ 0x41, { &sid, &vssid, &grpid, &resp } },
	{ 0x44, { &sid, &answer, &stag } },
	{ 0x45, { &sid } },
	{ 0x46, { &cs } },
};

static const struct smmuv3_field *const *fields_of(uint8_t opcode)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].opcode == opcode)
			return commands[i].fields;
	return NULL;
}

static bool is_name(const struct smmuv3_field *f, const char *name, size_t len)
{
	return strlen(f->name) == len && !memcmp(f->name, name, len);
}

const struct smmuv3_field *smmuv3_ste_field(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(ste_fields); i++)
		if (is_name(&ste_fields[i], name, len))
			return &ste_fields[i];
	return NULL;
}

const struct smmuv3_field *smmuv3_cmd_field(uint8_t opcode, const char *name, size_t len)
{
	const struct smmuv3_field *const *f = fields_of(opcode);

	if (is_name(&op, name, len))
		return &op;
	for (; f && *f; f++)
		if (is_name(*f, name, len))
			return *f;
	return NULL;
}

void smmuv3_ste_names(struct strbuf *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(ste_fields); i++)
		strbuf_printf(b, "%s%s", i ? ", " : "", ste_fields[i].name);
}

void smmuv3_cmd_names(uint8_t opcode, struct strbuf *b)
{
	const struct smmuv3_field *const *f = fields_of(opcode);

	strbuf_puts(b, "op");
	for (; f && *f; f++)
		strbuf_printf(b, ", %s", (*f)->name);
}

/* "CMD_TLBI_NH_VA" against "tlbi-nh-va". */
static bool is_opcode(const char *spec, const char *word)
{
	for (spec += strlen("CMD_"); *spec && *word; spec++, word++)
		if ((*spec == '_' ? '-' : tolower((unsigned char)*spec)) != *word)
			return false;
	return !*spec && !*word;
}

int smmuv3_opcode_parse(const char *word)
{
	for (unsigned i = 0; i < 256; i++) {
		const char *name = smmuv3_cmd_name((uint8_t)i);

		if (name && is_opcode(name, word))
			return (int)i;
	}
	return -ENOENT;
}

int smmuv3_word_parse(const struct smmuv3_field *f, const char *word, uint64_t *ret)
{
	for (size_t i = 0; i < f->n_words; i++) {
		if (!f->words[i] || !streq(f->words[i], word))
			continue;
		*ret = i;
		return 0;
	}
	return -ENOENT;
}

/* -- to and from double words --------------------------------------------------------------------------------------------- */

static uint64_t mask_of(const struct smmuv3_field *f)
{
	return (~0ull >> (64 - f->width)) << f->shift;
}

int smmuv3_put(const struct smmuv3_field *f, uint64_t value, uint64_t words[2])
{
	uint64_t mask = mask_of(f), in_place = f->in_place ? value : value << f->shift;

	if ((!f->in_place && in_place >> f->shift != value) || (in_place & ~mask))
		return -ERANGE;
	words[f->word] = (words[f->word] & ~mask) | in_place;
	words[0] |= f->with;
	return 0;
}

static uint64_t value_of(const struct smmuv3_field *f, const uint64_t words[2])
{
	uint64_t v = words[f->word] & mask_of(f);

	return f->in_place ? v : v >> f->shift;
}

static void separate(struct strbuf *b, size_t start)
{
	if (b->len > start)
		strbuf_putc(b, ',');
}

/* The value as it is given; what was written is taken out of @left. */
static void add_field(const struct smmuv3_field *f, const uint64_t words[2], uint64_t left[2], size_t start, struct strbuf *b)
{
	uint64_t v = value_of(f, words);

	if ((!v && !f->with) || (words[0] & f->with) != f->with)
		return;
	separate(b, start);
	strbuf_puts(b, f->name);
	left[f->word] &= ~mask_of(f);
	left[0] &= ~f->with;
	if (f->width == 1)
		return;
	if (v < f->n_words && f->words[v])
		strbuf_printf(b, "=%s", f->words[v]);
	else
		strbuf_printf(b, f->in_place || f->width > 8 ? "=0x%llx" : "=%llu", (unsigned long long)v);
}

/* What no field has goes in front: a whole double word is taken first, and fields put into it. */
static void add_left(const char *prefix, const uint64_t left[2], size_t at, struct strbuf *b)
{
	_cleanup_strbuf_ struct strbuf fields = { 0 };

	if (!left[0] && !left[1])
		return;
	strbuf_puts(&fields, strbuf_str(b) + at);
	b->len = at;
	for (int i = 0; i < 2; i++)
		if (left[i])
			strbuf_printf(b, "%s%s%d=0x%llx", b->len > at ? "," : "", prefix, i, (unsigned long long)left[i]);
	if (fields.len)
		strbuf_printf(b, ",%s", strbuf_str(&fields));
}

void smmuv3_ste_text(const uint64_t ste[2], struct strbuf *b)
{
	uint64_t left[2] = { ste[0], ste[1] };
	size_t start = b->len;

	for (size_t i = 0; i < ARRAY_SIZE(ste_fields); i++)
		add_field(&ste_fields[i], ste, left, start, b);
	add_left("ste", left, start, b);
	if (b->len == start)
		strbuf_puts(b, "ste0=0x0");
}

void smmuv3_cmd_text(const uint64_t cmd[2], struct strbuf *b)
{
	const struct smmuv3_field *const *f = fields_of(cmd[0] & 0xff);
	uint64_t left[2] = { cmd[0] & ~0xffull, cmd[1] };
	size_t start = b->len;

	if (!f) {
		strbuf_printf(b, "cmd0=0x%llx,cmd1=0x%llx", (unsigned long long)cmd[0], (unsigned long long)cmd[1]);
		return;
	}
	strbuf_puts(b, "op=");
	for (const char *s = smmuv3_cmd_name(cmd[0] & 0xff) + strlen("CMD_"); *s; s++)
		strbuf_putc(b, (char)(*s == '_' ? '-' : tolower((unsigned char)*s)));
	for (; *f; f++)
		add_field(*f, cmd, left, start, b);
	add_left("cmd", left, start, b);
}

/* -- events ------------------------------------------------------------------------------------------------------------------ */

#define STALL	  (1ull << 31)
#define STAGE_2	  (1ull << 39)
#define FETCH_PTR 0x000ffffffffffff8ull
#define IPA	  0x000ffffffffff000ull

void smmuv3_event_detail(const uint64_t w[4], struct strbuf *b)
{
	static const char *const classes[] = { "fetching a context descriptor", "walking a page table", "at the input address" };
	uint64_t id = w[0] & 0xff, class = w[1] >> 40 & 3;

	switch (id) {
	case 0x03: /* F_STE_FETCH, F_CD_FETCH, F_VMS_FETCH */
	case 0x09:
	case 0x25:
		strbuf_printf(b, "fetched from 0x%llx", (unsigned long long)(w[3] & FETCH_PTR));
		return;
	case 0x0b: /* F_WALK_EABT */
		strbuf_printf(b, "stage %d, the entry at 0x%llx", (w[1] & STAGE_2) ? 2 : 1, (unsigned long long)(w[3] & FETCH_PTR));
		return;
	case 0x10: /* F_TRANSLATION, F_ADDR_SIZE, F_ACCESS, F_PERMISSION */
	case 0x11:
	case 0x12:
	case 0x13:
		break;
	default:
		return;
	}
	strbuf_printf(b, "stage %d", (w[1] & STAGE_2) ? 2 : 1);
	if (class < ARRAY_SIZE(classes))
		strbuf_printf(b, ", %s", classes[class]);
	if (w[1] & STAGE_2)
		strbuf_printf(b, ", intermediate address 0x%llx", (unsigned long long)(w[3] & IPA));
	if (w[1] & STALL)
		strbuf_printf(b, ", stalled with tag 0x%x", (unsigned)(w[1] & 0xffff));
}
