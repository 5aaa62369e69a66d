"""One run of ``streamrnn forecast``: a series is learnt, tried on itself, and goes on.

``settings`` is what was asked for, ``along`` learns and tries, ``rivals`` is what it has to beat,
``times`` are the moments to come, ``future`` what is known of them, ``run`` the whole.
"""
