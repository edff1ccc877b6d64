// SPDX-License-Identifier: GPL-2.0-or-later
/* report FILE: everything that a maintainer asks for, in one archive, and a page of text beside it. */
#include "cmd/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/newfile.h"
#include "base/str.h"
#include "cmd/rows.h"
#include "diag/viability.h"
#include "snapshot/info.h"
#include "snapshot/save.h"

/* Every page begins with this: what begins so may be written over. */
#define PAGE_MAGIC "iommuctl report of "

struct verdict_row {
	struct num group;
	const char *verdict;
};

static const struct field verdict_fields[] = {
	FIELD(struct verdict_row, group, F_INT, "GROUP", "number of the group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct verdict_row, verdict, F_STR, "VERDICT", "as of group check", .flags = FIELD_DEFAULT | FIELD_VERDICT),
};

static const struct record_type verdict_record = RECORD("report.group", 1, struct verdict_row, verdict_fields);

struct report_row {
	const char *file, *page, *host, *kernel, *time;
	struct num bytes, unreadable;
	int full;
	struct rows groups;
};

static const struct field report_fields[] = {
	FIELD(struct report_row, file, F_STR, "FILE", "the archive", .flags = FIELD_DEFAULT),
	FIELD(struct report_row, page, F_STR, "PAGE", "the page of text, to be mailed", .flags = FIELD_DEFAULT),
	FIELD(struct report_row, bytes, F_INT, "BYTES", "size of the archive", .unit = "bytes", .flags = FIELD_DEFAULT),
	FIELD(struct report_row, host, F_STR, "HOST", "name of the machine", .flags = FIELD_DEFAULT),
	FIELD(struct report_row, kernel, F_STR, "KERNEL", "its release", .flags = FIELD_DEFAULT),
	FIELD(struct report_row, time, F_STR, "TIME", "when it was taken, UTC"),
	FIELD(struct report_row, full, F_BOOL, "FULL", "with serial numbers, MAC and IP addresses"),
	FIELD(struct report_row, unreadable, F_INT, "UNREADABLE", "paths that could not be read", .flags = FIELD_DEFAULT),
	FIELD(struct report_row, groups, F_LIST, "GROUPS", "groups that the page is about", .sub = &verdict_record, .flags = FIELD_DEFAULT),
};

static const struct record_type report_record = RECORD("report", 1, struct report_row, report_fields);

struct making {
	struct invocation *inv;
	const char *groups; /* --group; NULL: those that are odd */
	char *page;
	size_t page_len;
	struct report_row row;
	int usage; /* what naming a group answered */
};

/* -- the page, from what was captured --------------------------------------------------------------------------------- */

static int named_groups(struct making *m, struct host *h, struct report *r)
{
	char *words = arena_strdup(&h->arena, m->groups), *word;

	r->chosen = true;
	r->groups = arena_array(&h->arena, struct group *, strlen(words) + 1);
	while ((word = strsep(&words, ","))) {
		int err = host_find_group(h, word, &r->groups[r->n]);

		if (err < 0)
			return err;
		r->n++;
	}
	return 0;
}

static void keep_row(struct making *m, struct host *h, const struct report *r)
{
	struct arena *a = &m->inv->ctx->arena;
	struct verdict_row *v = arena_array(a, struct verdict_row, r->n);
	struct snapshot_info info;

	snapshot_info(h->src, a, &info);
	for (size_t i = 0; i < r->n; i++) {
		struct viability answer;

		group_check(h, &(struct question){ .group = r->groups[i], .brief = true }, &answer);
		v[i] = (struct verdict_row){ NUM(r->groups[i]->id), arena_strdup(a, answer.verdict) };
	}
	m->row = (struct report_row){ .host = info.host, .kernel = info.kernel, .time = info.time, .full = info.full,
				      .unreadable = info.unreadable_count, .groups = ROWS(v, r->n) };
}

/* Judgements warn of what the archive lacks; its readers will hear that, and the page says it. */
static int make_page(struct ctx *ctx, struct source *captured, struct arena *a, void *arg, struct snapshot_extra **ret, size_t *ret_n)
{
	struct making *m = arg;
	struct ctx quiet = { 0 };
	struct host *h = NULL;
	struct report r = { .file = m->inv->argv[0], .note = inv_opt(m->inv, "note") };
	struct snapshot_extra *v = arena_array(a, struct snapshot_extra, 2);
	FILE *f = open_memstream(&m->page, &m->page_len);
	int err = f ? host_load(&quiet, captured, HOST_ALL, &h) : -ENOMEM;

	if (err == 0 && m->groups) {
		h->ctx = ctx; /* a group that is none is said */
		err = m->usage = named_groups(m, h, &r);
		h->ctx = &quiet;
	} else if (err == 0) {
		report_choose_groups(h, &r);
	}
	if (err == 0) {
		report_page(h, &r, f);
		keep_row(m, h, &r);
	}
	if (f && fclose(f) != 0 && err == 0)
		err = -ENOMEM;
	host_free(h);
	ctx_free(&quiet);
	if (err < 0)
		return err;
	v[(*ret_n)++] = (struct snapshot_extra){ "report.txt", m->page, m->page_len };
	if (r.note)
		v[(*ret_n)++] = (struct snapshot_extra){ "note.txt", r.note, strlen(r.note) };
	*ret = v;
	return 0;
}

/* -- the file beside it ------------------------------------------------------------------------------------------------- */

static int check_page(struct ctx *ctx, const char *path, bool force)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char head[sizeof(PAGE_MAGIC)] = "";
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : ctx_cannot_write(ctx, errno, path);
	if (force || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		      (!st.st_size || (read(fd, head, sizeof(head) - 1) > 0 && streq(head, PAGE_MAGIC)))))
		return 0;
	return ctx_error(ctx,
			 NOTE(.code = "exists", .err = EEXIST, .where = path, .why = "it exists and is no page of a report",
			      .hint = "choose another name, or overwrite it with --force"),
			 "%s", path);
}

