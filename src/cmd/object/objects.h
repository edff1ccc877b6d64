/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands on objects have in common. */
#ifndef IOMMUCTL_CMD_OBJECTS_H
#define IOMMUCTL_CMD_OBJECTS_H

#include "backend/backend.h"
#include "cmd/cmd.h"
#include "cmd/machine.h"
#include "cmd/take.h"

/* -- names and numbers ------------------------------------------------------------------------------------------------ */

/*
 * The object that the user means: its name, or id:N. An id that no command has made is taken as it is (@ret has nothing else then):
 * the kernel knows. An exit code, noted: there is none.
 */
int object_find(struct invocation *inv, const char *word, struct op_object *ret);

/* The same, and it must be a device. */
int object_find_device(struct invocation *inv, const char *word, struct op_object *ret);

/* The option's object; *ret is all 0 when it was not given. */
int object_option(struct invocation *inv, const char *option, struct op_object *ret);

/* The name in words for people: "hwpt1", or "id:7". In the arena. */
const char *object_word(struct invocation *inv, uint32_t id);
const char *device_word(struct invocation *inv, uint32_t handle);

/* A word of a list, or a number of 32 bits; @fallback without the option. The list ends with a NULL word. */
struct type_word {
	const char *word;
	uint32_t type;
};
int option_type(struct invocation *inv, const char *option, const struct type_word *words, const char *fallback, uint32_t *ret);

/*
 * Arguments by their place and options by their name, in the order in which they are looked at: TAKE() ends at the first that is wrong.
 *
 *	r = TAKE(inv, TAKE_NUMBER(1, &op.iova), TAKE_OPT_U32("pasid", &op.pasid), TAKE_DEVICE(0, &device));
 */
struct take {
	enum { TAKE_END, TAKE_IS_NUMBER, TAKE_IS_U32, TAKE_IS_MS, TAKE_IS_OBJECT, TAKE_IS_DEVICE } kind;
	int arg;
	const char *option; /* NULL: the argument */
	void *ret;
};

/* A pointer to anything else does not compile. */
#define TAKE_PTR(type, p) (1 ? (p) : (type *)NULL)
#define TAKE_NUMBER(i, p) { TAKE_IS_NUMBER, (i), NULL, TAKE_PTR(uint64_t, p) }
#define TAKE_U32(i, p) { TAKE_IS_U32, (i), NULL, TAKE_PTR(uint32_t, p) }
#define TAKE_OBJECT(i, p) { TAKE_IS_OBJECT, (i), NULL, TAKE_PTR(struct op_object, p) }
#define TAKE_DEVICE(i, p) { TAKE_IS_DEVICE, (i), NULL, TAKE_PTR(struct op_object, p) }
#define TAKE_OPT_NUMBER(o, p) { TAKE_IS_NUMBER, 0, (o), TAKE_PTR(uint64_t, p) }
#define TAKE_OPT_U32(o, p) { TAKE_IS_U32, 0, (o), TAKE_PTR(uint32_t, p) }
#define TAKE_OPT_MS(o, p) { TAKE_IS_MS, 0, (o), TAKE_PTR(uint32_t, p) }
#define TAKE_OPT_OBJECT(o, p) { TAKE_IS_OBJECT, 0, (o), TAKE_PTR(struct op_object, p) }
#define TAKE(inv, ...) take_list(inv, (const struct take[]){ __VA_ARGS__, { TAKE_END, 0, NULL, NULL } })

/* What TAKE() calls: an exit code, noted. */
int take_list(struct invocation *inv, const struct take *v);

/* -- errors ------------------------------------------------------------------------------------------------------------ */

/* What an errno of one operation means. A table ends with err 0. */
struct errno_text {
	int err;
	const char *why, *hint;
	bool cannot; /* this kernel has no way to do it: EXIT_UNSUPPORTED */
};

/* Of the first operation of an iommufd, which names no object that could be missing. */
#define ERRNO_NO_IOMMUFD                                                                                                 \
	{ ENOENT, "there is no /dev/iommu: this kernel has no iommufd, or it is not loaded",                             \
	  "modprobe iommufd; a kernel without CONFIG_IOMMUFD has device open --legacy only; or rehearse with -M",         \
	  .cannot = true }
#define ERRNO_IOMMUFD_CLOSED { EACCES, "/dev/iommu may not be opened", "run it as root, or have /dev/iommu given to you" }

/*
 * Notes that @what failed with @err: in the words of the table, else of the errno itself. Returns the exit code. With @nr, an ioctl of
 * iommufd, -ENOTTY names the kernel that has it first.
 */
int op_failed(struct invocation *inv, int err, const struct errno_text *texts, uint32_t nr, const char *what, ...) _printf_(5, 6);

/* The same of an operation on @o, which had to be of a kind: -ENOENT says so, where it is of another one or was made by no command. */
int op_failed_on(struct invocation *inv, int err, const struct op_object *o, uint32_t kind, const struct errno_text *texts, uint32_t nr,
		 const char *what, ...) _printf_(7, 8);

/* "q is a faultq, and it takes @wanted": of an object whose kind is none of @kinds, a bit each. NULL: it is one of them, or was made by no command. */
const char *object_misfit(struct invocation *inv, const struct op_object *o, uint32_t kinds, const char *wanted);

/* -- results ------------------------------------------------------------------------------------------------------------- */

/* What every creating command prints: the name alone, or this record. */
struct made_row {
	const char *name, *kind;
	struct num id;
};

extern const struct field made_fields[];
#define N_MADE_FIELDS 3
#define MADE_RECORD(rname) \
	{ .name = (rname), .version = 1, .size = sizeof(struct made_row), .fields = made_fields, .n = N_MADE_FIELDS }

/* Notes that it is done, so that an answer that cannot be written is no failure that left all as before. What is not in a session goes anyway. */
void object_changed(struct invocation *inv);

/* Prints one, which is there now. An exit code. */
int object_made(struct invocation *inv, const char *name, uint32_t kind, uint32_t id);

/* Whether the answer goes out as text, and not as records. */
bool wants_text(const struct invocation *inv);

/* -- the way to the backend ------------------------------------------------------------------------------------------- */

/* The machine's backend, and the command's record begun. An exit code. */
int object_begin(struct invocation *inv, struct backend **ret);

/* Copies inv->as into an operation. */
void take_as(const struct invocation *inv, char *name);

/* All objects, or links, in the arena; how many. Negative errno. */
int object_list(struct invocation *inv, struct op_object **ret, size_t *ret_n);
int link_list(struct invocation *inv, struct op_link **ret, size_t *ret_n);

#endif
