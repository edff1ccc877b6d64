// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "act/journal.h"
#include "backend/workspace.h"
#include "base/rmtree.h"
#include "base/str.h"
#include "cmd/args.h"
#include "model/model.h"
#include "session/facts.h"
#include "session/place.h"
#include "session/remote.h"

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* Without SA_RESTART: a wait ends. SIGHUP too: a lost ssh connection must not leave half of a bind. */
const volatile sig_atomic_t *interrupt_catch(void)
{
	const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal }, old;

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		/* under nohup it stays ignored */
		if (signals[i] == SIGHUP && sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &sa, NULL);
	}
	return &interrupted;
}

void interrupt_clear(void)
{
	interrupted = 0;
}

static int open_model(struct machine *m, const char *inject)
{
	struct model_options opt = { 0 };
	struct backend *model;
	struct source *overlay;
	int r = inject ? model_inject(m->ctx, &opt, inject) : 0;

	if (r < 0)
		return EXIT_USAGE;
	r = model_open(m->ctx, m->source, &opt, &model, &overlay);
	if (r < 0)
		return exit_from_errno(r);
	m->base = m->source;
	m->source = overlay;
	r = workspace_new(model, &(struct workspace_facts){ facts_answer, overlay }, &m->be);
	return r < 0 ? exit_from_errno(r) : EXIT_DONE;
}

/* Facts are this machine's, unless the session has a model: then it tells them. */
static int open_session(struct machine *m, const char *name)
{
	struct session_info info;
	struct backend *kernel;
	int r = session_connect(m->ctx, name, &info, &m->be);

	if (r < 0)
		return r == -EPERM || r == -EACCES ? EXIT_PERMISSION : EXIT_FAILED;
	m->session = name;
	m->lasting = true;
	m->model = info.model;
	if (info.model) {
		r = place_journal(m->ctx, name, &m->journal);
		if (r == 0)
			r = facts_open(m->be, &m->source);
	} else {
		r = backend_open_kernel(m->ctx, &kernel);
		if (r == 0) {
			session_set_local(m->be, kernel);
			r = source_open_live(m->ctx, &m->source);
		}
	}
	if (r < 0)
		ctx_error(m->ctx, NOTE(.code = "session-unreachable", .err = r), "session %s", name);
	return r < 0 ? (int)exit_from_errno(r) : EXIT_DONE;
}

int machine_open(struct ctx *ctx, const struct arguments *a, struct machine *ret)
{
	int r;

	*ret = (struct machine){ .ctx = ctx, .model = a->model };
	if (a->session)
		return open_session(ret, a->session);
	r = a->from ? source_open(ctx, a->from, &ret->source) : source_open_live(ctx, &ret->source);
	if (r < 0)
		return exit_from_errno(r);
	return a->model ? open_model(ret, a->inject) : EXIT_DONE;
}

void machine_close(struct machine *m)
{
	if (m->be)
		backend_close(m->be);
	source_close(m->source);
	source_close(m->base);
	if (m->journal_ours)
		rmtree(m->journal);
	vec_free(&m->stays);
	*m = (struct machine){ 0 };
}

int machine_backend(struct machine *m, struct backend **ret)
{
	struct backend *kernel;
	int r = 0;

	if (!m->be)
		r = backend_open_kernel(m->ctx, &kernel);
	if (!m->be && r == 0)
		r = workspace_new(kernel, NULL, &m->be);
	if (r < 0)
		return exit_from_errno(r);
	*ret = m->be;
	return EXIT_DONE;
}

int machine_journal(struct machine *m, const char **ret)
{
	const char *tmp = secure_getenv("TMPDIR");
	char *dir;

	if (!m->model) {
		*ret = JOURNAL_DIR;
		return EXIT_DONE;
	}
	if (!m->journal) {
		dir = arena_printf(&m->ctx->arena, "%s/iommuctl-XXXXXX", tmp && *tmp ? tmp : "/tmp");
		if (!mkdtemp(dir))
			return exit_from_errno(ctx_error(m->ctx, NOTE(.code = "journal", .err = errno, .hint = "set TMPDIR to a directory that can be written"), "%s", dir));
		m->journal = dir;
		m->journal_ours = true;
	}
	*ret = m->journal;
	return EXIT_DONE;
}

static struct stay *find_stay(struct machine *m, const char *what)
{
	struct stay *s;

	vec_for_each(s, &m->stays)
		if (streq(s->what, what))
			return s;
	return NULL;
}

static struct stay *make_stay(struct machine *m, const char *what)
{
	struct stay *s = find_stay(m, what);

	if (s)
		return s;
	s = vec_push(&m->stays);
	s->what = arena_strdup(&m->ctx->arena, what);
	return s;
}

void machine_stays(struct machine *m, const char *what, const char *how)
{
	if (how || find_stay(m, what))
		make_stay(m, what)->how = arena_strdup(&m->ctx->arena, how);
}

void machine_changed(struct machine *m, const char *what, const char *before, const char *how)
{
	struct stay *s = make_stay(m, what);

	if (!s->before)
		s->before = arena_strdup(&m->ctx->arena, before);
	s->how = streq(s->before, how) ? NULL : arena_strdup(&m->ctx->arena, how);
}
