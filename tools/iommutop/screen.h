/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal, through ncurses. Only this file knows it. However the program ends, crashes and signals included, the terminal is
 * put back as it was.
 */
#ifndef IOMMUTOP_SCREEN_H
#define IOMMUTOP_SCREEN_H

#include "cells.h"
#include "ui.h"

/*
 * Takes the terminal. -ENOTTY: stdin or stdout is none; -EINVAL: terminfo does not know $TERM, or it cannot move the cursor. Noted in
 * @ctx. @colour false: bold and reverse only.
 */
int screen_open(struct ctx *ctx, bool colour);

/* Gives it back. */
void screen_close(void);

/* Size of the terminal now. */
void screen_size(int *ret_w, int *ret_h);

/* Writes the cells that differ from the last frame; all of them after screen_redraw(). */
void screen_show(const struct cells *c);
void screen_redraw(void);

enum screen_event { SCREEN_TIMEOUT, SCREEN_KEY, SCREEN_RESIZED, SCREEN_END };

/*
 * Waits for a key, at most @timeout_ms. SCREEN_END: a signal asks for the end (screen_signal() says which), or the terminal has
 * gone.
 */
enum screen_event screen_wait(int timeout_ms, struct ui_key *ret);

/* The signal that ended the last wait; 0 none. */
int screen_signal(void);

#endif
