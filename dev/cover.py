#!/usr/bin/env python3
"""Fill the cover letter that git format-patch made: the first line of the text file becomes its
subject, the rest its body, with the figures of the last make run. usage: cover.py COVER TEXT RUN.json"""
import contextlib
import io
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "run"))
import table  # noqa: E402


def figures(path):
    if not os.path.exists(path):
        return "Figures: none, as make run has not been run before make series."
    with open(path, encoding="utf-8") as f:
        run = json.load(f)
    run["checks"] = []
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        table.show(run)
    return ("Figures of make run of the development repository, on ext4 on a simulated SSD, medians:\n\n" +
            shown.getvalue().strip("\n"))


cover_path, text_path, run_path = sys.argv[1:]
with open(text_path, encoding="utf-8") as f:
    subject, _, body = f.read().partition("\n")
with open(cover_path, encoding="utf-8") as f:
    cover = f.read()
cover = cover.replace("*** SUBJECT HERE ***", subject.strip(), 1)
cover = cover.replace("*** BLURB HERE ***", body.strip().replace("@FIGURES@", figures(run_path)), 1)
with open(cover_path, "w", encoding="utf-8") as f:
    f.write(cover)
