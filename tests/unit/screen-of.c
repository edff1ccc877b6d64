// SPDX-License-Identifier: GPL-2.0-or-later
/* iommutop on a machine of tests/hosts, without a terminal. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "screen-of.h"
#include "detail.h"
#include "keys.h"
#include "kmem/ownership.h"

int screen_set_up(void **state)
{
	(void)state;
	setlocale(LC_CTYPE, "C.UTF-8");
	source_set_provider(SECTION_OWNERSHIP, ownership_provide);
	return 0;
}

void screen_show(struct screen *s, int w, int h)
{
	cells_resize(&s->cells, w, h);
	draw(&s->cells, &s->ui, &s->model, "12:34:56");
}

void screen_start(struct screen *s, const char *machine, int w, int h)
{
	char path[512];

	*s = (struct screen){ 0 };
	snprintf(path, sizeof(path), HOSTS "/%s.snap", machine);
	assert_int_equal(source_open(&s->ctx, streq(machine, "demo") ? "demo" : path, &s->src), 0);
	s->sampler = sampler_new(&s->ctx, s->src, false);
	assert_int_equal(sampler_refresh(s->sampler, &s->model, 1000000000), 0);
	ui_init(&s->ui);
	s->ui.utf8 = true;
	screen_show(s, w, h);
}

void screen_press(struct screen *s, const char *keys)
{
	struct ui_key key;

	while (keys_next(&keys, &key)) {
		s->last = ui_key(&s->ui, &s->model, &key);
		if (s->last == UI_DETAIL) {
			detail_fill(&s->ui, &s->model, s->src, s->cells.w);
			ui_show_pane(&s->ui);
		}
		screen_show(s, s->cells.w, s->cells.h);
	}
}

void screen_end(struct screen *s)
{
	ui_free(&s->ui);
	sampler_free(s->sampler);
	model_free(&s->model);
	cells_free(&s->cells);
	source_close(s->src);
	ctx_free(&s->ctx);
}

const char *screen_line(const struct screen *s, int y)
{
	static struct strbuf b;

	strbuf_reset(&b);
	cells_line(&s->cells, y, &b);
	return strbuf_str(&b);
}

/* The line that has the text; -1 none. */
int screen_find(const struct screen *s, const char *text)
{
	for (int y = 0; y < s->cells.h; y++)
		if (strstr(screen_line(s, y), text))
			return y;
	return -1;
}

void screen_expect(const struct screen *s, const char *text)
{
	if (screen_find(s, text) >= 0)
		return;
	for (int y = 0; y < s->cells.h; y++)
		print_message("|%s\n", screen_line(s, y));
	fail_msg("not on the screen: %s", text);
}

/* The attribute of the first cell of the text; ASCII lines only. */
enum attr screen_attr(const struct screen *s, int y, const char *text)
{
	const char *l = screen_line(s, y), *at = strstr(l, text);

	assert_non_null(at);
	return cells_at(&s->cells, y, cells_width(l) - cells_width(at))->attr;
}
