/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The context: where library code leaves what it has to say. Library code never prints and never
 * exits; it adds notes (warnings and errors) here, and the command prints them at its end, on stderr
 * or in the JSON envelope.
 *
 * Not for several threads at once.
 */
#ifndef IOMMUCTL_BASE_CTX_H
#define IOMMUCTL_BASE_CTX_H

#include "base/arena.h"
#include "base/vec.h"

/* Errno for "this snapshot or tree was never meant to hold that": neither missing nor unreadable. */
#define ENOTCAPTURED 55 /* ENOANO, which no file system returns */

enum note_level { NOTE_WARNING, NOTE_ERROR };

/*
 * One thing said to the user: WHAT: WHY, and a hint what to do. @code is a stable word for scripts
 * (docs/schema/errors.md lists them). @where is the place in the input: a path, FILE:LINE, an option.
 */
struct note {
	enum note_level level;
	int err; /* positive errno, 0 when no errno is behind it */
	const char *code, *what, *why, *hint, *where;
};

struct ctx {
	struct arena arena;
	VEC(struct note) notes;
	size_t dropped; /* notes beyond CTX_MAX_NOTES, counted and not kept */
	int verbosity;	/* -v: +1 each, -q: -1 */
	bool gaps_told;	/* that much was not captured has been said: no warning of each such file, but with -v */
};

/* A machine made to break us can warn without end: what is beyond this is only counted. */
#define CTX_MAX_NOTES 256

void ctx_free(struct ctx *ctx);

/*
 * Adds a note and returns n.err as a negative errno (-EINVAL when n.err is 0 and it is an error), so
 * that `return ctx_error(…)` works. n.err may be given with either sign. n.why NULL means the
 * errno's own text. Strings are copied.
 */
int ctx_note(struct ctx *ctx, struct note n, const char *what_fmt, ...) _printf_(3, 4);

#define ctx_warn(ctx, note_code, errnum, note_where, ...)                            \
	ctx_note(ctx, (struct note){ .level = NOTE_WARNING, .code = (note_code),     \
				     .err = (errnum), .where = (note_where) }, __VA_ARGS__)

/* ctx_error(ctx, ((struct note){ .code = "no-group", .err = ENOENT, .hint = "…" }), "group %s", g) */
#define NOTE(...) ((struct note){ .level = NOTE_ERROR, __VA_ARGS__ })
#define ctx_error(ctx, note, ...) ctx_note(ctx, note, __VA_ARGS__)

/* What is said of every file of the user's that cannot be written, or read: "cannot write FILE: why". -@err; @err may have either sign. */
int ctx_cannot_write(struct ctx *ctx, int err, const char *file);
int ctx_cannot_read(struct ctx *ctx, int err, const char *file);

/* The same of a program that the user wants to run. */
int ctx_cannot_start(struct ctx *ctx, int err, const char *program);

/* The errno's text in plain words, those of ours included. Static storage. */
const char *err_text(int err);

#endif
