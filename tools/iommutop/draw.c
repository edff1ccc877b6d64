// SPDX-License-Identifier: GPL-2.0-or-later
/* Frames. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "out/out.h"
#include "ui.h"

const char ui_help_text[] =
	"\033[1mViews\033[0m\n"
	"  1 Groups     what can be given away, who has it, and what stands in the way\n"
	"  2 Domains    which page tables there are, who made them, what is on them\n"
	"  3 Devices    every device with its driver, group, unit and faults\n"
	"  4 Units      the IOMMUs: domains, invalidations, faults, page requests\n"
	"  5 Faults     the faults of the kernel log, decoded and folded, newest first\n"
	"  6 Sessions   objects of running sessions\n"
	"  Tab, Shift-Tab   next, previous\n"
	"\n"
	"\033[1mKeys\033[0m\n"
	"  Up Down PgUp PgDn Home End   move (also k j g G)\n"
	"  Left Right                   move the table sideways\n"
	"  Enter                        everything about the row: show, check, explain\n"
	"  /  F3                        search; n: next\n"
	"  \\  F4                        show only rows that have a text; Esc: all again\n"
	"  >  F6                        choose the column to sort by; I: the other way round\n"
	"  p                            pause; Space, F5: refresh now\n"
	"  d                            delay between refreshes, in seconds\n"
	"  s  F2                        save a snapshot: iommuctl --from FILE, iommutop --from FILE read it\n"
	"  ?  F1                        this help\n"
	"  q  F10                       quit\n"
	"  Mouse: rows (twice: details), headings (sort), tabs, keys below, wheel\n"
	"\n"
	"\033[1mVerdicts\033[0m\n"
	"  \033[32mready\033[0m            a claim by VFIO or iommufd would succeed now\n"
	"  \033[33mneeds-bind\033[0m       devices must leave their drivers first; the line below the table has the command\n"
	"  \033[1;31mblocked\033[0m          binding does not mend it; Enter says why\n"
	"  \033[33min-use\033[0m           a process has it\n"
	"  \033[2mnothing-to-give\033[0m  bridges only\n"
	"\n"
	"\033[1mA dash\033[0m stands for what is not known. The reason is in the line below the table. Faults come from the kernel "
	"log, page requests, invalidations and mappings from tracepoints that are only counted, owners from the "
	"kernel's memory. iommutop changes nothing on the machine.\n";

/* -- pieces ---------------------------------------------------------------------------------------------- */

