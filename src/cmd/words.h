/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line of a batch taken apart into words, quoted as POSIX sh does. Pure. */
#ifndef IOMMUCTL_CMD_WORDS_H
#define IOMMUCTL_CMD_WORDS_H

#include "base/arena.h"

/* The longest line, continuations included. */
#define LINE_MAX_BYTES (64 * 1024)

/* The value of a variable; NULL: it is not set. */
typedef const char *(*words_value)(void *arg, const char *name);

struct words {
	char **v; /* ends with NULL */
	int n;
	/* when it went wrong */
	const char *why, *hint;
	size_t at; /* byte of the line, from 1 */
};

/*
 * Single and double quotes, backslash, $NAME and ${NAME} without splitting, # at a word's start. There is no
 * other expansion, and an operator of the shell that is not quoted is a mistake, as is a variable that is not set.
 * Everything is in the arena. -EINVAL: see why and at.
 */
int words_split(struct arena *a, const char *line, size_t len, words_value value, void *arg, struct words *ret);

/* [A-Za-z_][A-Za-z0-9_]*, as much as there is of it at @s; 0: none. */
size_t variable_len(const char *s);

#endif
