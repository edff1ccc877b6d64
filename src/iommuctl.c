// SPDX-License-Identifier: GPL-2.0-or-later
/* The program. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>

#include "cmd/run.h"
#include "kmem/iommufd.h"
#include "kmem/ownership.h"

/*
 * A standard stream that is closed must not become the next file that we open, or output would go
 * there. What takes its place refuses to be read and written.
 */
static void hold_standard_fds(void)
{
	int fd;

	do
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int print_version(struct ctx *ctx)
{
	printf("iommuctl %s %clibpci %ckmem %clibedit\n", PACKAGE_VERSION,
#ifdef HAVE_LIBPCI
	       '+',
#else
	       '-',
#endif
#ifdef HAVE_KMEM
	       '+',
#else
	       '-',
#endif
#ifdef HAVE_LIBEDIT
	       '+'
#else
	       '-'
#endif
	);
	if (fflush(stdout) == 0)
		return EXIT_DONE;
	ctx_error(ctx, NOTE(.code = "stdout", .err = errno), "cannot write the output");
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct ctx ctx = { 0 };
	struct arguments a;
	int r, code;

	/* threads that read have one heap: each of its own would grow by a page a call, and stop the others for it */
	mallopt(M_ARENA_MAX, 1);
	oom_watch_exit();
	hold_standard_fds();
	signal(SIGPIPE, SIG_IGN);
	source_set_provider(SECTION_OWNERSHIP, ownership_provide);
	source_set_provider(SECTION_IOMMUFD, iommufds_provide);
	r = args_parse(&ctx, argc, argv, &a);
	ctx.verbosity = a.verbosity;
	code = r >= 0 && a.version ? print_version(&ctx) : command_run(&ctx, &a, r, NULL);
	print_notes(&ctx, &a, NULL);
	ctx_free(&ctx);
	return oom_expect_exit(code);
}