static int write_page(struct ctx *ctx, const char *path, const char *text, size_t len)
{
	_cleanup_(new_file_drop) struct new_file f;
	int r = new_file_begin(&f, path, 0666);

	if (r == 0)
		r = write_all(f.fd, text, len);
	if (r == 0)
		r = new_file_commit(&f);
	return r < 0 ? ctx_cannot_write(ctx, -r, path) : 0;
}

/* -- the command ---------------------------------------------------------------------------------------------------------- */

static int print(struct invocation *inv, struct making *m, const char *file, const char *page)
{
	struct stat st;

	m->row.file = file;
	m->row.page = page;
	if (stat(file, &st) == 0)
		m->row.bytes = NUM(st.st_size);
	return out_detail(inv->out, &m->row) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int make_report(struct invocation *inv, struct making *m)
{
	const char *file = inv->argv[0], *page = arena_printf(&inv->ctx->arena, "%s.txt", file);
	struct snapshot_options opt = {
		.full = inv_opt(inv, "full"),
		.wake = inv_opt(inv, "wake"),
		.force = inv_opt(inv, "force"),
		.extra = make_page,
		.arg = m,
	};
	int r = check_page(inv->ctx, page, opt.force);

	if (r == 0)
		r = snapshot_save(inv->ctx, inv->source, file, &opt);
	if (r == 0)
		r = write_page(inv->ctx, page, m->page, m->page_len);
	if (m->usage < 0)
		return exit_from_lookup(m->usage);
	if (r == -EEXIST)
		return EXIT_REFUSED;
	return r < 0 ? r : print(inv, m, file, page);
}

static int run_report(struct invocation *inv)
{
	struct making m = { .inv = inv, .groups = inv_opt(inv, "group") };
	int r = out_begin(inv->out, &report_record);

	if (r < 0)
		return EXIT_USAGE;
	if (streq(inv->argv[0], "-")) {
		ctx_error(inv->ctx, NOTE(.code = "usage", .err = EINVAL, .why = "there are two files to write",
					 .hint = "name a file; snapshot save - writes to standard output"), "report -");
		return EXIT_USAGE;
	}
	r = make_report(inv, &m);
	free(m.page);
	return r;
}

static const struct arg_row args[] = {
	{ "FILE", "where to write the archive; the page goes to FILE.txt", COMPLETE_FILE },
	{ 0 },
};

static const struct option_row options[] = {
	{ .name = "note", .arg = "TEXT", .help = "what was tried and what went wrong, in your words" },
	{ .name = "group", .arg = "G|DEV", .help = "group that it is about; several by commas (default: what is given away or oddly owned)", .list = true,
	  .complete = COMPLETE_GROUP_OR_DEVICE },
	{ .name = "full", .help = "with serial numbers, MAC and IP addresses, whole command lines and kernel log" },
	{ .name = "wake", .help = "read the config space of sleeping devices too, which wakes them" },
	{ .name = "force", .help = "overwrite FILE and FILE.txt whatever they are" },
	{ 0 },
};

static const struct command commands[] = {
	{
		.summary = "write a bug report that a maintainer can use",
		.text = "Puts what maintainers ask for into one archive: a snapshot of this machine with who owns each group, the iommufd "
			"objects, who holds what, and the kernel log. It is what snapshot save writes, and every command that reads takes it "
			"with --from.\n\n"
			"Beside it, in FILE.txt, comes one page of text to be mailed: the machine, what doctor says of it, the groups in question with "
			"verdict, owner, holders and devices, and the last lines of the kernel log. The page is made from the archive, so it "
			"holds nothing that the archive leaves out: serial numbers, addresses and passwords are there with --full only.",
		.args = args,
		.options = options,
		.record = &report_record,
		.flags = COMMAND_DETAIL,
		.run = run_report,
	},
};

extern const struct noun noun_report;
const struct noun noun_report = {
	.name = "report",
	.summary = "a bug report that a maintainer can use",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
