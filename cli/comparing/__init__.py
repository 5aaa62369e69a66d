"""One run of ``streamrnn compare``: many networks and others on one stream, each row read once.

Which networks: ``settings``, ``networks``; whom they play against: ``guests``; the pass: ``field``;
what came of it: ``ranking``, ``chart``.
"""
