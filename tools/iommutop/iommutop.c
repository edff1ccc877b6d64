// SPDX-License-Identifier: GPL-2.0-or-later
/* Start, loop, end. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "batch.h"
#include "cmd/output.h"
#include "detail.h"
#include "keys.h"
#include "kmem/keep.h"
#include "options.h"
#include "sample.h"
#include "screen.h"
#include "snapshot/save.h"
#include "svg.h"
#include "ui.h"

struct top {
	struct ctx ctx;
	struct options opt;
	struct source *src;
	struct replay *replay;
	struct sampler *sampler;
	struct model model;
	struct ui ui;
	struct cells cells;
	uint64_t clock_ns;
};

/*
 * The kernel's memory is the dearest to read: its symbols and types come first. The first frame does without, and says so; the
 * next one follows at once.
 */
static bool first_frame;

static int provide_ownership(struct ctx *ctx, struct json_object **ret)
{
	return first_frame ? -EINPROGRESS : ownership_provide_kept(ctx, ret);
}

static int provide_iommufds(struct ctx *ctx, struct json_object **ret)
{
	return first_frame ? -EINPROGRESS : iommufds_provide_kept(ctx, ret);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/*
 * Whether the terminal takes UTF-8. Whatever it is, we ourselves measure text as UTF-8, and by nobody's alphabet: in Turkish
 * an I is no i, and words of logs and columns are told without regard to case.
 */
static bool take_locale(void)
{
	bool utf8 = setlocale(LC_CTYPE, "") && streq(nl_langinfo(CODESET), "UTF-8");

	setlocale(LC_CTYPE, "C.UTF-8"); /* where there is none, the user's stays */
	return utf8;
}

/* https://no-color.org: set and not empty. */
static bool wants_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return !(no && *no);
}

static void print_notes(const struct ctx *ctx)
{
	const struct note *n;

	vec_for_each(n, &ctx->notes) {
		_cleanup_strbuf_ struct strbuf b = { 0 };

		strbuf_puts(&b, n->level == NOTE_WARNING ? "iommutop: warning: " : "iommutop: ");
		strbuf_add_escaped(&b, n->what);
		if (n->why) {
			strbuf_puts(&b, ": ");
			strbuf_add_escaped(&b, n->why);
		}
		strbuf_putc(&b, '\n');
		if (n->hint) {
			strbuf_puts(&b, "hint: ");
			strbuf_add_escaped(&b, n->hint);
			strbuf_putc(&b, '\n');
		}
		fputs(b.s, stderr);
	}
}

/* Notes of a refresh say what the screen says with dashes; they would pile up. */
static int refresh_model(struct top *t)
{
	int r;

	/* a trace goes on by what the user asked for, not by how long we took */
	t->clock_ns = t->replay ? t->clock_ns + (uint64_t)t->opt.delay_ms * 1000000 : now_ns();
	r = sampler_refresh(t->sampler, &t->model, t->clock_ns);

	if (r >= 0)
		ctx_free(&t->ctx);
	return r;
}

static void clock_text(char *buf, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(buf, size, "%H:%M:%S", &tm);
}

static void draw_frame(struct top *t, int w, int h)
{
	char clock[16] = "";

	if (t->model.live)
		clock_text(clock, sizeof(clock));
	cells_resize(&t->cells, w, h);
	draw(&t->cells, &t->ui, &t->model, clock);
}

/* -- what keys ask for ----------------------------------------------------------------------------------- */

static void save(struct top *t)
{
	struct ctx ctx = { 0 };
	int r = snapshot_save(&ctx, t->src, t->ui.input, &(struct snapshot_options){ 0 });

	if (r < 0)
		ui_message(&t->ui, true, "%s: %s", t->ui.input, ctx.notes.n && ctx.notes.v[ctx.notes.n - 1].why ?
			   ctx.notes.v[ctx.notes.n - 1].why : err_text(r));
	else
		ui_message(&t->ui, false, "saved: iommutop --from %s shows it", t->ui.input);
	ctx_free(&ctx);
}

/* False: it is the end. */
static bool act(struct top *t, enum ui_action action)
{
	switch (action) {
	case UI_QUIT:
		return false;
	case UI_REFRESH:
		return refresh_model(t) >= 0;
	case UI_DETAIL:
		detail_fill(&t->ui, &t->model, t->src, t->cells.w);
		ui_show_pane(&t->ui);
		break;
	case UI_SAVE:
		save(t);
		break;
	case UI_NONE:
		break;
	}
	return true;
}

/* -- ways to run ----------------------------------------------------------------------------------------- */

static int run_screen(struct top *t)
{
	uint64_t due;
	int r, w, h;

	r = screen_open(&t->ctx, wants_colour());
	if (r < 0)
		return EXIT_FAILED;
	due = first_frame ? 0 : now_ns() + (uint64_t)t->ui.delay_ms * 1000000;
	for (;;) {
		struct ui_key key;
		enum screen_event e;
		uint64_t now;

		screen_size(&w, &h);
		draw_frame(t, w, h);
		screen_show(&t->cells);
		now = now_ns();
		e = screen_wait(due > now ? (int)((due - now) / 1000000) + 1 : 0, &key);
		if (e == SCREEN_END)
			break;
		if (e == SCREEN_RESIZED && t->ui.mode == MODE_PANE) {
			screen_size(&w, &h);
			if (t->ui.pane_of_row)
				detail_fill(&t->ui, &t->model, t->src, w);
			else
				ui_help(&t->ui, w);
		}
		if (e == SCREEN_KEY && !act(t, ui_key(&t->ui, &t->model, &key)))
			break;
		if (now_ns() < due)
			continue;
		due = now_ns() + (uint64_t)t->ui.delay_ms * 1000000;
		if (first_frame)
			sampler_changed(t->sampler);
		first_frame = false;
		if (!t->ui.paused && (r = refresh_model(t)) < 0)
			break;
	}
	screen_close();
	return r < 0 ? (int)exit_from_errno(r) : EXIT_DONE;
}

