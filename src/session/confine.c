// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/confine.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/util.h"

#define BIT(cap) (1ull << (cap))

/*
 * Pinned memory beyond RLIMIT_MEMLOCK (iopt_pages_pin() and vfio_lock_acct() ask for CAP_IPC_LOCK); IOMMU_OPTION_RLIMIT_MODE (iommufd_option_rlimit_mode()
 * asks for CAP_SYS_RESOURCE). Nodes are opened as their owner, root.
 */
#define FOR_OBJECTS (BIT(CAP_IPC_LOCK) | BIT(CAP_SYS_RESOURCE))

/* Configuration space beyond 64 bytes, other processes' descriptors, the log, kernel memory, files that root does not own. */
#define FOR_FACTS (BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_PTRACE) | BIT(CAP_SYSLOG) | BIT(CAP_SYS_RAWIO) | BIT(CAP_DAC_READ_SEARCH))

static void limit_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct now[2];

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(keep & BIT(cap)))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (syscall(SYS_capget, &head, now) < 0)
		return;
	for (int i = 0; i < 2; i++) {
		uint32_t mask = (uint32_t)(keep >> 32 * i);

		now[i].effective &= mask;
		now[i].permitted &= mask;
		now[i].inheritable = 0;
	}
	syscall(SYS_capset, &head, now);
}

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

/* LeakSanitizer looks at its own process through it. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define REFUSED_PTRACE(X)
#else
#define REFUSED_PTRACE(X) X(ptrace)
#endif

/* Running programs, other processes' memory, the tree of mounts, namespaces, the kernel itself: nothing that libraries do behind our back. */
#define REFUSED(X)                                                                                                        \
	X(execve) X(execveat) REFUSED_PTRACE(X) X(process_vm_writev) X(mount) X(umount2) X(pivot_root) X(chroot) X(setns) X(unshare) \
	X(init_module) X(finit_module) X(delete_module) X(kexec_load) X(reboot) X(swapon) X(swapoff) X(bpf)             \
	X(perf_event_open) X(add_key) X(request_key) X(keyctl) X(userfaultfd) X(open_by_handle_at) X(settimeofday)      \
	X(clock_settime) X(sethostname) X(setdomainname) X(acct) X(quotactl) X(personality)

/*
 * A list of what is refused and not of what is allowed: which calls a new libc makes for the same work cannot be known. Numbers of another architecture, and of
 * x32, would be other calls.
 */
static void filter_calls(void)
{
#ifdef OUR_ARCH
#define REFUSE(name)                                                              \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1),                    \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1 /* EPERM */),
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
		REFUSED(REFUSE)
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
#endif
}

void keeper_confine(bool facts)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	limit_capabilities(FOR_OBJECTS | (facts ? FOR_FACTS : 0));
	filter_calls();
}
