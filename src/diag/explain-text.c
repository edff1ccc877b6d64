// SPDX-License-Identifier: GPL-2.0-or-later
/* The words: hops as sentences, the summary, what would separate the devices, and the record. */
#include "diag/explain-graph.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "host/switches.h"
#include "host/topology.h"

/* -- stable words ------------------------------------------------------------------------------------ */

/* The words of the record. */
static const char *hop_kind_word(enum hop_kind k)
{
	static const char *const words[] = {
		[HOP_ACS] = "acs-missing",	 [HOP_BRIDGE] = "conventional-bridge",
		[HOP_SLOT] = "multifunction",	 [HOP_VMD] = "vmd",
		[HOP_QUIRK] = "quirk-or-alias",	 [HOP_NON_PCI] = "non-pci",
		[HOP_UNREADABLE] = "unreadable", [HOP_NOT_CAPTURED] = "not-captured",
		[HOP_SLEEPING] = "sleeping",	 [HOP_NOT_LISTED] = "not-listed",
	};

	return words[k];
}

const char *acs_state_word(enum acs_state s)
{
	static const char *const words[] = {
		[ACS_STATE_UNKNOWN] = "unknown",   [ACS_STATE_ISOLATES] = "on",
		[ACS_STATE_BITS_OFF] = "bits-off", [ACS_STATE_NO_CAP] = "absent",
		[ACS_STATE_NEVER] = "never",	   [ACS_STATE_NOT_NEEDED] = "not-needed",
	};

	return words[s];
}

const char *acs_unknown_why(const struct pci_info *pci)
{
	if (pci_acs_state(pci, NULL) != ACS_STATE_UNKNOWN)
		return NULL;
	if (pci->sleeping)
		return "asleep";
	switch (pci->err) {
	case 0:
		return pci->len <= 64 ? "needs root" : "config space is cut";
	case -ENOTCAPTURED:
		return "not captured";
	case -EACCES:
	case -EPERM:
		return "no permission";
	case -ENOENT:
		return "no config file";
	case -EIO:
		return "does not answer";
	case -ENODATA:
		return "config space is cut";
	}
	return "cannot be read";
}

const char *acs_label(struct arena *a, const struct pci_info *pci)
{
	char on[32], off[32];
	uint16_t missing;

	switch (pci_acs_state(pci, &missing)) {
	case ACS_STATE_ISOLATES:
		return arena_printf(a, "ACS %s",
				    acs_bits_name(pci->acs_ctrl & ACS_ISOLATION, on, sizeof(on)));
	case ACS_STATE_BITS_OFF:
		return arena_printf(a, "ACS %s, off %s",
				    acs_bits_name(pci->acs_ctrl & ACS_ISOLATION, on, sizeof(on)),
				    acs_bits_name(missing, off, sizeof(off)));
	case ACS_STATE_NEVER:
		/* one conventional function alone in its slot has nobody to be kept apart from */
		return pci->header == 1 || pci->multifunction == TRI_YES ? "no ACS" : NULL;
	case ACS_STATE_NO_CAP:
		return "no ACS";
	case ACS_STATE_NOT_NEEDED:
		return NULL;
	case ACS_STATE_UNKNOWN:
		break;
	}
	return arena_printf(a, "ACS unknown (%s)", acs_unknown_why(pci));
}

enum hop_kind unknown_kind(const struct host *h, const struct pci_info *pci)
{
	if (pci->sleeping)
		return HOP_SLEEPING;
	if (pci->err == -ENOTCAPTURED || (pci->err == -ENOENT && !source_is_live(h->src)))
		return HOP_NOT_CAPTURED;
	return HOP_UNREADABLE;
}

struct strs acs_bit_list(struct arena *a, uint16_t bits)
{
	const char **v = arena_array(a, const char *, 7);
	char one[8];
	size_t n = 0;

	for (unsigned bit = ACS_SV; bit <= ACS_DT; bit <<= 1) {
		if (bits & bit)
			v[n++] = arena_strdup(a, acs_bits_name((uint16_t)bit, one, sizeof(one)));
	}
	return STRS(v, n);
}

/* -- phrases ----------------------------------------------------------------------------------------- */

