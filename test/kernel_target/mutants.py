# SPDX-License-Identifier: Apache-2.0
"""Damage to kernels, one token at a time: where it can be done, and what survives on purpose.

A site is a token of a kernel's file with what replaces it: a register by another of its line, a
number by the next, an operator, a shift, a condition or an instruction by a relative. It is tried on a
core that compiles the line: assembly on Cortex-M4 or M0, portable loops on the host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

# Cores by what the lines between #if and #endif need: the DSP extension, Armv6-M, AVR.
CORES = {"cortex-m4f": (True, False, False), "cortex-m0": (False, True, False),
         "host": (False, False, False)}
Facts = tuple[bool | None, ...]
CONDITIONS: dict[str, Facts] = {
    "MICA_DSP": (True, None, None),
    "MICA_V6M": (None, True, None),
    "!MICA_V6M": (None, False, None),
    "MICA_AVR": (None, None, True),
    "MICA_V6M || defined(__AVR__)": (None, True, None),
    "defined(__AVR__) || defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)":
        (None, True, None),
}


def rows(family: str, names: str, stride: int) -> tuple[str, ...]:
    """The program of all shapes for a family's rows whose names hold this."""
    return ("shapes", f"-DTEST_FAMILY={family}", f'-DTEST_ROW="{names}"', f"-DTEST_STRIDE={stride}",
            "-DTEST_RANDOM=400")


CONV2D = rows("CONV2D", "", 1009)
BYTES = rows("CONV2D", "bytes", 1009)
WINDOW = rows("CONV2D", "window", 503)
WINOGRAD = ("conv2d_winograd", "-DTEST_STRIDE=53", "-DTEST_RANDOM=400")
DEPTHWISE = rows("DEPTHWISE", "3x3", 53)
PLANAR = rows("DEPTHWISE", "planar", 503)
MAX_POOL = rows("MAX_POOL", "", 1009)
AVERAGE_POOL = rows("AVERAGE_POOL", "", 1009)
FOURS = ("fours", "-DTEST_RANDOM=20")
DENSE = ("dense_pairs", "-DTEST_RANDOM=20")
ADD = ("add_linear", "-DTEST_RANDOM=20")
COLUMN = ("depthwise_column", "-DTEST_RANDOM=20")

# Which program tells whether a file is right.
FILES = {
    "add_linear_s8.h": ADD,
    "average_inverse_s16_s8.h": FOURS,
    "average_pool_fours_s8.h": AVERAGE_POOL,
    "word.h": FOURS,
    "bytes.h": BYTES,
    "clamp_fours_s8.h": FOURS,
    "conv2d_1x1_pairs_s8.h": CONV2D,
    "conv2d_bytes_s8.h": BYTES,
    "conv2d_pairs_s8.h": CONV2D,
    "conv2d_patch_pairs_s8.h": CONV2D,
    "conv2d_pixels.h": CONV2D,
    "conv2d_quads_s8.h": CONV2D,
    "conv2d_window_fours_s8.h": WINDOW,
    "conv2d_window_pairs_s8.h": WINDOW,
    "conv2d_winograd_s8.h": WINOGRAD,
    "dense_fours_s8.h": DENSE,
    "dense_pairs_s8.h": DENSE,
    "depthwise3x3.h": DEPTHWISE,
    "depthwise3x3_s8.h": DEPTHWISE,
    "depthwise3x3_stride2_s8.h": DEPTHWISE,
    "depthwise3x3_w3_s8.h": DEPTHWISE,
    "depthwise3x3_w5_s8.h": DEPTHWISE,
    "depthwise_bytes_s8.h": rows("DEPTHWISE", "bytes", 1009),
    "depthwise_column_s8.h": COLUMN,
    "depthwise_planar.h": PLANAR,
    "depthwise_planar_s8.h": PLANAR,
    "depthwise_planar_stride_s8.h": PLANAR,
    "expand3.h": CONV2D,
    "high_fraction.h": FOURS,
    "inverse.h": FOURS,
    "max_pool_fours_s8.h": MAX_POOL,
    "mean_twice_s16_s8.h": FOURS,
    "mul_fours_s8.h": FOURS,
    "pairs.h": CONV2D,
    "planar.h": DEPTHWISE,
    "pool_window.h": AVERAGE_POOL,
    "product_s8.h": ADD,
    "quads.h": CONV2D,
    "requantize_twice.h": CONV2D,
    "softmax_table_s8.h": FOURS,
    "sum_fours_s8.h": FOURS,
    "sum_fours_s8_s16.h": FOURS,
    "sum_pixels.h": FOURS,
    "table_fours_s8.h": FOURS,
    "winograd.h": WINOGRAD,
}

