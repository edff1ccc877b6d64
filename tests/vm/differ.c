/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * differ: the kernel and the model, side by side. Random sequences of operations go to both through backend.h; whatever one
 * says otherwise than the other ends the run, with the shortest sequence that was found to show it.
 *
 *	differ [-s SEED] [-n OPERATIONS] [-e OPERATIONS_AN_EPISODE] [-k FIRST_EPISODE] [-m DIFFERENCES] [-v] [-p] [-d DEV]...
 *
 * An episode begins with no objects on both sides. Object ids have to be the same on both: the kernel gives the lowest that is
 * free, and so does the model. An address that the kernel chose is given to the model as a fixed one, after the model has
 * chosen one itself, in a range that is free. The devices are those of the kernel's selftest; with -d
 * PCI devices that are on vfio-pci, and only these.
 *
 * At the end stands what the kernel answered to each operation, how often. -m: goes on until so many differences. -p: with a bug planted in the
 * model, to see that it is found: what was destroyed makes room for another object. Exit 0; 1 they differ; 6 this kernel has no selftest device.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "differ.h"
#include "model/model.h"

const char *devices[8];
size_t n_devices;

static struct ctx ctx;
static struct source *source;
static bool verbose, planted;

typedef VEC(struct step) steps;

/* -- the bug of -p --------------------------------------------------------------------------------------------------------- */

static const struct backend_ops *right;

/* The answer is right when it is given; but an address space has the id of what has gone. */
static int wrong_destroy(struct backend *b, struct op_destroy *op, struct op_data *d)
{
	int r = right->destroy(b, op, d);

	if (r == 0)
		right->ioas_alloc(b, &(struct op_ioas_alloc){ .flags = 0 }, d);
	return r;
}

static void plant(struct backend *model)
{
	static struct backend_ops ops;

	right = model->ops;
	ops = *right;
	ops.destroy = wrong_destroy;
	model->ops = &ops;
}

/* -- runs -------------------------------------------------------------------------------------------------------------------- */

static void begin(struct run *r)
{
	*r = (struct run){ 0 };
	if (backend_open_kernel(&ctx, &r->b[KERNEL]) < 0 || model_open(&ctx, source, NULL, &r->b[MODEL], &r->overlay) < 0) {
		fprintf(stderr, "differ: a backend cannot be opened\n");
		exit(2);
	}
	if (planted)
		plant(r->b[MODEL]);
}

static void end(struct run *r)
{
	for (int side = 0; side < SIDES; side++)
		backend_close(r->b[side]);
	source_close(r->overlay);
	vec_free(&r->slots);
	vec_free(&r->cookies);
	vec_free(&r->places);
}

static void print_ref(const struct step *s, int i)
{
	if (s->ref[i] == (LITERAL | NOTHING))
		return;
	if (s->ref[i] & LITERAL)
		printf(" id:%u", s->ref[i] & ~LITERAL);
	else
		printf(" #%u", s->ref[i]);
}

static void print_step(const struct step *s)
{
	printf("#%u %s", s->uid, op_names[s->op]);
	for (int i = 0; i < 3; i++)
		print_ref(s, i);
	for (size_t i = 0; i < ARRAY_SIZE(s->u); i++)
		if (s->u[i])
			printf(" u%zu=%#x", i, s->u[i]);
	for (size_t i = 0; i < ARRAY_SIZE(s->x); i++)
		if (s->x[i])
			printf(" x%zu=%#" PRIx64, i, s->x[i]);
	printf("\n");
}

/* Whether these steps still differ; how many of them that took. */
static size_t fails(const steps *v, char *say, size_t size)
{
	size_t n = 0;
	struct run r;

	begin(&r);
	for (size_t i = 0; i < v->n && !n; i++)
		if (!step_do(&r, &v->v[i])) {
			n = i + 1;
			snprintf(say, size, "%s", r.say);
		}
	end(&r);
	return n;
}

