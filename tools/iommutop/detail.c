// SPDX-License-Identifier: GPL-2.0-or-later
#include "detail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/args.h"
#include "cmd/cmd.h"

struct filling {
	struct pane *pane;
	struct source *src;
	struct out_options opt;
};

static void add_line(struct pane *p, const char *text)
{
	pane_add(p, text, strlen(text));
}

/* What the command had to say beside its output. */
static void add_notes(struct pane *p, const struct ctx *ctx)
{
	const struct note *n;

	vec_for_each(n, &ctx->notes) {
		_cleanup_strbuf_ struct strbuf b = { 0 };

		strbuf_puts(&b, n->level == NOTE_WARNING ? "\033[33mwarning\033[0m: " : "\033[1;31merror\033[0m: ");
		strbuf_add_escaped(&b, n->what);
		if (n->why) {
			strbuf_puts(&b, ": ");
			strbuf_add_escaped(&b, n->why);
		}
		if (n->hint) {
			strbuf_puts(&b, "\n  ");
			strbuf_add_escaped(&b, n->hint);
		}
		add_line(p, b.s);
	}
}

static void run_into(struct filling *f, const struct noun *noun, const struct command *c, char *arg, FILE *to)
{
	struct ctx ctx = { 0 };
	struct out *out = out_new(&ctx, to, &f->opt);
	const char *opt[32] = { 0 }; /* more than any command has options */
	char *argv[] = { arg, NULL };
	static const struct arguments args;
	struct invocation inv = {
		.ctx = &ctx, .out = out, .args = &args, .source = f->src, .noun = noun, .command = c, .argc = 1, .argv = argv, .opt = opt,
	};

	c->run(&inv);
	out_end(out, c->record);
	fflush(to);
	out_free(out);
	fflush(to);
	add_notes(f->pane, &ctx);
	ctx_free(&ctx);
}

/* "iommuctl group check 7" with what it prints below it. */
static void add_command(struct filling *f, const char *noun_name, const char *verb, const char *arg)
{
	const struct noun *noun = noun_find(noun_name);
	const struct command *c = verb_find(noun, verb);
	_cleanup_strbuf_ struct strbuf head = { 0 };
	_cleanup_free_ char *copy = must_strdup(arg);
	char *text = NULL;
	size_t len = 0;
	FILE *to = must(open_memstream(&text, &len));

	strbuf_puts(&head, "\033[2m$ iommuctl ");
	strbuf_printf(&head, "%s %s ", noun_name, verb);
	strbuf_add_escaped(&head, arg);
	strbuf_puts(&head, "\033[0m");
	add_line(f->pane, head.s);
	run_into(f, noun, c, copy, to);
	fclose(to);
	pane_add(f->pane, text, len);
	add_line(f->pane, " ");
	free(text);
}

/* The row's own fields. */
static void add_record(struct filling *f, enum view_id v, const void *row)
{
	struct ctx ctx = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *to = must(open_memstream(&text, &len));
	struct out *out;

	out = out_new(&ctx, to, &f->opt);
	if (out_begin(out, view_records[v]) >= 0)
		out_detail(out, row);
	out_end(out, view_records[v]);
	out_free(out);
	fclose(to);
	pane_add(f->pane, text, len);
	add_line(f->pane, " ");
	free(text);
	ctx_free(&ctx);
}

static void group_detail(struct filling *f, const struct group_row *g)
{
	char id[24];

	snprintf(id, sizeof(id), "%" PRId64, g->group.v);
	add_command(f, "group", "check", id);
	add_command(f, "group", "explain", id);
	add_command(f, "group", "show", id);
	add_command(f, "owner", "check", id);
}

static void device_detail(struct filling *f, const char *device, const char *bus, bool in_group)
{
	_cleanup_strbuf_ struct strbuf name = { 0 };

	if (bus && !streq(bus, "pci"))
		strbuf_printf(&name, "%s/", bus);
	strbuf_puts(&name, device);
	add_command(f, "device", "show", name.s);
	add_command(f, "device", "guard", name.s);
	if (in_group)
		add_command(f, "group", "check", name.s);
}

static const char *row_title(enum view_id view, const void *row, const char *key)
{
	switch (view) {
	case VIEW_DOMAINS:
		return "";
	case VIEW_DEVICES:
		return ((const struct device_row *)row)->device;
	case VIEW_FAULTS:
		return ((const struct fault_line *)row)->device ?: "";
	case VIEW_SESSIONS:
		return ((const struct session_row *)row)->object;
	default:
		return key;
	}
}

void detail_fill(struct ui *ui, struct model *m, struct source *src, int width)
{
	struct filling f = {
		.pane = &ui->pane,
		.src = src,
		.opt = { .colour = true, .width = MAX(width, 20), .utf8 = ui->utf8 },
	};
	size_t at = ui_selected(ui);
	const void *row = at == SIZE_MAX ? NULL : model_row(m, ui->view, at);
	_cleanup_strbuf_ struct strbuf key = { 0 }, title = { 0 };
	const struct device_row *d = row;
	const struct fault_line *fault = row;

	if (!row)
		return;
	ui->pane_of_row = true;
	row_key(ui->view, row, &key);
	strbuf_printf(&title, "%.*s ", (int)strlen(view_names[ui->view]) - 1, view_names[ui->view]);
	strbuf_add_escaped(&title, row_title(ui->view, row, key.s));
	pane_reset(&ui->pane);
	ui->pane.title = must_strdup(title.s);
	switch (ui->view) {
	case VIEW_GROUPS:
		group_detail(&f, row);
		break;
	case VIEW_DEVICES:
		device_detail(&f, d->device, d->bus, d->group.known);
		break;
	case VIEW_UNITS:
		add_command(&f, "iommu", "show", key.s);
		break;
	case VIEW_FAULTS:
		add_record(&f, VIEW_FAULTS, row);
		if (fault->device && host_device(m->host, "pci", fault->device))
			device_detail(&f, fault->device, "pci", fault->group.known);
		break;
	default:
		add_record(&f, ui->view, row);
		break;
	}
}
