/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers out of arguments and options, and what is said of those that are none. Every command takes them here, so that
 * they are written alike and refused alike. Those that return an exit code return EXIT_USAGE for what is wrong, noted.
 */
#ifndef IOMMUCTL_CMD_TAKE_H
#define IOMMUCTL_CMD_TAKE_H

#include <sys/types.h>

#include "cmd/cmd.h"

/* A value that cannot be one: EXIT_USAGE. @hint NULL: where the help is. */
int bad_argument(struct invocation *inv, const char *what, const char *why, const char *hint);

/* Arguments that do not fit together, or not here: EXIT_USAGE. */
int bad_usage(struct invocation *inv, const char *what, const char *why, const char *hint);

/* "hwpt alloc", in the arena. */
const char *command_name(struct invocation *inv);

/* Decimal or 0x, with K, M, G, T (of 1024; or k, m, g, t) behind it: 0 and the number, -EINVAL or -ERANGE. Pure. */
int parse_size(const char *s, uint64_t *ret);

/* The same as an exit code, with @what in the note: not a number, or beyond 64 bits. */
int take_number(struct invocation *inv, const char *what, const char *text, uint64_t *ret);

/* The same for 32 bits. */
int take_u32(struct invocation *inv, const char *what, const char *text, uint32_t *ret);

/* The option's number; untouched when it was not given. */
int option_number(struct invocation *inv, const char *option, uint64_t *ret);
int option_u32(struct invocation *inv, const char *option, uint32_t *ret);

/* The option's seconds, 0 to @most of them; untouched when it was not given. */
int option_seconds(struct invocation *inv, const char *option, double most, double *ret);

/* The same in milliseconds, a million seconds at the most. */
int option_ms(struct invocation *inv, const char *option, uint32_t *ret);

/* --driver: EXIT_USAGE for what no driver can be called; untouched when it was not given. */
int option_driver(struct invocation *inv, const char **ret);

/* -d, --duration: more than 0 seconds; untouched when it was not given. */
int option_duration(struct invocation *inv, double *ret);

/* The option's process; untouched when it was not given. Whether there is one is not looked at. */
int option_pid(struct invocation *inv, const char *option, pid_t *ret);

#endif
