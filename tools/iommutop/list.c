// SPDX-License-Identifier: GPL-2.0-or-later
#include "list.h"

#include <stdio.h>
#include <string.h>

#include "cells.h"
#include "out/out.h"

/* Columns of the screen, and what goes first when there is no room: the highest number. Widths are of text as it usually is. */
struct wish {
	const char *field;
	int min, max;
	int drop;
};

static const struct wish groups[] = {
	{ "group", 5, 6, 0 },	  { "verdict", 11, 15, 0 },  { "type", 6, 8, 8 },	 { "domain", 7, 9, 3 },
	{ "owner", 7, 10, 2 },	  { "pid", 5, 8, 2 },	     { "process", 12, 16, 1 },	 { "owner_cnt", 5, 6, 6 },
	{ "expected", 6, 6, 7 },  { "fault_rate", 7, 8, 4 }, { "faults", 6, 8, 5 },	 { "drivers", 11, 24, 1 },
	{ "devices", 15, 200, 0 },
};

static const struct wish domains[] = {
	{ "domain", 6, 6, 0 },	 { "type", 9, 9, 0 },	     { "made_by", 7, 8, 0 },   { "hwpt", 4, 6, 2 },	 { "pid", 5, 8, 1 },
	{ "process", 12, 16, 1 }, { "page_sizes", 12, 20, 3 }, { "end", 10, 18, 5 },	   { "n_groups", 6, 7, 2 },
	{ "n_devices", 7, 7, 2 }, { "groups", 8, 24, 4 },	     { "devices", 15, 200, 0 },
};

static const struct wish devices[] = {
	{ "device", 20, 24, 0 }, { "class", 7, 11, 2 },	     { "driver", 12, 16, 0 },	{ "group", 5, 6, 0 },
	{ "unit", 8, 14, 4 },	 { "verdict", 11, 15, 1 },   { "fault_rate", 7, 8, 2 }, { "faults", 6, 8, 3 },
	{ "last_fault", 20, 40, 5 }, { "network", 12, 40, 6 }, { "name", 16, 200, 1 },
};

static const struct wish units[] = {
	{ "unit", 16, 28, 0 },		  { "kind", 6, 10, 3 },		   { "devices", 7, 8, 1 },	{ "groups", 6, 8, 2 },
	{ "domains_used", 7, 8, 1 },	  { "domains_supported", 5, 8, 4 }, { "inval_rate", 7, 8, 0 }, { "fault_rate", 10, 10, 0 },
	{ "request_rate", 9, 9, 0 },	  { "latency", 8, 9, 5 },
};

static const struct wish faults[] = {
	{ "when", 12, 16, 1 },	 { "count", 5, 8, 0 },	 { "device", 12, 24, 0 },  { "group", 5, 6, 3 },
	{ "driver", 12, 14, 4 }, { "kind", 6, 12, 5 },	 { "access", 6, 12, 1 },   { "address", 12, 18, 1 },
	{ "reason", 24, 200, 0 },
};

static const struct wish sessions[] = {
	{ "object", 16, 40, 0 }, { "name", 6, 20, 1 }, { "users", 5, 6, 2 }, { "pid", 5, 8, 1 }, { "process", 12, 16, 1 }, { "device", 12, 24, 0 },
	{ "group", 5, 6, 3 },	 { "domain", 8, 9, 4 }, { "groups", 6, 60, 2 },
};

static const struct {
	const struct wish *v;
	size_t n;
} wishes[VIEW_MAX] = {
	[VIEW_GROUPS] = { groups, ARRAY_SIZE(groups) },	  [VIEW_DOMAINS] = { domains, ARRAY_SIZE(domains) },
	[VIEW_DEVICES] = { devices, ARRAY_SIZE(devices) }, [VIEW_UNITS] = { units, ARRAY_SIZE(units) },
	[VIEW_FAULTS] = { faults, ARRAY_SIZE(faults) },	  [VIEW_SESSIONS] = { sessions, ARRAY_SIZE(sessions) },
};

static const struct field *find_field(const struct record_type *type, const char *name)
{
	for (size_t i = 0; i < type->n; i++)
		if (streq(type->fields[i].name, name))
			return &type->fields[i];
	abort(); /* a table above names what no record has */
}