static void wait_delay(const struct top *t)
{
	struct timespec pause = { t->opt.delay_ms / 1000, t->opt.delay_ms % 1000 * 1000000 };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

static int write_svg(struct top *t)
{
	FILE *f;
	int r = output_open(&t->ctx, t->opt.svg, NULL, &f);

	if (r < 0)
		return r;
	svg_write(&t->cells, "iommutop", f);
	return output_close(&t->ctx, f, t->opt.svg);
}

static int run_frame(struct top *t)
{
	const char *keys = t->opt.keys ?: "";
	struct ui_key key;

	for (uint32_t n = 1; n < t->opt.samples; n++) {
		if (t->model.live)
			wait_delay(t);
		if (refresh_model(t) < 0)
			return EXIT_FAILED;
	}
	draw_frame(t, t->opt.frame_w, t->opt.frame_h);
	while (keys_next(&keys, &key)) {
		if (!act(t, ui_key(&t->ui, &t->model, &key)))
			break;
		draw_frame(t, t->opt.frame_w, t->opt.frame_h);
	}
	if (t->opt.svg && write_svg(t) < 0)
		return EXIT_FAILED;
	for (int y = 0; y < t->cells.h; y++) {
		_cleanup_strbuf_ struct strbuf b = { 0 };

		cells_line(&t->cells, y, &b);
		puts(strbuf_str(&b));
	}
	return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
}

static int terminal_width(void)
{
	struct winsize w = { 0 };

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

static int write_samples(struct top *t, struct out *json, const struct out_options *opt)
{
	unsigned views = t->opt.views ?: 1u << VIEW_GROUPS | 1u << VIEW_UNITS;
	int r;

	for (uint32_t n = 1;; n++) {
		r = batch_sample(&t->ctx, stdout, json, opt, &t->model, views);
		if (r < 0 || n == t->opt.samples)
			return r;
		if (!opt->json && !opt->raw)
			puts("");
		wait_delay(t);
		r = refresh_model(t);
		if (r < 0)
			return r;
	}
}

static int run_batch(struct top *t)
{
	struct out_options opt = { .json = t->opt.json, .raw = t->opt.raw, .noheadings = t->opt.noheadings, .utf8 = t->ui.utf8,
				   .width = terminal_width() };
	_cleanup_(cleanup_out_free) struct out *json = NULL;
	int r = 0;

	opt.colour = opt.width && wants_colour();
	if (opt.json) {
		json = out_new(&t->ctx, stdout, &opt);
		out_set_origin(json, &(struct out_origin){ t->src->hostname, t->src->name, t->src->boot_id });
		out_set_stream(json);
		r = out_begin(json, &sample_record);
	}
	if (r >= 0)
		r = write_samples(t, json, &opt);
	if (json && out_end(json, &sample_record) < 0 && r >= 0)
		r = -EIO;
	return r < 0 ? (int)exit_from_errno(r) : EXIT_DONE;
}

static int start(struct top *t)
{
	int r = t->opt.from ? source_open(&t->ctx, t->opt.from, &t->src) : source_open_live(&t->ctx, &t->src);

	if (r < 0)
		return (int)exit_from_errno(r);
	t->sampler = sampler_new(&t->ctx, t->src, t->opt.probes);
	if (t->opt.replay) {
		r = replay_open(&t->ctx, t->opt.replay, &t->replay);
		if (r < 0)
			return (int)exit_from_errno(r);
		sampler_set_replay(t->sampler, t->replay, t->opt.speed);
	}
	first_frame = source_is_live(t->src) && !t->opt.batch && !t->opt.frame_w;
	r = refresh_model(t);
	if (r < 0)
		return (int)exit_from_errno(r);
	ui_init(&t->ui);
	t->ui.utf8 = take_locale();
	t->ui.delay_ms = t->opt.delay_ms;
	t->ui.live = t->model.live;
	for (enum view_id v = 0; v < VIEW_MAX; v++)
		if (t->opt.views & 1u << v) {
			t->ui.view = v;
			break;
		}
	r = t->opt.frame_w ? run_frame(t) : t->opt.batch ? run_batch(t) : run_screen(t);
	ui_free(&t->ui);
	return r;
}

int main(int argc, char **argv)
{
	struct top t = { 0 };
	int code = EXIT_USAGE;

	signal(SIGPIPE, SIG_IGN);
	source_set_provider(SECTION_OWNERSHIP, provide_ownership);
	source_set_provider(SECTION_IOMMUFD, provide_iommufds);
	if (options_parse(&t.ctx, argc, argv, &t.opt) >= 0) {
		code = EXIT_DONE;
		if (t.opt.help)
			options_help(stdout);
		else if (t.opt.version)
			printf("iommutop %s\n", PACKAGE_VERSION);
		else
			code = start(&t);
	}
	print_notes(&t.ctx);
	sampler_free(t.sampler);
	replay_free(t.replay);
	model_free(&t.model);
	cells_free(&t.cells);
	source_close(t.src);
	ctx_free(&t.ctx);
	kmem_keep_drop();
	if (screen_signal()) { /* end as the signal would have ended us */
		signal(screen_signal(), SIG_DFL);
		sigset_t set;

		sigemptyset(&set);
		sigaddset(&set, screen_signal());
		raise(screen_signal());
		sigprocmask(SIG_UNBLOCK, &set, NULL);
	}
	return code;
}
