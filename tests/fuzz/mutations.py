"""Mutations of lines, for texts such as SDP and HTTP requests, of which few bytes may change."""

import random

__all__ = ["mutate_lines"]

NUMBERS = ("0", "-1", "1", "9", "127", "128", "255", "65535", "65536", "4294967296", "9" * 30, "")
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


def mutate_lines(text: str, others: list[str], chance: random.Random) -> str:
    """Change one to four lines, or move a block of them.

    Args:
        text: The text.
        others: Texts whose lines may be inserted.
        chance: Decides what is done.
    """
    lines = text.split("\n")
    for _ in range(chance.randint(1, 4)):
        _mutate(lines, others, chance)
    return "\n".join(lines)


def _mutate(lines: list[str], others: list[str], chance: random.Random) -> None:
    if not lines:
        lines.append("")
    at = chance.randrange(len(lines))
    kind = chance.randrange(9)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, lines[at])
    elif kind == 2:
        other = chance.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == 3:  # a block, such as a section of SDP or a request
        end = min(len(lines), at + chance.randint(2, 20))
        block = lines[at:end]
        if chance.random() < 0.5:
            del lines[at:end]
        where = chance.randrange(len(lines) + 1)
        lines[where:where] = block
    elif kind == 4:
        lines.insert(at, chance.choice(chance.choice(others).split("\n")))
    elif kind == 5:
        for one in DIRECTIONS:
            if one in lines[at]:
                lines[at] = lines[at].replace(one, chance.choice(DIRECTIONS))
                break
    elif kind == 6:  # a number, or another word
        words = lines[at].split(" ")
        words[chance.randrange(len(words))] = chance.choice(NUMBERS)
        lines[at] = " ".join(words)
    elif kind == 7:
        words = lines[at].split(" ")
        words.insert(chance.randrange(len(words) + 1), chance.choice(words))
        lines[at] = " ".join(words)
    else:
        place = chance.randrange(len(lines[at]) + 1)
        lines[at] = (
            lines[at][:place]
            + chance.choice(' \t\r:=;,"{}[]\0\x7f\u2028\u00e9a0')
            + (lines[at][place + chance.randint(0, 2) :])
        )
