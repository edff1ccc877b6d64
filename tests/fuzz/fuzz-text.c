// SPDX-License-Identifier: GPL-2.0-or-later
/* Texts of other programs and of the kernel, each with a reader of its own: any bytes as each of them. */
#include "fuzz.h"

#include <string.h>

#include "cmd/object/objects.h"
#include "diag/messages.h"
#include "host/switches.h"
#include "snapshot/scrub.h"
#include "source/holders.h"
#include "source/kmsg.h"
#include "source/open.h"
#include "source/probes.h"

/* dmesg's output, or a log file; and what taking out what is private makes of it. */
FUZZ_TARGET(kmsg)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	struct json_object *doc = kmsg_from_text(text, size);
	struct arena a = { 0 };
	size_t len = size, again;
	char *clean = scrub_text(&a, 1, text, &len), *twice;

	fuzz_check(!clean[len]);
	again = len;
	twice = scrub_text(&a, 1, clean, &again);
	fuzz_check(!twice[again]);
	kmsg_concerns_us(text);
	json_object_put(doc);
	arena_free(&a);
	return 0;
}

/* /proc/PID/cgroup, or, with a first byte that is odd, the arguments of a hypervisor, parted by NULs. */
FUZZ_TARGET(holder)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	const char *args[64];
	struct held h = { 0 };
	struct arena a = { 0 };
	size_t n = 0;

	if (size && data[0] & 1) {
		for (size_t at = 1; at < size && n < ARRAY_SIZE(args); at += strlen(text + at) + 1)
			args[n++] = text + at;
		holder_from_args(&a, &STRS(args, n), &h);
	} else if (size) {
		holder_from_cgroup(&a, text + 1, &h);
	}
	arena_free(&a);
	return 0;
}

/* The kernel command line, or, with a first byte that is odd, its configuration. */
FUZZ_TARGET(cmdline)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	struct switches sw = { 0 };
	struct arena a = { 0 };

	if (size && data[0] & 1) {
		kconfig_parse(&sw, text + 1);
		for (size_t i = 0; i < CONFIG_MAX_; i++)
			fuzz_check(!sw.config[i] || strchr("ymn", sw.config[i]));
	} else if (size) {
		sw.n_params = cmdline_parse(&a, text + 1, &sw.params);
		for (size_t i = 0; i < sw.n_params; i++)
			fuzz_check(boot_param(&sw, sw.params[i].name));
		boot_param_word(&sw, "pci", "disable_acs_redir=");
	}
	arena_free(&a);
	return 0;
}

/* Error messages that somebody pastes. */
FUZZ_TARGET(messages)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	struct arena a = { 0 };

	messages_explain(&a, text);
	arena_free(&a);
	return 0;
}

/* Listings of groups that somebody pastes. Whatever they name is a tree that can be walked. */
FUZZ_TARGET(listing)
{
	struct source *s = NULL;
	struct arena a = { 0 };
	struct ctx ctx = { 0 };
	struct src_list l;

	if (source_open_listing(&ctx, "fuzz", (const char *)data, size, &s) == 0) {
		fuzz_check(source_list(s, "sys/kernel/iommu_groups", &a, &l) == 0 || source_list(s, "sys/bus/pci/devices", &a, &l) == 0);
		fuzz_check(!source_exists(s, "sys/class/iommu"));
	}
	source_close(s);
	arena_free(&a);
	ctx_free(&ctx);
	return 0;
}

/* Numbers of people: 4K, 0x1000, 2M. What is taken is taken the same when it is written as a number. */
FUZZ_TARGET(numbers)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	char plain[32];
	uint64_t v, again;

	if (parse_size(text, &v) == 0) {
		snprintf(plain, sizeof(plain), "%llu", (unsigned long long)v);
		fuzz_check(parse_size(plain, &again) == 0 && again == v);
	}
	return 0;
}