/* Takes away halves, quarters, … single steps, as long as what is left differs. */
static void shrink(steps *v, char *say, size_t size)
{
	for (size_t chunk = v->n / 2 ? v->n / 2 : 1; chunk; chunk = chunk == 1 ? 0 : (chunk + 1) / 2) {
		for (size_t at = 0; at + chunk <= v->n;) {
			steps less = { 0 };
			size_t n;

			for (size_t i = 0; i < v->n; i++)
				if (i < at || i >= at + chunk)
					*vec_push(&less) = v->v[i];
			n = fails(&less, say, size);
			if (n) {
				less.n = n;
				vec_free(v);
				*v = less;
			} else {
				vec_free(&less);
				at += chunk;
			}
		}
	}
	fails(v, say, size);
}

#define REF(n) (n)
#define NONE (LITERAL | NOTHING)

/* Most episodes begin in a furnished room: one of everything, attached. */
static const struct step furniture[] = {
	{ .op = OP_ioas_alloc, .ref = { NONE, NONE, NONE } },
	{ .op = OP_ioas_alloc, .ref = { NONE, NONE, NONE } },
	{ .op = OP_device_open, .ref = { REF(0), NONE, NONE }, .u = { OP_OPEN_MOCK_PASID } },
	{ .op = OP_device_open, .ref = { REF(0), NONE, NONE }, .u = { OP_OPEN_MOCK_PASID } },
	{ .op = OP_device_open, .ref = { REF(1), NONE, NONE } },
	{ .op = OP_faultq_alloc, .ref = { NONE, NONE, NONE } },
	{ .op = OP_hwpt_alloc, .ref = { REF(2), REF(0), NONE }, .u = { IOMMU_HWPT_ALLOC_NEST_PARENT } },
	{ .op = OP_hwpt_alloc, .ref = { REF(2), REF(1), NONE }, .u = { IOMMU_HWPT_ALLOC_DIRTY_TRACKING } },
	{ .op = OP_hwpt_alloc, .ref = { REF(2), REF(0), NONE }, .u = { IOMMU_HWPT_ALLOC_PASID } },
	{ .op = OP_viommu_alloc, .ref = { REF(2), REF(6), NONE }, .u = { 0, IOMMU_VIOMMU_TYPE_SELFTEST } },
	{ .op = OP_vdevice_alloc, .ref = { REF(9), REF(2), NONE }, .x = { 5 } },
	{ .op = OP_veventq_alloc, .ref = { REF(9), NONE, NONE }, .u = { IOMMU_VEVENTQ_TYPE_SELFTEST, 2 } },
	{ .op = OP_hwpt_alloc, .ref = { REF(2), REF(9), NONE }, .u = { 0, IOMMU_HWPT_DATA_SELFTEST, 8 } },
	{ .op = OP_hwpt_alloc, .ref = { REF(3), REF(6), REF(5) }, .u = { IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID, IOMMU_HWPT_DATA_SELFTEST, 8, 0, 1 } },
	{ .op = OP_device_attach, .ref = { REF(2), REF(12), NONE } },
	{ .op = OP_device_attach, .ref = { REF(3), REF(13), NONE } },
	{ .op = OP_ioas_map, .ref = { REF(0), NONE, NONE }, .u = { OP_MAP_FIXED | OP_MAP_READ | OP_MAP_WRITE }, .x = { BASE, 0x10000 } },
	{ .op = OP_ioas_map, .ref = { REF(1), NONE, NONE }, .u = { OP_MAP_FIXED | OP_MAP_READ }, .x = { BASE, 0x8000 } },
};

/* The same of real devices: the first and the last one, which may be of one group. */
static const struct step real_furniture[] = {
	{ .op = OP_ioas_alloc, .ref = { NONE, NONE, NONE } },
	{ .op = OP_ioas_alloc, .ref = { NONE, NONE, NONE } },
	{ .op = OP_device_open, .ref = { NONE, NONE, NONE } },
	{ .op = OP_device_open, .ref = { NONE, NONE, NONE }, .u = { 0, 0, UINT32_MAX } },
	{ .op = OP_hwpt_alloc, .ref = { REF(2), REF(0), NONE } },
	{ .op = OP_hwpt_alloc, .ref = { REF(3), REF(1), NONE } },
	{ .op = OP_device_attach, .ref = { REF(2), REF(4), NONE } },
	{ .op = OP_device_attach, .ref = { REF(3), REF(1), NONE } },
	{ .op = OP_ioas_map, .ref = { REF(0), NONE, NONE }, .u = { OP_MAP_FIXED | OP_MAP_READ | OP_MAP_WRITE }, .x = { BASE, 0x10000 } },
};

