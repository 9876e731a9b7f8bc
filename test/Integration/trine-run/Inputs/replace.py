# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""replace.py FILE FROM TO [RESULT]: replaces a text that must be there."""
import sys

path, old, new = sys.argv[1:4]
text = open(path).read()
if old not in text:
    sys.exit(f"'{old}' is not in '{path}'")
open(sys.argv[4] if len(sys.argv) > 4 else path, "w").write(text.replace(old, new))
