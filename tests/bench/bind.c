// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bind: what a bind of a group of 8 costs the program itself: facts, guard, group check, journal, the moves; everything but what the kernel does. The
 * kernel is played by a backend that turns links in a tree of a machine, and whose time is taken off. Processor time: a busy machine must not count.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../unit/machine.h"
#include "act/move.h"
#include "base/str.h"
#include "diag/guard.h"
#include "diag/viability.h"

#define N_GROUP	 8
#define N_OTHERS 504
#define ROUNDS	 20

static struct machine m;
static double in_kernel;
static double spent[3]; /* facts, judgements, moves */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int played_override(struct backend *b, const char *bus, const char *dev, const char *driver)
{
	double start = now();
	char path[SRC_PATH_MAX];

	(void)b;
	PATHF(path, "sys/bus/%s/devices/%s/driver_override", bus, dev);
	machine_file(&m, path, "%s\n", driver ? driver : "(null)");
	in_kernel += now() - start;
	return 0;
}

static int played_unbind(struct backend *b, const char *bus, const char *dev, const char *driver, int timeout_ms, pid_t *ret_pid)
{
	double start = now();
	char path[SRC_PATH_MAX];

	(void)b, (void)driver, (void)timeout_ms, (void)ret_pid;
	PATHF(path, "sys/bus/%s/devices/%s/driver", bus, dev);
	machine_remove(&m, path);
	in_kernel += now() - start;
	return 0;
}

static int played_bind(struct backend *b, const char *bus, const char *dev, const char *driver)
{
	double start = now();
	char path[SRC_PATH_MAX], target[SRC_PATH_MAX];

	(void)b;
	PATHF(path, "sys/bus/%s/devices/%s/driver", bus, dev);
	PATHF(target, "../../../bus/%s/drivers/%s", bus, driver);
	machine_link(&m, path, target);
	in_kernel += now() - start;
	return 0;
}

static const struct backend_ops played = {
	.set_override = played_override,
	.unbind = played_unbind,
	.bind = played_bind,
	.watch_nodes = machine_no_nodes,
};

static void build(void)
{
	char path[64];

	machine_new(&m);
	machine_pci(&m, &(struct machine_pci){ "0000:00:01.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1, .driver = "pcieport" });
	for (int i = 0; i < N_GROUP + N_OTHERS; i++) {
		struct machine_pci p = { .path = path, .group = i < N_GROUP ? 2 : 3 + i, .driver = "e1000e", .multi = true };

		snprintf(path, sizeof(path), "0000:00:01.0/0000:%02x:%02x.%x", 1 + i / 256, i / 8 % 32, i % 8);
		machine_pci(&m, &p);
		snprintf(path, sizeof(path), "sys/bus/pci/devices/0000:%02x:%02x.%x/driver_override", 1 + i / 256, i / 8 % 32, i % 8);
		machine_file(&m, path, "(null)\n");
	}
	machine_file(&m, "proc/1/mountinfo", "20 1 0:19 / /proc rw - proc proc rw\n");
	machine_file(&m, "iommuctl/network.json", "{\"links\":[],\"addresses\":[],\"routes\":[]}");
	machine_file(&m, "iommuctl/holders.json", "{\"complete\":true,\"unseen\":0,\"why\":null,\"held\":[]}");
}

/* As device bind does it, from facts to the last look. */
static void bind_group(const char *dir, const char *to)
{
	struct backend be = { .ops = &played };
	struct guard_facts *facts;
	struct viability viable;
	struct journal *j = NULL;
	struct mover mover;
	struct group *g;
	struct move v[N_GROUP];
	double start = now();

	machine_load(&m);
	spent[0] = now() - start;
	start = now();
	if (journal_open(&m.ctx, dir, "boot", 0, NULL, &j) < 0)
		abort();
	mover = (struct mover){ .ctx = &m.ctx, .src = m.src, .be = &be, .j = j };
	g = host_group(m.host, 2);
	facts = guard_facts_read(m.host, NULL);
	for (size_t i = 0; i < N_GROUP; i++) {
		struct guard guard;

		if (move_look(&mover, "pci", g->devices[i]->name, &v[i]) < 0)
			abort();
		v[i].to = to;
		device_guard(facts, g->devices[i], g->devices, N_GROUP, &guard);
	}
	for (int after = 0; after < 2; after++)
		group_check(m.host, &(struct question){ .group = g, .after_bind = after }, &viable);
	spent[1] = now() - start;
	start = now();
	if (move_all(&mover, v, N_GROUP) != MOVES_DONE)
		abort();
	journal_close(j);
	spent[2] = now() - start - in_kernel;
}

int main(void)
{
	char dir[] = "/dev/shm/iommuctl-bench.XXXXXX", file[64];
	double best[4] = { 1e9 };

	build();
	if (!mkdtemp(dir))
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		in_kernel = 0;
		bind_group(dir, i & 1 ? "e1000e" : "vfio-pci");
		if (spent[0] + spent[1] + spent[2] < best[0]) {
			best[0] = spent[0] + spent[1] + spent[2];
			memcpy(best + 1, spent, sizeof(spent));
		}
	}
	printf("bind a group of 8, of 520 devices\t%.1f ms\t-\t-\t< 20 ms\n", best[0]);
	printf("  of it facts, judgements, moves\t%.1f, %.1f, %.1f ms\t-\t-\t-\n", best[1], best[2], best[3]);
	for (size_t i = 0; i < 2; i++) {
		snprintf(file, sizeof(file), "%s/%s", dir, i ? "lock" : "bindings.json");
		unlink(file);
	}
	rmdir(dir);
	machine_free(&m);
	return 0;
}
