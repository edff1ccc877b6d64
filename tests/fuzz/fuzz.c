// SPDX-License-Identifier: GPL-2.0-or-later
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/str.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fuzz_target *targets, *chosen;

/* By name: the order of constructors is the linker's. */
void fuzz_register(struct fuzz_target *t)
{
	struct fuzz_target **at = &targets;

	while (*at && strcmp((*at)->name, t->name) < 0)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

char *fuzz_text(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);

	if (!s)
		abort();
	memcpy(s, data, size);
	s[size] = '\0';
	return s;
}

int fuzz_file(const void *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	return fd;
}

/* -- seeds ------------------------------------------------------------------------------------------------------------ */

/* The seed that a child was at when it died. */
static char *current;
#define CURRENT_SIZE 4096

static void replay_file(const struct fuzz_target *t, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ uint8_t *data = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		abort();
	data = malloc(st.st_size ? (size_t)st.st_size : 1);
	if (!data || read(fd, data, (size_t)st.st_size) != st.st_size)
		abort();
	snprintf(current, CURRENT_SIZE, "%s", path);
	t->run(data, (size_t)st.st_size);
}

/* How many there are; nothing at all is an input too. */
static int replay_all(const struct fuzz_target *t, const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort), files = 0;

	t->run((const uint8_t *)"", 0);
	for (int i = 0; i < n; i++) {
		char path[CURRENT_SIZE];

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		if (names[i]->d_name[0] != '.') {
			replay_file(t, path);
			files++;
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return files;
}

/* A child of its own: one that crashes takes no other along. */
static bool replay(const struct fuzz_target *t, int number)
{
	char dir[CURRENT_SIZE / 2];
	int status = 0;
	pid_t pid;

	snprintf(dir, sizeof(dir), "%s/%s", FUZZ_SEEDS, t->name);
	current[0] = '\0';
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		abort();
	if (!pid) {
		if (!replay_all(t, dir)) {
			fprintf(stderr, "%s holds no seeds\n", dir);
			exit(1);
		}
		exit(0);
	}
	waitpid(pid, &status, 0);
	if (status)
		printf("not ok %d - seeds of %s: %s\n", number, t->name, current);
	else
		printf("ok %d - seeds of %s\n", number, t->name);
	return !status;
}

static int replay_targets(void)
{
	int n = 0;
	bool good = true;

	current = mmap(NULL, CURRENT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (current == MAP_FAILED)
		abort();
	for (const struct fuzz_target *t = targets; t; t = t->next)
		good &= replay(t, ++n);
	printf("1..%d\n", n);
	return good ? 0 : 1;
}

/* -- libFuzzer -------------------------------------------------------------------------------------------------------- */

static void list_targets(void)
{
	for (const struct fuzz_target *t = targets; t; t = t->next)
		puts(t->name);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("IOMMUCTL_FUZZ");

	if (*argc == 2 && streq((*argv)[1], "--list")) {
		list_targets();
		exit(0);
	}
	if (!name)
		exit(replay_targets());
	for (chosen = targets; chosen && !streq(chosen->name, name); chosen = chosen->next)
		;
	if (!chosen) {
		fprintf(stderr, "there is no target %s; these are:\n", name);
		list_targets();
		exit(2);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return chosen->run(data, size);
}

#ifndef FUZZ_LIBFUZZER
/* IOMMUCTL_FUZZ=TARGET FILE…: an input that libFuzzer found, under gdb or valgrind. */
int main(int argc, char **argv)
{
	static char buf[CURRENT_SIZE];

	LLVMFuzzerInitialize(&argc, &argv);
	current = buf;
	for (int i = 1; i < argc; i++)
		replay_file(chosen, argv[i]);
	return 0;
}
#endif
