#!/usr/bin/env python3
"""Says which C files of a folder call each other in a circle: circles.py FOLDER..."""
import re
import sys
from pathlib import Path

FUNCTION = re.compile(r'^(?!static)[a-z_][\w \t*]*?\b(\w+)\([^;{}]*\)\s*\n\{', re.M)
VARIABLE = re.compile(r'^(?!static|extern|typedef|return|#)[\w *]+?\b(\w+)(?:\[[^\]]*\])?(?: __\w+)?\s*(?:=[^;]*)?;', re.M)


def code(path):
    """The file without comments and strings."""
    text = re.sub(r'/\*.*?\*/|//[^\n]*', '', path.read_text(), flags=re.S)
    return re.sub(r'"(?:\\.|[^"\\])*"', '""', text)


def calls(folder):
    """For each file, the files of the folder that define what it uses."""
    texts = {p.name: code(p) for p in sorted(folder.glob('*.c'))}
    home = {m: name for name, text in texts.items() for r in (VARIABLE, FUNCTION) for m in r.findall(text)}
    return {name: {home[w] for w in re.findall(r'\b\w+\b', text) if w in home} - {name}
            for name, text in texts.items()}


def reach(graph, start):
    seen, todo = set(), [start]
    while todo:
        for other in graph[todo.pop()] - seen:
            seen.add(other)
            todo.append(other)
    return seen


failed = False
for arg in sys.argv[1:]:
    graph = calls(Path(arg))
    if not any(graph.values()):
        sys.exit(f'{arg}: no file uses another one')
    reached = {name: reach(graph, name) for name in graph}
    round_about = sorted(name for name in graph if name in reached[name])
    if round_about:
        failed = True
        print(f'{arg}: in a circle:', *round_about)
sys.exit(failed)
