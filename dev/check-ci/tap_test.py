"""What dev/tap.py must find in the output of test programs. usage: python3 -m unittest tap_test"""

import contextlib
import io
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import tap  # noqa: E402

GOOD = 'TAP version 13\n1..2\nok 1 one\nok 2 two\n'
KUNIT = '''KTAP version 1
1..2
    KTAP version 1
    # Subtest: first
    1..2
    ok 1 a
    ok 2 b
# first: pass:2 fail:0 skip:0 total:2
ok 1 first
    KTAP version 1
    # Subtest: second
    1..1
        KTAP version 1
        # Subtest: parameters
        ok 1 x=1
        ok 2 x=2
    ok 1 parameters
ok 2 second
'''


def verdicts(text, status=0, name='prog'):
    return [(verdict, what) for verdict, what, _ in tap.judge(text, name, status)]


def failures(text, status=0):
    return [f'{what}: {why}' for verdict, what, why in tap.judge(text, 'prog', status) if verdict == 'FAIL']


class Program(unittest.TestCase):
    """One program's output."""

    def fails(self, text, status, why):
        found = failures(text, status)
        self.assertTrue(any(why in line for line in found), f'"{why}" not in {found}')

    def test_good(self):
        self.assertEqual(verdicts(GOOD), [('ok', 'one'), ('ok', 'two')])

    def test_plan_at_the_end(self):
        self.assertEqual(verdicts('ok 1 - one\nok 2 - two\n1..2\n'), [('ok', 'one'), ('ok', 'two')])

    def test_failed(self):
        self.assertEqual(failures('1..2\nok 1 one\n# expected 3\nnot ok 2 two\n', 1), ['two: expected 3'])

    def test_status_hides_failure(self):
        self.fails('1..1\nnot ok 1 one\n', 0, 'exit status 0, though it failed')

    def test_bad_status_only(self):
        self.fails(GOOD, 1, 'exit status 1, though no test failed')

    def test_died_in_the_middle(self):
        self.fails('1..3\nok 1 one\nSegmentation fault\n', 139, '3 results were planned, 1 came')

    def test_died_without_plan(self):
        self.fails('ok 1 one\n', 0, 'no plan')

    def test_silent(self):
        self.fails('', 0, 'no plan')

    def test_empty_plan(self):
        self.fails('1..0\n', 0, 'no test ran')

    def test_lost_line(self):
        self.fails('1..3\nok 1 one\nok 3 three\n', 0, '3 results were planned, 2 came')
        self.fails('1..3\nok 1 one\nok 3 three\n', 0, 'result 3 came as number 2')

    def test_line_without_its_beginning(self):
        self.fails('1..2\nok 1 one\nnoise without newlineok 2 two\n', 0, '2 results were planned, 1 came')

    def test_more_than_planned(self):
        self.fails('1..1\nok 1 one\nok 2 two\n', 0, '1 results were planned, 2 came')

    def test_bail_out(self):
        self.fails('1..1\nok 1 one\nBail out! no disk\n', 1, 'Bail out!')

    def test_timed_out(self):
        self.fails('1..2\nok 1 one\n', 124, 'timed out')

    def test_timed_out_after_the_last(self):
        self.fails(GOOD, 137, 'timed out')

    def test_skip(self):
        self.assertEqual(verdicts('1..1\nok 1 one # SKIP no disk\n', 0), [('skip', 'one')])
        self.assertEqual(verdicts('1..0 # SKIP no /dev/ppc\n', 4), [('skip', 'prog')])

    def test_skip_status_of_one_that_did_not(self):
        self.fails(GOOD, 4, 'exit status 4')


class Kunit(unittest.TestCase):
    """Nested output."""

    def test_good(self):
        self.assertEqual(verdicts(KUNIT), [
            ('ok', 'first.a'), ('ok', 'first.b'), ('ok', 'second.parameters.x=1'), ('ok', 'second.parameters.x=2')])

    def test_case_failed(self):
        text = KUNIT.replace('    ok 2 b', '    # b: EXPECTATION FAILED at x.c:3\n    not ok 2 b') \
            .replace('\nok 1 first', '\nnot ok 1 first')
        self.assertEqual(failures(text, 1), ['first.b: b: EXPECTATION FAILED at x.c:3'])

    def test_suite_failed_by_itself(self):
        found = failures(KUNIT.replace('\nok 1 first', '\nnot ok 1 first'), 1)
        self.assertEqual([f.split(':')[0] for f in found], ['first'])

    def test_suite_lost_a_case(self):
        self.assertIn('first: 2 results were planned, 1 came', failures(KUNIT.replace('    ok 2 b\n', ''), 0))

    def test_suite_lost(self):
        text = KUNIT[:KUNIT.index('    KTAP version 1\n    # Subtest: second')]
        self.assertIn('prog: 2 results were planned, 1 came', failures(text, 0))

    def test_died_within_a_suite(self):
        text = KUNIT[:KUNIT.index('# first: pass')]
        self.assertTrue(any('ended within a suite' in f for f in failures(text, 0)))


class Run(unittest.TestCase):
    """A whole run: what was planned, what ended, which skips are allowed."""

    def run_events(self, events, outputs, skips=''):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in outputs.items():
                with open(f'{folder}/{name}.tap', 'w', encoding='utf-8') as f:
                    f.write(text)
            with open(f'{folder}/skips', 'w', encoding='utf-8') as f:
                f.write(skips)
            said, old_argv, old_in = io.StringIO(), sys.argv, sys.stdin
            sys.argv, sys.stdin = ['tap.py', folder, f'{folder}/skips'], io.StringIO(events)
            try:
                with contextlib.redirect_stdout(said):
                    status = tap.main()
            finally:
                sys.argv, sys.stdin = old_argv, old_in
            return status, said.getvalue()

    def test_good(self):
        self.assertEqual(self.run_events('plan a\nran a 0 3\n', {'a': GOOD}), (0, 'ok   a: one\nok   a: two\n'))

    def test_nothing_ran(self):
        self.assertEqual(self.run_events('', {})[0], 1)

    def test_guest_died(self):
        status, said = self.run_events('plan a\nplan b\nran a 0 3\n', {'a': GOOD, 'b': GOOD})
        self.assertEqual(status, 1)
        self.assertIn('FAIL b: did not run to its end', said)

    def test_output_lost(self):
        status, said = self.run_events('plan a\nran a 0 3\n', {})
        self.assertEqual(status, 1)
        self.assertIn('FAIL a: its output is lost', said)

    def test_skips(self):
        outputs = {'a': '1..2\nok 1 one\nok 2 two # SKIP no disk\n'}
        status, said = self.run_events('plan a\nran a 0 3\n', outputs)
        self.assertEqual(status, 1)
        self.assertIn('FAIL a: two: skipped, which dev/skips does not allow: no disk', said)
        status, said = self.run_events('plan a\nran a 0 3\n', outputs, 'a: t* | no disk # as there is none\n')
        self.assertEqual((status, said), (0, 'ok   a: one\nskip a: two: no disk\n'))
        self.assertEqual(self.run_events('plan a\nran a 0 3\n', outputs, 'a: t* | no other\n')[0], 1)

    def test_all_skipped(self):
        outputs = {'a': '1..0 # SKIP no /dev/ppc\n'}
        self.assertEqual(self.run_events('plan a\nran a 4 3\n', outputs)[0], 1)


if __name__ == '__main__':
    unittest.main()
