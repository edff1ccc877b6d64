// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys. */
#include "ui.h"

#include <stdio.h>
#include <string.h>

void ui_init(struct ui *ui)
{
	*ui = (struct ui){ .delay_ms = 1000, .stale = true, .generation = UINT64_MAX };
	for (enum view_id v = 0; v < VIEW_MAX; v++)
		list_init(&ui->views[v].list, v);
}

void ui_free(struct ui *ui)
{
	for (enum view_id v = 0; v < VIEW_MAX; v++) {
		list_free(&ui->views[v].list);
		strbuf_free(&ui->views[v].key);
	}
	pane_reset(&ui->pane);
	vec_free(&ui->pane.lines);
}

void ui_message(struct ui *ui, bool bad, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ui->message, sizeof(ui->message), fmt, ap);
	va_end(ap);
	ui->message_bad = bad;
}

/* -- the list -------------------------------------------------------------------------------------------- */

size_t ui_selected(const struct ui *ui)
{
	const struct ui_view *v = &ui->views[ui->view];

	return v->cursor < v->list.order.n ? v->list.order.v[v->cursor] : SIZE_MAX;
}

static void remember(struct ui *ui, const struct model *m)
{
	size_t row = ui_selected(ui);

	strbuf_reset(&ui_current(ui)->key);
	if (row != SIZE_MAX)
		row_key(ui->view, model_row(m, ui->view, row), &ui_current(ui)->key);
}

static void move_to(struct ui *ui, const struct model *m, size_t at)
{
	struct ui_view *v = ui_current(ui);

	v->cursor = v->list.order.n ? MIN(at, v->list.order.n - 1) : 0;
	remember(ui, m);
}

static void move_by(struct ui *ui, const struct model *m, long by)
{
	size_t cursor = ui_current(ui)->cursor;

	move_to(ui, m, by < 0 && (size_t)-by > cursor ? 0 : cursor + by);
}

void ui_update(struct ui *ui, const struct model *m, int width)
{
	struct ui_view *v = ui_current(ui);
	size_t at;

	if (!ui->stale && ui->generation == m->generation && ui->samples == m->samples && ui->width == width)
		return;
	list_update(&v->list, m, v->filter, width);
	ui->stale = false;
	ui->generation = m->generation;
	ui->samples = m->samples;
	ui->width = width;
	at = v->key.len ? list_find(&v->list, m, v->key.s) : SIZE_MAX;
	if (at != SIZE_MAX)
		v->cursor = at;
	else /* it is gone: the one that has moved up to its place */
		move_to(ui, m, v->cursor);
}

static void go_to_view(struct ui *ui, enum view_id v)
{
	ui->view = v;
	ui->mode = MODE_LIST;
	ui->stale = true;
}

static void sort_by(struct ui *ui, int col)
{
	struct list *t = &ui_current(ui)->list;

	/* numbers are looked at from the largest, names from A */
	if (t->sort == col)
		t->descending = !t->descending;
	else
		t->descending = col >= 0 && t->cols[col].field->type == F_INT && !streq(t->cols[col].field->name, "group");
	t->sort = col;
	ui->stale = true;
}

/* -- search and filter ----------------------------------------------------------------------------------- */

/* The next row that has the text, from the one after @from on, and round. */
static bool search(struct ui *ui, const struct model *m, size_t from)
{
	struct ui_view *v = ui_current(ui);
	size_t n = v->list.order.n;

	for (size_t i = 0; *ui->search && i < n; i++) {
		size_t at = (from + i) % n;

		if (!list_matches(&v->list, m, v->list.order.v[at], ui->search))
			continue;
		move_to(ui, m, at);
		return true;
	}
	return false;
}

