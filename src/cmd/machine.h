/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What commands see: a source of facts and a backend that acts, chosen once: by the command line for one command, by
 * batch and shell for all of theirs.
 */
#ifndef IOMMUCTL_CMD_MACHINE_H
#define IOMMUCTL_CMD_MACHINE_H

#include <signal.h>

#include "backend/backend.h"
#include "base/vec.h"
#include "source/source.h"

struct arguments;

/* A change that is still there when the batch ends: "0000:01:00.0", "on vfio-pci". */
struct stay {
	const char *what, *how;
	const char *before; /* how it was when the batch first changed it; NULL not known */
};

struct machine {
	struct ctx *ctx; /* outlives all below; what the source and the backend have to say comes here */
	struct source *source, *base; /* base: below the model's overlay, else NULL */
	struct backend *be;	      /* machine_backend() */
	bool model;		      /* acts go to a model, be it ours or a session's */
	bool lasting;		      /* objects outlive a command: batch, shell, session */
	const char *session;	      /* its name; NULL none */
	const char *journal;	      /* directory of a model's journal; NULL: the machine's */
	bool journal_ours;
	VEC(struct stay) stays;
};

/*
 * Opens what --from, -M and --session say. An exit code, noted in @ctx.
 */
int machine_open(struct ctx *ctx, const struct arguments *a, struct machine *ret);
void machine_close(struct machine *m);

/* The backend, opened on first use; a workspace. An exit code, noted. */
int machine_backend(struct machine *m, struct backend **ret);

/* Where moves are written down. A model has a journal of its own. An exit code, noted. */
int machine_journal(struct machine *m, const char **ret);

/* Remembers for the batch's last line that @what was left in another state; @how NULL: it is as before. */
void machine_stays(struct machine *m, const char *what, const char *how);

/* The same of what was @before, and may become that again. */
void machine_changed(struct machine *m, const char *what, const char *before, const char *how);

/* From now on a signal that ends a program only sets this flag: SIGINT, SIGTERM, and SIGHUP unless it is ignored, as under nohup. */
const volatile sig_atomic_t *interrupt_catch(void);

/* A shell goes on after one. */
void interrupt_clear(void);

#endif