void list_init(struct list *t, enum view_id v)
{
	*t = (struct list){ .view = v, .sort = -1, .n_cols = wishes[v].n, .generation = UINT64_MAX };
	for (size_t i = 0; i < t->n_cols; i++)
		t->cols[i].field = find_field(view_records[v], wishes[v].v[i].field);
}

void list_free(struct list *t)
{
	vec_free(&t->order);
}

/* -- text ------------------------------------------------------------------------------------------------ */

void short_number(struct strbuf *b, int64_t v)
{
	static const char prefixes[] = " kMGT";
	double d = (double)v;
	size_t i = 0;

	while (d >= 1000 && i < sizeof(prefixes) - 2) {
		d /= 1000;
		i++;
	}
	if (i)
		strbuf_printf(b, d < 10 ? "%.1f%c" : "%.0f%c", d, prefixes[i]);
	else
		strbuf_printf(b, "%d", (int)v);
}

static bool is_rate(const struct field *f)
{
	return strends(f->name, "_rate");
}

void list_text(const struct list *t, const struct model *m, size_t row, size_t col, bool utf8, struct strbuf *b)
{
	const struct field *f = t->cols[col].field;
	const void *record = model_row(m, t->view, row);
	const struct num *n = (const void *)((const char *)record + f->offset);

	strbuf_reset(b);
	if (t->view == VIEW_SESSIONS && streq(f->name, "object"))
		for (int64_t i = 0; i < ((const struct session_row *)record)->depth.v; i++)
			strbuf_puts(b, "  ");
	if (f->type == F_INT && is_rate(f) && n->known)
		short_number(b, n->v);
	else
		out_value(b, f, record, utf8);
}

bool list_matches(const struct list *t, const struct model *m, size_t row, const char *text)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < t->n_cols; i++) {
		list_text(t, m, row, i, true, &b);
		if (strcasestr(strbuf_str(&b), text))
			return true;
	}
	return false;
}

/* -- widths ---------------------------------------------------------------------------------------------- */

static void measure(struct list *t, const struct model *m)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < t->n_cols; i++) {
		const struct wish *w = &wishes[t->view].v[i];
		int widest = cells_width(t->cols[i].field->head);

		for (size_t row = 0; row < m->rows[t->view].n && widest < w->max; row++) {
			list_text(t, m, row, i, true, &b);
			widest = MAX(widest, cells_width(strbuf_str(&b)));
		}
		t->natural[i] = MIN(widest, w->max);
		/* rates come and go: their columns stay as they are */
		if (is_rate(t->cols[i].field))
			t->natural[i] = w->max;
	}
}

static int total_width(const struct list *t)
{
	int sum = 0;

	for (size_t i = 0; i < t->n_cols; i++)
		sum += t->cols[i].width ? t->cols[i].width + 1 : 0;
	return sum - 1;
}

/* What is cut first: what may be cut by its field, then lists, then what has most to spare. */
static int cut_rank(const struct field *f)
{
	return f->flags & FIELD_TRUNC ? 2 : f->type == F_STRS;
}

/* Takes from a column that is above its minimum. */
static bool squeeze(struct list *t, int over)
{
	size_t best = t->n_cols;
	int most = 0, rank = 0;

	for (size_t i = 0; i < t->n_cols; i++) {
		int spare = t->cols[i].width - wishes[t->view].v[i].min, r = cut_rank(t->cols[i].field);

		if (!t->cols[i].width || spare <= 0 || (best < t->n_cols && (r < rank || (r == rank && spare <= most))))
			continue;
		most = spare;
		rank = r;
		best = i;
	}
	if (best == t->n_cols)
		return false;
	t->cols[best].width -= rank ? MIN(most, over) : 1;
	return true;
}

static bool drop_column(struct list *t)
{
	size_t worst = t->n_cols;
	int drop = 0;

	for (size_t i = 0; i < t->n_cols; i++) {
		if (!t->cols[i].width || wishes[t->view].v[i].drop < MAX(drop, 1))
			continue;
		drop = wishes[t->view].v[i].drop;
		worst = i;
	}
	if (worst == t->n_cols)
		return false;
	t->cols[worst].width = 0;
	return true;
}

static int minimal_width(const struct list *t)
{
	int sum = 0;

	for (size_t i = 0; i < t->n_cols; i++)
		if (t->cols[i].width)
			sum += MIN(wishes[t->view].v[i].min, t->cols[i].width) + 1;
	return sum - 1;
}