# Files some of whose functions another program calls.
ALSO = {"bytes.h": ("bytes",)}

# Changes that no output can show, by file and the line after the change, and why.
EQUIVALENT = {
    ("add_linear_s8.h", "n = p->a_step == 2 && p->b_step == 1 && p->out_min == -128 &&"
     " p->out_max == 127 ? n & ~3 : 0;"): "the loop for what is left does all of it, slower",
    ("average_pool_fours_s8.h", "for (; c + 4 < w->channels; c += 4)"):
        "the last four are made below, too",
    ("bytes.h", "const uint32_t start[5], uint32_t sums[4])"): "a parameter's length says nothing",
    ("conv2d_bytes_s8.h", "const uint8_t padding = (uint8_t)(p->in_zero - 128);"):
        "128 and -128 are one byte",
    ("conv2d_patch_pairs_s8.h", "patch[i] = 1; /* what fills the taps up stays so */"):
        "what fills the taps up meets weights of 0",
    ("conv2d_patch_pairs_s8.h", "for (int32_t i = 0; i < 3 + taps; i++)"):
        "what fills the taps up meets weights of 0",
    ("conv2d_patch_pairs_s8.h", "if (left < 0 || left + p->kernel_w > p->in_w ||"
     " last - first <= p->kernel_h) {"): "zeros below what is then copied",
    ("conv2d_patch_pairs_s8.h", "for (n *= p->out_w; n >= 0; n -= 3) {"):
        "makes the last three pixels' first once more, in its place",
    ("dense_fours_s8.h", '"mov r8, r8 \\n"'):
        "loses what a caller has in r8, and code of gcc for Armv6-M has nothing there",
    ("max_pool_fours_s8.h", "for (; c + 16 < w->channels; c += 16)"):
        "the loops below make the last sixteen, slower",
    ("pairs.h", "int32_t sum[3][3] = {{0, 0, 0}, {0, 0, 0}};"): "a row that nobody reads",
    ("pool_window.h", "const int32_t first = left < 1 ? 0 : left;"): "0 is 0",
    ("pool_window.h", "const int32_t end = left + kernel_w <= in_w ? left + kernel_w : in_w;"):
        "a choice of two equal numbers",
    ("requantize_twice.h", '"add " temp ", " half ", " x ", asr #32 \\n"                 \\'):
        "the sign fills all bits",
    ("table_fours_s8.h", "for (; i + 5 <= n; i += 4, in += 4, out += 4) {"):
        "the loop for what is left does it, slower",
}

WORDS = {
    "smlad": "smladx", "smladx": "smlad", "smlabb": "smlatb", "smlatt": "smlabt",
    "smlabt": "smlatt", "smulbb": "smultb", "smultt": "smulbt", "smlawb": "smlawt",
    "smlawt": "smlawb", "smmlar": "smmla", "sxtb16": "uxtb16", "sxtab16": "uxtab16",
    "pkhbt": "pkhtb", "add": "sub", "adds": "subs", "adcs": "adds", "sub": "add", "subs": "adds",
    "muls": "adds", "asr": "lsr", "asrs": "lsrs", "lsl": "asr", "lsls": "asrs", "and": "orr",
    "ands": "orrs", "eors": "orrs", "bne": "beq", "strb": "str", "ldrsb": "ldrb", "ssub8": "sadd8",
    "shsub16": "ssub16", "sadd16": "ssub16", "smuad": "smuadx",
}
OPERATORS = {
    " + ": " - ", " - ": " + ", " < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ",
    " += ": " -= ", " -= ": " += ", " >> ": " << ", " << ": " >> ", " * ": " + ", " && ": " || ",
    " || ": " && ", " == ": " != ", " != ": " == ", " / ": " * ", " % ": " / ", " & ": " | ",
}
REGISTER = re.compile(r"\b(?:r\d+|lr)\b")
NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
WORD = re.compile(r"\b[a-z]\w*\b")
CHOICE = re.compile(r"([\w.>\-\[\]*]+) [<>] ([\w.>\-\[\]*]+) \? *(?:\1|\2)")
OPERATOR = re.compile("|".join(re.escape(word) for word in OPERATORS))


