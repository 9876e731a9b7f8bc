# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# lit configuration: text tests of every tool. Run: tools/check.sh, or lit build/release/test.
import ctypes
import os
import subprocess

import lit.formats
from lit.llvm import llvm_config
from lit.llvm.subst import ToolSubst

config.name = "Trine"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".onnxtxt"]
config.excludes = ["unit", "fuzz", "models", "Inputs", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.trine_build, "test")

# TRINE_ROUNDTRIP=1: every trine-opt call also checks that its IR prints and parses back to itself.
roundtrip = os.environ.get("TRINE_ROUNDTRIP") == "1"
llvm_config.with_environment("PATH", [os.path.join(config.trine_build, "bin"), config.llvm_tools], append_path=True)
config.substitutions.append(("%source", config.trine_source))
config.substitutions.append(("%build", config.trine_build))
config.substitutions.append(("%models", os.path.join(config.trine_source, "test", "models")))
# %python_loading: Python that loads libtrine. A sanitized library needs AddressSanitizer's runtime in the program, and Python leaks.
loading = config.python
if "address" in getattr(config, "trine_sanitize", ""):
    found = subprocess.run([config.trine_compiler, "-print-file-name=libclang_rt.asan-x86_64.so"], capture_output=True, text=True, check=True)
    loading = f"env LD_PRELOAD={found.stdout.strip()} ASAN_OPTIONS=detect_leaks=0 {config.python}"
config.substitutions.append(("%python_loading", loading))
config.substitutions.append(("%python", config.python))
# %patience: seconds for what takes seconds, on a machine that does other things; sanitized code is several times as slow.
config.substitutions.append(("%patience", "600" if getattr(config, "trine_sanitize", "") else "60"))
# %scoreboard: the node tests' tool on this build. AddressSanitizer needs more addresses than a limit leaves it.
config.substitutions.append(("%scoreboard", f"{config.python} {config.trine_source}/tools/onnx-scoreboard/onnx-scoreboard --build {config.trine_build}" +
                             (" --memory-limit 0" if getattr(config, "trine_sanitize", "") else "")))
# %encode < text > model: the text format of ONNX models, in its binary form.
onnx_folder, onnx_file = os.path.split(config.onnx_proto)
config.substitutions.append(("%encode", f"{config.protoc} --proto_path={onnx_folder} --encode=onnx.ModelProto {onnx_file}"))
llvm_config.add_tool_substitutions(
    [ToolSubst("trine-opt", extra_args=["--verify-roundtrip"] if roundtrip else []), "trine-translate", "trine-compile", "trine-reduce", "trine-run", "trine-verify"],
    [os.path.join(config.trine_build, "bin")])
llvm_config.add_tool_substitutions(["FileCheck", "not", "count", "split-file"], [config.llvm_tools])


def has_nvrtc():
    """Whether trine-compile will find NVRTC: its usual places alone."""
    folders = ["", "/usr/local/cuda/lib64/", "/usr/local/cuda/lib/"]
    for variable in ("CUDA_HOME", "CUDA_PATH"):
        if variable in os.environ:
            folders += [os.environ[variable] + "/lib64/", os.environ[variable] + "/lib/"]
    paths = [folder + name for folder in folders for name in ("libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so")]
    for path in [os.environ["TRINE_NVRTC"]] if "TRINE_NVRTC" in os.environ else paths:
        try:
            ctypes.CDLL(path)
            return True
        except OSError:
            pass
    return False


for variable in ("CUDA_HOME", "CUDA_PATH", "TRINE_NVRTC", "TRINE_PTXAS"):
    if variable in os.environ:
        config.environment[variable] = os.environ[variable]
# AddressSanitizer needs more addresses than a limit leaves it.
if getattr(config, "trine_sanitize", ""):
    config.available_features.add("sanitized")
# What takes longer than the budget of .ci/run: tools/check.sh --full.
if os.environ.get("TRINE_FULL") == "1":
    config.available_features.add("full")
if has_nvrtc():
    config.available_features.add("nvrtc")
    if os.access(os.environ.get("TRINE_PTXAS", "/usr/local/cuda/bin/ptxas"), os.X_OK):
        config.available_features.add("ptxas")
else:
    lit_config.note("NVRTC was not found: what runs compiled CUDA kernels is skipped")
