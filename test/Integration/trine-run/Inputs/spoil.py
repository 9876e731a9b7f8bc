# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""spoil.py FILE: makes every row of a saved state of one slot NaN."""
import struct
import sys

data = bytearray(open(sys.argv[1], "rb").read())
begin = 8 + struct.unpack("<Q", data[:8])[0] + 8
data[begin:] = b"\xff" * (len(data) - begin)
open(sys.argv[1], "wb").write(data)