/* The newest value is at the right end. The highest column is the highest value that is shown. */
static void draw_graph(struct cells *c, int y, int x, int w, const struct meter *t)
{
	static const char *const bars[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", "_", ".", ":", "-", "=", "+", "*", "#" };
	uint32_t top = 1;

	for (int i = 0; i < w; i++)
		top = MAX(top, meter_past(t, (unsigned)i));
	for (int i = 0; i < w; i++) {
		uint32_t v = meter_past(t, (unsigned)i);
		size_t level = v ? 1 + (size_t)((uint64_t)v * 7 / top) : 0;

		if ((uint64_t)i < t->n && !level)
			cells_put(c, y, x + w - 1 - i, 1, ATTR_DIM, c->utf8 ? "▁" : "_");
		else
			cells_put(c, y, x + w - 1 - i, 1, ATTR_GRAPH, (c->utf8 ? bars : ascii)[level]);
	}
}

static const char *const meter_labels[METER_MAX] = {
	[METER_INVALS] = "invalid.", [METER_MAPS] = "maps",	[METER_FAULTS] = "faults",
	[METER_REQUESTS] = "page req.", [METER_UNMAPS] = "unmaps", [METER_ATTACHES] = "attaches",
};

static void draw_meter(struct cells *c, int y, int x, int w, enum meter_id id, const struct meter *t)
{
	bool alarm = id == METER_FAULTS && t->per_s.known && t->per_s.v;
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (t->per_s.known)
		short_number(&b, t->per_s.v);
	strbuf_puts(&b, t->per_s.known ? "/s" : "-");
	cells_put(c, y, x, MIN(9, w), ATTR_DIM, meter_labels[id]);
	cells_put_right(c, y, x + 9, MIN(8, w - 9), alarm ? ATTR_BAD : t->per_s.known ? ATTR_BOLD : ATTR_DIM, b.s);
	if (w > 20)
		draw_graph(c, y, x + 18, w - 20, t);
}

/* -- header ---------------------------------------------------------------------------------------------- */

static void uptime_text(char *buf, size_t size, struct num s)
{
	buf[0] = '\0';
	if (!s.known)
		return;
	if (s.v >= 86400)
		snprintf(buf, size, "up %" PRId64 "d %" PRId64 ":%02" PRId64, s.v / 86400, s.v / 3600 % 24, s.v / 60 % 60);
	else
		snprintf(buf, size, "up %" PRId64 ":%02" PRId64 ":%02" PRId64, s.v / 3600, s.v / 60 % 60, s.v % 60);
}

static void draw_title(struct cells *c, const struct ui *ui, const struct model *m, const char *clock)
{
	char right[128], up[48];
	int x, w;

	uptime_text(up, sizeof(up), m->uptime);
	if (m->live)
		snprintf(right, sizeof(right), "%s%s%s  every %.3gs%s", up, *up ? "  " : "", clock, ui->delay_ms / 1000.0,
			 ui->paused ? "  PAUSED" : "");
	else
		snprintf(right, sizeof(right), "%s%s%s", m->replay ? "trace " : "", m->replay ?: "", ui->paused ? "  PAUSED" : "");
	x = cells_put(c, 0, 0, c->w, ATTR_BOLD, m->hostname ?: "unknown machine");
	x += cells_printf(c, 0, x, c->w - x, ATTR_PLAIN, "  %s%s", m->kernel ? "Linux " : "", m->kernel ?: "");
	w = cells_width(right);
	/* a long path is cut, and what is on the right stays */
	if (!m->live)
		x += cells_printf(c, 0, x, MAX(c->w - x - (w ? w + 2 : 0), 0), ATTR_DIM, "  from %s", m->source);
	if (x + 2 + w <= c->w)
		cells_put(c, 0, c->w - w, w, ui->paused ? ATTR_WARN : ATTR_DIM, right);
}

static int put_count(struct cells *c, int y, int x, const char *label, int64_t n, enum attr attr)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%" PRId64 " ", n);
	x += cells_put(c, y, x, c->w - x, n ? attr : ATTR_DIM, buf);
	x += cells_put(c, y, x, c->w - x, n ? ATTR_PLAIN : ATTR_DIM, label);
	return x + 2;
}

/* "2 units   15 groups:  1 ready  7 needs-bind …" */
static void draw_counts(struct cells *c, int y, const struct model *m)
{
	static const enum attr attrs[] = { ATTR_GOOD, ATTR_WARN, ATTR_BAD, ATTR_WARN, ATTR_PLAIN, ATTR_WARN };
	struct rows units = m->rows[VIEW_UNITS], groups = m->rows[VIEW_GROUPS];
	char n[24];
	int x = cells_put(c, y, 0, c->w, ATTR_BOLD, rows_count(n, units));

	x += cells_put(c, y, x, c->w - x, ATTR_PLAIN, units.known && units.n == 1 ? " unit   " : " units   ");
	x += cells_put(c, y, x, c->w - x, ATTR_BOLD, rows_count(n, groups));
	x += cells_put(c, y, x, c->w - x, ATTR_PLAIN, !groups.known ? " groups" : groups.n == 1 ? " group:  " : " groups:  ");
	for (size_t i = 0; i < ARRAY_SIZE(verdict_words); i++)
		if (m->verdicts[i].known && (m->verdicts[i].v || i < 4))
			x = put_count(c, y, x, verdict_words[i], m->verdicts[i].v, attrs[i]);
	for (; x < c->w; x++)
		cells_put(c, y, x, 1, ATTR_PLAIN, " ");
}

static void draw_meters(struct cells *c, int y, int lines, const struct model *m)
{
	int w = c->w / 3;

	for (int i = 0; i < lines * 3; i++)
		draw_meter(c, y + i / 3, i % 3 * w, w, (enum meter_id)i, &m->meters[i]);
}