/* Text of ours only: what cannot be typed on a line is left out. True when the input has changed. */
static bool edit(char *buf, size_t size, const struct ui_key *key)
{
	size_t n = strlen(buf);

	if (key->code == UK_BACKSPACE) {
		while (n && ((unsigned char)buf[n - 1] & 0xc0) == 0x80)
			n--;
		if (n)
			n--;
		buf[n] = '\0';
		return true;
	}
	if (key->code < 0x20 || key->code == 0x7f || key->code >= 0x80 || n + 2 > size)
		return false;
	buf[n] = (char)key->code;
	buf[n + 1] = '\0';
	return true;
}

static enum ui_action key_search(struct ui *ui, const struct model *m, const struct ui_key *key)
{
	bool found = true;

	if (key->code == UK_ENTER || key->code == UK_ESC)
		ui->mode = MODE_LIST;
	if (key->code == UK_F3 || key->code == UK_DOWN)
		search(ui, m, ui_current(ui)->cursor + 1);
	else if (edit(ui->search, sizeof(ui->search), key))
		found = *ui->search && search(ui, m, ui->search_from);
	if (!found) /* back to where it began */
		move_to(ui, m, ui->search_from);
	return UI_NONE;
}

static enum ui_action key_filter(struct ui *ui, const struct ui_key *key)
{
	struct ui_view *v = ui_current(ui);

	if (key->code == UK_ESC)
		v->filter[0] = '\0';
	else if (key->code != UK_ENTER)
		edit(v->filter, sizeof(v->filter), key);
	if (key->code == UK_ESC || key->code == UK_ENTER)
		ui->mode = MODE_LIST;
	ui->stale = true;
	return UI_NONE;
}

/* -- other lines that are typed -------------------------------------------------------------------------- */

static void take_delay(struct ui *ui)
{
	char *end;
	double s = strtod(ui->input, &end);

	if (!*ui->input)
		return;
	if (*end || !(s * 1000 >= DELAY_MIN_MS && s * 1000 <= DELAY_MAX_MS)) {
		ui_message(ui, true, "\"%s\" is no number of seconds from 0.1 to 3600", ui->input);
		return;
	}
	ui->delay_ms = (unsigned)(s * 1000);
}

static enum ui_action key_input(struct ui *ui, const struct ui_key *key)
{
	enum ui_mode mode = ui->mode;

	if (key->code == UK_ESC)
		ui->mode = MODE_LIST;
	else if (key->code != UK_ENTER)
		edit(ui->input, sizeof(ui->input), key);
	if (key->code != UK_ENTER)
		return UI_NONE;
	ui->mode = MODE_LIST;
	if (mode == MODE_SAVE)
		return *ui->input ? UI_SAVE : UI_NONE;
	take_delay(ui);
	return UI_NONE;
}

/* -- the menu of columns --------------------------------------------------------------------------------- */

static enum ui_action key_sort(struct ui *ui, const struct ui_key *key)
{
	const struct list *t = &ui_current(ui)->list;
	int row = key->y - ui->layout.rows_y;

	switch (key->code) {
	case UK_UP:
	case UK_WHEEL_UP:
		ui->sort_at = MAX(ui->sort_at - 1, 0);
		break;
	case UK_DOWN:
	case UK_WHEEL_DOWN:
		ui->sort_at = MIN(ui->sort_at + 1, (int)t->n_cols - 1);
		break;
	case UK_CLICK:
		if (row < 0 || row >= (int)t->n_cols)
			break;
		ui->sort_at = row;
		/* fall through */
	case UK_ENTER:
		if (t->sort != ui->sort_at)
			sort_by(ui, ui->sort_at);
		ui->mode = MODE_LIST;
		break;
	case UK_ESC:
	case 'q':
		ui->mode = MODE_LIST;
		break;
	}
	return UI_NONE;
}

/* -- the pane -------------------------------------------------------------------------------------------- */

void ui_show_pane(struct ui *ui)
{
	ui->mode = MODE_PANE;
	ui->pane_top = 0;
}

static void scroll_pane(struct ui *ui, long by)
{
	size_t h = (size_t)MAX(ui->layout.rows_h, 1), most = ui->pane.lines.n > h ? ui->pane.lines.n - h : 0;

	if (by < 0 && (size_t)-by > ui->pane_top)
		ui->pane_top = 0;
	else
		ui->pane_top = MIN(ui->pane_top + by, most);
}

