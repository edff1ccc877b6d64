/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line. The rows are also what help, manual page and completion are made from. */
#ifndef IOMMUTOP_OPTIONS_H
#define IOMMUTOP_OPTIONS_H

#include "cmd/cmd.h"

struct options {
	bool batch, json, raw, noheadings, probes, help, version;
	uint32_t samples; /* 0: without end */
	unsigned delay_ms;
	const char *from; /* NULL: this machine */
	unsigned views;	  /* 1 << view_id; what -b writes, and the first is what the screen begins with */
	int frame_w, frame_h; /* --frame; 0: none */
	const char *replay;   /* trace to play; NULL none */
	double speed;
	const char *svg;      /* file for a picture of the frame; NULL none */
	const char *keys;     /* pressed before the frame is drawn */
};

extern const struct option_row top_options[];

/* -EINVAL, noted. Strings are argv's. */
int options_parse(struct ctx *ctx, int argc, char **argv, struct options *ret);

/* What --help prints. */
void options_help(FILE *f);

#endif