static void draw_tabs(struct cells *c, struct ui *ui, int y, const struct model *m)
{
	int x = 0;

	cells_put(c, y, 0, c->w, ATTR_TAB, "");
	for (enum view_id v = 0; v < VIEW_MAX; v++) {
		char buf[48];
		int w;

		if (m->rows[v].known && c->w >= 90)
			snprintf(buf, sizeof(buf), " %d %s %zu ", (int)v + 1, view_names[v], m->rows[v].n);
		else
			snprintf(buf, sizeof(buf), " %d %s ", (int)v + 1, view_names[v]);
		w = MIN(cells_width(buf), MAX(c->w - x, 0));
		ui->layout.tab_x[v] = x;
		ui->layout.tab_end[v] = x + w;
		cells_put(c, y, x, w, v == ui->view ? ATTR_TAB_ON : ATTR_TAB, buf);
		x += w + 1;
	}
}

/* -- the table ------------------------------------------------------------------------------------------- */

static enum attr style_attr(enum out_style s)
{
	static const enum attr attrs[] = {
		[STYLE_PLAIN] = ATTR_PLAIN, [STYLE_GOOD] = ATTR_GOOD, [STYLE_WARN] = ATTR_WARN,
		[STYLE_BAD] = ATTR_BAD,	    [STYLE_DIM] = ATTR_DIM,   [STYLE_BOLD] = ATTR_BOLD,
	};

	return attrs[s];
}

static enum attr cell_attr(const struct field *f, const void *row, const char *text)
{
	const struct num *n = (const void *)((const char *)row + f->offset);

	if (f->flags & FIELD_VERDICT)
		return style_attr(out_word_style(text));
	if (streq(text, "-"))
		return ATTR_DIM;
	if (f->type == F_INT && n->v && (streq(f->name, "faults") || (streq(f->name, "fault_rate"))))
		return ATTR_BAD;
	return ATTR_PLAIN;
}

static void draw_head(struct cells *c, const struct list *t, int y)
{
	cells_put(c, y, 0, c->w, ATTR_HEAD, "");
	for (size_t i = 0; i < t->n_cols; i++) {
		const struct list_column *col = &t->cols[i];
		bool sorted = t->sort == (int)i;
		char buf[32];

		if (!col->width)
			continue;
		/* the mark is seen whatever is cut */
		snprintf(buf, sizeof(buf), "%.*s%s", sorted ? col->width - 1 : col->width, col->field->head, !sorted ? "" :
			 c->utf8 ? (t->descending ? "▽" : "△") : t->descending ? "v" : "^");
		if (col->field->flags & FIELD_RIGHT)
			cells_put_right(c, y, col->x, col->width, sorted ? ATTR_HEAD_SORT : ATTR_HEAD, buf);
		else
			cells_put(c, y, col->x, col->width, sorted ? ATTR_HEAD_SORT : ATTR_HEAD, buf);
	}
}

/* What a list shows where it does not fit: "0000:01:00.0 +3" says more than a cut name. */
static void fit_list(struct strbuf *b, const struct strs *l, int width, bool utf8)
{
	for (size_t shown = l->n - 1; shown; shown--) {
		struct strs head = STRS(l->v, shown);
		static const struct field f = { .type = F_STRS };

		strbuf_reset(b);
		out_value(b, &f, &head, utf8);
		strbuf_printf(b, " +%zu", l->n - shown);
		if (shown == 1 || cells_width(b->s) <= width)
			return;
	}
}

static void draw_row(struct cells *c, const struct list *t, const struct model *m, int y, size_t row, bool cursor)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const void *record = model_row(m, t->view, row);

	cells_put(c, y, 0, c->w, ATTR_PLAIN, "");
	for (size_t i = 0; i < t->n_cols; i++) {
		const struct list_column *col = &t->cols[i];
		const struct strs *l;
		enum attr attr;

		if (!col->width)
			continue;
		list_text(t, m, row, i, c->utf8, &b);
		l = (const void *)((const char *)record + col->field->offset);
		if (col->field->type == F_STRS && l->n > 1 && cells_width(b.s) > col->width)
			fit_list(&b, l, col->width, c->utf8);
		attr = cell_attr(col->field, record, strbuf_str(&b));
		if (col->field->flags & FIELD_RIGHT)
			cells_put_right(c, y, col->x, col->width, attr, strbuf_str(&b));
		else
			cells_put(c, y, col->x, col->width, attr, strbuf_str(&b));
	}
	if (cursor)
		cells_paint(c, y, 0, c->w, ATTR_CURSOR);
}

