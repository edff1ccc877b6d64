/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the documents of the sections about the kernel's memory have in common. Reading: what is missing, or of another type, is unknown. */
#ifndef IOMMUCTL_KMEM_PARTS_H
#define IOMMUCTL_KMEM_PARTS_H

#include "kmem/ownership.h"

/* A new member that is an empty array, and a new object at an array's end. */
struct json_object *part_put_array(struct json_object *o, const char *key);
struct json_object *part_put_element(struct json_object *array);

/* Null where it is unknown. */
void part_put_int(struct json_object *o, const char *key, struct num n);
void part_put_tri(struct json_object *o, const char *key, int tri);
/* JSON's integers end at 63 bits in many readers: masks and addresses are words. */
void part_put_hex(struct json_object *o, const char *key, struct num n);
struct num part_get_hex(struct json_object *o, const char *key);

/* A domain, and the same read back; strings in @a. */
void part_put_domain(struct json_object *to, const struct owned_domain *d);
struct owned_domain part_get_domain(struct arena *a, struct json_object *from);

/* A process, and the same read back. */
void part_put_process(struct json_object *to, const struct owner_process *p);
struct owner_process part_get_process(struct arena *a, struct json_object *from);

/* One without code or what is none. */
void part_put_obstacle(struct json_object *to, const struct obstacle *b);
struct obstacle part_get_obstacle(struct arena *a, struct json_object *from);

/*
 * Ends the reading of a section: gives @doc back, and warns when @r, what reading it came to, is an error. Returns @r.
 */
int part_loaded(struct ctx *ctx, const struct source *src, enum source_section which, struct json_object *doc, int r);

#endif
