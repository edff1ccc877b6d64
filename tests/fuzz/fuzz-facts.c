// SPDX-License-Identifier: GPL-2.0-or-later
/* The client's side of a session: a keeper that answers questions about facts with any bytes, and claims any length. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "session/facts.h"

static struct fuzz_input answers;

static int answer(struct backend *b, struct op_fact *op, struct op_data *d)
{
	size_t n;
	uint8_t how = fuzz_byte(&answers);

	(void)b;
	if (how == 0xff)
		return -ENOENT;
	n = fuzz_length(&answers, 2);
	n = MIN(n, d->out_cap);
	if (n)
		memcpy(d->out, answers.p, n);
	answers.p += n;
	d->out_len = n;
	/* mostly honest */
	op->ret_len = how < 0xf0 ? n : fuzz_number(&answers, 4);
	return 0;
}

static void look(struct source *s)
{
	struct json_object *doc = NULL;
	struct ctx ctx = { 0 };
	struct arena a = { 0 };
	struct src_list l = { 0 };
	char buf[64], *text;
	size_t len, sum = 0;

	if (source_read(s, "sys/a", buf, sizeof(buf), &len) == 0)
		for (size_t i = 0; i < len; i++)
			sum += (unsigned char)buf[i];
	if (source_read_attr(s, "sys/a", buf, sizeof(buf)) == 0)
		fuzz_check(strlen(buf) < sizeof(buf));
	if (source_read_all(s, "sys/a", 4096, &a, &text, &len) == 0)
		fuzz_check(!text[len]);
	if (source_readlink(s, "sys/a", buf, sizeof(buf)) == 0)
		fuzz_check(strlen(buf) < sizeof(buf));
	if (source_list(s, "sys", &a, &l) == 0)
		for (size_t i = 0; i < l.n; i++)
			sum += strlen(l.v[i].name);
	source_exists(s, "sys/b");
	if (source_section(s, &ctx, SECTION_NETWORK, &doc) == 0)
		json_object_put(doc);
	fuzz_check(sum < SIZE_MAX);
	ctx_free(&ctx);
	arena_free(&a);
}

FUZZ_TARGET(facts)
{
	static const struct backend_ops ops = { .fact = answer };
	struct backend keeper = { .ops = &ops };
	struct source *s = NULL;

	answers = (struct fuzz_input){ data, data + size };
	if (facts_open(&keeper, &s) == 0)
		look(s);
	source_close(s);
	return 0;
}
