#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Makes a bundle for a machine that has a GPU and nothing else: the runner with the runtime in it, packages with their data, and single layers at
# published sizes for the kernel bench; at most 40 MiB. No compiler is in it. On that machine (glibc of this one or newer, an NVIDIA driver for
# CUDA 12 or newer): tar xf trine-gpu-bundle.tar.gz && trine-gpu-bundle/run.sh
#
#   tools/gpu-bundle.sh [--output FILE] [--models "NAME..."] [--build FOLDER] [--kernel-cache FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."

output=build/trine-gpu-bundle.tar.gz build=build/release cache=
models="engram_paper engram_paper_mhc engram_v41_odd deepseek_v3_batched deepseek_v3_bf16 qwen3_moe_grouped"
while (($#)); do
  case "$1" in
    --output) output=$2 ;;
    --models) models=$2 ;;
    --build) build=$2 ;;
    --kernel-cache) cache=$2 ;;
    *) echo "gpu-bundle: unknown option '$1'" >&2; exit 2 ;;
  esac
  shift 2
done
if [[ ! -x $build/bin/trine-compile || ! -x $build/bin/trine-run ]]; then
  tools/build.sh release trine-compile trine-run
fi
python=.venv/bin/python
limit=$((40 << 20))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bundle=$work/trine-gpu-bundle
mkdir -p "$bundle/packages" "$bundle/data" "$bundle/bench"

# The runner has the runtime in it; shared libraries that it needs go along, but for the C library's.
llvm-strip-22 -o "$bundle/trine-run" "$build/bin/trine-run"
mkdir "$bundle/lib"
ldd "$build/bin/trine-run" | awk '$2 == "=>" {print $3}' | while read -r library; do
  case "$(basename "$library")" in
    libc.so*|libm.so*|libdl.so*|libpthread.so*|librt.so*) ;;
    *) cp -L "$library" "$bundle/lib/" ;;
  esac
done

compile() {
  "$build/bin/trine-compile" "$1" --target cuda --arch sm_80,sm_90a ${cache:+--kernel-cache "$cache"} -o "$2"
}
for model in $models; do
  compile "test/models/$model/model.onnx" "$bundle/packages/$model"
  "$python" tools/gpu-bundle/bundle_data.py "test/models/$model" "$bundle/packages/$model" "$bundle/data/$model"
done
"$python" tools/gpu-bundle/bench_models.py "$work/bench"
for model in "$work"/bench/*.onnx; do
  name=$(basename "$model" .onnx)
  compile "$model" "$bundle/bench/$name.package"
  cp "$work/bench/$name.sizes" "$bundle/bench/"
done
cp tools/gpu-bundle/run.sh "$bundle/"
chmod +x "$bundle/run.sh"

mkdir -p "$(dirname "$output")"
tar -C "$work" -czf "$output" trine-gpu-bundle
bytes=$(stat -c %s "$output")
if ((bytes > limit)); then
  echo "gpu-bundle: '$output' has $bytes bytes, the limit is $limit" >&2
  exit 1
fi
echo "gpu-bundle: $output, $bytes bytes, $(ls "$bundle/packages" | wc -l) models, $(ls -d "$bundle"/bench/*.package | wc -l) benches"
