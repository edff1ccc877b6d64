// SPDX-License-Identifier: GPL-2.0-or-later
/* Facts of the keeper's source, for its clients. */
#include "session/facts.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

static int put(struct op_data *d, const void *p, size_t n)
{
	if (n && d->out_cap)
		memcpy(d->out, p, MIN(n, d->out_cap));
	d->out_len = MIN(n, d->out_cap);
	return 0;
}

static int list_fact(struct source *src, const char *path, struct op_fact *op, struct op_data *d)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	struct src_list list;
	struct arena a = { 0 };
	int r = source_list(src, path, &a, &list);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		strbuf_putc(&b, (char)((list.v[i].is_link ? 1 : 0) | (list.v[i].is_dir ? 2 : 0)));
		strbuf_add(&b, list.v[i].name, strlen(list.v[i].name) + 1);
	}
	arena_free(&a);
	if (r < 0)
		return r;
	op->ret_len = b.len;
	return put(d, b.s, b.len);
}

static int section_fact(struct source *src, struct op_fact *op, struct op_data *d)
{
	struct ctx ctx = { 0 };
	struct json_object *doc;
	const char *text;
	int r = op->section < SECTION_MAX ? source_section(src, &ctx, (enum source_section)op->section, &doc) : -EINVAL;

	ctx_free(&ctx);
	if (r < 0)
		return r;
	text = json_text(doc);
	op->ret_len = strlen(text);
	put(d, text, op->ret_len);
	json_object_put(doc);
	return 0;
}

static int origin_fact(struct source *src, struct op_fact *op, struct op_data *d)
{
	const char *const words[] = { src->name, src->hostname, src->boot_id };
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		strbuf_add(&b, words[i] ? words[i] : "", (words[i] ? strlen(words[i]) : 0) + 1);
	op->ret_len = b.len;
	return put(d, b.s, b.len);
}

static int read_fact(struct source *src, const char *path, struct op_fact *op, struct op_data *d)
{
	size_t len;
	int r = src->ops->read(src, path, d->out, d->out_cap, &len);

	if (r < 0)
		return r;
	op->ret_len = len;
	d->out_len = MIN(len, d->out_cap);
	return 0;
}

int facts_answer(void *arg, struct op_fact *op, struct op_data *d)
{
	struct source *src = arg;
	char path[SRC_PATH_MAX], link[SRC_PATH_MAX];
	int r;

	if (d->in_len >= sizeof(path))
		return -ENAMETOOLONG;
	if (d->in_len)
		memcpy(path, d->in, d->in_len);
	path[d->in_len] = '\0';
	switch (op->what) {
	case OP_FACT_READ:
		return read_fact(src, path, op, d);
	case OP_FACT_READLINK:
		r = src->ops->readlink(src, path, link, sizeof(link));
		if (r < 0)
			return r;
		op->ret_len = strlen(link);
		return put(d, link, op->ret_len);
	case OP_FACT_LIST:
		return list_fact(src, path, op, d);
	case OP_FACT_EXISTS:
		return src->ops->exists(src, path) ? 0 : -ENOENT;
	case OP_FACT_SECTION:
		return section_fact(src, op, d);
	case OP_FACT_ORIGIN:
		return origin_fact(src, op, d);
	}
	return -EINVAL;
}

/* -- the other end ------------------------------------------------------------------------------------------------------------ */

struct facts_source {
	struct source source;
	struct backend *remote;
};

static int ask(struct source *s, uint32_t what, const char *path, void *out, size_t cap, struct op_fact *op, struct op_data *d)
{
	int r;

	*op = (struct op_fact){ .what = what, .section = op->section };
	*d = (struct op_data){ .in = path, .in_len = path ? strlen(path) : 0, .out = out, .out_cap = cap, .fd_in = -1, .fd_out = -1 };
	r = backend_fact(((struct facts_source *)s)->remote, op, d);
	/* what it says there is must be what came */
	return r == 0 && d->out_len != MIN(op->ret_len, cap) ? -EPROTO : r;
}

