/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of the noun faults share. */
#ifndef IOMMUCTL_CMD_FAULTS_H
#define IOMMUCTL_CMD_FAULTS_H

#include "cmd/cmd.h"
#include "diag/faults.h"

/* The pieces of a fault's text, each its own lines. @lines: say the lines of the file that it was read from. */
void fault_print_who(struct out *o, const struct fault_row *r);
void fault_print_what(struct out *o, const struct fault_row *r, uint64_t count);
void fault_print_place(struct out *o, const struct fault_row *r, bool lines);
void fault_print_advice(struct out *o, const struct fault_row *r);

/* An order in which records that differ in their addresses only are equal: these are one story, and shown together. */
int fault_order_of_stories(const struct fault_row *a, const struct fault_row *b);

extern const struct option_row faults_watch_options[];
extern const char faults_watch_text[];
int faults_watch_run(struct invocation *inv);

#endif
