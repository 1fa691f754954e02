#!/usr/bin/env python3
"""Prints a Makefile or Kconfig of ours as far as the files that it names are there by now, so that each
mail of the series builds: partial.py FILE TREE PATH"""
import re
import sys
from pathlib import Path

text = Path(sys.argv[1]).read_text()
tree, path = Path(sys.argv[2]), Path(sys.argv[3])
folder = tree / path.parent


def makefile(text):
    lines = re.findall(r'(?:[^\n]*\\\n)*[^\n]*\n', text)
    composites = {m for line in lines for m in re.findall(r'^([\w-]+)-(?:y|\$\(\w+\)) [:+]?=', line)} - {'obj'}
    filled = set()

    def there(name):
        if name.endswith('/'):
            return (folder / name / 'Makefile').exists()
        stem = name.removesuffix('.o')
        return stem in filled if stem in composites else (folder / (stem + '.c')).exists()

    # What is made of several objects is there if one of them is.
    for line in lines:
        m = re.match(r'([\w-]+)-(?:y|\$\(\w+\)) [:+]?=(.*)', line, re.S)
        if m and m[1] in composites and any((folder / (o + '.c')).exists() for o in re.findall(r'(\S+)\.o', m[2])):
            filled.add(m[1])
    out = []
    for line in lines:
        m = re.match(r'([\w-]+-(?:y|m|\$\(\w+\)) [:+]?=)(.*)', line, re.S)
        if not m:
            out.append(line)
            continue
        names = m[2].replace('\\\n', ' ').split()
        kept = [n for n in names if there(n)]
        if kept == names:
            out.append(line)
        elif kept:
            out.append(' '.join([m[1], *kept]) + '\n')
    return ''.join(out)


def kconfig(text):
    """The first option, and those that the Makefile beside has a use for."""
    head, *blocks = re.split(r'^(?=config )', text, flags=re.M)
    used = (folder / 'Makefile').read_text() if (folder / 'Makefile').exists() else ''
    return head + ''.join(b for i, b in enumerate(blocks) if not i or f'CONFIG_{b.split()[1]})' in used)


print((makefile(text) if path.name == 'Makefile' else kconfig(text)).rstrip('\n'))