static int facts_read(struct source *s, const char *path, void *buf, size_t cap, size_t *ret_len)
{
	struct op_fact op = { 0 };
	struct op_data d;
	int r = ask(s, OP_FACT_READ, path, buf, cap, &op, &d);

	if (r == 0)
		*ret_len = op.ret_len;
	return r;
}

static int facts_readlink(struct source *s, const char *path, char *buf, size_t cap)
{
	struct op_fact op = { 0 };
	struct op_data d;
	int r = ask(s, OP_FACT_READLINK, path, buf, cap - 1, &op, &d);

	if (r < 0)
		return r;
	if (op.ret_len >= cap)
		return -ENAMETOOLONG;
	buf[op.ret_len] = '\0';
	return 0;
}

/* The whole answer, however long, NUL-terminated; in the arena. */
static int ask_all(struct source *s, uint32_t what, const char *path, uint32_t section, struct arena *a, char **ret, size_t *ret_len)
{
	size_t cap = 16384;

	for (;;) {
		char *buf = arena_alloc(a, cap + 1);
		struct op_fact op = { .section = section };
		struct op_data d;
		int r = ask(s, what, path, buf, cap, &op, &d);

		if (r < 0)
			return r;
		if (op.ret_len <= cap) {
			*ret = buf;
			*ret_len = op.ret_len;
			return 0;
		}
		if (op.ret_len > 16U << 20)
			return -EFBIG;
		cap = op.ret_len + 4096;
	}
}

static int facts_list(struct source *s, const char *path, struct arena *a, struct src_list *ret)
{
	char *p, *end;
	size_t len, n = 0;
	int r = ask_all(s, OP_FACT_LIST, path, 0, a, &p, &len);

	if (r < 0)
		return r;
	end = p + len;
	for (char *q = p; q < end; q++)
		n += !*q;
	*ret = (struct src_list){ .v = arena_array(a, struct src_entry, n + 1) };
	while (p < end && ret->n < n) {
		struct src_entry *e = &ret->v[ret->n];

		/* a flag byte of 0 is a NUL too, so there are at least as many as entries */
		*e = (struct src_entry){ .name = p + 1, .is_link = *p & 1, .is_dir = *p & 2 };
		p += 1 + strlen(e->name) + 1;
		ret->n++;
	}
	return 0;
}

static bool facts_exists(struct source *s, const char *path)
{
	struct op_fact op = { 0 };
	struct op_data d;

	return ask(s, OP_FACT_EXISTS, path, NULL, 0, &op, &d) == 0;
}

static int facts_section(struct source *s, struct ctx *ctx, enum source_section which, struct json_object **ret)
{
	struct arena a = { 0 };
	char *text;
	size_t len;
	int r = ask_all(s, OP_FACT_SECTION, NULL, which, &a, &text, &len);

	(void)ctx;
	if (r == 0) {
		*ret = json_read(text, strlen(text), JSON_TOKENER_DEFAULT_DEPTH);
		r = *ret ? 0 : -EBADMSG;
	}
	arena_free(&a);
	return r;
}

static const struct source_ops facts_ops = {
	.kind = SOURCE_SNAPSHOT,
	.read = facts_read,
	.readlink = facts_readlink,
	.list = facts_list,
	.exists = facts_exists,
	.section = facts_section,
};

/* The next of three words; an empty one is one that is not known. */
static char *take_word(const char **p, const char *end)
{
	const char *word = *p;

	if (word >= end)
		return NULL;
	*p += strlen(word) + 1;
	return *word ? must_strdup(word) : NULL;
}

int facts_open(struct backend *remote, struct source **ret)
{
	struct facts_source *f = must_calloc(1, sizeof(*f));
	struct arena a = { 0 };
	const char *p, *end;
	char *text;
	size_t len;
	int r;

	f->source.ops = &facts_ops;
	f->remote = remote;
	r = ask_all(&f->source, OP_FACT_ORIGIN, NULL, 0, &a, &text, &len);
	if (r == 0) {
		p = text;
		end = text + len;
		f->source.name = take_word(&p, end) ?: must_strdup("session");
		f->source.hostname = take_word(&p, end);
		f->source.boot_id = take_word(&p, end);
		*ret = &f->source;
	} else {
		free(f);
	}
	arena_free(&a);
	return r;
}
