// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a batch on the model of the sample machine: arguments, options, names of objects, what the commands do and print. Only lines
 * whose command is on the list below are run: nothing here may wait, run a program, or write a file.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include "backend/workspace.h"
#include "base/str.h"
#include "cmd/args.h"
#include "cmd/interp.h"
#include "cmd/words.h"
#include "model/model.h"
#include "session/facts.h"

static const struct {
	const char *noun, *verb; /* verb NULL: all of them */
} allowed[] = {
	{ "iommu", NULL }, { "object", NULL }, { "hwpt", NULL }, { "viommu", NULL }, { "vdevice", NULL }, { "doctor", NULL },
	{ "group", NULL }, { "ioas", NULL }, { "veventq", "alloc" }, { "faultq", "alloc" }, { "faultq", "respond" }, { "device", "list" },
	{ "device", "show" }, { "device", "guard" }, { "device", "bind" }, { "device", "unbind" }, { "device", "restore" }, { "device", "open" },
	{ "device", "close" }, { "device", "attach" }, { "device", "detach" }, { "device", "hwinfo" }, { "device", "map-check" },
	{ "device", "vfs" }, { "mock", NULL },
};

static const char *no_value(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

static bool is_allowed(const struct arguments *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if (a->noun && streq(a->noun->name, allowed[i].noun) && (!allowed[i].verb || (a->command && streq(a->command->verb, allowed[i].verb))))
			return true;
	return false;
}

/* Options that read files, write them, or wait. */
static bool is_tame(const struct words *w)
{
	static const char *const wild[] = { "persist", "verify", "file", "data", "from", "session", "timeout", "wait", "read" };

	for (int i = 0; i < w->n; i++)
		for (size_t j = 0; j < ARRAY_SIZE(wild); j++)
			if (strstarts(w->v[i], "--") && strstr(w->v[i], wild[j]))
				return false;
	return true;
}

static bool may_run(const char *line, size_t len)
{
	struct ctx ctx = { 0 };
	struct arguments a = { 0 };
	struct words w;
	bool may = false;

	/* a variable could become anything behind our back */
	if (!memchr(line, '$', len) && words_split(&ctx.arena, line, len, no_value, NULL, &w) == 0 && w.n && is_tame(&w)) {
		int skip = w.n > 2 && streq(w.v[0], "expect") ? 2 : 0;
		char **argv = arena_array(&ctx.arena, char *, (size_t)w.n + 2);

		argv[0] = (char[]){ "iommuctl" };
		for (int i = skip; i < w.n; i++)
			argv[i - skip + 1] = w.v[i];
		/* what does not parse is refused by the interpreter too */
		may = args_parse(&ctx, w.n - skip + 1, argv, &a) < 0 || is_allowed(&a);
	}
	ctx_free(&ctx);
	return may;
}

/* What is printed is not looked at; it is made. */
static void silence(void)
{
	static FILE *nowhere;

	if (nowhere)
		return;
	nowhere = fopen("/dev/null", "w");
	if (!nowhere)
		abort();
	stdout = stderr = nowhere;
	unsetenv("IOMMUCTL_SESSION");
}

/* The machine is read once; each input has a model of its own. */
static void open_machine(struct ctx *ctx, struct machine *m)
{
	static struct ctx forever;
	static struct source *base;
	struct backend *model;

	if (!base && source_open(&forever, "demo", &base) < 0)
		abort();
	*m = (struct machine){ .ctx = ctx, .model = true, .lasting = true };
	if (model_open(ctx, base, NULL, &model, &m->source) < 0 || workspace_new(model, &(struct workspace_facts){ facts_answer, m->source }, &m->be) < 0)
		abort();
}

FUZZ_TARGET(batch)
{
	struct arguments outer = { .from = "demo", .model = true };
	struct machine m;
	struct ctx ctx = { 0 };
	struct interp it = { .m = &m, .outer = &outer, .name = "fuzz", .keep_going = true };
	const char *p = (const char *)data, *end = p + size, *eol;

	silence();
	open_machine(&ctx, &m);
	for (unsigned n = 0; p < end && n < 64; p = eol + 1, n++) {
		eol = memchr(p, '\n', (size_t)(end - p));
		eol = eol ? eol : end;
		it.line++;
		if (may_run(p, (size_t)(eol - p)))
			interp_line(&it, p, (size_t)(eol - p));
	}
	interp_free(&it);
	machine_close(&m);
	ctx_free(&ctx);
	return 0;
}
