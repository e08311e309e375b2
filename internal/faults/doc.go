// Package faults tries a fleet as a whole, in processes, against what goes wrong:
// its tests build the program, start a hub and workers, kill them without
// warning while jobs are submitted and run, and then look whether every job that
// was acknowledged is in one final state, and no run was counted twice.
//
// Workers and caches are killed, too, and the mails that tell of it are verified by
// OpenSSL (TestAlerts).
//
// What a hub does to its disk is recorded with strace, too, and the hub is started
// on what may be left of that when the power goes ("make powerloss").
//
// Clocks differ, and jump, in processes that ask the runtime for another time than
// the kernel's ("make clocks"); disks are slow in others ("make shaken").
//
// They are for Linux, where programs end with the worker that started them.
// Every developer's run does one small round; "make faults" does the campaign.
// FRESHET_TEST_SEED=new has other things happen, and what is printed repeats them.
package faults