/* "root port 0000:00:06.0". */
static const char *called(struct host *h, struct device *d)
{
	const struct pci_info *pci = device_pci(h, d);

	if (pci->err || !pci->caps_known)
		return device_is_pci_bridge(d) ? arena_printf(&h->arena, "bridge %s", d->name) : d->name;
	if (pci->pcie == PCIE_NONE && pci->header == 1)
		return arena_printf(&h->arena, "conventional PCI bridge %s", d->name);
	return arena_printf(&h->arena, "%s %s",
			    pci->pcie == PCIE_NONE ? "conventional PCI device" : pcie_type_name(pci->pcie),
			    d->name);
}

const char *acs_phrase(struct host *h, struct device *port)
{
	const struct pci_info *pci = device_pci(h, port);
	char off[32], on[32];
	uint16_t missing;

	switch (pci_acs_state(pci, &missing)) {
	case ACS_STATE_NO_CAP:
		return "has no ACS capability";
	case ACS_STATE_BITS_OFF:
		acs_bits_name(missing, off, sizeof(off));
		if (!(pci->acs_ctrl & ACS_ISOLATION))
			return arena_printf(&h->arena, "has ACS with all of %s off", off);
		acs_bits_name(pci->acs_ctrl & ACS_ISOLATION, on, sizeof(on));
		return arena_printf(&h->arena, "has ACS with %s on but %s off", on, off);
	case ACS_STATE_NEVER:
		return pci->pcie == PCIE_NONE ? "is conventional PCI, which has no ACS"
					      : "is of a kind for which ACS does not count";
	case ACS_STATE_ISOLATES:
		return "has ACS on";
	case ACS_STATE_NOT_NEEDED:
		return "needs no ACS";
	case ACS_STATE_UNKNOWN:
		break;
	}
	return arena_printf(&h->arena, "is not known (%s)", acs_unknown_why(pci));
}

/* -- hops -------------------------------------------------------------------------------------------- */

static const char *acs_text(struct host *h, const struct hop *hop)
{
	const char *a = hop->a->name, *up = called(h, hop->b), *state = acs_phrase(h, hop->port);

	if (hop->port == hop->b)
		return arena_printf(&h->arena, "%s is behind %s, which %s; so it joins that port's group.", a,
				    up, state);
	return arena_printf(&h->arena,
			    "%s is behind %s, and the way up from there passes %s, which %s; so it joins "
			    "the group of %s.",
			    a, up, called(h, hop->port), state, hop->b->name);
}

static const char *bridge_text(struct host *h, const struct hop *hop)
{
	return arena_printf(&h->arena,
			    "%s is behind %s, which puts a requester id of its own on what passes: the "
			    "IOMMU cannot tell what is behind such a bridge apart, so it joins the bridge's "
			    "group.",
			    hop->a->name, called(h, hop->port));
}

static const char *slot_text(struct host *h, const struct hop *hop)
{
	const char *one = acs_phrase(h, hop->port), *other = acs_phrase(h, hop->b), *via = "";

	if (hop->port != hop->a)
		via = arena_printf(&h->arena, "%s is behind %s. ", hop->a->name, hop->port->name);
	if (streq(one, other))
		return arena_printf(&h->arena,
				    "%s%s and %s are functions of one slot, and each %s. The kernel assumes "
				    "that such functions can reach each other inside the device.",
				    via, hop->port->name, hop->b->name, one);
	return arena_printf(&h->arena,
			    "%s%s and %s are functions of one slot; the first %s, the second %s. The kernel "
			    "assumes that such functions can reach each other inside the device.",
			    via, hop->port->name, hop->b->name, one, other);
}

static const char *non_pci_text(struct host *h, const struct hop *hop)
{
	if (streq(hop->a->bus, "fsl-mc") && streq(hop->b->bus, "fsl-mc"))
		return arena_printf(&h->arena,
				    "%s and %s are fsl-mc objects: all objects of one container (DPRC) do "
				    "DMA under its id.",
				    hop->a->name, hop->b->name);
	return arena_printf(&h->arena,
			    "%s (%s) and %s (%s): firmware gives both the same id at the IOMMU, or the "
			    "IOMMU's driver puts all of its devices into one group. Which of the two is not "
			    "visible from user space.",
			    hop->a->name, hop->a->bus ? hop->a->bus : "unknown bus", hop->b->name,
			    hop->b->bus ? hop->b->bus : "unknown bus");
}