/* Wrapped at blanks into @h lines. */
static void draw_wrapped(struct cells *c, int y, int h, enum attr attr, const char *text)
{
	while (h-- > 0 && *text) {
		char line[512];
		size_t n = strlen(text), cut = MIN(n, MIN((size_t)c->w, sizeof(line) - 1));

		if (cut < n) {
			size_t k = cut;

			while (k && text[k] != ' ')
				k--;
			cut = k && h ? k : cut;
		}
		if (!h && cut < n)
			cells_put(c, y, 0, c->w, attr, text);
		else
			cells_printf(c, y, 0, c->w, attr, "%.*s", (int)cut, text);
		text += cut + (text[cut] == ' ');
		y++;
	}
}

static void draw_empty(struct cells *c, const struct ui *ui, const struct model *m)
{
	const struct ui_layout *l = &ui->layout;

	if (m->rows[ui->view].n)
		draw_wrapped(c, l->rows_y, l->rows_h, ATTR_DIM, "no row has the text of the filter; Esc shows all again");
	else if (m->empty[ui->view])
		draw_wrapped(c, l->rows_y, l->rows_h, ATTR_DIM, m->empty[ui->view]);
}

static void draw_rows(struct cells *c, struct ui *ui, const struct model *m)
{
	struct ui_view *v = ui_current(ui);
	const struct ui_layout *l = &ui->layout;

	if (l->rows_h <= 0)
		return;
	if (v->cursor < v->top)
		v->top = v->cursor;
	if (v->cursor >= v->top + l->rows_h)
		v->top = v->cursor - l->rows_h + 1;
	if (v->top + l->rows_h > v->list.order.n)
		v->top = v->list.order.n > (size_t)l->rows_h ? v->list.order.n - l->rows_h : 0;
	if (!v->list.order.n)
		draw_empty(c, ui, m);
	for (int i = 0; i < l->rows_h && v->top + i < v->list.order.n; i++)
		draw_row(c, &v->list, m, l->rows_y + i, v->list.order.v[v->top + i], v->top + i == v->cursor);
}

static void draw_pane(struct cells *c, struct ui *ui)
{
	const struct ui_layout *l = &ui->layout;
	size_t n = ui->pane.lines.n;

	cells_put(c, l->head_y, 0, c->w, ATTR_HEAD, ui->pane.title ?: "");
	if (n > (size_t)MAX(l->rows_h, 0)) {
		char buf[48];

		snprintf(buf, sizeof(buf), " %zu-%zu of %zu ", ui->pane_top + 1, MIN(ui->pane_top + l->rows_h, n), n);
		cells_put(c, l->head_y, MAX(c->w - cells_width(buf), 0), c->w, ATTR_HEAD, buf);
	}
	for (int i = 0; i < l->rows_h && ui->pane_top + i < n; i++) {
		const struct pane_line *line = &ui->pane.lines.v[ui->pane_top + i];
		size_t len = strlen(line->text);
		int x = 0;

		for (size_t at = 0, end; at < len && x < c->w; at = end) {
			char piece[1024];

			for (end = at + 1; end < len && line->attrs[end] == line->attrs[at] && end - at < sizeof(piece) - 1; end++)
				;
			memcpy(piece, line->text + at, end - at);
			piece[end - at] = '\0';
			x += cells_put(c, l->rows_y + i, x, c->w - x, line->attrs[at], piece);
		}
	}
}

static void draw_sort_menu(struct cells *c, const struct ui *ui)
{
	const struct list *t = &ui->views[ui->view].list;
	const struct ui_layout *l = &ui->layout;
	int w = MIN(16, c->w), first = MAX(ui->sort_at - MAX(l->rows_h, 1) + 1, 0);

	cells_put(c, l->head_y, 0, w, ATTR_HEAD_SORT, "Sort by");
	for (int i = 0; i < l->rows_h; i++) {
		int col = first + i;

		cells_put(c, l->rows_y + i, 0, w, col == ui->sort_at ? ATTR_CURSOR : ATTR_PLAIN,
			  col < (int)t->n_cols ? t->cols[col].field->head : "");
	}
}

/* -- below the table ------------------------------------------------------------------------------------- */

