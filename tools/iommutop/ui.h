/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user looks at, and what keys do to it. No terminal and no machine: keys go in, an action comes out, and draw()
 * makes a frame of it. So tests drive it as a user does.
 */
#ifndef IOMMUTOP_UI_H
#define IOMMUTOP_UI_H

#include "cells.h"
#include "list.h"

/* Keys that are no characters; characters are their code points. */
enum ui_keycode {
	UK_UP = 0x200000, UK_DOWN, UK_LEFT, UK_RIGHT, UK_PGUP, UK_PGDN, UK_HOME, UK_END, UK_ENTER, UK_ESC, UK_TAB,
	UK_BACKTAB, UK_BACKSPACE, UK_CLICK, UK_WHEEL_UP, UK_WHEEL_DOWN, UK_F1, UK_F2, UK_F3, UK_F4, UK_F5, UK_F6, UK_F7,
	UK_F8, UK_F9, UK_F10,
};

struct ui_key {
	uint32_t code;
	int y, x; /* of the mouse */
};

enum ui_mode { MODE_LIST, MODE_PANE, MODE_SORT, MODE_SEARCH, MODE_FILTER, MODE_DELAY, MODE_SAVE };

/* What the caller has to do, beyond drawing. */
enum ui_action {
	UI_NONE,
	UI_QUIT,
	UI_REFRESH, /* take a sample now */
	UI_DETAIL,  /* fill ui->pane with what is known of the selected row, then ui_show_pane() */
	UI_SAVE,    /* write a snapshot to ui->input */
};

/* Text with an attribute a byte, in lines. */
struct pane_line {
	char *text;
	uint8_t *attrs; /* one a byte of text */
};

struct pane {
	char *title;
	VEC(struct pane_line) lines;
};

/* No title, no lines; what they held is freed. */
void pane_reset(struct pane *p);

/* Adds lines; our own colour sequences (ESC [ … m) become attributes, other control characters "?". */
void pane_add(struct pane *p, const char *text, size_t len);

/* Breaks lines of ASCII text that are longer than @width (not 0) at their blanks. */
void pane_wrap(struct pane *p, size_t width);

struct ui_view {
	struct list list;
	size_t cursor, top;  /* in list.order */
	struct strbuf key;   /* of the row under the cursor: it stays there when rows move */
	char filter[64];
};

/* Where things were drawn, for the mouse. */
struct ui_layout {
	int tabs_y, tab_x[VIEW_MAX], tab_end[VIEW_MAX];
	int head_y, rows_y, rows_h;
	int bar_y, bar_x[10], bar_end[10];
	enum ui_keycode bar_key[10];
	int n_bar;
};

struct ui {
	enum ui_mode mode;
	enum view_id view;
	struct ui_view views[VIEW_MAX];
	bool paused, utf8, stale;
	unsigned delay_ms;
	char input[256];
	char search[64];
	size_t search_from; /* the cursor when it began */
	char message[256]; /* of the last action; goes with the next key */
	bool message_bad;
	struct pane pane;
	size_t pane_top;
	bool pane_of_row; /* what is in it is about the selected row, else it is the help; wrapped at the screen's width */
	int sort_at; /* in the menu */
	bool live;
	struct ui_layout layout;
	/* what rows and widths were made for */
	uint64_t generation, samples;
	int width;
};

#define DELAY_MIN_MS 100u
#define DELAY_MAX_MS 3600000u

/* The first view, nothing selected; with ui_free(). */
void ui_init(struct ui *ui);
void ui_free(struct ui *ui);

/* Brings tables up to date with the model; the cursor stays on its row. Call before ui_key() and draw(). */
void ui_update(struct ui *ui, const struct model *m, int width);

/* What a key, or a click, does to the state; the answer is what is left for the caller to do. */
enum ui_action ui_key(struct ui *ui, const struct model *m, const struct ui_key *key);

/* The row under the cursor, an index into the model's rows; SIZE_MAX: there is none. */
size_t ui_selected(const struct ui *ui);

/* Shows what ui->pane was filled with, from its beginning. */
void ui_show_pane(struct ui *ui);

/* Fills ui->pane with what the keys are, for a screen of that width. */
void ui_help(struct ui *ui, int width);

/* A line about what was just done. */
void ui_message(struct ui *ui, bool bad, const char *fmt, ...) _printf_(3, 4);

static inline struct ui_view *ui_current(struct ui *ui)
{
	return &ui->views[ui->view];
}

/* Draws a frame of the grid's size. What it cannot place it leaves out: any size from 1x1 works. */
void draw(struct cells *c, struct ui *ui, struct model *m, const char *clock);

/* Text of the help pane. */
extern const char ui_help_text[];

#endif
