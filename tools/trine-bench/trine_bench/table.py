# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Results as text: one block per case, ratios against the first contestant."""


def _milliseconds(seconds):
    return f"{seconds * 1e3:.4g}"


def machine_line(machine):
    by = ", processor time" if machine["clock"] == "processor" else ""
    return (
        f"{machine['processor']} ({', '.join(machine['features'])}), {machine['threads']} of {machine['cores']} cores{by}; "
        f"reads {machine['read_bytes_per_second'] / 1e9:.1f} GB/s, f32 product {machine['product_flop_per_second'] / 1e9:.0f} GFLOP/s"
    )


def _bounds(case, name, machine):
    """Seconds that the machine needs at least: for the bytes read, and for the operations. 0: not known."""
    rates = {"bytes": machine["read_bytes_per_second"], "flop": machine["product_flop_per_second"]}
    return [case.get(kind, {}).get(name, case.get(kind, {}).get("*", 0)) / rate for kind, rate in rates.items()]


def _bound_text(bounds, seconds):
    if not any(bounds):
        return ""
    text = f"{100 * max(bounds) / seconds:.0f} % of {_milliseconds(max(bounds))} ms"
    if all(bounds):
        text += f" (reading {_milliseconds(bounds[0])}, operations {_milliseconds(bounds[1])})"
    return text


def case_rows(case, results, machine):
    """Rows (name, milliseconds, spread, ratio to the first, share of the bound)."""
    base = next(iter(results.values())).get("median")
    for name, result in results.items():
        if "error" in result:
            yield name, "-", "-", "-", result["error"]
            continue
        yield (
            name,
            _milliseconds(result["median"]),
            f"{_milliseconds(result['minimum'])} to {_milliseconds(result['maximum'])}",
            f"{result['median'] / base:.2f}x" if base else "-",
            _bound_text(_bounds(case, name, machine), result["median"]),
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
