/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iommutop on a machine of tests/hosts: keys in, cells out. What does not go as it should fails the test. */
#ifndef TESTS_UNIT_SCREEN_OF_H
#define TESTS_UNIT_SCREEN_OF_H

#include "sample.h"
#include "ui.h"

struct screen {
	struct ctx ctx;
	struct source *src;
	struct sampler *sampler;
	struct model model;
	struct ui ui;
	struct cells cells;
	enum ui_action last; /* what the last key asked for */
};

/* For cmocka: once a program. */
int screen_set_up(void **state);

/* @machine: the name of a file in tests/hosts, or "demo". With screen_end(). */
void screen_start(struct screen *s, const char *machine, int w, int h);
void screen_end(struct screen *s);

/* Draws it anew in this size. */
void screen_show(struct screen *s, int w, int h);

/* "abc<Enter><F6>": as iommutop --keys has them. */
void screen_press(struct screen *s, const char *keys);

/* The text of line @y; till the next call. */
const char *screen_line(const struct screen *s, int y);

/* The line that has the text; -1 none. */
int screen_find(const struct screen *s, const char *text);

void screen_expect(const struct screen *s, const char *text);

/* The attribute of the first cell of the text in line @y; ASCII lines only. */
enum attr screen_attr(const struct screen *s, int y, const char *text);

#endif
