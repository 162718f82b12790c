"""Imported first by a fork server, whose further imports take seconds: it ends with the process that started it.

By itself a fork server finds out when it has imported all, and goes on until then though nobody waits for it.
"""

from multimodal.processes import die_with_launcher, say_nothing_of_a_parent_that_is_gone

die_with_launcher()
say_nothing_of_a_parent_that_is_gone()
