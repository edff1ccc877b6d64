// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/reasons.h"

#include <string.h>

#include "base/str.h"
#include "diag/finding.h"

/* A command for the root shell, each part on a line of its own: they can be pasted together. */
static void print_command(struct out *out, struct arena *arena, const char *command)
{
	char *copy = arena_strdup(arena, command), *next;

	for (char *part = copy; part; part = next) {
		next = strstr(part, " && ");
		if (next) {
			*next = '\0';
			next += 4;
		}
		out_verbatim(out, "        %s", part);
	}
}

static void print_remedy(struct out *out, struct arena *arena, const struct remedy *m)
{
	out_styled(out, STYLE_PLAIN, "      ");
	if (m->unsafe == TRI_YES) {
		out_styled(out, STYLE_BAD, "unsafe:");
		out_styled(out, STYLE_PLAIN, " ");
	}
	out_text(out, "%s%s", m->text, m->command ? ":" : "");
	if (m->command)
		print_command(out, arena, m->command);
}

static void print_reason(struct out *out, struct arena *arena, const struct reason *r)
{
	out_styled(out, STYLE_PLAIN, "  ");
	out_styled(out, out_word_style(r->severity), r->severity);
	out_text(out, ": %s", r->text);
	if (r->file && !streq(r->severity, "note"))
		out_text(out, r->value ? "      seen in %s: %s" : "      see %s", r->file, r->value);
	for (size_t i = 0; i < r->remedies.n; i++)
		print_remedy(out, arena, (const struct remedy *)r->remedies.v + i);
}

void print_reasons(struct out *out, struct arena *arena, struct rows reasons)
{
	for (size_t i = 0; i < reasons.n; i++)
		print_reason(out, arena, (const struct reason *)reasons.v + i);
}
