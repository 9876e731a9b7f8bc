# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Results as text: one block per case, ratios against the first contestant."""


def _milliseconds(seconds):
    return f"{seconds * 1e3:.4g}"


def machine_line(machine):
    return (
        f"{machine['processor']} ({', '.join(machine['features'])}), {machine['threads']} of {machine['cores']} cores; "
        f"reads {machine['read_bytes_per_second'] / 1e9:.1f} GB/s, f32 product {machine['product_flop_per_second'] / 1e9:.0f} GFLOP/s"
    )


def _bound(case, name, machine):
    """Seconds that the machine needs at least, by bytes read and by operations."""
    of = case.get("bytes", {})
    seconds = of.get(name, of.get("*", 0)) / machine["read_bytes_per_second"]
    return max(seconds, case.get("flop", 0) / machine["product_flop_per_second"])


def case_rows(case, results, machine):
    """Rows (name, milliseconds, spread, ratio to the first, share of the bound)."""
    base = next(iter(results.values())).get("median")
    for name, result in results.items():
        if "error" in result:
            yield name, "-", "-", "-", result["error"]
            continue
        bound = _bound(case, name, machine)
        yield (
            name,
            _milliseconds(result["median"]),
            f"{_milliseconds(result['minimum'])} to {_milliseconds(result['maximum'])}",
            f"{result['median'] / base:.2f}x" if base else "-",
            f"{100 * bound / result['median']:.0f} % of {_milliseconds(bound)} ms" if bound else "",
        )


def case_text(case, results, machine):
    head = ("", "median ms", "spread", "time / trine", "bound")
    rows = [head, *case_rows(case, results, machine)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [case["name"]]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:4], widths[1:])), row[4]]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)
