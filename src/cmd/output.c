// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/output.h"

#include <errno.h>
#include <sys/stat.h>

static bool is_same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int output_open(struct ctx *ctx, const char *file, const char *input, FILE **ret)
{
	FILE *f;

	if (input && is_same(file, input))
		return ctx_error(ctx,
				 NOTE(.code = "exists", .err = EEXIST, .where = file, .why = "it is the file that is read", .hint = "choose another name"),
				 "cannot write %s", file);
	f = fopen(file, "we");
	if (!f)
		return ctx_cannot_write(ctx, errno, file);
	*ret = f;
	return 0;
}

int output_close(struct ctx *ctx, FILE *f, const char *file)
{
	int err = 0;

	errno = 0;
	if (fflush(f) || ferror(f))
		err = errno ?: EIO;
	if (fclose(f) && !err)
		err = errno;
	return err ? ctx_error(ctx, NOTE(.code = "write", .err = err, .where = file), "cannot write all of %s", file) : 0;
}
