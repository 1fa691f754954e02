"""Takes what "make run_tests" printed apart, for dev/tap.py: each program's output without the runner's
"# " is DIR/NAME.tap, and the events are printed. usage: vng_events.py LOG DIR [NAME...]

NAME: these were to run; * stands for those that did.
"""

import re
import sys

BEGIN = re.compile(r'^# selftests: ppc: (\S+)$')
END = re.compile(r'^(not )?ok \d+ selftests: ppc: (\S+)(?: # (.*))?$')


def status(bad, directive):
    """The exit status that the runner tells of in its own words."""
    if directive and directive.startswith('SKIP'):
        return 4
    if directive and directive.startswith('TIMEOUT'):
        return 124
    found = re.search(r'exit=(\d+)', directive or '')
    return int(found[1]) if found else int(bool(bad))


def main(log, folder, *names):
    for name in names:
        if name != '*':
            print(f'plan {name}')
    name, lines = None, []
    with open(log, encoding='utf-8', errors='replace') as output:
        for line in output:
            line = line.rstrip('\r\n')
            begin, end = BEGIN.match(line), END.match(line)
            if begin:
                name, lines = begin[1], []
                if '*' in names:
                    print(f'plan {name}')
            elif end and name == end[2]:
                with open(f'{folder}/{name}.tap', 'w', encoding='utf-8') as tap:
                    tap.writelines(f'{text}\n' for text in lines)
                print(f'ran {name} {status(end[1], end[3])} 0')
                name = None
            elif name and line.startswith('# '):
                lines.append(line[2:])


main(*sys.argv[1:])
