// SPDX-License-Identifier: GPL-2.0-or-later
#include "keys.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	uint32_t code;
} names[] = {
	{ "Up", UK_UP },	 { "Down", UK_DOWN },	 { "Left", UK_LEFT }, { "Right", UK_RIGHT }, { "PgUp", UK_PGUP },
	{ "PgDn", UK_PGDN },	 { "Home", UK_HOME },	 { "End", UK_END },   { "Enter", UK_ENTER }, { "Esc", UK_ESC },
	{ "Tab", UK_TAB },	 { "BackTab", UK_BACKTAB }, { "Backspace", UK_BACKSPACE }, { "lt", '<' },
	{ "WheelUp", UK_WHEEL_UP }, { "WheelDown", UK_WHEEL_DOWN },
};

static bool named(const char *s, size_t n, struct ui_key *ret)
{
	unsigned f;
	char end;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i].name) == n && !strncmp(names[i].name, s, n)) {
			ret->code = names[i].code;
			return true;
		}
	if (sscanf(s, "F%u%c", &f, &end) == 2 && end == '>' && f >= 1 && f <= 10) {
		ret->code = UK_F1 + f - 1;
		return true;
	}
	if (sscanf(s, "Click %d %d%c", &ret->y, &ret->x, &end) == 3 && end == '>') {
		ret->code = UK_CLICK;
		return true;
	}
	return false;
}

bool keys_next(const char **s, struct ui_key *ret)
{
	const char *end;

	*ret = (struct ui_key){ .y = -1, .x = -1 };
	if (!**s)
		return false;
	end = **s == '<' ? strchr(*s, '>') : NULL;
	if (end && named(*s + 1, (size_t)(end - *s) - 1, ret)) {
		*s = end + 1;
		return true;
	}
	ret->code = (unsigned char)*(*s)++;
	return true;
}
