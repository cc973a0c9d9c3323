"""Draw the states of a conversation, for `docs/turn-taking.md`, from the code's table.

python -m tests.docs.states
"""

import math
from collections import defaultdict
from xml.sax.saxutils import escape

from fastrtc.turns.transitions import TABLE, Event, State, Transition
from tests.docs.pages import DOCS

PICTURE = DOCS / "assets" / "conversation.svg"
WIDTH, HEIGHT = 980, 640
BOX_WIDTH, BOX_HEIGHT = 184, 46

PLACES = {
    State.LISTENING: (110, 300),
    State.USER_SPEAKING: (270, 90),
    State.END_OF_TURN_PENDING: (710, 90),
    State.THINKING: (870, 300),
    State.INTERRUPTION_PENDING: (710, 510),
    State.SPEAKING: (270, 510),
}

EVERYWHERE = [event for event in Event if {r.source for r in TABLE if r.event is event} == {*State}]
"""Events of which each state has a row; they are drawn once, besides where they are usual."""

USUAL = {
    (State.LISTENING, Event.SPEECH_STARTED),
    (State.USER_SPEAKING, Event.TURN_ENDED),
    (State.END_OF_TURN_PENDING, Event.TURN_ENDED),
}

BENDS = {
    (State.THINKING, State.LISTENING): 50,
    (State.LISTENING, State.THINKING): 50,
    (State.END_OF_TURN_PENDING, State.LISTENING): 40,
}
LABELS_AT = {
    (State.LISTENING, State.USER_SPEAKING): 0.6,
    (State.USER_SPEAKING, State.LISTENING): 0.6,
    (State.END_OF_TURN_PENDING, State.LISTENING): 0.7,
    (State.USER_SPEAKING, State.THINKING): 0.62,
    (State.LISTENING, State.SPEAKING): 0.35,
    (State.SPEAKING, State.LISTENING): 0.35,
    (State.THINKING, State.SPEAKING): 0.62,
    (State.SPEAKING, State.THINKING): 0.62,
    (State.INTERRUPTION_PENDING, State.LISTENING): 0.65,
    (State.THINKING, State.INTERRUPTION_PENDING): 0.3,
    (State.INTERRUPTION_PENDING, State.THINKING): 0.35,
}
"""Where on the way the label of an arrow is; half-way by default."""


def arrows() -> dict[tuple[State, State], list[str]]:
    """The labels of each arrow."""
    found = defaultdict(list)
    for row in TABLE:
        usual = row.event not in EVERYWHERE or (row.source, row.event) in USUAL
        if usual and row.source is not row.target:
            found[row.source, row.target].append(label(row))
    return found


def label(row: Transition) -> str:
    return row.event.value if row.guard is None else f"{row.event.value}, {row.guard.value}"


def from_everywhere() -> list[str]:
    """What happens in every state, as sentences."""
    lines = []
    for event in EVERYWHERE:
        rows = [row for row in TABLE if row.event is event]
        targets = {row.target for row in rows}
        leads_to = f" → {name(rows[0].target)}" if len(targets) == 1 else ""
        shared = [a.value for a in rows[0].actions if all(a in row.actions for row in rows)]
        shared = [action for action in shared if not action.startswith("tell")]
        lines.append(f"{event.value}{leads_to}: {', '.join(shared)}")
    return lines


def name(state: State) -> str:
    return state.value.replace("_", " ")


def picture() -> str:
    spoken = "; ".join(
        f"from {name(source)} to {name(target)}: {', '.join(labels)}"
        for (source, target), labels in arrows().items()
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="14" role="img" '
        f'aria-label="{escape(f"The states of a conversation: {spoken}")}">',
        "  <!-- written by tests/docs/states.py -->",
        '  <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#3b6fd4"/></marker></defs>',
        f'  <rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="#fff"/>',
        '  <g fill="none" stroke="#3b6fd4" stroke-width="1.8" marker-end="url(#arrow)">',
    ]
    texts = []
    for ends, labels in arrows().items():
        path, (x, y) = curve(*ends)
        lines.append(f'    <path d="{path}"/>')
        for k, text in enumerate(labels):
            down = y + 17 * (k - (len(labels) - 1) / 2) + 5
            texts.append(f'    <text x="{x:.0f}" y="{down:.0f}">{escape(text)}</text>')
    lines += ["  </g>", '  <g fill="#f3f6fc" stroke="#3b6fd4" stroke-width="1.5">']
    for x, y in PLACES.values():
        left, top = x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2
        size = f'width="{BOX_WIDTH}" height="{BOX_HEIGHT}"'
        lines.append(f'    <rect x="{left:.0f}" y="{top:.0f}" {size} rx="8"/>')
    lines += ["  </g>", '  <g fill="#1c2433" text-anchor="middle" font-weight="600">']
    for state, (x, y) in PLACES.items():
        lines.append(f'    <text x="{x}" y="{y + 5}">{name(state)}</text>')
    halo = 'stroke="#fff" stroke-width="5" paint-order="stroke" stroke-linejoin="round"'
    lines += ["  </g>", f'  <g fill="#1c2433" font-size="12.5" text-anchor="middle" {halo}>']
    lines += [*texts, "  </g>", '  <g fill="#1c2433" font-size="12.5">']
    top = HEIGHT - 18 - 17 * len(EVERYWHERE)
    lines.append(f'    <text x="20" y="{top}" font-weight="600">In every state</text>')
    for k, line in enumerate(from_everywhere()):
        lines.append(f'    <text x="20" y="{top + 17 * (k + 1)}">{escape(line)}</text>')
    return "\n".join([*lines, "  </g>", "</svg>", ""])


def curve(source: State, target: State) -> tuple[str, tuple[float, float]]:
    """The path of an arrow, and the place of its label."""
    (x0, y0), (x1, y1) = PLACES[source], PLACES[target]
    length = math.hypot(x1 - x0, y1 - y0)
    bend = BENDS.get((source, target), 34)
    normal = ((y1 - y0) / length * bend, -(x1 - x0) / length * bend)
    middle = ((x0 + x1) / 2 + normal[0], (y0 + y1) / 2 + normal[1])
    start, end = border((x0, y0), middle), border((x1, y1), middle)
    t = LABELS_AT.get((source, target), 0.5)
    weights = ((1 - t) ** 2, 2 * t * (1 - t), t**2)
    points = (start, middle, end)
    at = tuple(sum(w * p[k] for w, p in zip(weights, points, strict=True)) for k in (0, 1))
    shown = " ".join(f"{x:.0f} {y:.0f}" for x, y in (middle, end))
    return f"M{start[0]:.0f} {start[1]:.0f}Q{shown}", (at[0], at[1])


def border(center: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Where the line from the center of a box leaves it."""
    dx, dy = towards[0] - center[0], towards[1] - center[1]
    scale = min(
        (BOX_WIDTH / 2 + 3) / abs(dx) if dx else math.inf,
        (BOX_HEIGHT / 2 + 3) / abs(dy) if dy else math.inf,
    )
    return center[0] + dx * scale, center[1] + dy * scale


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
