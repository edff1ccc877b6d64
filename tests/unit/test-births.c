// SPDX-License-Identifier: GPL-2.0-or-later
/* Failing calls out of the text of a trace: the chain, where the errno was born, and rubbish. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "diag/births.h"

struct fixture {
	struct failure_log log;
	struct arena arena;
	struct failure *v;
	size_t n;
};

static void read_text(struct fixture *f, const char *text)
{
	f->log.functions = births_functions(&f->log.n);
	failure_log_text(&f->log, text, strlen(text));
	births_find(&f->arena, &f->log, &f->v, &f->n);
}

static void done(struct fixture *f)
{
	failure_log_free(&f->log);
	arena_free(&f->arena);
}

#define LINE(task, event) "      " task "  [000] d..1.    12.345678: " event "\n"
#define IN(task, cmd)	  LINE(task, "e_vfio_device_fops_unl_ioctl: (vfio_device_fops_unl_ioctl+0x0/0x10) cmd=" cmd " dev=\"0000:01:00.0\"")
#define RET(task, fn, r)  LINE(task, "r_" fn ": (do_syscall_64+0x1/0x2 <- " fn ") ret=" r)

static void test_chain(void **state _unused_)
{
	struct fixture f = { 0 };

	read_text(&f, IN("qemu-12", "0x3b76")
		  LINE("qemu-12", "e_iommu_device_claim_dma_owner: (x+0x0/0x1) dev=\"0000:01:00.0\"")
		  RET("qemu-12", "iommu_device_claim_dma_owner", "-1")
		  RET("qemu-12", "iommufd_device_bind", "-1")
		  RET("qemu-12", "vfio_df_ioctl_bind_iommufd", "-1")
		  RET("qemu-12", "vfio_device_fops_unl_ioctl", "-1"));
	assert_int_equal(f.n, 1);
	assert_int_equal(f.v[0].pid, 12);
	assert_string_equal(f.v[0].task, "qemu");
	assert_int_equal(f.v[0].cmd, 0x3b76);
	assert_string_equal(f.v[0].device, "0000:01:00.0");
	assert_int_equal(f.v[0].n, 4);
	assert_string_equal(f.v[0].steps[0].function->name, "vfio_device_fops_unl_ioctl");
	assert_string_equal(f.v[0].steps[3].function->name, "iommu_device_claim_dma_owner");
	assert_int_equal(f.v[0].n_before, 0);
	assert_non_null(f.v[0].birth);
	assert_string_equal(f.v[0].birth->function, "iommu_device_claim_dma_owner");
	done(&f);
}

/* Two threads at once, calls that succeed (nothing comes back), and an error that was dealt with on the way. */
static void test_interleaved(void **state _unused_)
{
	struct fixture f = { 0 };

	read_text(&f, IN("a-1", "0x3b77") IN("b-2", "0x3b76")
		  RET("a-1", "iommufd_hw_pagetable_attach", "-22")
		  RET("b-2", "iommufd_device_bind", "-1")
		  RET("a-1", "iopt_reserve_iova", "-98")
		  RET("a-1", "iommufd_device_attach", "-98")
		  RET("b-2", "vfio_device_fops_unl_ioctl", "-1")
		  RET("a-1", "vfio_device_fops_unl_ioctl", "-98")
		  IN("a-1", "0x3b77") RET("a-1", "iommufd_hw_pagetable_attach", "-22") IN("a-1", "0x3b78")
		  RET("a-1", "vfio_device_fops_unl_ioctl", "-22"));
	assert_int_equal(f.n, 3);
	assert_string_equal(f.v[0].task, "b");
	assert_int_equal(f.v[0].n, 2);
	assert_string_equal(f.v[0].birth->function, "iommufd_device_bind");
	assert_int_equal(f.v[1].n, 3);
	assert_string_equal(f.v[1].steps[2].function->name, "iopt_reserve_iova");
	assert_int_equal(f.v[1].n_before, 1);
	assert_int_equal(f.v[1].before[0].err, -22);
	/* what failed under the call before, which succeeded in the end, is none of this one's */
	assert_int_equal(f.v[2].n, 1);
	assert_int_equal(f.v[2].cmd, 0x3b78);
	done(&f);
}

/* An interrupt that was set up before the attach: the errno changes on its way up. */
static void test_translated(void **state _unused_)
{
	struct fixture f = { 0 };

	read_text(&f, IN("qemu-12", "0x3b6e")
		  RET("qemu-12", "iommu_dma_prepare_msi", "-95")
		  RET("qemu-12", "__pci_enable_msix_range", "-28")
		  RET("qemu-12", "pci_alloc_irq_vectors_affinity", "-28")
		  RET("qemu-12", "vfio_msi_enable", "-28")
		  RET("qemu-12", "vfio_device_fops_unl_ioctl", "-28"));
	assert_int_equal(f.n, 1);
	assert_int_equal(f.v[0].n, 5);
	assert_string_equal(f.v[0].steps[4].function->name, "iommu_dma_prepare_msi");
	assert_string_equal(f.v[0].birth->function, "iommu_dma_prepare_msi");
	assert_int_equal(f.v[0].n_before, 0);
	done(&f);
}

