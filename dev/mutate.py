"""Mutates the pure logic, and looks whether its tests notice.

usage: mutate.py DIR KSRC OUT JOBS KNOWN

DIR is tools/testing/ppc of a tree, whose Makefile says what is compiled and how; KSRC is the kernel
it borrows from. A mutant differs from the source by one operator, constant, condition or statement.
One that compiles to the same code is none. The others must fail the KUnit tests, without sanitizers
or with them; the file KNOWN lists those that survive and do no harm, each group under its reason.

Survivors that KNOWN does not list are printed, and entries of KNOWN that no mutant matches. The
exit status is 1 if there are any, or if fewer than GOAL % of all mutants are killed.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter

GOAL = 92
# Of CPU time, as the machine may be busy; all tests take less than one.
SECONDS = 2

SWAPS = [
    (r'(?<=\s)<(?=\s)', ['<=', '>=']),
    (r'(?<=\s)<=(?=\s)', ['<', '>']),
    (r'(?<=\s)>(?=\s)', ['>=', '<=']),
    (r'(?<=\s)>=(?=\s)', ['>', '<']),
    (r'(?<=\s)==(?=\s)', ['!=']),
    (r'(?<=\s)!=(?=\s)', ['==']),
    (r'(?<=\s)&&(?=\s)', ['||']),
    (r'(?<=\s)\|\|(?=\s)', ['&&']),
    (r'(?<=\s)\+(?=\s)', ['-']),
    (r'(?<=\s)-(?=\s)', ['+']),
    (r'(?<=\s)\*(?=\s)', ['/']),
    (r'(?<=\s)/(?=\s)', ['*']),
    (r'(?<=\s)%(?=\s)', ['*']),
    (r'(?<=\s)<<(?=\s)', ['>>']),
    (r'(?<=\s)>>(?=\s)', ['<<']),
    (r'(?<=\s)&(?=\s)', ['|']),
    (r'(?<=\s)\|(?=\s)', ['&']),
    (r'(?<=\s)\+=(?=\s)', ['-=', '=']),
    (r'(?<=\s)-=(?=\s)', ['+=', '=']),
    (r'(?<=\s)\|=(?=\s)', ['&=', '=']),
    (r'(?<=\s)&=(?=\s)', ['|=', '=']),
    (r'\+\+', ['--']),
    (r'--', ['++']),
    (r'(?<![\w!])!(?![=!])', ['']),
    (r'(?<=[(\s=|&])~(?=[\w(])', ['']),
    (r'\bmin\b(?=\()', ['max']),
    (r'\bmax\b(?=\()', ['min']),
    (r'\btrue\b', ['false']),
    (r'\bfalse\b', ['true']),
    (r'\b(?:continue|break)\b', ['']),
]
NUMBER = re.compile(r'(?<![\w.])(0x[0-9a-fA-F]+|\d+)\b')
CONDITION = re.compile(r'\b(if|while) (\()')
RETURN = re.compile(r'\breturn ([^;]+);')
STATEMENT = re.compile(r'(?m)^\t+(?!return\b|goto\b|break\b|continue\b|if\b|for\b|while\b|do\b|else\b|switch\b|case\b|'
                       r'default\b|const\b|static\b|struct\b|enum\b|u8\b|u16\b|u32\b|u64\b|s64\b|int\b|bool\b|'
                       r'size_t\b|void\b|unsigned\b|char\b|__le32\b|guard\b|lockdep)([*\w(][^;{}]*;)')
FUNCTION = re.compile(r'(?m)^(?:[a-z][\w \t*]*[\s*])?(\w+)\([^;{}]*\)\n\{\n(.*?)^\}', re.S)


def blank(text):
    """TEXT with comments, strings and lines of the preprocessor blanked, of the same length."""
    def spaces(match):
        return re.sub(r'[^\n]', ' ', match[0])
    text = re.sub(r'/\*.*?\*/|//[^\n]*', spaces, text, flags=re.S)
    text = re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'', spaces, text)
    return re.sub(r'(?m)^#(?:.*\\\n)*.*$', spaces, text)


def closing(text, at):
    """The index of the parenthesis that closes the one at AT."""
    depth = 0
    for i in range(at, len(text)):
        depth += {'(': 1, ')': -1}.get(text[i], 0)
        if not depth:
            return i
    return len(text)


def edits(code, start, end):
    """(from, to, replacement, what) for everything between START and END of CODE."""
    for pattern, replacements in SWAPS:
        for match in re.compile(pattern).finditer(code, start, end):
            for new in replacements:
                yield match.start(), match.end(), new, f'{match[0]} -> {new or "nothing"}'
    for match in NUMBER.finditer(code, start, end):
        value = int(match[0], 0)
        for new in {value + 1, abs(value - 1)} - {value}:
            yield match.start(), match.end(), str(new), f'{match[0]} -> {new}'
    for match in CONDITION.finditer(code, start, end):
        last = closing(code, match.start(2))
        yield match.start(2), last + 1, f'(!{code[match.start(2):last + 1]})', f'{match[1]} -> {match[1]} not'
    for match in RETURN.finditer(code, start, end):
        new = '1' if match[1] in ('0', 'NULL', 'false') else '0'
        if match[1] not in ('true', 'false'):
            yield match.start(1), match.end(1), new, f'return -> return {new}'
    for match in STATEMENT.finditer(code, start, end):
        yield match.start(1), match.end(1), ';', 'statement -> nothing'


class Mutant:
    """One change of one file."""

    def __init__(self, path, function, text, edit):
        start, end, new, what = edit
        line = text.rfind('\n', 0, start) + 1
        source = text[line:text.find('\n', start)].strip()
        # Of the same change at several places of a line, which one?
        self.path = path
        self.number = text.count('\n', 0, start) + 1
        self.key = f'{path}: {function}: {source} | {what}'
        self.place = (line, what)
        self.text = text[:start] + new + text[end:]


def mutants(tree, path):
    """All mutants of PATH."""
    with open(f'{tree}/{path}', encoding='utf-8') as source:
        text = source.read()
    code = blank(text)
    seen = Counter()
    for function in FUNCTION.finditer(code):
        for edit in edits(code, function.start(2), function.end(2)):
            mutant = Mutant(path, function[1], text, edit)
            seen[mutant.place] += 1
            if seen[mutant.place] > 1:
                mutant.key += f' ({seen[mutant.place]})'
            yield mutant


class Build:
    """Everything compiled once, in one way."""

    def __init__(self, folder, ksrc, out, settings):
        make = ['make', '-s', '-C', folder, f'KSRC={ksrc}', f'O={out}', *settings]
        subprocess.run([*make, f'{os.path.abspath(out)}/kunit'], check=True)
        shown = subprocess.run([*make, 'show'], check=True, capture_output=True, text=True).stdout
        self.show = dict(line.split('=', 1) for line in shown.splitlines())
        self.out = os.path.abspath(out)
        self.compiler = shlex.split(re.sub(r' -(MMD|MP|Werror)\b', '', self.show['cc'])) + ['-w', '-g0']

    def compile(self, tree, path, text, folder):
        """The object of TEXT in the place of PATH, or None."""
        name = os.path.basename(path)
        with open(f'{folder}/{name}', 'w', encoding='utf-8') as source:
            source.write(text)
        done = subprocess.run([*self.compiler, f'-iquote{tree}/{os.path.dirname(path)}', '-c', '-o',
                               f'{folder}/{name}.o', name], cwd=folder, capture_output=True)
        return f'{folder}/{name}.o' if not done.returncode else None

    def run(self, path, obj, folder):
        """True if the tests pass, in time."""
        mine = f'{self.out}/{path[:-2]}.o'
        objects = [obj if o == mine else o for o in self.show['objects'].split()]
        program = f'{folder}/kunit'
        subprocess.run([*self.compiler, '-o', program, *objects], check=True, capture_output=True)
        return not subprocess.run(['prlimit', f'--cpu={SECONDS}', program, '-f'], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL).returncode


def digest(path):
    """What is in a file."""
    with open(path, 'rb') as data:
        return hashlib.sha256(data.read()).hexdigest()


class Job:
    """What all mutants share."""

    def __init__(self, folder, ksrc, out):
        self.tree = os.path.abspath(f'{folder}/../../..')
        self.plain = Build(folder, ksrc, f'{out}/plain', ['SANITIZE=', 'OPTIMIZE=-O2'])
        self.checked = Build(folder, ksrc, f'{out}/checked', [])
        self.original = {}
        self.codes = {}
        # What was found out before holds as long as all that is linked is the same.
        objects = ''.join(digest(o) for o in self.plain.show['objects'].split())
        self.basis = hashlib.sha256(objects.encode()).hexdigest()
        self.store = f'{out}/results.json'
        self.results = {}
        if os.path.exists(self.store):
            with open(self.store, encoding='utf-8') as store:
                stored = json.load(store)
            if stored['basis'] == self.basis:
                self.results = stored['results']
        for path in self.plain.show['logic'].split():
            with tempfile.TemporaryDirectory() as tmp, open(f'{self.tree}/{path}', encoding='utf-8') as source:
                self.original[path] = digest(self.plain.compile(self.tree, path, source.read(), tmp))

    def judge(self, mutant):
        """killed, survived, same (as the original or another mutant) or invalid."""
        with tempfile.TemporaryDirectory() as tmp:
            obj = self.plain.compile(self.tree, mutant.path, mutant.text, tmp)
            if not obj:
                return 'invalid'
            code = digest(obj)
            first = self.codes.setdefault(code, mutant)
            if code == self.original[mutant.path] or first is not mutant:
                return 'same'
            if code not in self.results:
                self.results[code] = self.try_out(mutant, obj, tmp)
            return self.results[code]

    def try_out(self, mutant, obj, tmp):
        """killed or survived: without sanitizers first, which takes less time."""
        if not self.plain.run(mutant.path, obj, tmp):
            return 'killed'
        obj = self.checked.compile(self.tree, mutant.path, mutant.text, tmp)
        return 'survived' if self.checked.run(mutant.path, obj, tmp) else 'killed'

    def save(self):
        """Keep what was found out."""
        with open(self.store, 'w', encoding='utf-8') as store:
            json.dump({'basis': self.basis, 'results': self.results}, store)


def known_survivors(path):
    """Lines of KNOWN that are neither reasons nor empty."""
    with open(path, encoding='utf-8') as lines:
        return {line.strip() for line in lines if line.strip() and not line.startswith('#')}


def main():
    folder, ksrc, out, jobs, known = sys.argv[1:]
    job = Job(folder, ksrc, out)
    todo = [m for path in job.original for m in mutants(job.tree, path)]
    only = os.environ.get('ONLY')
    if only:
        todo = [m for m in todo if only in m.key]
    # Those that survived last time go first.
    again = known_survivors(f'{out}/survivors.txt') if os.path.exists(f'{out}/survivors.txt') else set()
    todo.sort(key=lambda m: m.key not in again)
    if os.environ.get('SURVIVORS'):
        todo = [m for m in todo if m.key in again]
    counts = {path: Counter() for path in job.original}
    survivors = []
    start = last = time.time()
    with concurrent.futures.ThreadPoolExecutor(int(jobs)) as pool:
        for n, (mutant, verdict) in enumerate(zip(todo, pool.map(job.judge, todo)), 1):
            counts[mutant.path][verdict] += 1
            if verdict == 'survived':
                survivors.append(mutant)
                print(f'   survived, line {mutant.number}: {mutant.key}', file=sys.stderr, flush=True)
            if time.time() - last > 20:
                last = time.time()
                print(f'   {n} of {len(todo)} mutants, about {(last - start) / n * (len(todo) - n):.0f} s left',
                      file=sys.stderr, flush=True)
    job.save()
    with open(f'{out}/survivors.txt', 'w', encoding='utf-8') as report:
        report.writelines(f'{m.key}\n' for m in survivors)

    allowed = known_survivors(known)
    good = True
    for mutant in survivors:
        if mutant.key not in allowed:
            print(f'survived, and not listed, line {mutant.number}: {mutant.key}')
            good = False
    unknown = allowed - {m.key for m in survivors}
    if not only and not os.environ.get('SURVIVORS'):
        for key in sorted(unknown):
            print(f'listed, but no survivor: {key}')
            good = False
    print(f'{"file":36} {"mutants":>8} {"killed":>8} {"%":>6} {"listed":>7}')
    total = Counter()
    for path, count in counts.items():
        count['listed'] = sum(m.path == path and m.key in allowed for m in survivors)
        total += count
    for path, count in [*counts.items(), ('all', total)]:
        nr = count['killed'] + count['survived']
        if not nr:
            continue
        percent = 100 * count['killed'] / nr
        print(f'{path:36} {nr:8} {count["killed"]:8} {percent:6.1f} {count["listed"]:7}')
    # Of the last line, which is of all files.
    good &= percent >= GOAL
    print(f'{"ok  " if good else "FAIL"} mutate: {total["killed"]} of {total["killed"] + total["survived"]} '
          f'mutants killed, {total["listed"]} survivors listed in {os.path.basename(known)}')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
