# SPDX-License-Identifier: Apache-2.0
"""Plots as SVG. Lines: places at equal distances, y logarithmic, a line a server, its range as a bar at each place.
Bars: one a server, linear, its range as a line."""
from html import escape
from math import log10

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 400, 70, 180, 40, 50
COLOURS = ["#0b6e4f", "#c0392b", "#2c6fbb", "#b8860b", "#7d3c98", "#d35400", "#16a085", "#555555", "#e0559a", "#87a330"]


def grid(values):
    """Values of a logarithmic axis around all of values: 1, 2, 5 of each power of ten."""
    lines = [factor * 10.0 ** power for power in range(-9, 10) for factor in (1, 2, 5)]
    low = max(i for i, line in enumerate(lines) if line <= min(values))
    high = min(i for i, line in enumerate(lines) if line >= max(values))
    return lines[low : max(high, low + 1) + 1]


def text(x, y, words, anchor="middle", size=12, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" {more}>{escape(words)}</text>'


def start(width, height):
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]


def bars(title, unit, values):
    """values: {name: (median, least, most)}, the first one stressed. One SVG file's text."""
    height, step, scale = TOP + 40 + 28 * len(values), 28, (WIDTH - 2 * RIGHT) / max(most for _, _, most in values.values())
    out = [*start(WIDTH, height), text(WIDTH / 2, 22, title, size=15), text(WIDTH / 2, height - 12, unit)]
    for number, (name, (median, least, most)) in enumerate(values.items()):
        y = TOP + number * step
        out.append(text(RIGHT - 8, y + 14, name, "end"))
        out.append(f'<rect x="{RIGHT}" y="{y}" width="{median * scale:.1f}" height="18" fill="{COLOURS[min(number, 2) and 2]}"/>')
        out.append(f'<path d="M{RIGHT + least * scale:.1f} {y + 9}H{RIGHT + most * scale:.1f}" stroke="black"/>')
        out.append(text(RIGHT + most * scale + 8, y + 14, f"{median:,.{0 if median >= 100 else 2}f}", "start"))
    return "\n".join([*out, "</svg>", ""])


def plot(title, x_title, y_title, places, lines):
    """places: words for x, in order. lines: {name: {place: (median, least, most)}}. One SVG file's text."""
    values = [value for points in lines.values() for point in points.values() for value in point]
    marks = grid(values)
    decades = log10(marks[-1] / marks[0])
    across = (WIDTH - LEFT - RIGHT) / max(1, len(places) - 1)
    out = [
        *start(WIDTH, HEIGHT),
        text((WIDTH - RIGHT + LEFT) / 2, 22, title, size=15),
        text((WIDTH - RIGHT + LEFT) / 2, HEIGHT - 10, x_title),
        text(18, HEIGHT / 2, y_title, more=f'transform="rotate(-90 18 {HEIGHT / 2})"'),
    ]

    def at(place, value):
        return LEFT + places.index(place) * across, HEIGHT - BOTTOM - log10(value / marks[0]) / decades * (HEIGHT - TOP - BOTTOM)

    for mark in marks:
        _, y = at(places[0], mark)
        out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
        out.append(text(LEFT - 8, y + 4, f"{mark:g}", "end"))
    for place in places:
        out.append(text(at(place, marks[0])[0], HEIGHT - BOTTOM + 18, str(place)))
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        spots = [(at(place, points[place][0]), at(place, points[place][1]), at(place, points[place][2]))
                 for place in places if place in points]
        through = " L".join(f"{x:.1f} {y:.1f}" for (x, y), _, _ in spots)
        out.append(f'<path d="M{through}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), (_, low), (_, high) in spots:
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
            out.append(f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{colour}"/>')
        y = TOP + 10 + number * 20
        out.append(f'<path d="M{WIDTH - RIGHT + 20} {y}h20" stroke="{colour}" stroke-width="2"/>')
        out.append(text(WIDTH - RIGHT + 46, y + 4, name, "start"))
    return "\n".join([*out, "</svg>", ""])
