// SPDX-License-Identifier: GPL-2.0-or-later
/* snapshot save | info */
#include <errno.h>

#include "base/str.h"
#include "cmd/cmd.h"
#include "snapshot/info.h"
#include "snapshot/save.h"

static int print_info(struct invocation *inv, struct source *src)
{
	struct snapshot_info info;
	int r = out_begin(inv->out, &snapshot_info_record);

	if (r < 0)
		return EXIT_USAGE;
	snapshot_info(src, &inv->ctx->arena, &info);
	return out_detail(inv->out, &info) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run_info(struct invocation *inv)
{
	_cleanup_(cleanup_source_close) struct source *src = NULL;
	int r;

	if (inv->from) {
		ctx_error(inv->ctx, NOTE(.code = "usage", .err = EINVAL, .why = "it takes the file as an argument",
					 .hint = "iommuctl snapshot info FILE"), "--from");
		return EXIT_USAGE;
	}
	r = source_open(inv->ctx, inv->argv[0], &src);
	return r < 0 ? r : print_info(inv, src);
}

static int run_save(struct invocation *inv)
{
	_cleanup_(cleanup_source_close) struct source *src = NULL;
	struct snapshot_options opt = {
		.full = inv_opt(inv, "full"),
		.wake = inv_opt(inv, "wake"),
		.force = inv->force || inv_opt(inv, "force"),
	};
	const char *file = inv->argv[0];
	bool to_stdout = streq(file, "-");
	int r;

	if (to_stdout && (out_options(inv->out)->json || isatty(STDOUT_FILENO))) {
		ctx_error(inv->ctx, NOTE(.code = "usage", .err = EINVAL,
					 .why = "standard output is taken by the JSON, or it is a terminal",
					 .hint = "name a file"), "snapshot save -");
		return EXIT_USAGE;
	}
	r = snapshot_save(inv->ctx, inv->source, file, &opt);
	if (r == -EEXIST)
		return EXIT_REFUSED;
	if (r < 0 || to_stdout)
		return r;
	r = source_open(inv->ctx, file, &src);
	return r < 0 ? r : print_info(inv, src);
}

static const struct arg_row save_args[] = {
	{ "FILE", "where to write it; - for standard output", COMPLETE_FILE },
	{ 0 },
};

static const struct arg_row info_args[] = {
	{ "FILE", "a snapshot, a tar of a machine's /sys, a listing of its groups, a directory, or demo", COMPLETE_FILE_OR_DEMO },
	{ 0 },
};

static const struct option_row save_options[] = {
	{ 0, "full", NULL, "with serial numbers, MAC and IP addresses, whole command lines and kernel log" },
	{ 0, "wake", NULL, "read the config space of sleeping devices too, which wakes them" },
	{ 0, "force", NULL, "overwrite FILE even if it is no snapshot" },
	{ 0 },
};

static const char save_text[] =
	"Writes what the reading commands know about this machine into one file, so that they can run "
	"elsewhere with --from FILE and answer as they would here. With --from, converts a tree or tar into a "
	"snapshot.\n\n"
	"The file is a tar, compressed with zstd. It holds files from /sys and /proc by an allow-list: "
	"IOMMUs, groups, devices with their config space, drivers, the ACPI tables DMAR, IVRS, IORT and VIOT, "
	"the kernel's configuration and command line, and as JSON what is in no file: the network, who holds "
	"VFIO devices, the kernel log, what this kernel can do. ROMs, vital product data, BARs and debugfs are "
	"never touched.\n\n"
	"Without --full, serial numbers, MAC and IP addresses and passwords are left out; UUIDs are replaced by "
	"pseudonyms that are the same throughout one snapshot; of the kernel log only the lines about PCI, "
	"IOMMUs and VFIO are kept, and of a holder's command line only the program and the guest's name.\n\n"
	"Run it as root: without, half of the config space and the holders of other users cannot be read. What "
	"could not be read is recorded, and commands on the snapshot say so as they would have on the machine. An "
	"existing FILE is replaced at once or not at all, and only when it is a snapshot.";

static const char info_text[] =
	"Says what a snapshot holds, from which machine and when, and what could not be read there. Takes "
	"whatever --from takes.";

static const struct command commands[] = {
	{
		.verb = "save",
		.summary = "write what is known about this machine into a file",
		.text = save_text,
		.args = save_args,
		.options = save_options,
		.record = &snapshot_info_record,
		.flags = COMMAND_DETAIL,
		.run = run_save,
	},
	{
		.verb = "info",
		.summary = "say what a snapshot holds and what could not be read",
		.text = info_text,
		.args = info_args,
		.record = &snapshot_info_record,
		.flags = COMMAND_DETAIL | COMMAND_NO_SOURCE,
		.run = run_info,
	},
};

const struct noun noun_snapshot = {
	.name = "snapshot",
	.summary = "carry a machine's facts away in a file",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
