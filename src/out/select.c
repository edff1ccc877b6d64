// SPDX-License-Identifier: GPL-2.0-or-later
/* Which fields of a record are wanted. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "out/internal.h"

static struct sel *kid_of(struct selection *s, struct sel *parent, const struct field *f)
{
	struct sel **p, *kid;

	vec_for_each(p, &parent->kids)
		if ((*p)->field == f)
			return *p;
	kid = arena_new(s->arena, struct sel);
	kid->field = f;
	*vec_push(&parent->kids) = kid;
	return kid;
}

static const char *join_path(struct selection *s, const char *prefix, const char *name)
{
	return *prefix ? arena_printf(s->arena, "%s.%s", prefix, name) : name;
}

static void add_leaf(struct selection *s, struct sel *parent, const struct field *f, const char *path)
{
	size_t before = parent->kids.n;
	struct sel *kid = kid_of(s, parent, f);

	if (parent->kids.n == before)
		return; /* asked for twice */
	kid->col = s->cols.n;
	*vec_push(&s->cols) = (struct column){ .field = f, .path = path };
}

/* Adds what is below @type: fields that have all of @with and none of @without. */
static void add_below(struct selection *s, struct sel *parent, const struct record_type *type,
		      const char *prefix, unsigned with, unsigned without, int depth)
{
	if (depth > RECORD_MAX_DEPTH)
		return;
	for (size_t i = 0; i < type->n; i++) {
		const struct field *f = &type->fields[i];
		const char *path;

		if ((f->flags & with) != with || (f->flags & without))
			continue;
		path = join_path(s, prefix, f->name);
		if (field_is_leaf(f))
			add_leaf(s, parent, f, path);
		else
			add_below(s, kid_of(s, parent, f), f->sub, path, with, without, depth + 1);
	}
}

void selection_all(struct selection *s, const struct record_type *type)
{
	add_below(s, &s->root, type, "", 0, FIELD_EXTRA, 0);
}

void selection_columns(struct selection *s, const struct record_type *type)
{
	add_below(s, &s->root, type, "", FIELD_DEFAULT, 0, 0);
	if (!s->cols.n)
		selection_all(s, type);
}

static const struct field *field_named(const struct record_type *type, const char *name, size_t len)
{
	for (size_t i = 0; i < type->n; i++)
		if (strlen(type->fields[i].name) == len && !strncasecmp(type->fields[i].name, name, len))
			return &type->fields[i];
	return NULL;
}

/* From a record down to one field. */
struct chain {
	const struct field *v[RECORD_MAX_DEPTH];
	int n;
};

/* "a.b", in any case. */
static bool chain_by_path(struct chain *c, const struct record_type *type, const char *path)
{
	for (const char *p = path;;) {
		size_t len = strcspn(p, ".");
		const struct field *f = type ? field_named(type, p, len) : NULL;

		if (!f || c->n == RECORD_MAX_DEPTH)
			return false;
		c->v[c->n++] = f;
		type = f->sub;
		if (!p[len])
			return true;
		p += len + 1;
	}
}

/* What stands above a column in a table; the record's own fields before those of its lists. */
static bool chain_by_heading(struct chain *c, const struct record_type *type, const char *head)
{
	for (size_t i = 0; i < type->n; i++) {
		const struct field *f = &type->fields[i];

		if (!field_is_leaf(f) || !f->head || strcasecmp(f->head, head))
			continue;
		c->v[c->n++] = f;
		return true;
	}
	for (size_t i = 0; i < type->n && c->n < RECORD_MAX_DEPTH - 1; i++) {
		if (field_is_leaf(&type->fields[i]))
			continue;
		c->v[c->n++] = &type->fields[i];
		if (chain_by_heading(c, type->fields[i].sub, head))
			return true;
		c->n--;
	}
	return false;
}

static const char *chain_path(struct selection *s, const struct chain *c)
{
	const char *path = "";

	for (int i = 0; i < c->n; i++)
		path = join_path(s, path, c->v[i]->name);
	return path;
}

int selection_add(struct selection *s, const struct record_type *type, const char *path)
{
	struct chain c = { 0 };
	struct sel *at = &s->root;
	const struct field *last;

	/* the whole path first, so that a wrong one leaves nothing behind */
	if (!chain_by_path(&c, type, path)) {
		c.n = 0;
		if (!chain_by_heading(&c, type, path))
			return -ENOENT;
	}
	last = c.v[c.n - 1];
	for (int i = 0; i < c.n - 1; i++)
		at = kid_of(s, at, c.v[i]);
	if (field_is_leaf(last))
		add_leaf(s, at, last, chain_path(s, &c));
	else
		add_below(s, kid_of(s, at, last), last->sub, chain_path(s, &c), 0, FIELD_EXTRA, c.n);
	return 0;
}

static void copy_below(struct selection *s, struct sel *to, const struct sel *from, bool only_default)
{
	struct sel *const *p;

	vec_for_each(p, &from->kids) {
		const struct field *f = (*p)->field;

		if (only_default && !(f->flags & FIELD_DEFAULT))
			continue;
		if (field_is_leaf(f))
			add_leaf(s, to, f, f->name);
		else
			copy_below(s, kid_of(s, to, f), *p, only_default);
	}
}

void selection_below(struct selection *s, const struct sel *of)
{
	copy_below(s, &s->root, of, true);
	if (!s->cols.n)
		copy_below(s, &s->root, of, false);
}

bool selection_has(const struct selection *s, const char *path)
{
	const struct sel *at = &s->root;

	for (;;) {
		size_t len = strcspn(path, ".");
		struct sel *const *p;
		const struct sel *found = NULL;

		vec_for_each(p, &at->kids)
			if (strlen((*p)->field->name) == len && !memcmp((*p)->field->name, path, len))
				found = *p;
		if (!found)
			return false;
		if (!path[len])
			return true;
		at = found;
		path += len + 1;
	}
}

static void free_kids(struct sel *s)
{
	struct sel **p;

	vec_for_each(p, &s->kids)
		free_kids(*p);
	vec_free(&s->kids);
}

void selection_free(struct selection *s)
{
	free_kids(&s->root);
	vec_free(&s->cols);
}
