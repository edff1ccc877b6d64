// SPDX-License-Identifier: GPL-2.0-or-later
#include "out/metrics.h"

#include <inttypes.h>
#include <string.h>

/* -- records ------------------------------------------------------------------------------------------------------- */

static const struct field label_fields[] = {
	FIELD(struct metric_label, name, F_STR, "NAME", "name of the label", .flags = FIELD_DEFAULT),
	FIELD(struct metric_label, value, F_STR, "VALUE", "its value; null: the sample has no such label", .flags = FIELD_DEFAULT),
};

static const struct record_type label_record = RECORD("metric-label", 1, struct metric_label, label_fields);

static const struct field sample_fields[] = {
	FIELD(struct metric_sample, labels, F_LIST, "LABELS", "what tells it from the others", .sub = &label_record, .flags = FIELD_DEFAULT),
	FIELD(struct metric_sample, value, F_INT, "VALUE", "the number", .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

static const struct record_type sample_record = RECORD("metric-sample", 1, struct metric_sample, sample_fields);

static const struct field family_fields[] = {
	FIELD(struct metric_family, name, F_STR, "NAME", "name of the metric", .flags = FIELD_DEFAULT),
	FIELD(struct metric_family, type, F_STR, "TYPE", "gauge, counter", .flags = FIELD_DEFAULT),
	FIELD(struct metric_family, help, F_STR, "HELP", "what it counts", .flags = FIELD_DEFAULT),
	FIELD(struct metric_family, samples, F_LIST, "SAMPLES", "its values; null: it cannot be told", .sub = &sample_record,
	      .flags = FIELD_DEFAULT),
};

const struct record_type metric_family_record = RECORD("metrics", 1, struct metric_family, family_fields);

/* -- building ------------------------------------------------------------------------------------------------------ */

#define LABELS_MAX 12

static void end_family(struct metrics *m)
{
	struct metric_family *f = m->families.n ? &m->families.v[m->families.n - 1] : NULL;
	struct metric_sample *v;

	if (f && f->samples.known) {
		v = arena_array(m->arena, struct metric_sample, m->samples.n);
		if (m->samples.n)
			memcpy(v, m->samples.v, m->samples.n * sizeof(*v));
		f->samples = ROWS(v, m->samples.n);
	}
	m->samples.n = 0;
}

void metrics_family(struct metrics *m, const char *name, enum metric_type type, const char *help)
{
	end_family(m);
	*vec_push(&m->families) = (struct metric_family){
		.name = name,
		.type = type == METRIC_COUNTER ? "counter" : "gauge",
		.help = help,
		.samples = ROWS(NULL, 0),
	};
}

void metrics_unknown(struct metrics *m)
{
	m->families.v[m->families.n - 1].samples = (struct rows){ 0 };
}

void metrics_add(struct metrics *m, int64_t value, ...)
{
	struct metric_label labels[LABELS_MAX], *v;
	const char *name;
	size_t n = 0;
	va_list ap;

	va_start(ap, value);
	while (n < LABELS_MAX && (name = va_arg(ap, const char *))) {
		labels[n].name = name;
		labels[n++].value = arena_strdup(m->arena, va_arg(ap, const char *));
	}
	va_end(ap);
	v = arena_array(m->arena, struct metric_label, n);
	if (n)
		memcpy(v, labels, n * sizeof(*v));
	*vec_push(&m->samples) = (struct metric_sample){ ROWS(v, n), NUM(value) };
}

void metrics_end(struct metrics *m)
{
	end_family(m);
}

void metrics_free(struct metrics *m)
{
	vec_free(&m->families);
	vec_free(&m->samples);
}

/* -- text ---------------------------------------------------------------------------------------------------------- */

/* "A label value can be any sequence of UTF-8 characters, but backslash, double quote and line feed have to be escaped" (Exposition
 * formats, text format 0.0.4); help is the same without the quote. */
static void add_escaped(struct strbuf *b, const char *s, bool quote)
{
	for (; *s; s++) {
		if (*s == '\\' || (quote && *s == '"')) {
			strbuf_putc(b, '\\');
			strbuf_putc(b, *s);
		} else if (*s == '\n') {
			strbuf_puts(b, "\\n");
		} else {
			strbuf_putc(b, *s);
		}
	}
}

void metrics_add_value(struct strbuf *b, const char *s)
{
	_cleanup_strbuf_ struct strbuf harmless = { 0 };

	strbuf_add_escaped(&harmless, s);
	add_escaped(b, strbuf_str(&harmless), true);
}

/* "{a="1",b="2"}"; nothing without labels. */
static char *labels_text(struct arena *a, const struct metric_sample *s)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < s->labels.n; i++) {
		const struct metric_label *l = (const struct metric_label *)s->labels.v + i;

		if (!l->value || !*l->value)
			continue;
		strbuf_printf(&b, "%c%s=\"", b.len ? ',' : '{', l->name);
		metrics_add_value(&b, l->value);
		strbuf_putc(&b, '"');
	}
	if (b.len)
		strbuf_putc(&b, '}');
	return arena_strdup(a, strbuf_str(&b));
}

struct line {
	const char *labels;
	size_t at;
	int64_t value;
};

static int cmp_labels(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int r = strcmp(x->labels, y->labels);

	return r ? r : x->at < y->at ? -1 : x->at > y->at;
}

static int cmp_place(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* Prometheus throws a whole page away for one pair of samples with the same labels, and a foreign tree may name two things alike. */
static size_t fold(struct line *v, size_t n, bool info)
{
	size_t kept = 0;

	qsort(v, n, sizeof(*v), cmp_labels);
	for (size_t i = 0; i < n; i++) {
		if (!kept || strcmp(v[kept - 1].labels, v[i].labels))
			v[kept++] = v[i];
		else if (!info && __builtin_add_overflow(v[kept - 1].value, v[i].value, &v[kept - 1].value))
			v[kept - 1].value = INT64_MAX;
	}
	qsort(v, kept, sizeof(*v), cmp_place);
	return kept;
}

static void family_text(const struct metric_family *f, struct strbuf *b)
{
	struct arena a = { 0 };
	struct line *v = arena_array(&a, struct line, f->samples.n + 1);
	size_t n = f->samples.n;

	for (size_t i = 0; i < n; i++) {
		const struct metric_sample *s = (const struct metric_sample *)f->samples.v + i;

		v[i] = (struct line){ labels_text(&a, s), i, s->value.v };
	}
	n = fold(v, n, strends(f->name, "_info"));
	if (n) {
		strbuf_printf(b, "# HELP %s ", f->name);
		add_escaped(b, f->help, false);
		strbuf_printf(b, "\n# TYPE %s %s\n", f->name, f->type);
	}
	for (size_t i = 0; i < n; i++)
		strbuf_printf(b, "%s%s %" PRId64 "\n", f->name, v[i].labels, v[i].value);
	arena_free(&a);
}

void metrics_text(const struct metrics *m, struct strbuf *b)
{
	const struct metric_family *f;

	vec_for_each(f, &m->families)
		family_text(f, b);
}
