/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a judgement returns: verdict, reasons, evidence, remedies. Judgements are pure functions of
 * facts; they print nothing and change nothing. Strings are in the arena that the judgement was given
 * (the host's).
 */
#ifndef IOMMUCTL_DIAG_FINDING_H
#define IOMMUCTL_DIAG_FINDING_H

#include "base/arena.h"
#include "base/vec.h"
#include "out/record.h"

enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_PROBLEM, SEVERITY_UNKNOWN };

/* Rendered as they are: their record types are remedy_record, reason_record (finding.c). */
struct remedy {
	const char *text;    /* what it does, one sentence */
	const char *command; /* exact, to be pasted; NULL when it is not a command */
	int unsafe;	     /* enum tri: weakens the machine's protection; listed last, marked */
};

struct reason {
	const char *code;     /* stable word: "native-driver", "direct-region", … */
	const char *severity; /* note, warning, problem, unknown */
	const char *text;     /* one sentence for people */
	const char *device, *driver; /* the offender, NULL none */
	const char *file;     /* the evidence: path on that machine */
	const char *value;    /* what was read there */
	struct rows remedies; /* of struct remedy */
};

extern const struct record_type remedy_record, reason_record;

/* Builder used by the judgements: reasons in order, each with its remedies. */
struct finding {
	struct arena *arena;
	VEC(struct reason) reasons;
};

/* Appends and returns the reason to be filled in; valid until the next. */
struct reason *finding_add(struct finding *f, enum severity severity, const char *code);

/* Appends a remedy to the last reason; strings are copied. @command may be NULL. */
void finding_remedy(struct finding *f, bool unsafe, const char *command, const char *fmt, ...)
	_printf_(4, 5);

/* Names come from the machine looked at: one with a blank or a quote in it goes into no command. */
bool safe_in_command(const char *s);

/* The reasons as rows, moved into the arena; unsafe remedies sorted last. */
struct rows finding_rows(struct finding *f);

#endif
