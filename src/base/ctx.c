// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/ctx.h"

#include <errno.h>
#include <string.h>

_Static_assert(ENOTCAPTURED == ENOANO, "ENOTCAPTURED borrows ENOANO");

void ctx_free(struct ctx *ctx)
{
	vec_free(&ctx->notes);
	arena_free(&ctx->arena);
}

const char *err_text(int err)
{
	const char *text;

	if (err < 0)
		err = -err;
	if (err == ENOTCAPTURED)
		return "not captured in this snapshot";
	/* always English, like everything else that we print; LC_ALL changes nothing */
	text = strerrordesc_np(err);
	return text ? text : "Unknown error";
}

int ctx_note(struct ctx *ctx, struct note n, const char *what_fmt, ...)
{
	int err = n.err < 0 ? -n.err : n.err;
	struct note *kept;
	va_list ap;

	if (ctx->gaps_told && n.level == NOTE_WARNING && err == ENOTCAPTURED && ctx->verbosity <= 0)
		return -err;
	if (ctx->notes.n >= CTX_MAX_NOTES && n.level == NOTE_WARNING) {
		ctx->dropped++;
		return -err;
	}
	kept = vec_push(&ctx->notes);
	*kept = (struct note){
		.level = n.level,
		.err = err,
		.code = arena_strdup(&ctx->arena, n.code),
		.why = arena_strdup(&ctx->arena, n.why ? n.why : err ? err_text(err) : NULL),
		.hint = arena_strdup(&ctx->arena, n.hint),
		.where = arena_strdup(&ctx->arena, n.where),
	};
	va_start(ap, what_fmt);
	kept->what = arena_vprintf(&ctx->arena, what_fmt, ap);
	va_end(ap);
	return err || n.level == NOTE_WARNING ? -err : -EINVAL;
}

int ctx_cannot_write(struct ctx *ctx, int err, const char *file)
{
	const char *hint = err == ENOENT || err == -ENOENT ? "the folder that it is to be in has to be there" : NULL;

	return ctx_error(ctx, NOTE(.code = "write", .err = err, .where = file, .hint = hint), "cannot write %s", file);
}

int ctx_cannot_read(struct ctx *ctx, int err, const char *file)
{
	return ctx_error(ctx, NOTE(.code = "input", .err = err, .where = file), "cannot read %s", file);
}

int ctx_cannot_start(struct ctx *ctx, int err, const char *program)
{
	const char *hint = NULL;

	if (err == ENOENT || err == -ENOENT)
		hint = "behind -- stands a program, by its path or by a name that is in PATH";
	else if (err == EACCES || err == -EACCES)
		hint = "chmod +x, if it is a program";
	return ctx_error(ctx, NOTE(.code = "no-command", .err = err, .hint = hint), "%s", program);
}
