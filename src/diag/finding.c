// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/finding.h"

#include <stdarg.h>
#include <string.h>

static const struct field remedy_fields[] = {
	FIELD(struct remedy, text, F_STR, "REMEDY", "what to do, one sentence"),
	FIELD(struct remedy, command, F_STR, "COMMAND", "the command that does it, ready to be pasted"),
	FIELD(struct remedy, unsafe, F_BOOL, "UNSAFE", "whether it weakens the machine's protection"),
};

const struct record_type remedy_record = RECORD("remedy", 1, struct remedy, remedy_fields);

static const struct field reason_fields[] = {
	FIELD(struct reason, code, F_STR, "CODE", "stable word for the reason"),
	FIELD(struct reason, severity, F_STR, "SEVERITY", "note, warning, problem or unknown",
	      .flags = FIELD_VERDICT),
	FIELD(struct reason, text, F_STR, "TEXT", "the reason, one sentence"),
	FIELD(struct reason, device, F_STR, "DEVICE", "device that it is about"),
	FIELD(struct reason, driver, F_STR, "DRIVER", "driver of that device"),
	FIELD(struct reason, file, F_STR, "FILE", "file that shows it"),
	FIELD(struct reason, value, F_STR, "VALUE", "what that file says"),
	FIELD(struct reason, remedies, F_LIST, "REMEDIES", "what mends it, unsafe ways last",
	      .sub = &remedy_record),
};

const struct record_type reason_record = RECORD("reason", 1, struct reason, reason_fields);

static const char *const severity_words[] = {
	[SEVERITY_NOTE] = "note",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_PROBLEM] = "problem",
	[SEVERITY_UNKNOWN] = "unknown",
};

struct reason *finding_add(struct finding *f, enum severity severity, const char *code)
{
	struct reason *r = vec_push(&f->reasons);

	*r = (struct reason){ .code = code, .severity = severity_words[severity], .remedies.known = true };
	return r;
}

/* Safe remedies stay before unsafe ones, each kind in the order given. */
static size_t remedy_place(const struct remedy *v, size_t n, bool unsafe)
{
	while (!unsafe && n && v[n - 1].unsafe)
		n--;
	return n;
}

void finding_remedy(struct finding *f, bool unsafe, const char *command, const char *fmt, ...)
{
	struct reason *r = &f->reasons.v[f->reasons.n - 1];
	struct remedy *grown = arena_array(f->arena, struct remedy, r->remedies.n + 1);
	size_t n = r->remedies.n, at = remedy_place(r->remedies.v, n, unsafe);
	const struct remedy *old = r->remedies.v;
	va_list ap;

	if (n) {
		memcpy(grown, old, at * sizeof(*grown));
		memcpy(grown + at + 1, old + at, (n - at) * sizeof(*grown));
	}
	va_start(ap, fmt);
	grown[at] = (struct remedy){
		.text = arena_vprintf(f->arena, fmt, ap),
		.command = arena_strdup(f->arena, command),
		.unsafe = unsafe ? TRI_YES : TRI_NO,
	};
	va_end(ap);
	r->remedies = ROWS(grown, n + 1);
}

bool safe_in_command(const char *s)
{
	return s && *s && *s != '-' && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
					    ":._@+-,")] == '\0';
}

struct rows finding_rows(struct finding *f)
{
	struct reason *v = arena_array(f->arena, struct reason, f->reasons.n);
	size_t n = f->reasons.n;

	if (n)
		memcpy(v, f->reasons.v, n * sizeof(*v));
	vec_free(&f->reasons);
	return ROWS(v, n);
}
