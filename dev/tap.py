"""Judges test programs by what they printed (KTAP, nested or not) and how they ended.

usage: tap.py DIR SKIPS <EVENTS

Events are lines of the runner: "plan NAME" before anything runs, then "ran NAME STATUS SECONDS";
what NAME printed is DIR/NAME.tap. Prints one line a test (ok, FAIL or skip) as programs end, and
exits with 1 if anything failed; how far it is goes to stderr. A program that says less than it promised has failed, as has one
whose exit status is not what its results say, one that did not run, and a skip that the file
SKIPS does not allow.
"""

import fnmatch
import re
import sys

RESULT = re.compile(r'^( *)(not )?ok (\d+)\b ?-? ?([^#]*?)(?: *# *(.*))?$')
PLAN = re.compile(r'^( *)1\.\.(\d+)(?: *# *SKIP *(.*))?$')
QUIET = re.compile(r'^ *(# (RUN|OK|FAIL|Starting|PASSED|FAILED|Totals|Subtest)\b|K?TAP version|$)')
STATUS_SKIP = 4
STATUS_TIMEOUT = (124, 137)


class Block:
    """The results of one level: what was planned, how many came, which of them failed."""

    def __init__(self):
        self.planned = None
        self.skip = None
        self.came = 0
        self.failed = False
        self.items = []

    def fail(self, name, why):
        self.items.append(('FAIL', name, why))
        self.failed = True


def close(block, name, level=0):
    """All of BLOCK has been read: is it what was promised?"""
    if block.planned is None:
        # KUnit does not know beforehand how many parameters a case has.
        if level < 2:
            block.fail(name, f'no plan, {block.came} results')
    elif block.planned != block.came:
        block.fail(name, f'{block.planned} results were planned, {block.came} came')
    elif not block.came and block.skip is None:
        block.fail(name, 'no test ran')


def parse(text, name):
    """The results in TEXT as (verdict, name, why), and the top-level block."""
    stack = [Block()]
    said = []
    for line in text.splitlines():
        line = line.rstrip('\r')
        result, plan = RESULT.match(line), PLAN.match(line)
        if line.startswith('Bail out!'):
            stack[0].fail(name, line)
        if not result and not plan:
            if not QUIET.match(line):
                said.append(line.strip().removeprefix('# '))
            continue
        level = len((result or plan)[1]) // 4
        while len(stack) <= level:
            stack.append(Block())
        if plan:
            # A plan begins a level, or ends it in programs that plan last.
            if stack[level].planned is not None:
                stack[level].fail(name, 'two plans')
            stack[level].planned = int(plan[2])
            stack[level].skip = plan[3]
            continue
        _, bad, number, what, directive = result.groups()
        here = stack[level]
        here.came += 1
        what = what.strip() or number
        if int(number) != here.came:
            here.fail(what, f'result {number} came as number {here.came}')
        children = stack[level + 1:]
        del stack[level + 1:]
        if children:
            # Levels between without a plan of their own hold nothing.
            for child in children[1:]:
                children[0].failed |= child.failed
                children[0].items += child.items
            close(children[0], what, level + 1)
            here.items += [(verdict, f'{what}.{child}' if child != what else what, why)
                           for verdict, child, why in children[0].items]
            here.failed |= children[0].failed
        why = '; '.join(said)[:500]
        said = []
        if directive and directive.upper().startswith('SKIP'):
            here.items.append(('skip', what, directive[4:].strip() or why))
        elif bad and directive and directive.upper().startswith('XFAIL'):
            here.items.append(('ok', what, ''))
        elif bad:
            here.failed = True
            if not children or not children[0].failed:
                here.items.append(('FAIL', what, why or directive or ''))
        elif not children:
            here.items.append(('ok', what, ''))
    top = stack[0]
    for left in stack[1:]:
        top.failed |= left.failed
        top.items += left.items
        top.fail(name, 'ended within a suite' + (': ' + '; '.join(said)[-300:] if said else ''))
    close(top, name)
    return top


def judge(text, name, status):
    """What a program's output and exit status come to."""
    top = parse(text, name)
    failed = any(verdict == 'FAIL' for verdict, _, _ in top.items)
    last = ' / '.join(text.splitlines()[-3:])[-300:]
    if status in STATUS_TIMEOUT:
        top.fail(name, f'timed out (exit status {status}); it ended with: {last}')
    elif status == STATUS_SKIP:
        if any(verdict != 'skip' for verdict, _, _ in top.items):
            top.fail(name, 'exit status 4, which means that all was skipped')
    elif status and not failed:
        top.fail(name, f'exit status {status}, though no test failed; it ended with: {last}')
    elif not status and failed:
        top.fail(name, 'exit status 0, though it failed')
    if top.planned == 0 and top.skip is not None:
        top.items.append(('skip', name, top.skip))
    return top.items


def allowed_skips(path):
    """Lines "NAME-GLOB: REASON-GLOB"; a test's full name is "PROGRAM: TEST"."""
    rules = []
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            line = line.split('#')[0].strip()
            if line:
                rules.append(tuple(part.strip() for part in line.split('|', 1)))
    return rules


def show(verdict, name, why, rules):
    """Print one line; a skip that no rule allows fails."""
    if verdict == 'skip' and not any(fnmatch.fnmatch(name, glob) and fnmatch.fnmatch(why, reason)
                                     for glob, reason in rules):
        verdict, why = 'FAIL', f'skipped, which dev/skips does not allow: {why}'
    print(f'{verdict:4} {name}' + (f': {why}' if why else ''), flush=True)
    return verdict != 'FAIL'


def main():
    folder, skips = sys.argv[1:]
    rules = allowed_skips(skips)
    waiting, good, planned = [], True, []
    for event in sys.stdin:
        word, _, rest = event.strip().partition(' ')
        if word == 'plan':
            # Guests that share the work all say the whole of it.
            if rest not in planned:
                planned.append(rest)
                waiting.append(rest)
            continue
        if word != 'ran':
            continue
        name, status, seconds = rest.rsplit(' ', 2)
        if name in waiting:
            waiting.remove(name)
        print(f'   {len(planned) - len(waiting)} of {len(planned)} programs: {name} took {seconds} s',
              file=sys.stderr, flush=True)
        try:
            with open(f'{folder}/{name}.tap', encoding='utf-8', errors='replace') as output:
                text = output.read()
        except OSError as error:
            good &= show('FAIL', name, f'its output is lost: {error}', rules)
            continue
        for verdict, test, why in judge(text, name, int(status)):
            good &= show(verdict, name if test == name else f'{name}: {test}', why, rules)
    for name in waiting:
        good &= show('FAIL', name, 'did not run to its end', rules)
    if not planned:
        good &= show('FAIL', 'tests', 'no test was planned', rules)
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
