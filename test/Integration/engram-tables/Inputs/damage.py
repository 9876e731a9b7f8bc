#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the inputs of a model's first data set, and turns one bit in every record of a table.

usage: damage.py MODEL INPUTS.npz TABLE
"""
import pathlib
import sys

import inputs

model, target, table = (pathlib.Path(argument) for argument in sys.argv[1:])
inputs.write(model, target)
data = bytearray(table.read_bytes())
# Records come first after the header of a page; the sums behind them stay.
for position in range(4096, len(data) * 9 // 10, 16):
    data[position] ^= 1
table.write_bytes(data)
