#!/usr/bin/env python3
"""Fill the cover letter that git format-patch made: the first line of the text file becomes its
subject, the rest its body. usage: cover.py COVER TEXT"""
import sys

cover_path, text_path = sys.argv[1:]
with open(text_path, encoding="utf-8") as f:
    subject, _, body = f.read().partition("\n")
with open(cover_path, encoding="utf-8") as f:
    cover = f.read()
cover = cover.replace("*** SUBJECT HERE ***", subject.strip(), 1)
cover = cover.replace("*** BLURB HERE ***", body.strip(), 1)
with open(cover_path, "w", encoding="utf-8") as f:
    f.write(cover)
