# SPDX-License-Identifier: Apache-2.0
"""The one table: our figure, the rival's, the ratio of the same run, the demand; and its JSON."""

import datetime
import json
import os
import platform
import re
import statistics

DEMAND = re.compile(r"(ratio|value) (>=|<=) ([0-9.]+)")


def row(what, value, rival=None, of="", demand="", slowness=None):
    """`value` and `rival` are figures, or those of several rounds, of which the median counts;
    `of` says what the rival is; `demand` is `ratio >= 0.95`, `value <= 15` and the like. A figure
    that hangs on the processor alone comes with the slowness() of each round."""
    ours, theirs = middle(value), middle(rival)
    ratio = ours / theirs if theirs else None
    return {
        "what": what,
        "value": ours,
        "rounds": value if isinstance(value, list) else None,
        "rival": theirs,
        "rival_rounds": rival if isinstance(rival, list) else None,
        "of": of,
        "ratio": ratio,
        "demand": demand,
        "holds": holds(demand, ours, ratio),
        **at_par(value, demand, slowness),
    }


def at_par(value, demand, slowness):
    """What the figure would be where a signature takes SIGNATURE_US, of which the demands speak:
    a rate is so much higher, a time so much shorter."""
    if slowness is None:
        return {}
    is_rate = ">=" in demand
    pairs = zip(value, slowness, strict=True)
    figure = middle([one * slow if is_rate else one / slow for one, slow in pairs])
    return {
        "slowness": slowness,
        "at_par": figure,
        "holds_at_par": holds(demand, figure, None),
    }


def par_text(one):
    """What to say of it behind the row."""
    if "at_par" not in one:
        return ""
    verdict = "yes" if one["holds_at_par"] else "no"
    slow = middle(one["slowness"])
    return f"{verdict} at full speed: {figure_text(one['at_par'])} (here x{slow:.2f} slower)"


def middle(value):
    return statistics.median(value) if isinstance(value, list) else value


def holds(demand, value, ratio):
    """Whether what was asked for is there: a statement, no verdict. None: nothing to compare."""
    if not demand:
        return None
    matched = DEMAND.fullmatch(demand)
    if not matched:
        raise ValueError(f"not a demand: {demand}")
    figure = ratio if matched[1] == "ratio" else value
    if figure is None:
        return None
    wanted = float(matched[3])
    return figure >= wanted if matched[2] == ">=" else figure <= wanted


def figure_text(figure):
    if figure is None:
        return "-"
    if figure == 0:
        return "0"
    return format(figure, ",.0f" if abs(figure) >= 1000 else ".3g" if abs(figure) < 100 else ".0f")


HEADER = ("what", "here", "rival", "ratio", "demand", "", "rival is")
WIDTHS = (10, 10, 6, 15, 3)  # of all but the first and the last column


def lines(rows):
    """The table as text, a line for each row."""
    cells = [HEADER]
    for one in rows:
        mark = {None: "", True: "yes", False: "no"}[one["holds"]]
        ratio = "-" if one["ratio"] is None else f"{one['ratio']:.2f}"
        figures = (figure_text(one["value"]), figure_text(one["rival"]), ratio)
        cells.append((one["what"], *figures, one["demand"], mark, one["of"] or par_text(one)))
    first = max(len(what) for what, *_ in cells)
    for what, here, rival, ratio, demand, mark, of in cells:
        yield (
            f"{what:<{first}} {here:>{WIDTHS[0]}} {rival:>{WIDTHS[1]}} {ratio:>{WIDTHS[2]}}  "
            f"{demand:<{WIDTHS[3]}} {mark:<{WIDTHS[4]}} {of}"
        ).rstrip()


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = re.findall(r"model name\s*: (.*)", file.read())
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "cpu": models[0] if models else platform.machine(),
        "memory_gib": round(pages / 2**30, 1),
        "kernel": platform.release(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def write_json(path, rows, skipped):
    path.write_text(
        json.dumps({"machine": machine(), "rows": rows, "skipped": skipped}, indent=1) + "\n"
    )