@dataclass(frozen=True)
class Mutant:
    """A file with one token changed, and the core that shows it."""

    file: str
    core: str
    number: int  # of the line
    line: str  # as it is after the change
    old: str

    @property
    def name(self) -> str:
        """What a test prints."""
        return f"{self.file}:{self.number}: {self.line.strip()} ({self.core})"


def assembly(line: str) -> list[str]:
    """The line with one token of its assembly changed, in each way."""
    changed = []
    registers = sorted(set(REGISTER.findall(line)))
    for match in REGISTER.finditer(line):
        others = [name for name in registers if name != match[0]]
        if others and "push" not in line and "pop" not in line:
            other = others[match.start() % len(others)]
            changed.append(line[: match.start()] + other + line[match.end():])
    for match in re.finditer(r"#(\d+)", line):
        changed.append(line[: match.start(1)] + str(int(match[1]) + 1) + line[match.end(1):])
    for match in WORD.finditer(line):
        if match[0] in WORDS and line[match.end(): match.end() + 1] in (" ", '"'):
            changed.append(line[: match.start()] + WORDS[match[0]] + line[match.end():])
    return changed


def portable(line: str) -> list[str]:
    """The same of C."""
    changed = []
    for match in OPERATOR.finditer(line):
        if CHOICE.search(line[: match.end()].rsplit("(", 1)[-1] + line[match.end():]):
            continue  # of two equal numbers either is right
        changed.append(line[: match.start()] + OPERATORS[match[0]] + line[match.end():])
    for match in NUMBER.finditer(line):
        if re.match(r"\](?: = |;)", line[match.end():]):
            continue  # a longer array holds the same
        changed.append(line[: match.start()] + str(int(match[0]) + 1) + line[match.end():])
    return changed


def cores_of(conditions: list[Facts | None]) -> list[str]:
    """The cores that compile lines below these conditions; None: one that is not known here."""
    if None in conditions:
        return []
    return [core for core, facts in CORES.items()
            if all(want is None or want == have
                   for condition in conditions if condition
                   for want, have in zip(condition, facts))]


def turned(condition: Facts) -> Facts:
    """What #else means."""
    return tuple(None if want is None else not want for want in condition)


def mutants(path: Path) -> list[Mutant]:
    """All changes of a file's functions, in its order."""
    found: list[Mutant] = []
    conditions: list[list[Facts | None]] = []
    in_comment = in_struct = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if match := re.match(r"#(?:if|ifn?def|elif) ?(.*)", line):
            meant = CONDITIONS.get(match[1])
            if line.startswith("#elif"):
                last = conditions[-1].pop()
                conditions[-1] += [turned(last) if last else None, meant]
            else:
                guard = line.startswith("#ifndef MICA_")
                conditions.append([] if guard else [meant])
        elif line == "#else":
            last = conditions[-1].pop()
            conditions[-1].append(turned(last) if last else None)
        elif line == "#endif":
            conditions.pop()
        code = re.sub(r"/\*.*?\*/", lambda m: " " * len(m[0]), line)
        was_comment, in_comment = in_comment, (in_comment or "/*" in code) and "*/" not in code
        in_struct = (in_struct or line.startswith("struct")) and not line.startswith("}")
        if was_comment or in_comment or in_struct or line.startswith(("#include", "#if", "#e")):
            continue
        cores = cores_of([each for level in conditions for each in level])
        core = "host" if "host" in cores else cores[0] if cores else None
        is_assembly = '\\n"' in code or re.search(r'"(?:r\d+|lr|asr|#\d+)', code) is not None
        if core == "host" and is_assembly:  # a macro: with the flags set, or without
            core = "cortex-m0" if re.search(r'"\w+s |"add r', code) else "cortex-m4f"
        if core and (is_assembly or line.startswith("    ")):
            tail = line[len(code.rstrip()):]
            for text in (assembly if is_assembly else portable)(code.rstrip()):
                found.append(Mutant(path.name, core, number, text + tail, line))
    return found


def spread(found: list[Mutant], most: int) -> list[Mutant]:
    """As many of them, evenly spread over the file."""
    step = max(1.0, len(found) / most)
    return [found[int(place * step)] for place in range(min(most, len(found)))]
