// SPDX-License-Identifier: GPL-2.0-or-later
/* iommutop: foreign text into cells of any size, lines of /proc/interrupts, keys, text of the pane. */
#include <assert.h>
#include <locale.h>
#include <string.h>

#include "fuzz.h"

#include "cells.h"
#include "counters.h"
#include "keys.h"
#include "ui.h"

static void into_cells(const char *text, int w, int x, bool utf8)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	struct cells c = { 0 };
	int used;

	cells_resize(&c, w, 2);
	c.utf8 = utf8;
	used = cells_put(&c, 0, x, w, ATTR_PLAIN, text);
	assert(used >= 0 && used <= w);
	cells_put_right(&c, 1, 0, w, ATTR_BAD, text);
	for (int i = 0; i < c.w * c.h; i++)
		assert(!c.v[i].ch || (c.v[i].ch >= 0x20 && c.v[i].ch != 0x7f && (utf8 || c.v[i].ch < 0x7f)));
	cells_line(&c, 0, &b);
	assert(cells_width(strbuf_str(&b)) <= w);
	cells_free(&c);
}

static void press_keys(const char *text)
{
	static struct model m;
	struct cells c = { 0 };
	struct ui_key key;
	struct ui ui;

	ui_init(&ui);
	pane_add(&ui.pane, text, strlen(text));
	cells_resize(&c, 40, 12);
	for (int n = 0; n < 64 && keys_next(&text, &key); n++) {
		ui_key(&ui, &m, &key);
		draw(&c, &ui, &m, "");
	}
	ui_show_pane(&ui);
	draw(&c, &ui, &m, "");
	ui_free(&ui);
	cells_free(&c);
}

FUZZ_TARGET(top)
{
	_cleanup_free_ char *text = NULL;
	uint64_t sum;
	uint32_t irq;
	char name[64];

	if (size < 2)
		return 0;
	setlocale(LC_CTYPE, "C.UTF-8");
	text = strndup((const char *)data + 2, size - 2);
	if (!text)
		abort();
	into_cells(text, data[0] % 64 + 1, data[1] % 8, data[1] & 8);
	interrupts_line(text, strlen(text), &irq, &sum, name);
	press_keys(text);
	return 0;
}