/* Why there is a dash, for what this view shows of it. */
static const char *dash_reason(const struct ui *ui, const struct model *m)
{
	static const enum meter_id of_view[VIEW_MAX] = {
		[VIEW_GROUPS] = METER_FAULTS, [VIEW_DOMAINS] = METER_ATTACHES, [VIEW_DEVICES] = METER_FAULTS,
		[VIEW_UNITS] = METER_INVALS,  [VIEW_FAULTS] = METER_FAULTS,    [VIEW_SESSIONS] = METER_ATTACHES,
	};

	if ((ui->view == VIEW_GROUPS || ui->view == VIEW_DOMAINS) && m->ownership_why)
		return m->ownership_why;
	return m->meters[of_view[ui->view]].why ?: ui->view == VIEW_UNITS ? m->latency_why : NULL;
}

static void draw_advice(struct cells *c, const struct ui *ui, struct model *m, int y, int h)
{
	size_t row = ui_selected(ui);
	struct group_row *g = row != SIZE_MAX && ui->view == VIEW_GROUPS ? (struct group_row *)m->rows[VIEW_GROUPS].v + row : NULL;
	const struct fault_line *f = row != SIZE_MAX && ui->view == VIEW_FAULTS ? model_row(m, VIEW_FAULTS, row) : NULL;
	const char *reason = dash_reason(ui, m), *first = NULL, *second = NULL;
	enum attr attr = ATTR_PLAIN;

	if (g) {
		model_advice(m, g);
		first = g->summary;
		second = g->remedy;
		attr = style_attr(out_word_style(g->verdict));
	} else if (f) {
		first = f->meaning;
		second = f->next;
	}
	for (int i = 0; i < h; i++)
		cells_put(c, y + i, 0, c->w, ATTR_PLAIN, "");
	if (first)
		cells_put(c, y, 0, c->w, attr, first);
	if (second && h > 1) {
		cells_printf(c, y + 1, 0, c->w, ATTR_BOLD, "# %s", second);
	} else if (reason && (h > 1 || !first)) {
		cells_printf(c, y + (first && h > 1), 0, c->w, ATTR_DIM, "dashes: %s", reason);
	}
}

/* Where the end of @text begins that fits into @width cells, at the beginning of a character. */
static size_t typed_from(const char *text, int width)
{
	size_t n = strlen(text), from = (int)n > width ? n - (size_t)MAX(width, 0) : 0;

	while (((unsigned char)text[from] & 0xc0) == 0x80)
		from++;
	return from;
}

static bool draw_prompt(struct cells *c, struct ui *ui, int y)
{
	const struct ui_view *v = ui_current(ui);
	const char *label = NULL, *text = ui->input;

	switch (ui->mode) {
	case MODE_SEARCH:
		label = "search: ";
		text = ui->search;
		break;
	case MODE_FILTER:
		label = "show only rows with: ";
		text = v->filter;
		break;
	case MODE_DELAY:
		label = "seconds between refreshes: ";
		break;
	case MODE_SAVE:
		label = "save a snapshot to file: ";
		break;
	default:
		break;
	}
	/* what is typed is more than what it is for */
	if (label && *text && strlen(label) + strlen(text) >= (size_t)c->w)
		label = "";
	if (label)
		cells_printf(c, y, 0, c->w, ATTR_BOLD, "%s%s_", label, text + typed_from(text, c->w - 1 - (int)strlen(label)));
	else if (*ui->message)
		cells_put(c, y, 0, c->w, ui->message_bad ? ATTR_BAD : ATTR_GOOD, ui->message);
	else if (*v->filter && ui->mode == MODE_LIST)
		cells_printf(c, y, 0, c->w, ATTR_WARN, "only rows with \"%s\": %zu; Esc shows all", v->filter, v->list.order.n);
	else
		return false;
	return true;
}

struct bar_key {
	const char *key, *text;
	enum ui_keycode code;
};

static const struct bar_key list_bar[] = {
	{ "F1", "Help", UK_F1 },      { "F2", "Save", UK_F2 },	    { "F3", "Search", UK_F3 }, { "F4", "Filter", UK_F4 },
	{ "F5", "Refresh", UK_F5 },   { "F6", "Sort", UK_F6 },	    { "Enter", "Details", UK_ENTER }, { "F10", "Quit", UK_F10 },
};

static const struct bar_key pane_bar[] = {
	{ "Esc", "Back", UK_ESC }, { "PgUp", "", UK_PGUP }, { "PgDn", "", UK_PGDN }, { "Home", "", UK_HOME }, { "End", "", UK_END },
};

