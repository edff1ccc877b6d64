// SPDX-License-Identifier: GPL-2.0-or-later
/* Facts of the keeper's source, for its clients. */
#include "session/facts.h"

#include <errno.h>
#include <string.h>

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
	text = json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PLAIN);
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