static const char *unknown_text(struct host *h, const struct hop *hop)
{
	const char *start =
		arena_printf(&h->arena, "Why %s is with %s cannot be told: ", hop->a->name, hop->b->name);
	const char *port = called(h, hop->port);
	const struct pci_info *pci = device_pci(h, hop->port);

	if (hop->kind == HOP_SLEEPING)
		return arena_printf(
			&h->arena,
			"%sthe %s is runtime-suspended, and reading its config space would wake it.", start,
			port);
	if (hop->kind == HOP_NOT_CAPTURED)
		return arena_printf(&h->arena, "%sconfig space of %s was not captured.", start, port);
	if (!pci->err && pci->len <= 64)
		return arena_printf(&h->arena,
				    "%sof the config space of %s only the first %zu bytes could be read, "
				    "which is all that an ordinary user gets; ACS is further on.",
				    start, port, pci->len);
	if (pci->err == -EIO)
		return arena_printf(&h->arena, "%s%s does not answer: its config space reads as ones.", start,
				    port);
	if (pci->err)
		return arena_printf(&h->arena, "%sconfig space of %s cannot be read (%s).", start, port,
				    err_text(pci->err));
	return arena_printf(&h->arena, "%sconfig space of %s ends after %zu bytes.", start, port, pci->len);
}

static const char *hop_text(struct host *h, const struct hop *hop)
{
	switch (hop->kind) {
	case HOP_ACS:
		return acs_text(h, hop);
	case HOP_BRIDGE:
		return bridge_text(h, hop);
	case HOP_SLOT:
		return slot_text(h, hop);
	case HOP_VMD:
		return arena_printf(&h->arena,
				    "%s is in the PCI domain of the VMD controller %s, in whose name "
				    "everything there does DMA.",
				    hop->a->name, hop->b->name);
	case HOP_NON_PCI:
		return non_pci_text(h, hop);
	case HOP_NOT_LISTED:
		return arena_printf(&h->arena,
				    "Why %s is with %s cannot be told: the bridge %s above it is not listed.",
				    hop->a->name, hop->b->name, hop->not_listed);
	case HOP_QUIRK:
		return arena_printf(&h->arena,
				    "Config space gives no reason why %s is with %s: a quirk or alias not "
				    "visible from user space.",
				    hop->a->name, hop->b->name);
	case HOP_UNREADABLE:
	case HOP_NOT_CAPTURED:
	case HOP_SLEEPING:
		break;
	}
	return unknown_text(h, hop);
}

void hop_render(struct host *h, const struct hop *hop, struct explain_hop *ret)
{
	const struct pci_info *pci;
	uint16_t missing = 0;

	*ret = (struct explain_hop){
		.a = hop->a->name,
		.b = hop->b->name,
		.kind = hop_kind_word(hop->kind),
		.text = hop_text(h, hop),
	};
	if (!hop->port)
		return;
	pci = device_pci(h, hop->port);
	ret->port = hop->port->name;
	ret->file = arena_printf(&h->arena, "/sys/bus/pci/devices/%s/config", hop->port->name);
	if (pci->err || !pci->caps_known)
		return;
	ret->port_type = pcie_type_name(pci->pcie);
	if (pci_acs_state(pci, &missing) != ACS_STATE_UNKNOWN)
		ret->missing = acs_bit_list(&h->arena, missing);
	if (pci->has_acs) {
		ret->acs_cap = NUM(pci->acs_cap);
		ret->acs_ctrl = NUM(pci->acs_ctrl);
	}
}

/* -- the group --------------------------------------------------------------------------------------- */

enum tri explain_complete(const struct hop *hops, size_t n)
{
	enum tri answer = TRI_YES;

	for (size_t i = 0; i < n; i++) {
		if (hops[i].kind >= HOP_UNREADABLE)
			return TRI_UNKNOWN;
		if (hops[i].kind == HOP_QUIRK || hops[i].kind == HOP_NON_PCI)
			answer = TRI_NO;
	}
	return answer;
}

/* The hop as half a sentence after "because", or as what keeps it from being seen; the same for hops that
 * have the same cause. */
