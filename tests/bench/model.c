// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How fast the model is, in the time of one processor: a million ranges mapped, and unmapped in another order; a million times attach,
 * replace, detach. The latter is to take less than a second; says so, and exits 1, when it does not.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "model/model.h"

#define N 1000000u
#define DEVICE "0000:01:00.0"

static struct backend *b;

static void die(const char *what, int r)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-r));
	exit(2);
}

static int check(const char *what, int r)
{
	if (r < 0)
		die(what, r);
	return r;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void report(const char *what, double from, double limit)
{
	double t = now() - from;

	printf("%s\t%.3f s\t-\t-\t< %g s\n", what, t, limit);
}

static uint32_t ioas(void)
{
	struct op_ioas_alloc op = { .flags = 0 };

	check("ioas", backend_ioas_alloc(b, &op, NULL));
	return op.ret_id;
}

/* Pages with a page between them, so that no two are one range; unmapped in steps of a prime. */
static void maps(uint32_t id, bool chosen)
{
	double t = now();

	for (uint32_t i = 0; i < N; i++) {
		struct op_ioas_map op = { .ioas_id = id, .flags = (chosen ? 0 : OP_MAP_FIXED) | OP_MAP_READ, .iova = (i + 1) * 8192ull, .length = 4096 };

		check("map", backend_ioas_map(b, &op, NULL));
	}
	report(chosen ? "a million maps, addresses chosen" : "a million maps", t, 10);
	t = now();
	for (uint32_t i = 0; i < N && !chosen; i++) {
		struct op_ioas_unmap op = { .ioas_id = id, .iova = (i * 7919ull % N + 1) * 8192, .length = 4096 };

		check("unmap", backend_ioas_unmap(b, &op, NULL));
	}
	if (chosen)
		check("unmap", backend_ioas_unmap(b, &(struct op_ioas_unmap){ .ioas_id = id, .length = UINT64_MAX }, NULL));
	report(chosen ? "unmapped together" : "a million unmaps", t, 10);
}

static void attach(uint32_t handle, uint32_t pt)
{
	struct op_device_attach op = { .handle = handle, .pt_id = pt };

	check("attach", backend_device_attach(b, &op, NULL));
}

static uint32_t hwpt(uint32_t handle, uint32_t pt)
{
	struct op_hwpt_alloc op = { .handle = handle, .pt_id = pt };

	check("hwpt", backend_hwpt_alloc(b, &op, NULL));
	return op.ret_id;
}

static void moves(uint32_t handle, uint32_t one, uint32_t two, const char *what)
{
	double t = now();

	for (uint32_t i = 0; i < N; i++) {
		attach(handle, one);
		attach(handle, two);
		check("detach", backend_device_detach(b, &(struct op_device_detach){ .handle = handle }, NULL));
	}
	report(what, t, 1);
}

static uint32_t open_device(struct source *s)
{
	struct op_device_open op = { .bus = "pci", .dev = DEVICE };
	char driver[128];
	pid_t pid;

	check("override", backend_set_override(b, "pci", DEVICE, "vfio-pci"));
	if (source_readlink_name(s, "sys/bus/pci/devices/" DEVICE "/driver", driver, sizeof(driver)) == 0)
		check("unbind", backend_unbind(b, "pci", DEVICE, driver, 1000, &pid));
	check("bind", backend_bind(b, "pci", DEVICE, "vfio-pci"));
	check("open", backend_device_open(b, &op, NULL));
	return op.ret_handle;
}

int main(int argc, char **argv)
{
	struct source *base, *s;
	struct ctx ctx = { 0 };
	uint32_t h, one, two;

	check("source", source_open(&ctx, argc > 1 ? argv[1] : "demo", &base));
	check("model", model_open(&ctx, base, NULL, &b, &s));
	one = ioas();
	two = ioas();
	maps(one, false);
	maps(one, true);
	h = open_device(s);
	moves(h, hwpt(h, one), hwpt(h, two), "a million attach, replace, detach");
	moves(h, one, two, "the same, page tables made on the way");
	backend_close(b);
	source_close(s);
	source_close(base);
	ctx_free(&ctx);
	return 0;
}
