/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of a view as a table: which columns fit, in which order the rows come, which are left by a filter. */
#ifndef IOMMUTOP_LIST_H
#define IOMMUTOP_LIST_H

#include "model.h"

#define LIST_COLUMNS 16

struct list_column {
	const struct field *field;
	int width; /* 0: not shown, the screen is too narrow */
	int x;
};

struct list {
	enum view_id view;
	struct list_column cols[LIST_COLUMNS];
	size_t n_cols;
	int sort; /* index in cols; -1: as the model has them */
	bool descending;
	int shift;	 /* columns behind the first that are scrolled away */
	VEC(uint32_t) order; /* indices of rows: filtered and sorted */
	/* what the above was made from */
	uint64_t generation;
	int natural[LIST_COLUMNS]; /* width that the column would like */
	int screen_width;
};

/* 1234567 is "1.2M" on the screen; batch mode has it in full. Not below 0. */
void short_number(struct strbuf *b, int64_t v);

/* An empty table of that view, sorted as the model is. */
void list_init(struct list *t, enum view_id v);
void list_free(struct list *t);

/*
 * Brings widths and order up to date. @filter: rows without this text (any case) in any shown column are left
 * out; "" or NULL: none are.
 */
void list_update(struct list *t, const struct model *m, const char *filter, int screen_width);

/* The text of a cell, escaped, in @b. */
void list_text(const struct list *t, const struct model *m, size_t row, size_t col, bool utf8, struct strbuf *b);

/* Whether any shown cell of the model's row has the text, in any case. */
bool list_matches(const struct list *t, const struct model *m, size_t row, const char *text);

/* Where the row with this key is in the order; SIZE_MAX: nowhere. */
size_t list_find(const struct list *t, const struct model *m, const char *key);

#endif
