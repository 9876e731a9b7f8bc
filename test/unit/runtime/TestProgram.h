/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the test program does wrong when its input 'command' asks for it. */
#ifndef TRINE_TEST_UNIT_RUNTIME_TESTPROGRAM_H
#define TRINE_TEST_UNIT_RUNTIME_TESTPROGRAM_H

enum {
  COMMAND_NONE = 0,
  COMMAND_FAIL = 1,            /* calls the service fail */
  COMMAND_FAIL_SILENTLY = 2,   /* returns 77 and says nothing */
  COMMAND_HUGE_ARENA = 3,      /* asks for 2^62 bytes */
  COMMAND_WRONG_SPACE = 4,     /* arena in space disk */
  COMMAND_WRONG_DEVICE = 5,    /* arena on device 1 */
  COMMAND_WRONG_KERNEL = 6,    /* launches kernel 99 */
  COMMAND_ABSENT_KERNEL = 7,   /* launches a kernel without host code */
  COMMAND_WRONG_OUTPUT = 8,    /* gives output 99 */
  COMMAND_OUTPUT_TWICE = 9,    /* gives output 0 twice */
  COMMAND_OUTPUT_RANK = 10,    /* gives output 0 with rank 2 */
  COMMAND_OUTPUT_SIZE = 11,    /* gives output 0 with 5 columns */
  COMMAND_OUTPUT_SYMBOL = 12,  /* gives output 0 with seq + 1 rows */
  COMMAND_OUTPUT_MISSING = 13, /* does not give the last output */
  COMMAND_IGNORE_FAILURE = 14, /* goes on after a failed service */
  COMMAND_MANY_ARENAS = 15     /* asks for memory in many pieces; right */
};

#endif