static const struct bar_key sort_bar[] = { { "Enter", "Sort", UK_ENTER }, { "Esc", "Cancel", UK_ESC } };
static const struct bar_key typed_bar[] = { { "Enter", "Done", UK_ENTER }, { "Esc", "Cancel", UK_ESC } };

static const struct {
	const struct bar_key *v;
	size_t n;
} key_bars[] = {
	[MODE_LIST] = { list_bar, ARRAY_SIZE(list_bar) },    [MODE_PANE] = { pane_bar, ARRAY_SIZE(pane_bar) },
	[MODE_SORT] = { sort_bar, ARRAY_SIZE(sort_bar) },    [MODE_SEARCH] = { typed_bar, ARRAY_SIZE(typed_bar) },
	[MODE_FILTER] = { typed_bar, ARRAY_SIZE(typed_bar) }, [MODE_DELAY] = { typed_bar, ARRAY_SIZE(typed_bar) },
	[MODE_SAVE] = { typed_bar, ARRAY_SIZE(typed_bar) },
};

/* What is pressed or clicked now. */
static void draw_bar(struct cells *c, struct ui *ui, int y)
{
	int x = 0;

	cells_put(c, y, 0, c->w, ATTR_KEY_TEXT, "");
	ui->layout.n_bar = 0;
	for (size_t i = 0; i < key_bars[ui->mode].n; i++) {
		const struct bar_key *k = &key_bars[ui->mode].v[i];
		char text[16];
		int w = cells_width(k->key);

		if (x + w + 8 > c->w)
			break;
		snprintf(text, sizeof(text), "%-7s ", k->text);
		ui->layout.bar_x[ui->layout.n_bar] = x;
		ui->layout.bar_key[ui->layout.n_bar++] = k->code;
		cells_put(c, y, x, w, ATTR_KEY, k->key);
		cells_put(c, y, x + w, cells_width(text), ATTR_KEY_TEXT, text);
		x += w + cells_width(text);
		ui->layout.bar_end[i] = x;
	}
}

/* -- a frame --------------------------------------------------------------------------------------------- */

/* What there is room for: the table first, then tabs, keys, advice, counts, meters. */
static void lay_out(struct ui_layout *l, int h, int *ret_title, int *ret_counts, int *ret_meters, int *ret_advice)
{
	int tabs = h >= 5, bar = h >= 6, title = h >= 8, counts = h >= 10, meters = h >= 20 ? 2 : h >= 14 ? 1 : 0;
	int advice = h >= 18 ? 2 : h >= 7 ? 1 : 0, head = h >= 2, y;

	*ret_title = title;
	*ret_counts = counts;
	*ret_meters = meters;
	*ret_advice = advice;
	y = title + counts + meters + (h >= 24);
	l->tabs_y = tabs ? y++ : -1;
	l->head_y = head ? y++ : -1;
	l->rows_y = y;
	l->rows_h = h - y - bar - advice;
	l->bar_y = bar ? h - 1 : -1;
}

void draw(struct cells *c, struct ui *ui, struct model *m, const char *clock)
{
	int title, counts, meters, advice, y;

	cells_clear(c);
	c->utf8 = ui->utf8;
	lay_out(&ui->layout, c->h, &title, &counts, &meters, &advice);
	if (ui->mode == MODE_PANE) { /* it says all itself */
		ui->layout.rows_h += advice;
		advice = 0;
	}
	ui_update(ui, m, c->w);
	if (title)
		draw_title(c, ui, m, clock);
	if (counts)
		draw_counts(c, title, m);
	draw_meters(c, title + counts, meters, m);
	if (ui->layout.tabs_y >= 0)
		draw_tabs(c, ui, ui->layout.tabs_y, m);
	if (ui->mode == MODE_PANE) {
		draw_pane(c, ui);
	} else {
		if (ui->layout.head_y >= 0)
			draw_head(c, &ui_current(ui)->list, ui->layout.head_y);
		draw_rows(c, ui, m);
	}
	if (ui->mode == MODE_SORT)
		draw_sort_menu(c, ui);
	y = ui->layout.rows_y + ui->layout.rows_h;
	if (advice)
		draw_advice(c, ui, m, y, advice);
	draw_prompt(c, ui, advice ? y + advice - 1 : c->h - 1);
	if (ui->layout.bar_y >= 0)
		draw_bar(c, ui, ui->layout.bar_y);
}
