#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks who uses whom (design: one way through the house), by #include lines and by CMake link lists.

RULES maps a folder to the parts of include/trine it may include; LINKS maps it to the Trine libraries it may link. The longest matching
folder counts.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EVERYTHING = ["trine/"]

RULES = {
    "runtime": ["trine/Runtime/"],
    "lib/Support": ["trine/Support/"],
    "dialects": ["trine/Support/", "trine/Dialect/"],
    "passes": ["trine/Support/", "trine/Dialect/", "trine/Passes/"],
    "passes/Lower": ["trine/Support/", "trine/Dialect/", "trine/Passes/", "trine/Runtime/ProgramABI.h"],
    "lib/Import": ["trine/Support/", "trine/Dialect/ONNX/", "trine/Dialect/Trine/", "trine/Import/"],
    "lib/Reference": ["trine/Support/", "trine/Dialect/", "trine/Reference/"],
    "lib/Codegen": ["trine/Support/", "trine/Dialect/", "trine/Codegen/", "trine/Passes/Lower", "trine/Runtime/ProgramABI.h", "trine/Runtime/KernelConfiguration.h"],
    "lib/Package": ["trine/Support/", "trine/Dialect/", "trine/Codegen/", "trine/Package/", "trine/Runtime/"],
    "lib/Pipelines": ["trine/Support/", "trine/Dialect/", "trine/Passes/", "trine/Import/", "trine/Codegen/", "trine/Package/", "trine/Pipelines/",
                      "trine/Reference/Tolerance.h"],
    "include/trine/Runtime": ["trine/Runtime/"],
    "include/trine/Support": ["trine/Support/"],
    "include/trine/Dialect": ["trine/Support/", "trine/Dialect/"],
    "tools": EVERYTHING,
    "tools/trine-run": ["trine/Runtime/"],
    "examples": ["trine/Runtime/"],
}
LINKS = {
    "runtime": r"trine|TrineRuntime\w*",
    "lib/Support": r"TrineSupport",
    "dialects": r"TrineSupport|TrineDialect\w*",
    "passes": r"TrineSupport|TrineDialect\w*|TrinePasses\w*",
    "lib/Import": r"TrineSupport|TrineDialectONNX|TrineDialectTrine|TrineImport\w*|TrineONNX\w*",
    "lib/Reference": r"TrineSupport|TrineDialect\w*|TrineReference\w*",
    "lib/Codegen": r"TrineSupport|TrineDialect\w*|TrineCodegen\w*|TrinePassesLower",
    "lib/Package": r"TrineSupport|TrineDialect\w*|TrineCodegen\w*|TrinePackage\w*|TrineRuntime\w*",
    "lib/Pipelines": r"TrineSupport|TrineDialect\w*|TrinePasses\w*|TrineImport\w*|TrineCodegen\w*|TrinePackage\w*|TrineRegistration|TrinePipelines|TrineReferenceTolerance",
    "tools/trine-run": r"trine|TrineRuntime\w*",
}
# Protobuf is seen by the model and tensor readers alone; MLIR never by what users deploy.
RESTRICTED = [
    (re.compile(r"google/protobuf|\.pb\.h"), ("lib/Import/ONNX", "test/unit/import"), "protobuf"),
    (re.compile(r"^(mlir|llvm)/"), ("include/trine", "dialects", "passes", "lib", "tools", "test/unit", "test/fuzz"), "MLIR or LLVM"),
]
WITHOUT_MLIR = ("runtime", "include/trine/Runtime", "tools/trine-run", "examples")


def rule_for(rules, folder):
    best = max((key for key in rules if folder == key or folder.startswith(key + "/")), key=len, default=None)
    return rules.get(best)


def check_includes(problems):
    for path in sorted(ROOT.rglob("*")):
        relative = path.relative_to(ROOT)
        if relative.parts[0] in ("build", ".venv", ".git") or path.suffix not in (".h", ".cpp", ".c", ".cuh", ".cu"):
            continue
        folder = str(relative.parent)
        allowed = rule_for(RULES, folder)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
            if not match:
                continue
            target = match[1]
            if target.startswith("trine/") and allowed is not None and not any(target.startswith(a) for a in allowed):
                problems.append(f"{relative}:{number}: {folder} may not include {target}")
            if ".." in pathlib.PurePath(target).parts:
                problems.append(f"{relative}:{number}: include {target} reaches out of its folder; use a public header")
            for pattern, where, what in RESTRICTED:
                if pattern.search(target) and not any(folder == w or folder.startswith(w + "/") for w in where):
                    problems.append(f"{relative}:{number}: only {', '.join(where)} may see {what}")
            if re.match(r"(mlir|llvm)/", target) and any(folder == w or folder.startswith(w + "/") for w in WITHOUT_MLIR):
                problems.append(f"{relative}:{number}: {folder} must not see MLIR or LLVM")


def check_links(problems):
    for path in sorted(ROOT.rglob("CMakeLists.txt")):
        relative = path.relative_to(ROOT)
        if relative.parts[0] in ("build", ".venv", ".git"):
            continue
        allowed = rule_for(LINKS, str(relative.parent))
        if allowed is None:
            continue
        text = re.sub(r"#.*", "", path.read_text())
        for call in re.findall(r"trine_add_\w+\(([^)]*)\)", text):
            words = call.split()
            linked = words[words.index("LINK") + 1:] if "LINK" in words else []
            for library in linked:
                if library.startswith(("Trine", "trine")) and not re.fullmatch(allowed, library):
                    problems.append(f"{relative}: {words[0]} may not link {library}")


def main():
    problems = []
    check_includes(problems)
    check_links(problems)
    print("\n".join(problems))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
