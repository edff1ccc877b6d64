/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a capture is known to hold, so that a missing file gets the right one of three answers: missing
 * on that machine, not readable there, not captured.
 *
 * A snapshot says so itself (its manifest and the allow-list). A tree or tar that somebody made by
 * hand does not; there, a part of /sys that every Linux has is taken for not captured when it is
 * absent as a whole.
 */
#ifndef IOMMUCTL_SOURCE_CAPTURE_H
#define IOMMUCTL_SOURCE_CAPTURE_H

#include "base/vec.h"
#include "source/source.h"

/* Raised when an older iommuctl could no longer read the snapshot rightly. */
#define SNAPSHOT_FORMAT 1

#define SNAPSHOT_DIR "iommuctl"
#define SNAPSHOT_MANIFEST SNAPSHOT_DIR "/manifest.json"
/* Of a report: what its author said. */
#define SNAPSHOT_NOTE SNAPSHOT_DIR "/note.txt"
#define SNAPSHOT_SCHEMA "iommuctl.snapshot/1"

struct capture_error {
	const char *path;
	int err; /* negative errno */
};

struct capture_part {
	const char *path;
	bool there;
};

struct capture {
	struct arena arena;
	bool is_snapshot;
	bool full; /* a snapshot with serial numbers and addresses */
	unsigned allow_version; /* of a snapshot: which rows of the allow-list it was made by */
	struct json_object *manifest; /* of a snapshot */
	struct capture_error *errors; /* of a snapshot, sorted by path */
	size_t n_errors;
	bool asking; /* capture_missing() is at work: what it asks gets plain answers */
	VEC(struct capture_part) parts; /* by hand: which parts are there, as far as asked */
};

/*
 * Takes the manifest of a snapshot, @len bytes of JSON. -EBADMSG, -EPROTONOSUPPORT (a newer format),
 * noted in @ctx. Fills in the source's hostname and boot id.
 */
int capture_read_manifest(struct capture *c, struct ctx *ctx, struct source *s, const char *text, size_t len);

/* "EACCES" to -EACCES. An unknown word, or NULL, is -EIO: it could not be read, for whatever reason. */
int capture_errno(const char *word);

void capture_free(struct capture *c);

/*
 * The answer for @path that is not there: -ENOENT, the errno it had when it was captured, or
 * -ENOTCAPTURED. Asks @s what else there is, through its exists and readlink.
 */
int capture_missing(struct capture *c, struct source *s, const char *path);

#endif