static enum ui_action key_pane(struct ui *ui, const struct ui_key *key)
{
	long page = MAX(ui->layout.rows_h - 1, 1);

	switch (key->code) {
	case UK_UP:
	case 'k':
		scroll_pane(ui, -1);
		break;
	case UK_DOWN:
	case 'j':
		scroll_pane(ui, 1);
		break;
	case UK_WHEEL_UP:
		scroll_pane(ui, -3);
		break;
	case UK_WHEEL_DOWN:
		scroll_pane(ui, 3);
		break;
	case UK_PGUP:
		scroll_pane(ui, -page);
		break;
	case UK_PGDN:
	case ' ':
		scroll_pane(ui, page);
		break;
	case UK_HOME:
		ui->pane_top = 0;
		break;
	case UK_END:
		scroll_pane(ui, (long)ui->pane.lines.n);
		break;
	case UK_ESC:
	case UK_ENTER:
	case UK_LEFT:
	case UK_F10:
	case 'q':
		ui->mode = MODE_LIST;
		break;
	case '1' ... '6':
		go_to_view(ui, key->code - '1');
		break;
	}
	return UI_NONE;
}

/* -- the mouse ------------------------------------------------------------------------------------------- */

/* Tabs and the keys at the bottom are there in each mode; a click on a key is that key. True: that is all. */
static bool click_around(struct ui *ui, struct ui_key *key)
{
	const struct ui_layout *l = &ui->layout;

	if (key->y == l->tabs_y)
		for (enum view_id t = 0; t < VIEW_MAX; t++)
			if (key->x >= l->tab_x[t] && key->x < l->tab_end[t]) {
				go_to_view(ui, t);
				return true;
			}
	if (key->y == l->bar_y)
		for (int i = 0; i < l->n_bar; i++)
			if (key->x >= l->bar_x[i] && key->x < l->bar_end[i]) {
				*key = (struct ui_key){ .code = l->bar_key[i], .y = -1, .x = -1 };
				return false;
			}
	return false;
}

static enum ui_action click(struct ui *ui, const struct model *m, int y, int x)
{
	const struct ui_layout *l = &ui->layout;
	struct ui_view *v = ui_current(ui);

	if (y == l->head_y)
		for (size_t i = 0; i < v->list.n_cols; i++)
			if (v->list.cols[i].width && x >= v->list.cols[i].x && x < v->list.cols[i].x + v->list.cols[i].width)
				sort_by(ui, (int)i);
	if (y >= l->rows_y && y < l->rows_y + l->rows_h && v->top + (y - l->rows_y) < v->list.order.n) {
		size_t at = v->top + (y - l->rows_y);

		if (at == v->cursor)
			return UI_DETAIL;
		move_to(ui, m, at);
	}
	return UI_NONE;
}

/* -- keys of the list ------------------------------------------------------------------------------------ */

static bool key_moves(struct ui *ui, const struct model *m, uint32_t code)
{
	long page = MAX(ui->layout.rows_h - 1, 1);

	switch (code) {
	case UK_UP:
	case 'k':
		move_by(ui, m, -1);
		return true;
	case UK_DOWN:
	case 'j':
		move_by(ui, m, 1);
		return true;
	case UK_WHEEL_UP:
		move_by(ui, m, -3);
		return true;
	case UK_WHEEL_DOWN:
		move_by(ui, m, 3);
		return true;
	case UK_PGUP:
		move_by(ui, m, -page);
		return true;
	case UK_PGDN:
		move_by(ui, m, page);
		return true;
	case UK_HOME:
	case 'g':
		move_to(ui, m, 0);
		return true;
	case UK_END:
	case 'G':
		move_to(ui, m, SIZE_MAX);
		return true;
	}
	return false;
}

static void start_input(struct ui *ui, enum ui_mode mode, const char *text)
{
	ui->mode = mode;
	snprintf(ui->input, sizeof(ui->input), "%s", text);
}

