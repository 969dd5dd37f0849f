// A processor without AVX-512, as the process that loads this sees it: the instruction CPUID, by which libraries find
// out what they may use, faults (arch_prctl(2), ARCH_CPUID), and the answer is given here, without some of its bits.
// Where the processor cannot do so, libraries are loaded that have UD2 instead, which always traps.
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_CPUID_SET 0x1012 // asm/prctl.h
#define BIT(n) (1u << (n))

static struct sigaction before_fault, before_trap;
static int can_fault;

static long let_cpuid_run(long yes) { return syscall(SYS_arch_prctl, ARCH_CPUID_SET, yes); }

// Takes AVX-512, AVX10 and AMX from the answers that name them.      [Intel SDM, volume 2A, table 3-8]
static void take_away(unsigned leaf, unsigned part, unsigned *a, unsigned *b, unsigned *c, unsigned *d) {
    if (leaf == 7 && part == 0) {
        *b &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31));
        *c &= ~(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14));
        *d &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25));
    }
    if (leaf == 7 && part == 1) {
        *a &= ~(BIT(5) | BIT(21));
        *d &= ~BIT(19);
    }
}

static void answer(int signal, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *code = (const unsigned char *)registers[REG_RIP];
    const int is_trap = signal == SIGILL;
    (void)info;
    if (code[0] != 0x0F || code[1] != (is_trap ? 0x0B : 0xA2)) { // another fault: it happens again, and takes its usual course
        sigaction(signal, is_trap ? &before_trap : &before_fault, 0);
        return;
    }
    const unsigned leaf = registers[REG_RAX], part = registers[REG_RCX];
    unsigned a, b, c, d;
    if (can_fault) let_cpuid_run(1);
    __cpuid_count(leaf, part, a, b, c, d);
    if (can_fault) let_cpuid_run(0);
    take_away(leaf, part, &a, &b, &c, &d);
    registers[REG_RAX] = a, registers[REG_RBX] = b, registers[REG_RCX] = c, registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
}

// From now on, in this thread and those that it starts.  Returns 0, or the system's number of what stands in the way.
int hide_avx512(void) {
    struct sigaction ours = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO};
    if (sigaction(SIGSEGV, &ours, &before_fault)) return errno;
    can_fault = !let_cpuid_run(0);
    if (can_fault) return 0;
    const int reason = errno;
    sigaction(SIGSEGV, &before_fault, 0);
    return reason;
}

// The same for libraries whose CPUID was replaced with UD2.  Returns 0, or the system's number of what stands in the way.
int answer_ud2(void) {
    struct sigaction ours = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO};
    return sigaction(SIGILL, &ours, &before_trap) ? errno : 0;
}
