# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Benchmarks of compiled packages beside other runtimes, in the same run and on the same cores.

Every contestant is a process of its own that stays loaded and waits; rounds go around all of them, so that a machine that changes its speed changes it for
everyone. Results are compared before anything is timed. What is judged is ratios.
"""
