/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of differ: what a step is, who makes one up, who does it on both sides. */
#ifndef IOMMUCTL_TESTS_DIFFER_H
#define IOMMUCTL_TESTS_DIFFER_H

#include "abi/iommufd.h"
#include "abi/selftest.h"
#include "backend/backend.h"
#include "base/str.h"

enum { KERNEL, MODEL, SIDES };

/* A reference to what another step made, or a number as it is (LITERAL set). */
#define LITERAL 0x80000000u
#define NOTHING 0x7ffffff0u /* the id of what no step has made */

struct step {
	uint32_t uid;
	uint8_t op;	  /* enum op_nr */
	uint32_t ref[3];  /* objects */
	uint32_t u[6];
	uint64_t x[4];
};

/* What a step has made. */
struct slot {
	uint8_t op;
	bool live;
	uint32_t id;
	uint32_t handle[SIDES];
};

struct cookie {
	uint32_t queue, cookie;
};

/* Where something was mapped, in whichever address space: places worth coming back to. */
struct place {
	uint32_t ioas; /* reference */
	uint64_t iova, length;
};

struct run {
	struct backend *b[SIDES];
	struct source *overlay;
	VEC(struct slot) slots; /* by uid */
	VEC(struct cookie) cookies;
	VEC(struct place) places;
	char say[8192]; /* of the last step: what differs */
	size_t said;
};

/* Real devices, by -d; none: the selftest's. */
extern const char *devices[8];
extern size_t n_devices;

/* -- differ-steps.c ------------------------------------------------------------------------------------------------------- */

/* How often the kernel said what to which operation, as long as counting is on. */
#define ERRNOS 134
extern unsigned answers[OP_MAX][ERRNOS];
extern bool counting;

/* Does one operation on both sides and compares: true when they agree, else r->say has what differs. */
bool step_do(struct run *r, const struct step *s);

/* Whether a step of that operation can be done. */
bool step_known(uint8_t op);

/* "EBUSY"; "0" for success. */
const char *answer(int r);

/* -- differ-chance.c ------------------------------------------------------------------------------------------------------- */

/* Where things are mapped most often. */
#define BASE UINT64_C(0x1000000)

extern const char *const op_names[OP_MAX];

/* All that is made up from here on follows from @seed. */
void chance_begin(uint64_t seed);

/* Makes a step up: an operation that has something to be about, and its arguments. */
void chance_step(struct run *r, struct step *s);

#endif