static void start_sort(struct ui *ui)
{
	ui->mode = MODE_SORT;
	ui->sort_at = MAX(ui_current(ui)->list.sort, 0);
}

void ui_help(struct ui *ui, int width)
{
	pane_reset(&ui->pane);
	ui->pane_of_row = false;
	ui->pane.title = must_strdup("Help");
	pane_add(&ui->pane, ui_help_text, strlen(ui_help_text));
	pane_wrap(&ui->pane, (size_t)MAX(width, 1));
}

static void show_help(struct ui *ui)
{
	ui_help(ui, ui->width);
	ui_show_pane(ui);
}

static void shift_columns(struct ui *ui, int by)
{
	struct list *t = &ui_current(ui)->list;

	t->shift = MIN(MAX(t->shift + by, 0), (int)t->n_cols - 2);
	t->screen_width = -1;
	ui->stale = true;
}

static enum ui_action key_list(struct ui *ui, const struct model *m, const struct ui_key *key)
{
	struct ui_view *v = ui_current(ui);

	if (key_moves(ui, m, key->code))
		return UI_NONE;
	switch (key->code) {
	case '1' ... '6':
		go_to_view(ui, key->code - '1');
		break;
	case UK_TAB:
		go_to_view(ui, (ui->view + 1) % VIEW_MAX);
		break;
	case UK_BACKTAB:
		go_to_view(ui, (ui->view + VIEW_MAX - 1) % VIEW_MAX);
		break;
	case UK_LEFT:
		shift_columns(ui, -1);
		break;
	case UK_RIGHT:
		shift_columns(ui, 1);
		break;
	case UK_ENTER:
		return ui_selected(ui) == SIZE_MAX ? UI_NONE : UI_DETAIL;
	case '/':
	case UK_F3:
		ui->mode = MODE_SEARCH;
		ui->search[0] = '\0';
		ui->search_from = v->cursor;
		break;
	case 'n':
		if (!search(ui, m, v->cursor + 1))
			ui_message(ui, true, *ui->search ? "no row has \"%s\"" : "nothing was searched for yet%s", ui->search);
		break;
	case '\\':
	case UK_F4:
		ui->mode = MODE_FILTER;
		break;
	case UK_ESC:
		v->filter[0] = '\0';
		ui->stale = true;
		break;
	case '>':
	case '.':
	case ',':
	case UK_F6:
		start_sort(ui);
		break;
	case 'I':
		v->list.descending = !v->list.descending;
		ui->stale = true;
		break;
	case 'p':
	case 'Z':
		ui->paused = !ui->paused;
		break;
	case 's':
	case UK_F2:
		start_input(ui, MODE_SAVE, "");
		break;
	case 'd':
		start_input(ui, MODE_DELAY, "");
		break;
	case '?':
	case 'h':
	case UK_F1:
		show_help(ui);
		break;
	case ' ':
	case UK_F5:
		return UI_REFRESH;
	case 'q':
	case UK_F10:
		return UI_QUIT;
	}
	return UI_NONE;
}

enum ui_action ui_key(struct ui *ui, const struct model *m, const struct ui_key *pressed)
{
	struct ui_key copy = *pressed, *key = &copy;

	ui->message[0] = '\0';
	if (key->code == UK_CLICK && click_around(ui, key))
		return UI_NONE;
	if (key->code == 'L' - 0x40)
		return UI_NONE; /* the screen is drawn anew */
	switch (ui->mode) {
	case MODE_PANE:
		return key_pane(ui, key);
	case MODE_SORT:
		return key_sort(ui, key);
	case MODE_SEARCH:
		return key_search(ui, m, key);
	case MODE_FILTER:
		return key_filter(ui, key);
	case MODE_DELAY:
	case MODE_SAVE:
		return key_input(ui, key);
	case MODE_LIST:
		break;
	}
	return key->code == UK_CLICK ? click(ui, m, key->y, key->x) : key_list(ui, m, key);
}

