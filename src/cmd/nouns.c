// SPDX-License-Identifier: GPL-2.0-or-later
/* Which nouns there are. A noun defines its struct in its own file and is named here, in the order of help. */
#include <errno.h>

#include "base/str.h"
#include "cmd/cmd.h"

extern const struct noun noun_complete, noun_help;
extern const struct noun noun_device;
extern const struct noun noun_doctor;
extern const struct noun noun_faults;
extern const struct noun noun_group;
extern const struct noun noun_iommu;
extern const struct noun noun_snapshot;
extern const struct noun noun_ioctls;
extern const struct noun noun_owner;
extern const struct noun noun_why;
extern const struct noun noun_report;
extern const struct noun noun_persisted;
extern const struct noun noun_trace;
extern const struct noun noun_metrics;
extern const struct noun noun_plan;
extern const struct noun noun_replay;
extern const struct noun noun_batch, noun_session, noun_shell;
extern const struct noun noun_hwpt, noun_ioas, noun_object;
extern const struct noun noun_faultq, noun_hwqueue, noun_mock, noun_vdevice, noun_veventq, noun_viommu;

const struct noun *const nouns[] = {
	&noun_iommu,
	&noun_group,
	&noun_device,
	&noun_ioas,
	&noun_hwpt,
	&noun_viommu,
	&noun_vdevice,
	&noun_veventq,
	&noun_hwqueue,
	&noun_faultq,
	&noun_object,
	&noun_snapshot,
	&noun_owner,
	&noun_faults,
	&noun_trace,
	&noun_replay,
	&noun_doctor,
	&noun_plan,
	&noun_metrics,
	&noun_session,
	&noun_batch,
	&noun_shell,
	&noun_report,
	&noun_ioctls,
	&noun_why,
	&noun_mock,
	&noun_help,
	&noun_complete,
	&noun_persisted,
};

const size_t n_nouns = ARRAY_SIZE(nouns);

const char *inv_opt(const struct invocation *inv, const char *name)
{
	const struct option_row *rows = inv->command->options;

	for (size_t i = 0; rows && rows[i].name; i++)
		if (streq(rows[i].name, name))
			return inv->opt[i];
	return NULL;
}

enum exit_code exit_from_errno(int err)
{
	switch (err < 0 ? -err : err) {
	case EACCES:
	case EPERM:
		return EXIT_PERMISSION;
	case EOPNOTSUPP:
	case ENOTTY:
	case ENOSYS:
	case ENOTCAPTURED:
		return EXIT_UNSUPPORTED;
	}
	return EXIT_FAILED;
}