static const char *cause(struct host *h, const struct hop *hop)
{
	struct arena *a = &h->arena;

	switch (hop->kind) {
	case HOP_ACS:
		return arena_printf(a, "%s %s", called(h, hop->port), acs_phrase(h, hop->port));
	case HOP_BRIDGE:
		return arena_printf(a, "%s answers for what is behind it", called(h, hop->port));
	case HOP_SLOT:
		return arena_printf(a, "the functions of slot %.*s have no ACS between them",
				    (int)strcspn(hop->port->name, "."), hop->port->name);
	case HOP_VMD:
		return arena_printf(a, "the VMD controller %s does the DMA of its domain", hop->b->name);
	case HOP_QUIRK:
		return "a quirk or alias joins them that is not visible from user space";
	case HOP_NON_PCI:
		return "the IOMMU cannot tell them apart";
	case HOP_NOT_LISTED:
		return arena_printf(a, "the bridge %s is not listed", hop->not_listed);
	case HOP_UNREADABLE:
	case HOP_NOT_CAPTURED:
	case HOP_SLEEPING:
		break;
	}
	return acs_unknown_why(device_pci(h, hop->port)) ? acs_unknown_why(device_pci(h, hop->port))
							 : "cannot be read";
}

/* What config space says about a device alone in its group, with a blank before it. */
static const char *why_alone(struct host *h, struct device *d)
{
	struct device *up = device_upstream(h, d);
	bool below = up != NULL;

	while (up && acs_state_isolates(pci_acs_state(device_pci(h, up), NULL)) == TRI_YES)
		up = device_upstream(h, up);
	return below && !up ? " Every port above it isolates." : "";
}

#define MAX_CAUSES 4

/* Different causes, in the order of the hops; those beyond MAX_CAUSES are only counted. */
struct causes {
	const char *v[MAX_CAUSES];
	size_t n, more;
};

static void add_cause(struct causes *c, const char *cause)
{
	for (size_t i = 0; i < c->n; i++) {
		if (streq(c->v[i], cause))
			return;
	}
	if (c->n < MAX_CAUSES)
		c->v[c->n++] = cause;
	else
		c->more++;
}

static const char *shared_summary(struct host *h, const struct group *g, const struct causes *known,
				  const char *unseen)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_printf(&b, "%zu devices share group %u", g->n_devices, g->id);
	for (size_t i = 0; i < known->n; i++)
		strbuf_printf(&b, "%s because %s",
			      i == 0				  ? ""
			      : i + 1 == known->n && !known->more ? ", and"
								  : ",",
			      known->v[i]);
	if (known->more)
		strbuf_printf(&b, ", and for %zu more reasons", known->more);
	if (unseen)
		strbuf_printf(&b, "%s cannot be seen (%s)", known->n ? "; what joins the rest" : "; why",
			      unseen);
	strbuf_putc(&b, '.');
	return arena_strdup(&h->arena, strbuf_str(&b));
}

const char *explain_summary(struct host *h, const struct group *g, const struct hop *hops, size_t n)
{
	struct causes known = { 0 };
	const char *unseen = NULL;

	if (streq(g->name, "vfio-noiommu"))
		return arena_printf(
			&h->arena,
			"Group %u is a no-IOMMU group of VFIO: there is no IOMMU, and nothing is isolated.",
			g->id);
	if (!g->n_devices)
		return arena_printf(&h->arena, "Group %u has no devices.", g->id);
	if (g->n_devices == 1)
		return arena_printf(&h->arena, "Group %u has one device, %s, which shares it with nobody.%s",
				    g->id, g->devices[0]->name, why_alone(h, g->devices[0]));
	for (size_t i = 0; i < n; i++) {
		if (hops[i].kind < HOP_UNREADABLE)
			add_cause(&known, cause(h, &hops[i]));
		else if (!unseen)
			unseen = cause(h, &hops[i]);
	}
	return shared_summary(h, g, &known, unseen);
}

/* -- what would separate them ------------------------------------------------------------------------ */

/* pci=config_acs= takes one character a bit, the highest first; x leaves a bit alone. */
static const char *config_acs(struct host *h, struct device *port, uint16_t bits)
{
	char mask[8] = { 0 };
	size_t n = 0;
	int top = 6;

	while (top > 0 && !(bits & 1 << top))
		top--;
	for (int bit = top; bit >= 0; bit--)
		mask[n++] = bits & 1 << bit ? '1' : 'x';
	return arena_printf(&h->arena, "pci=config_acs=%s@%s", mask, port->name);
}