/* -- text of the pane ------------------------------------------------------------------------------------ */

void pane_reset(struct pane *p)
{
	struct pane_line *l;

	vec_for_each(l, &p->lines) {
		free(l->text);
		free(l->attrs);
	}
	p->lines.n = 0;
	free(p->title);
	p->title = NULL;
}

/* What src/out's styles look like: see style_sequence() there. */
static enum attr sgr_attr(const char *s, size_t n)
{
	static const struct {
		const char *code;
		enum attr attr;
	} known[] = {
		{ "32", ATTR_GOOD }, { "33", ATTR_WARN }, { "1;31", ATTR_BAD }, { "2", ATTR_DIM }, { "1", ATTR_BOLD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i].code) == n && !memcmp(known[i].code, s, n))
			return known[i].attr;
	return ATTR_PLAIN;
}

static void pane_line(struct pane *p, const char *text, size_t len)
{
	_cleanup_strbuf_ struct strbuf t = { 0 }, a = { 0 };
	enum attr attr = ATTR_PLAIN;

	for (size_t i = 0; i < len; i++) {
		const char *m = text[i] == '\033' && i + 1 < len && text[i + 1] == '[' ? memchr(text + i, 'm', len - i) : NULL;

		if (m) {
			attr = sgr_attr(text + i + 2, (size_t)(m - text) - i - 2);
			i = (size_t)(m - text);
			continue;
		}
		strbuf_putc(&t, text[i]);
		strbuf_putc(&a, (char)attr);
	}
	*vec_push(&p->lines) = (struct pane_line){ must_strdup(strbuf_str(&t)), (uint8_t *)a.s };
	a.s = NULL;
}

void pane_add(struct pane *p, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		const char *eol = memchr(text + i, '\n', len - i);
		size_t n = eol ? (size_t)(eol - text) - i : len - i;

		pane_line(p, text + i, n);
		i += n + 1;
	}
}

/* Where the words of a line begin, behind a key and the blanks that set it off: what is wrapped goes on below them. */
static size_t hanging(const char *s, size_t width)
{
	size_t lead = strspn(s, " "), at = lead;

	for (const char *gap = s + lead; (gap = strstr(gap, "  ")); gap = s + at)
		at = (size_t)(gap - s) + strspn(gap, " ");
	return at * 2 <= width ? at : MIN(lead, width / 2);
}

/* The piece of @l from @from on, behind @indent blanks. */
static void add_piece(struct pane *p, const struct pane_line *l, size_t indent, size_t from, size_t n)
{
	struct pane_line piece = { must_calloc(1, indent + n + 1), must_calloc(1, indent + n + 1) };

	memset(piece.text, ' ', indent);
	memset(piece.attrs, ATTR_PLAIN, indent);
	/* an empty line has no attributes */
	if (n) {
		memcpy(piece.text + indent, l->text + from, n);
		memcpy(piece.attrs + indent, l->attrs + from, n);
	}
	*vec_push(&p->lines) = piece;
}

static void wrap_line(struct pane *p, const struct pane_line *l, size_t width)
{
	size_t len = strlen(l->text), hang = hanging(l->text, width), from = 0, indent = 0;

	while (indent + len - from > width) {
		size_t n = width - indent, cut = n;

		/* not at the blanks that set the words off, and a word that is longer than the line where the line ends */
		while (cut && (l->text[from + cut] != ' ' || (!from && cut < hang)))
			cut--;
		cut = cut ? cut : n;
		add_piece(p, l, indent, from, cut);
		from += cut + strspn(l->text + from + cut, " ");
		indent = hang;
	}
	add_piece(p, l, indent, from, len - from);
}

void pane_wrap(struct pane *p, size_t width)
{
	struct pane to = { .title = p->title };
	const struct pane_line *l;

	vec_for_each(l, &p->lines)
		wrap_line(&to, l, width);
	p->title = NULL;
	pane_reset(p);
	vec_free(&p->lines);
	*p = to;
}
