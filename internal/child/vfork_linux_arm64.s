#include "textflag.h"

// Offsets in type birth and type call; TestBirthLayout compares them.
#define birth_all 64
#define birth_mask 72
#define birth_failed 80
#define birth_errno 88
#define birth_rows 96
#define call_size 64
#define call_ignore 56

#define SYS_exit_group 94
#define SYS_rt_sigprocmask 135
#define SIG_SETMASK 2

#define LOAD_CALL(at) \
	MOVD	0(at), R8	\
	MOVD	8(at), R0	\
	MOVD	16(at), R1	\
	MOVD	24(at), R2	\
	MOVD	32(at), R3	\
	MOVD	40(at), R4	\
	MOVD	48(at), R5

// func vfork(b *birth) (pid int)
//
// The kernel changes R0 only. R19 to R21 are kept over all calls; the child,
// which has our stack, uses registers and b alone.
TEXT ·vfork(SB),NOSPLIT|NOFRAME,$0-16
	MOVD	b+0(FP), R19
	// No handler of ours may run in the child, in our memory.
	MOVD	$SYS_rt_sigprocmask, R8
	MOVD	$SIG_SETMASK, R0
	ADD	$birth_all, R19, R1
	ADD	$birth_mask, R19, R2
	MOVD	$8, R3
	SVC
	LOAD_CALL(R19)
	SVC
	CBZ	R0, child
	MOVD	R0, R20
	MOVD	$SYS_rt_sigprocmask, R8
	MOVD	$SIG_SETMASK, R0
	ADD	$birth_mask, R19, R1
	MOVD	ZR, R2
	MOVD	$8, R3
	SVC
	MOVD	R20, pid+8(FP)
	RET
child:
	MOVD	birth_rows(R19), R21
next:
	LOAD_CALL(R21)
	SVC
	TBZ	$63, R0, done
	MOVD	call_ignore(R21), R6
	CBZ	R6, failed
done:
	ADD	$call_size, R21
	B	next
failed:
	MOVD	R21, birth_failed(R19)
	NEG	R0, R0
	MOVD	R0, birth_errno(R19)
	MOVD	$SYS_exit_group, R8
	MOVD	$127, R0
	SVC
	BRK // not reached