static void acs_remedies(struct host *h, struct finding *f, const struct hop *hop)
{
	const struct pci_info *pci = device_pci(h, hop->port);
	uint16_t missing;

	if (pci_acs_state(pci, &missing) == ACS_STATE_BITS_OFF)
		finding_remedy(f, false, NULL,
			       "Boot with %s, on kernels that know it: %s has these bits, they are only off.",
			       config_acs(h, hop->port, missing), hop->port->name);
	finding_remedy(f, false, "iommuctl group tree",
		       "Put the device into a slot where every port on the way up has ACS on; the tree "
		       "shows which ports have.");
	if (pci->pcie == PCIE_ROOT_PORT && !pci->has_acs)
		finding_remedy(f, false, NULL,
			       "Look for an ACS switch in the firmware's setup, near those for the IOMMU, "
			       "AER or ARI: many boards hide the capability of their root ports until it "
			       "is on.");
}

static void slot_remedies(struct host *h, struct finding *f, const struct hop *hop)
{
	const struct pci_info *pci = device_pci(h, hop->port);

	if (pci->pcie == PCIE_ROOT_PORT || pci->pcie == PCIE_DOWNSTREAM)
		acs_remedies(h, f, hop);
	else if (!device_upstream(h, hop->port))
		finding_remedy(
			f, false, NULL,
			"Functions of slot %.*s are part of the chipset or processor and stay together.",
			(int)strcspn(hop->port->name, "."), hop->port->name);
	else
		finding_remedy(f, false, NULL,
			       "Functions of one card stay together: give all of %.*s to the same user, or "
			       "use cards with one function each.",
			       (int)strcspn(hop->port->name, "."), hop->port->name);
}

static void unknown_remedies(struct finding *f, const struct hop *hop)
{
	if (hop->kind == HOP_SLEEPING)
		finding_remedy(f, false,
			       arena_printf(f->arena, "echo on >/sys/bus/pci/devices/%s/power/control",
					    hop->port->name),
			       "Wake %s as root, ask again, and set it back to auto.", hop->port->name);
	else if (hop->kind == HOP_NOT_CAPTURED)
		finding_remedy(f, false, "iommuctl snapshot save FILE",
			       "Take a snapshot on that machine, as root: it holds config space.");
	else if (hop->kind == HOP_UNREADABLE)
		finding_remedy(f, false, NULL, "Ask again as root: config space beyond 64 bytes needs it.");
}

static void hop_remedies(struct host *h, struct finding *f, const struct hop *hop)
{
	switch (hop->kind) {
	case HOP_ACS:
		acs_remedies(h, f, hop);
		break;
	case HOP_BRIDGE:
		finding_remedy(f, false, NULL,
			       "Use a PCI Express device, or a slot that is not behind %s: what is behind "
			       "such a bridge stays together, whatever the settings.",
			       hop->port->name);
		break;
	case HOP_SLOT:
		slot_remedies(h, f, hop);
		break;
	case HOP_VMD:
		finding_remedy(f, false, NULL,
			       "Turn VMD off in the firmware's setup: its devices then are ordinary ones.");
		break;
	case HOP_QUIRK:
	case HOP_NON_PCI:
	case HOP_NOT_LISTED:
		break;
	case HOP_UNREADABLE:
	case HOP_NOT_CAPTURED:
	case HOP_SLEEPING:
		unknown_remedies(f, hop);
		break;
	}
}

/* The rows without those that say again what an earlier one said. */
static struct rows without_doubles(struct arena *a, struct rows rows)
{
	const struct remedy *in = rows.v;
	struct remedy *out = arena_array(a, struct remedy, rows.n);
	size_t n = 0;

	for (size_t i = 0; i < rows.n; i++) {
		size_t j = 0;

		while (j < n && !streq(out[j].text, in[i].text))
			j++;
		if (j == n)
			out[n++] = in[i];
	}
	return ROWS(out, n);
}

static bool same_cause(const struct hop *a, const struct hop *b)
{
	return a->kind == b->kind && a->port == b->port;
}

