"""Bars on a logarithmic scale, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

_ROW, _LEFT, _WIDTH = 26, 190, 520


def bars(title: str, unit: str, values: Mapping[str, float]) -> str:
    """A bar for each value, with the value behind it; a line for each power of ten."""
    low = math.floor(math.log10(min(values.values())))
    high = math.ceil(math.log10(max(values.values())))
    height = 60 + _ROW * len(values)

    def x(value: float) -> float:
        return _LEFT + _WIDTH * (math.log10(value) - low) / max(1, high - low)

    parts = [f'<text x="8" y="20" font-weight="bold">{escape(title)}</text>']
    for power in range(low, high + 1):
        at = x(10.0**power)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="32" y2="{height - 24}" stroke="#8886"/>')
        parts.append(f'<text x="{at:.1f}" y="{height - 8}" text-anchor="middle">{10.0**power:g}</text>')
    for number, (name, value) in enumerate(values.items()):
        y = 38 + _ROW * number
        color = "#e64a19" if name.startswith("fixpickle") else "#00897b"
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>')
        parts.append(f'<rect x="{_LEFT}" y="{y}" width="{x(value) - _LEFT:.1f}" height="18" fill="{color}"/>')
        parts.append(f'<text x="{x(value) + 6:.1f}" y="{y + 13}">{value:.3g}</text>')
    parts.append(f'<text x="8" y="{height - 8}">{escape(unit)}</text>')
    style = 'font-family="sans-serif" font-size="12" fill="currentColor"'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 {height}" {style}>\n{body}\n</svg>\n'