static void next_step(struct run *r, struct step *s, bool furnished)
{
	const struct step *room = n_devices ? real_furniture : furniture;
	uint32_t uid = s->uid;

	if (furnished && uid < (n_devices ? ARRAY_SIZE(real_furniture) : ARRAY_SIZE(furniture))) {
		*s = room[uid];
		s->uid = uid;
		return;
	}
	chance_step(r, s);
}

/* An episode's seed is that of the run and its number: one alone can be run again with -s SEED -k NUMBER. */
static bool episode(uint64_t seed, uint64_t number, size_t length)
{
	char say[sizeof(((struct run *)NULL)->say)] = "";
	bool agree = true, furnished = number % 4;
	steps v = { 0 };
	struct run r;

	chance_begin(seed ^ number * 0xd1342543de82ef95);
	counting = true;
	begin(&r);
	while (agree && v.n < length) {
		struct step s = { .uid = v.n };

		next_step(&r, &s, furnished);
		*vec_push(&v) = s;
		if (verbose)
			print_step(&s);
		agree = step_do(&r, &s);
	}
	snprintf(say, sizeof(say), "%s", r.say);
	end(&r);
	counting = false;
	if (!agree) {
		printf("seed %" PRIu64 ", episode %" PRIu64 ": step %zu differs:%s\n", seed, number, v.n, say);
		fflush(stdout);
		shrink(&v, say, sizeof(say));
		printf("the shortest sequence found:\n");
		for (size_t i = 0; i < v.n; i++)
			print_step(&v.v[i]);
		printf("\t%s\n", say);
	}
	vec_free(&v);
	return agree;
}

static void print_answers(void)
{
	for (int op = 0; op < OP_MAX; op++) {
		if (!step_known(op) || (n_devices && strstarts(op_names[op], "mock_")))
			continue;
		printf("%s:", op_names[op]);
		for (int e = 0; e < ERRNOS; e++)
			if (answers[op][e])
				printf(" %s %u", e ? strerrorname_np(e) : "ok", answers[op][e]);
		printf("\n");
	}
}

static void look_for_mock(void)
{
	struct op_device_open op = { .bus = "mock", .dev = "mock", .group = OP_NO_GROUP };
	struct run r;
	int e;

	begin(&r);
	e = backend_device_open(r.b[KERNEL], &op, NULL);
	end(&r);
	if (!e)
		return;
	fprintf(stderr, "differ: no selftest device: %s\n", answer(e));
	exit(6);
}

/* The devices that the kernel's side has open are this process's: to the model nobody holds them. */
static int nobody(struct ctx *c, struct json_object **ret)
{
	(void)c;
	*ret = json_tokener_parse("{\"complete\": true, \"unseen\": 0, \"held\": []}");
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, operations = 100000, length = 400, first = 0, done = 0;
	unsigned differ = 0, most = 1;
	int o;

	while ((o = getopt(argc, argv, "s:n:e:k:m:vpd:")) >= 0) {
		switch (o) {
		case 's': seed = strtoull(optarg, NULL, 0); break;
		case 'n': operations = strtoull(optarg, NULL, 0); break;
		case 'e': length = strtoull(optarg, NULL, 0); break;
		case 'k': first = strtoull(optarg, NULL, 0); break;
		case 'm': most = strtoul(optarg, NULL, 0); break;
		case 'v': verbose = true; break;
		case 'p': planted = true; break;
		case 'd':
			if (n_devices == ARRAY_SIZE(devices))
				return 2;
			devices[n_devices++] = optarg;
			break;
		default: return 2;
		}
	}
	if (source_open_live(&ctx, &source) < 0)
		return 2;
	source_set_provider(SECTION_HOLDERS, nobody);
	if (!n_devices)
		look_for_mock();
	for (uint64_t k = first; done < operations && differ < most; k++, done += length)
		differ += !episode(seed, k, length);
	print_answers();
	printf("%" PRIu64 " operations in episodes of %" PRIu64 ", seed %" PRIu64 ": %s\n", done, length, seed, differ ? "they differ" : "no difference");
	source_close(source);
	ctx_free(&ctx);
	return differ ? 1 : 0;
}