/* The call's own return knows its task; the head of a line, which the kernel makes when somebody reads, may not. */
static void test_task_of_the_return(void **state _unused_)
{
	struct fixture f = { 0 };

	read_text(&f, IN("<...>-7", "0x3b76") RET("<...>-7", "vfio_device_fops_unl_ioctl", "-1 task=\"a\" b: r_x: (\""));
	assert_int_equal(f.n, 1);
	assert_string_equal(f.v[0].task, "a\" b: r_x: (");
	assert_int_equal(f.v[0].pid, 7);
	assert_int_equal(f.v[0].steps[0].err, -1);
	done(&f);
}

/* A task may have any name, and a pointer is no error. */
static void test_names_and_pointers(void **state _unused_)
{
	struct fixture f = { 0 };

	read_text(&f, IN("a b: r_x: ( [9] -3-77", "0x3b76") RET("a b: r_x: ( [9] -3-77", "iommufd_device_bind", "-109951162777600")
		  RET("a b: r_x: ( [9] -3-77", "iommufd_device_bind", "0")
		  RET("a b: r_x: ( [9] -3-77", "vfio_device_fops_unl_ioctl", "-22"));
	assert_int_equal(f.n, 1);
	assert_int_equal(f.v[0].pid, 77);
	assert_string_equal(f.v[0].task, "a b: r_x: ( [9] -3");
	assert_int_equal(f.v[0].n, 1);
	done(&f);
}

static void test_rubbish(void **state _unused_)
{
	static const char text[] = IN("qemu-12", "0x3b76") RET("qemu-12", "iommufd_device_bind", "-1")
		RET("qemu-12", "vfio_device_fops_unl_ioctl", "-1");
	struct fixture f = { 0 };

	read_text(&f, "CPU:1 [LOST 12 EVENTS]\n: r_: (\n: e_iommufd_fops_ioctl: (\n" LINE("x", "r_iommufd_fops_ioctl: (") "-1 [0] 1: r_nosuch: (\n\n"
		  RET("qemu-12", "vfio_device_fops_unl_ioctl", "-1"));
	assert_int_equal(f.n, 0);
	assert_int_equal(f.log.lost, 1);
	assert_true(f.log.other >= 4);
	done(&f);
	for (size_t n = 0; n < sizeof(text); n++) {
		struct fixture g = { 0 };
		char cut[sizeof(text)];

		memcpy(cut, text, n);
		cut[n] = '\0';
		read_text(&g, cut);
		assert_true(g.n <= 1);
		done(&g);
	}
}

/* Each function once: the reader finds them by name. */
static void test_table(void **state _unused_)
{
	size_t n;
	const struct watched_function *v = births_functions(&n);

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(v[i].name, v[j].name);
	assert_non_null(birth_of("iommu_device_claim_dma_owner", -EPERM));
	assert_null(birth_of("iommu_device_claim_dma_owner", -ENOMEM));
	assert_null(birth_of("nosuch", -EPERM));
}

/* Where a mapping was asked for, as the probe read it from the caller's structure. */
static void test_mapping(void **state _unused_)
{
	static const char words[] = " w2=0x7f0000000000 w3=0x1000 w4=0xfee00000";
	struct fixture f = { 0 };
	char text[1024];

	snprintf(text, sizeof(text), "%s%s%s%s%s%s", LINE("vmm-3", "e_iommufd_fops_ioctl: (iommufd_fops_ioctl+0x0/0x10) cmd=0x3b85%s"),
		 RET("vmm-3", "iommufd_fops_ioctl", "-99"), LINE("vmm-3", "e_vfio_fops_unl_ioctl: (x+0x0/0x10) cmd=0x3b71%s"),
		 RET("vmm-3", "vfio_fops_unl_ioctl", "-22"), LINE("vmm-3", "e_iommufd_fops_ioctl: (x+0x0/0x10) cmd=0x3b85 w2=(fault) w3=(fault) w4=(fault)"),
		 RET("vmm-3", "iommufd_fops_ioctl", "-14"));
	for (char *p = text; (p = strstr(p, "%s"));) {
		memmove(p + sizeof(words) - 1, p + 2, strlen(p + 2) + 1);
		memcpy(p, words, sizeof(words) - 1);
	}
	read_text(&f, text);
	assert_int_equal(f.n, 3);
	assert_true(f.v[0].iova.known && f.v[0].iova.v == 0xfee00000 && f.v[0].length.v == 0x1000);
	assert_true(f.v[1].iova.known && f.v[1].iova.v == 0x7f0000000000 && f.v[1].length.v == 0x1000);
	assert_false(f.v[2].iova.known);
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mapping),
		cmocka_unit_test(test_chain),		   cmocka_unit_test(test_interleaved), cmocka_unit_test(test_translated),
		cmocka_unit_test(test_names_and_pointers), cmocka_unit_test(test_rubbish),     cmocka_unit_test(test_table),
		cmocka_unit_test(test_task_of_the_return),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