static void override_remedy(struct finding *f, bool downstream, bool multifunction)
{
	if (!downstream && !multifunction)
		return;
	finding_remedy(f, true, NULL,
		       "Boot a kernel that carries the ACS override patch with pcie_acs_override=%s. It "
		       "only makes the kernel stop asking: the hardware isolates no better than before, and "
		       "a guest may reach memory of others.",
		       downstream && multifunction ? "downstream,multifunction"
		       : downstream		   ? "downstream"
						   : "multifunction");
}

struct rows explain_remedies(struct host *h, const struct hop *hops, size_t n)
{
	struct finding f = { .arena = &h->arena };
	bool downstream = false, multifunction = false;
	struct rows rows;

	finding_add(&f, SEVERITY_NOTE, "separate");
	for (size_t i = 0; i < n; i++) {
		if (!i || !same_cause(&hops[i], &hops[i - 1]))
			hop_remedies(h, &f, &hops[i]);
		downstream |= hops[i].kind == HOP_ACS;
		multifunction |= hops[i].kind == HOP_SLOT;
	}
	override_remedy(&f, downstream, multifunction);
	rows = without_doubles(&h->arena, f.reasons.v[0].remedies);
	vec_free(&f.reasons);
	return rows;
}

/* -- doubts ------------------------------------------------------------------------------------------ */

void explain_warn_switches(struct host *h, struct finding *f)
{
	const struct switches *sw = host_switches(h);
	struct reason *r;

	if (sw->acs_override.is == TRI_YES) {
		r = finding_add(f, SEVERITY_WARNING, "acs-override");
		r->text = "pcie_acs_override= is on the kernel command line: groups are smaller than the "
			  "hardware isolates.";
		r->file = sw->acs_override.file;
		r->value = sw->acs_override.value;
		finding_remedy(f, false, NULL,
			       "Take it off the command line to see the groups that the hardware warrants.");
	}
	if (sw->acs_redir_off.is == TRI_YES) {
		r = finding_add(f, SEVERITY_WARNING, "acs-configured");
		r->text = "The kernel command line changes ACS bits (pci=disable_acs_redir= or "
			  "pci=config_acs=), and groups with them.";
		r->file = sw->acs_redir_off.file;
		r->value = sw->acs_redir_off.value;
		finding_remedy(f, false, NULL,
			       "Take it off the command line if nothing here needs peer-to-peer transfers.");
	}
}

/*
 * The climb joins a port's group only if the port has one already (pci_device_group() in drivers/iommu/iommu.c). Groups get the
 * lowest free number, so a lower one than the port's was made before it: seen under virtio-iommu, whose devices wait for their
 * unit and are then taken in the order in which their drivers come.
 */
static bool grouped_first(const struct hop *hop)
{
	return hop->kind == HOP_ACS && hop->port == hop->b && hop->a->group->id < hop->b->group->id;
}

static const char *why_apart(struct host *h, const struct hop *hop)
{
	if (host_switches(h)->acs_override.is == TRI_YES)
		return "pcie_acs_override= on the kernel command line may be why, or a quirk in the kernel";
	if (grouped_first(hop))
		return "its group has the lower number, so it was made before the port had one to join. In which order "
		       "devices are taken may differ from boot to boot, and the groups with it";
	return "the kernel has a quirk for this hardware that says that it isolates, or its ACS was other when the groups "
	       "were made";
}

void explain_note_apart(struct host *h, struct finding *f, const struct hop *hop)
{
	struct reason *r = finding_add(f, SEVERITY_NOTE, grouped_first(hop) ? "grouped-first" : "kept-apart");

	r->text = arena_printf(&h->arena,
			       "By config space, %s would be in group %u with %s, because %s. It is not: %s.",
			       hop->a->name, hop->b->group->id, hop->b->name, cause(h, hop), why_apart(h, hop));
	r->device = hop->a->name;
	if (hop->port)
		r->file = arena_printf(&h->arena, "/sys/bus/pci/devices/%s/config", hop->port->name);
}

/* -- the record -------------------------------------------------------------------------------------- */

