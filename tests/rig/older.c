/*
 * older v1|v1-4.19 PROGRAM [ARGUMENT ...]: runs a program as on a kernel that lacks some calls of GPIO character devices.
 *
 * `v1`: those that came with Linux 5.10 (include/uapi/linux/gpio.h, uAPI v2). `v1-4.19`: also that which came with 5.5
 * (GPIOHANDLE_SET_CONFIG_IOCTL). They fail with EINVAL, as what drivers/gpio/gpiolib-cdev.c does not know, and all else
 * goes through. Children inherit it.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What is hidden, by type and number, the low 16 bits of a request; the last is so by `v1-4.19` alone. */
static const unsigned int hidden[] = { 0xb405, 0xb406, 0xb407, 0xb40d, 0xb40e, 0xb40f, 0xb40a };
#define HIDDEN (sizeof(hidden) / sizeof(*hidden))

/* Instructions before those for what is hidden. */
#define HEAD 5

int main(int count, char **words)
{
	struct sock_filter filter[HEAD + 2 * HIDDEN + 1] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_ioctl, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		/* The lower half of the request, on little-endian processors. */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xffff),
	};
	const struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL);
	const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = HEAD, .filter = filter };
	const char *generation = count < 3 ? "" : words[1];
	size_t i, calls = HIDDEN;

	if (!strcmp(generation, "v1")) {
		calls--;
	} else if (strcmp(generation, "v1-4.19")) {
		fprintf(stderr, "older v1|v1-4.19 PROGRAM [ARGUMENT ...]\n");
		return 2;
	}
	for (i = 0; i < calls; i++) {
		filter[program.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, hidden[i], 0, 1);
		filter[program.len++] = refuse;
	}
	filter[program.len++] = allow;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
		perror("older");
		return 1;
	}
	execvp(words[2], words + 2);
	perror(words[2]);
	return 1;
}
