#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Installs what building (and, with --tests, testing) Trine needs on Debian 12: packages, and a Python environment in .venv with the pinned
# packages of requirements.txt. Safe to run again; does nothing when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(cmake ninja-build ccache git clang-22 lld-22 liblld-22-dev libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools
          libprotobuf-dev protobuf-compiler nlohmann-json3-dev liburing-dev libzip-dev zlib1g-dev libzstd-dev python3-venv)
if [[ "${1:-}" == --tests ]]; then
  packages+=(libgtest-dev libgmock-dev clang-format-22)
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
  echo "setup: installing ${missing[*]}"
  as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || { echo "setup: needs root or sudo to install: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  if ! DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
    echo "setup: apt-get could not install: ${missing[*]}. LLVM 22 is in Debian 12's bookworm-security; where it is" \
         "missing, add that (or the LLVM project's Debian packages) to the package sources, then run this again." >&2
    exit 1
  fi
fi

stamp=.venv/trine-requirements.txt
if ! cmp -s requirements.txt "$stamp"; then
  echo "setup: installing the Python packages of requirements.txt into .venv"
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
  cp requirements.txt "$stamp"
fi
