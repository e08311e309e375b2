#include "textflag.h"

// Offsets in type birth and type call; TestBirthLayout compares them.
#define birth_all 64
#define birth_mask 72
#define birth_failed 80
#define birth_errno 88
#define birth_rows 96
#define call_size 64
#define call_ignore 56

#define SYS_rt_sigprocmask 14
#define SYS_exit_group 231
#define SIG_SETMASK 2

#define LOAD_CALL(at) \
	MOVQ	0(at), AX	\
	MOVQ	8(at), DI	\
	MOVQ	16(at), SI	\
	MOVQ	24(at), DX	\
	MOVQ	32(at), R10	\
	MOVQ	40(at), R8	\
	MOVQ	48(at), R9

// func vfork(b *birth) (pid int)
//
// The kernel changes AX, CX and R11 only. BX, R12 and R13 are kept over all
// calls; the child, which has our stack, uses registers and b alone.
TEXT ·vfork(SB),NOSPLIT|NOFRAME,$0-16
	MOVQ	b+0(FP), R12
	// No handler of ours may run in the child, in our memory.
	MOVQ	$SYS_rt_sigprocmask, AX
	MOVQ	$SIG_SETMASK, DI
	LEAQ	birth_all(R12), SI
	LEAQ	birth_mask(R12), DX
	MOVQ	$8, R10
	SYSCALL
	LOAD_CALL(R12)
	SYSCALL
	TESTQ	AX, AX
	JZ	child
	MOVQ	AX, R13
	MOVQ	$SYS_rt_sigprocmask, AX
	MOVQ	$SIG_SETMASK, DI
	LEAQ	birth_mask(R12), SI
	XORL	DX, DX
	MOVQ	$8, R10
	SYSCALL
	MOVQ	R13, pid+8(FP)
	RET
child:
	MOVQ	birth_rows(R12), BX
next:
	LOAD_CALL(BX)
	SYSCALL
	TESTQ	AX, AX
	JNS	done
	CMPQ	call_ignore(BX), $0
	JEQ	failed
done:
	ADDQ	$call_size, BX
	JMP	next
failed:
	MOVQ	BX, birth_failed(R12)
	NEGQ	AX
	MOVQ	AX, birth_errno(R12)
	MOVQ	$SYS_exit_group, AX
	MOVQ	$127, DI
	SYSCALL
	INT	$3 // not reached
