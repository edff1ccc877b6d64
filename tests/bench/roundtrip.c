/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * roundtrip SESSION: what one operation through a session costs, from the call to its answer: "MEDIAN HIGH" in microseconds, HIGH what 99
 * of 100 stay below. Half of them ask for an object, half make one and destroy it.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backend/backend.h"
#include "session/remote.h"

#define N 20000u

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int one(struct backend *b, unsigned i, uint32_t *id)
{
	struct op_ioas_alloc make = { .flags = 0 };
	int r;

	switch (i % 4) {
	case 0:
		r = backend_ioas_alloc(b, &make, NULL);
		*id = make.ret_id;
		return r;
	case 1:
		return backend_destroy(b, &(struct op_destroy){ .id = *id }, NULL);
	default:
		return backend_object_list(b, &(struct op_object_list){ 0 }, NULL);
	}
}

int main(int argc, char **argv)
{
	static double took[N];
	struct session_info info;
	struct ctx ctx = { 0 };
	struct backend *b;
	uint32_t id = 0;

	if (argc != 2 || session_connect(&ctx, argv[1], &info, &b) < 0) {
		fprintf(stderr, "roundtrip: no such session\n");
		return 2;
	}
	for (unsigned i = 0; i < N; i++) {
		double from = now_us();
		int r = one(b, i, &id);

		took[i] = now_us() - from;
		if (r < 0) {
			fprintf(stderr, "roundtrip: %s\n", strerror(-r));
			return 1;
		}
	}
	qsort(took, N, sizeof(*took), compare);
	printf("%.1f %.1f\n", took[N / 2], took[N / 100 * 99]);
	backend_close(b);
	ctx_free(&ctx);
	return 0;
}
