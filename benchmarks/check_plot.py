"""Bars on a logarithmic scale, and curves, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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


def curves(title: str, unit: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """A line for each row of points, from zero; its last value stands beside it."""
    width = max(x for points in lines.values() for x, _ in points)
    height = max(y for points in lines.values() for _, y in points)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return 60 + 520 * point[0] / width, 300 - 250 * point[1] / height

    parts = [f'<text x="8" y="20" font-weight="bold">{escape(title)}</text>']
    parts.append('<path d="M60,40 V300 H600" fill="none" stroke="#8886"/>')
    for (name, points), color in zip(lines.items(), ("#e64a19", "#00897b"), strict=True):
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, points))
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in map(place, points)]
        x, y = place(points[-1])
        parts.append(f'<text x="{x + 10:.1f}" y="{y + 4:.1f}">{escape(name)}: {points[-1][1]:.0f}</text>')
    for x, _ in next(iter(lines.values())):
        parts.append(f'<text x="{place((x, 0))[0]:.1f}" y="318" text-anchor="middle">{x:.0f}</text>')
    parts.append(f'<text x="320" y="338" text-anchor="middle">{escape(unit)}</text>')
    style = 'font-family="sans-serif" font-size="12" fill="currentColor"'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 350" {style}>\n{body}\n</svg>\n'
