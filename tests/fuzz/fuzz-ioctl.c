// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process's memory behind any VFIO or iommufd ioctl, taken apart: one byte which descriptor it is on, two the number, one how much of the rest was
 * there before the call.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/ioctls.h"
#include "trace/ioctl.h"

/* The line of a batch that would do the same; a process may have put anything there. */
static void write_line(const struct traced_call *c, const struct ioctl_decoded *d)
{
	struct ioctl_names names = { 0 };
	struct strbuf room = { 0 };
	const char *made = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		abort();
	ioctl_learn(&names, c, d, &made);
	ioctl_batch_line(f, &room, &names, c, d, made);
	ioctl_learn(&names, c, d, &made);
	fclose(f);
	fuzz_check(!memchr(text, '\0', len));
	free(text);
	strbuf_free(&room);
	vec_free(&names.objects);
	vec_free(&names.bound);
	arena_free(&names.arena);
}

FUZZ_TARGET(ioctl)
{
	static const enum ioctl_on on[] = { IOCTL_ON_IOMMUFD, IOCTL_ON_CONTAINER, IOCTL_ON_GROUP, IOCTL_ON_DEVICE };
	static const enum traced_kind kinds[] = { TRACED_IOMMUFD, TRACED_CONTAINER, TRACED_GROUP, TRACED_DEVICE };
	struct fuzz_input in = { data, data + size };
	unsigned which = fuzz_byte(&in) % 4;
	struct traced_call c = { .pid = 1, .tid = 1, .fd = 3, .kind = kinds[which], .returned = true };
	struct ioctl_decoded d = { 0 };
	struct arena a = { 0 };
	_cleanup_free_ void *before = NULL, *after = NULL;

	c.cmd = ';' << 8 | fuzz_byte(&in);
	c.ret = (int8_t)fuzz_byte(&in);
	/* of their size, so that what is read beyond is seen */
	c.n_in = MIN(fuzz_length(&in, 1), (size_t)TRACED_BYTES);
	before = malloc(c.n_in + !c.n_in);
	c.n_out = MIN(fuzz_left(&in) - c.n_in, (size_t)TRACED_BYTES);
	after = malloc(c.n_out + !c.n_out);
	if (!before || !after)
		abort();
	memcpy(before, in.p, c.n_in);
	memcpy(after, in.p + c.n_in, c.n_out);
	c.in = c.behind = before;
	c.n_behind = c.n_in;
	c.out = after;
	ioctl_decode(&a, on[which], c.cmd, c.arg, c.in, c.n_in, c.out, c.n_out, c.ret >= 0, &d);
	for (size_t i = 0; i < d.n; i++)
		fuzz_check(ioctl_value(&d, d.v[i].name));
	write_line(&c, &d);
	arena_free(&a);
	return 0;
}