static void fit(struct list *t, int width)
{
	int x = 0;

	for (int i = 0; i < (int)t->n_cols; i++)
		t->cols[i].width = i && i <= t->shift ? 0 : t->natural[i];
	while (minimal_width(t) > width && drop_column(t))
		;
	while (total_width(t) > width && squeeze(t, total_width(t) - width))
		;
	for (size_t i = 0; i < t->n_cols; i++) {
		t->cols[i].x = x;
		x += t->cols[i].width ? t->cols[i].width + 1 : 0;
	}
	/* names in the last one take what is left; numbers stay below their heading */
	if (x - 1 < width && t->cols[t->n_cols - 1].width && !(t->cols[t->n_cols - 1].field->flags & FIELD_RIGHT))
		t->cols[t->n_cols - 1].width += width - (x - 1);
}

/* -- order ----------------------------------------------------------------------------------------------- */

struct sorting {
	const struct list *t;
	const struct model *m;
};

static int cmp_num(struct num a, struct num b)
{
	if (a.known != b.known)
		return a.known - b.known;
	return a.v < b.v ? -1 : a.v > b.v;
}

static int cmp_text(const char *a, const char *b)
{
	if (!a || !b)
		return !!a - !!b;
	return str_natural_cmp(a, b);
}

static int cmp_field(const struct field *f, const void *a, const void *b)
{
	const char *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;
	const struct strs *u = (const void *)x, *v = (const void *)y;

	switch (f->type) {
	case F_INT:
	case F_HEX:
		return cmp_num(*(const struct num *)x, *(const struct num *)y);
	case F_BOOL:
		return *(const int *)x - *(const int *)y;
	case F_STR:
		return cmp_text(*(const char *const *)x, *(const char *const *)y);
	case F_STRS:
		return cmp_text(u->n ? u->v[0] : NULL, v->n ? v->v[0] : NULL);
	default:
		return 0;
	}
}

/* What is unknown comes last either way. */
static bool is_null(const struct field *f, const void *row)
{
	const char *p = (const char *)row + f->offset;

	return f->type == F_INT || f->type == F_HEX ? !((const struct num *)p)->known :
	       f->type == F_STR			    ? !*(const char *const *)p :
	       f->type == F_STRS		    ? !((const struct strs *)p)->n :
						      false;
}

static int cmp_rows(const void *a, const void *b, void *arg)
{
	const struct sorting *s = arg;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	const struct field *f = s->t->cols[s->t->sort].field;
	const void *x = model_row(s->m, s->t->view, i), *y = model_row(s->m, s->t->view, k);
	int r = is_null(f, x) - is_null(f, y);

	if (!r) {
		r = cmp_field(f, x, y);
		r = s->t->descending ? -r : r;
	}
	return r ? r : i < k ? -1 : i > k;
}

static void sort(struct list *t, const struct model *m, const char *filter)
{
	struct sorting s = { t, m };
	size_t n = m->rows[t->view].n;

	t->order.n = 0;
	for (size_t i = 0; i < n; i++)
		if (!filter || !*filter || list_matches(t, m, i, filter))
			*vec_push(&t->order) = (uint32_t)i;
	if (t->sort >= 0 && t->order.n)
		qsort_r(t->order.v, t->order.n, sizeof(*t->order.v), cmp_rows, &s);
	for (size_t i = 0; t->sort < 0 && t->descending && i < t->order.n / 2; i++) {
		uint32_t swap = t->order.v[i];

		t->order.v[i] = t->order.v[t->order.n - 1 - i];
		t->order.v[t->order.n - 1 - i] = swap;
	}
}

void list_update(struct list *t, const struct model *m, const char *filter, int screen_width)
{
	if (t->generation != m->generation) {
		measure(t, m);
		t->screen_width = -1;
	}
	if (t->screen_width != screen_width)
		fit(t, screen_width);
	t->screen_width = screen_width;
	t->generation = m->generation;
	sort(t, m, filter);
}

size_t list_find(const struct list *t, const struct model *m, const char *key)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < t->order.n; i++) {
		row_key(t->view, model_row(m, t->view, t->order.v[i]), &b);
		if (streq(b.s, key))
			return i;
	}
	return SIZE_MAX;
}
