# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What this machine can do: the figures that bound a step."""

import os
import threading
import time

import numpy as np


# "processor" counts what all threads of a process compute, whatever else runs: for one thread on a busy machine.
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def cores():
    return len(os.sched_getaffinity(0))


def processor():
    """Name of the processor, and those of its features that decide which kernels run."""
    name, flags = "unknown", set()
    with open("/proc/cpuinfo") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            elif key.strip() == "flags":
                flags = set(value.split())
    wanted = ["avx2", "fma", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16"]
    return name, [flag for flag in wanted if flag in flags]


def _in_threads(count, work, now):
    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    begin = now()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return now() - begin


def read_bandwidth(threads, megabytes=1024, rounds=5, clock="wall"):
    """Bytes per second of a loop that only reads: every thread takes the maximum of its own part of an array that no cache holds."""
    data = np.ones(megabytes * (1 << 20) // 8, dtype=np.uint64)
    parts = np.array_split(data, threads)
    blocks = [np.array_split(part, max(1, part.nbytes >> 20)) for part in parts]

    def work(index):
        for block in blocks[index]:
            np.bitwise_or.reduce(block)

    return max(data.nbytes / _in_threads(threads, work, CLOCKS[clock]) for _ in range(rounds))


def product_rate(size=2048, rounds=5, clock="wall"):
    """Operations per second of NumPy's f32 matrix product (OpenBLAS in the wheels of PyPI) on two square matrices."""
    generator = np.random.default_rng(0)
    a = generator.standard_normal((size, size), dtype=np.float32)
    b = generator.standard_normal((size, size), dtype=np.float32)
    best = float("inf")
    for _ in range(rounds):
        begin = CLOCKS[clock]()
        a @ b
        best = min(best, CLOCKS[clock]() - begin)
    return 2 * size**3 / best


def describe(threads, quick, clock="wall"):
    """The machine's figures, measured now; `quick`: in a tenth of a second, and therefore too low or (from caches) too high."""
    name, features = processor()
    return {
        "processor": name,
        "features": features,
        "cores": cores(),
        "threads": threads,
        "clock": clock,
        "read_bytes_per_second": read_bandwidth(threads, *((64, 1) if quick else ()), clock=clock),
        "product_flop_per_second": product_rate(*((512, 1) if quick else ()), clock=clock),
    }