static const struct field hop_fields[] = {
	FIELD(struct explain_hop, a, F_STR, "A", "device that was joined"),
	FIELD(struct explain_hop, b, F_STR, "B", "device whose group it was put into"),
	FIELD(struct explain_hop, kind, F_STR, "KIND",
	      "acs-missing, conventional-bridge, multifunction, vmd, quirk-or-alias, non-pci, unreadable, "
	      "not-captured, sleeping or not-listed"),
	FIELD(struct explain_hop, port, F_STR, "PORT", "device whose state decides"),
	FIELD(struct explain_hop, port_type, F_STR, "PORT-TYPE", "what the port is"),
	FIELD(struct explain_hop, acs_cap, F_HEX, "ACS-CAP", "ACS capability register of the port"),
	FIELD(struct explain_hop, acs_ctrl, F_HEX, "ACS-CTRL", "ACS control register of the port"),
	FIELD(struct explain_hop, missing, F_STRS, "MISSING",
	      "ACS bits of the port that would have to be on"),
	FIELD(struct explain_hop, text, F_STR, "TEXT", "the reason in words"),
	FIELD(struct explain_hop, file, F_STR, "FILE", "file that shows it"),
};

static const struct record_type hop_record = RECORD("group.explain.hop", 1, struct explain_hop, hop_fields);

static const struct field node_fields[] = {
	FIELD(struct explain_node, device, F_STR, "DEVICE", "device or port"),
	FIELD(struct explain_node, bus, F_STR, "BUS", "its bus"),
	FIELD(struct explain_node, root, F_STR, "ROOT", "root bus that it is on"),
	FIELD(struct explain_node, upstream, F_STR, "UPSTREAM", "port above it"),
	FIELD(struct explain_node, type, F_STR, "TYPE", "PCI Express type"),
	FIELD(struct explain_node, acs, F_STR, "ACS", "on, bits-off, absent, never, not-needed or unknown"),
	FIELD(struct explain_node, acs_why, F_STR, "ACS-WHY", "why that is unknown"),
	FIELD(struct explain_node, acs_cap, F_HEX, "ACS-CAP", "ACS capability register"),
	FIELD(struct explain_node, acs_ctrl, F_HEX, "ACS-CTRL", "ACS control register"),
	FIELD(struct explain_node, missing, F_STRS, "MISSING", "ACS bits that would have to be on"),
	FIELD(struct explain_node, isolates, F_BOOL, "ISOLATES",
	      "whether the kernel's rule is content with it"),
	FIELD(struct explain_node, group, F_INT, "GROUP", "its group"),
	FIELD(struct explain_node, in_group, F_BOOL, "IN-GROUP", "whether that is the group explained"),
	FIELD(struct explain_node, driver, F_STR, "DRIVER", "its driver"),
	FIELD(struct explain_node, name, F_STR, "NAME", "what it is called"),
};

static const struct record_type node_record =
	RECORD("group.explain.node", 1, struct explain_node, node_fields);

static const struct field device_fields[] = {
	FIELD(struct explain_device, device, F_STR, "DEVICE", "name on its bus"),
	FIELD(struct explain_device, bus, F_STR, "BUS", "its bus"),
	FIELD(struct explain_device, driver, F_STR, "DRIVER", "its driver"),
	FIELD(struct explain_device, name, F_STR, "NAME", "what it is called"),
};

static const struct record_type device_record =
	RECORD("group.explain.device", 1, struct explain_device, device_fields);

static const struct field explain_fields[] = {
	FIELD(struct explanation, group, F_INT, "GROUP", "group id"),
	FIELD(struct explanation, summary, F_STR, "SUMMARY", "the answer in one sentence"),
	FIELD(struct explanation, explained, F_BOOL, "EXPLAINED",
	      "whether each hop has a reason that can be seen; unknown when something could not be read"),
	FIELD(struct explanation, devices, F_LIST, "DEVICES",
	      "devices of the group, the one asked about first", .sub = &device_record),
	FIELD(struct explanation, path, F_LIST, "PATH",
	      "these devices and the ports above them, from the top", .sub = &node_record),
	FIELD(struct explanation, hops, F_LIST, "HOPS", "what joins them, one less than there are devices",
	      .sub = &hop_record),
	FIELD(struct explanation, remedies, F_LIST, "REMEDIES", "what would separate them, unsafe ways last",
	      .sub = &remedy_record),
	FIELD(struct explanation, warnings, F_LIST, "WARNINGS", "what makes the answer doubtful",
	      .sub = &reason_record),
};

const struct record_type explain_record = RECORD("group.explain", 1, struct explanation, explain_fields);
